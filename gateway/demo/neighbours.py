"""Who is around the demonstration's gateway in writing: a short-message centre, a smarthost, Telegram, the 119 desk."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from gateway.demo.far_ends.bot_api import BotApiServer
from gateway.demo.far_ends.cmpp_centre import CmppCentre
from gateway.demo.far_ends.desk_screen import DeskScreen
from gateway.demo.far_ends.mail_sink import MailSink

SMS_NUMBER: Final = "10612345"
MAILBOX: Final = "12345@city.example"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The far ends, each with credentials of its own, made anew for every demonstration."""

    centre: CmppCentre
    smarthost: MailSink
    telegram: BotApiServer
    desk: DeskScreen


@asynccontextmanager
async def neighbours() -> AsyncIterator[Neighbours]:
    """Open all of them on free ports of the loopback for as long as the block lasts."""
    stack = AsyncExitStack()
    try:
        yield Neighbours(
            centre=await stack.enter_async_context(CmppCentre(secret=secrets.token_urlsafe(12))),
            smarthost=await stack.enter_async_context(MailSink()),
            telegram=await stack.enter_async_context(BotApiServer(f"123456:{secrets.token_urlsafe(26)}").running()),
            desk=await stack.enter_async_context(DeskScreen(secrets.token_urlsafe(24))),
        )
    finally:
        await stack.aclose()  # not told of a failure: a task group in there would wrap it in a group
