"""A hosted mailbox as the channel's peer: Dovecot, in which what was not taken stays unread."""

from __future__ import annotations

import asyncio
import imaplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from gateway.domain.contact import ChannelKind
from tests.contract.channels.drivers import Outcome
from tests.peers.dovecot import PASSWORD, Dovecot
from tests.peers.gateway import until

PATIENCE = 5.0
"""Seconds after which a message that is still unread counts as one that must wait."""
USER = "office"


class MailboxDriver:
    """Whoever writes to a mailbox that the node watches."""

    name = "mailbox"
    kind = ChannelKind.MAIL
    repeats_itself = True
    settings = f"""
[mail]
addresses = ["office@12345.example.org"]
largest_megabytes = 1

[[mailbox]]
name = "city"
address = "office@12345.example.org"
server = "127.0.0.1:{{port}}"
username = "{USER}"
password = "{PASSWORD}"
encryption = "none"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.server = Dovecot()
        self.server.plain = port

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.server:
            yield

    async def deliver(self, number: int, text: str) -> Outcome:
        mail = EmailMessage()
        mail["From"] = f"p{number}@example.net"
        mail["To"] = "office@12345.example.org"
        mail["Subject"] = "诉求"
        mail["Message-ID"] = f"<{number}@example.net>"
        mail.set_content(text)
        return await self._put(mail.as_bytes().replace(b"\n", b"\r\n"), f"<{number}@example.net>")

    async def rubbish(self) -> None:
        for number, octets in enumerate((b"\xff\xfe" * 50, b"Content-Type: multipart/mixed\r\n\r\n--\r\n")):
            automatic = f"Message-ID: <rubbish-{number}@example.net>\r\nAuto-Submitted: auto-replied\r\n"
            marked = automatic.encode() + octets
            assert await self._put(marked, f"<rubbish-{number}@example.net>") is not Outcome.LATER

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 500_000)

    async def _put(self, octets: bytes, message_id: str) -> Outcome:
        """Put a message there unless one of its id is unread, and wait until it is read."""
        if not await self._has("UNSEEN", message_id):
            await self.server.bring(USER, octets)

        async def is_read() -> bool:
            return not await self._has("UNSEEN", message_id)

        try:
            async with asyncio.timeout(PATIENCE):
                await until("the message is read", is_read)
        except TimeoutError:
            return Outcome.LATER
        return Outcome.REFUSED if await self._has("FLAGGED", message_id) else Outcome.TAKEN

    async def _has(self, state: str, message_id: str) -> bool:
        """Say whether a message of that id is in that state: unread, or flagged as refused."""

        def talk(client: imaplib.IMAP4) -> bool:
            _, found = client.search(None, state, "HEADER", "Message-ID", f'"{message_id}"')
            return any(found)

        return await self.server.at(USER, talk)
