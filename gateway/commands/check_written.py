"""What `jiesu check` tries of the written channels: each peer's address, and whether it lets us in.

Centres are bound and left again, smarthost and mailboxes signed in to, Telegram is asked for the bot's name. Nothing
is taken and nothing sent. WeChat and the clouds are not asked: a token asked for there ends the one in use, and
every other request would be a message.
"""

from __future__ import annotations

import asyncio
import imaplib
from collections.abc import AsyncIterator, Awaitable
from zoneinfo import ZoneInfo

import aiosmtplib
from imap_tools import ImapToolsError

from channels.mail import mailbox
from channels.mail.smtp_out import Smarthost, connection_to
from channels.sms.link import Link
from channels.sms.words import Answer, Receipt, ShortMessage
from channels.telegram.api import TelegramApi
from config.settings import Settings
from gateway.city_parts import SystemClock
from gateway.commands.findings import Finding
from gateway.domain.errors import GatewayError
from gateway.mail_parts import mailboxes_of, smarthost_of
from gateway.sms_parts import centre_links

LIMIT = 15.0
"""Seconds that a peer may take."""
LOOK_AGAIN = 0.05
_UNDER_WAY = ("not connected yet", "opening")


async def written_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Try every peer of the written channels in turn. Raises `UnusableSetting` for certificates and keys."""
    for link in centre_links(settings, SystemClock(), ZoneInfo(settings.node.timezone)):
        yield await _finding(f"sms {link.name}", _bind(link))
    for box in mailboxes_of(settings):
        yield await _finding(f"mailbox {box.name}", mailbox.prove(box))
    if settings.smarthost.server:
        yield await _finding("smarthost", _sign_in(smarthost_of(settings)))
    if settings.telegram.token:
        yield await _finding("telegram", _name(settings.telegram.token, settings.telegram.api))


async def _finding(subject: str, trial: Awaitable[str]) -> Finding:
    try:
        async with asyncio.timeout(LIMIT):
            return Finding(subject, True, await trial)
    except TimeoutError:
        return Finding(subject, False, f"no answer within {LIMIT:g} s")
    except aiosmtplib.SMTPAuthenticationError as error:
        return Finding(subject, False, f"refuses our password ({error.code})")
    except (GatewayError, OSError, imaplib.IMAP4.error, ImapToolsError, aiosmtplib.SMTPException) as error:
        return Finding(subject, False, str(error) or type(error).__name__)


async def _bind(link: Link) -> str:
    """Bind and leave; what is delivered meanwhile is asked for again later."""

    async def postpone(content: ShortMessage | Receipt) -> Answer:
        return Answer.LATER

    running = asyncio.create_task(link.run(postpone), name=f"check {link.name}")
    try:
        while link.status in _UNDER_WAY:  # noqa: ASYNC110 - a link tells nobody but the health check how it stands
            await asyncio.sleep(LOOK_AGAIN)
        status = link.status
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    if status != "ok":
        raise ConnectionError(status)
    return "the centre lets us in"


async def _sign_in(host: Smarthost) -> str:
    async with connection_to(host):
        return f"{host.host}:{host.port} lets us in"


async def _name(token: str, url: str) -> str:
    async with TelegramApi(token, url) as api:
        return f"{await api.name()} at {url}"
