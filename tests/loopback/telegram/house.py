"""The Telegram channel against a Bot API server on 127.0.0.1, by long polling or behind the public door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from channels.door import Door
from channels.telegram.channel import PATH, TelegramChannel, TelegramSettings
from gateway.demo.far_ends.bot_api import BotApiServer
from gateway.domain.contact import ChannelKind
from gateway.ports.intake import IncomingMessage, OutgoingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans

TOKEN = "123456:AAF-not-a-real-token-of-anybody-000"
GREETING = "您好，这里是12345热线。"
CHAT = 6001


class WatchedIntake(MemoryIntake):
    """Tells when something was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = 0
        self._changed = asyncio.Condition()

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        self.attempts += 1
        try:
            return await super().take(message, answers_at_once=answers_at_once)
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def tried(self, times: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.attempts >= times)


class House:
    """A Bot API server, the channel, and the intake behind it."""

    def __init__(self, stack: AsyncExitStack, server: BotApiServer) -> None:
        self.stack = stack
        self.server = server
        self.intake = WatchedIntake()
        self.lent = MemoryMeans()
        self.channel: TelegramChannel

    async def opens(self, **settings: Any) -> TelegramChannel:
        """Open the channel by long polling, or by webhook if one is given."""
        options = {"album_window": 0.05, "poll_wait": 5.0, "pause": 0.02, "greeting": GREETING, "token": TOKEN}
        self.channel = TelegramChannel(
            TelegramSettings(api=self.server.url, **{**options, **settings}), self.lent.means
        )
        await self.stack.enter_async_context(self.channel.running(self.intake))
        return self.channel

    async def opens_with_webhook(self, **settings: Any) -> str:
        """Open a door, and the channel behind it; return the door's address."""
        handlers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            return await handlers[0](request)

        door = await self.stack.enter_async_context(Door("127.0.0.1", 0, [web.post(PATH, handle)]))
        channel = await self.opens(webhook=door.url, **settings)
        for route in channel.routes(self.intake):
            assert isinstance(route, web.RouteDef)
            assert route.path == PATH
            handlers.append(route.handler)
        return door.url

    @property
    def only(self) -> IncomingMessage:
        """The one message that was taken."""
        (message,) = self.intake.messages
        return message


def letter(text: str, to: int = CHAT, **more: Any) -> OutgoingMessage:
    return OutgoingMessage(key="k1", channel=ChannelKind.TELEGRAM, to=str(to), text=text, **more)
