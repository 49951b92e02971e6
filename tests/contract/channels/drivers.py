"""How the suite speaks to each channel: as its peer, over real sockets. One driver for each channel."""

from __future__ import annotations

import asyncio
import hashlib
import json
import smtplib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email.message import EmailMessage
from enum import Enum
from io import BytesIO
from typing import ClassVar, Protocol

import aiohttp

from channels.webhook.signature import SIGNATURE, TIMESTAMP, signed
from gateway.domain.contact import ChannelKind


class Outcome(Enum):
    """What the peer was told: it is kept, come again (or nothing at all), never."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


class Driver(Protocol):
    """A peer of one channel. ``settings`` are lines of the node's file; {port} and {door} are free ports."""

    name: ClassVar[str]
    kind: ClassVar[ChannelKind]
    settings: ClassVar[str]
    repeats_itself: ClassVar[bool]
    """Whether the peer, not the test, delivers again what was not acknowledged."""

    def __init__(self, *, port: int, door: int) -> None: ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Be there before the node is, and stay while nodes come and go."""
        ...

    async def deliver(self, number: int, text: str) -> Outcome:
        """Deliver message *number*, from a sender of its own; the same number is the same message."""
        ...

    async def rubbish(self) -> None:
        """Say what no peer should."""
        ...

    async def too_much(self, number: int) -> Outcome:
        """Deliver a message that is larger than the node takes."""
        ...


class InletDriver:
    """Another system at the inlet."""

    name = "inlet"
    kind = ChannelKind.APP
    repeats_itself = False
    secret = "s" * 40
    settings = f"""
[[inlet]]
name = "portal"
secret = "{secret}"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.url = f"http://127.0.0.1:{door}/inlet/portal"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def deliver(self, number: int, text: str) -> Outcome:
        message = {"id": str(number), "sender": f"86138000{number:05d}", "text": text}
        return await self._post(json.dumps(message).encode())

    async def rubbish(self) -> None:
        for body in (b"", b"{", b"\xff" * 100, b"[1]", b'{"id": 1}'):
            assert await self._post(body) is Outcome.REFUSED

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 200_000)

    async def _post(self, body: bytes) -> Outcome:
        stamp = int(time.time())
        headers = {TIMESTAMP: str(stamp), SIGNATURE: signed(self.secret, stamp, body)}
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.post(self.url, data=BytesIO(body), headers=headers) as answer,
            ):
                status = answer.status
        except aiohttp.ClientError:
            return Outcome.LATER
        if status == 409:  # the same second, the same words: a peer signs anew
            await asyncio.sleep(1.0)
            return await self._post(body)
        return Outcome.TAKEN if status == 200 else Outcome.LATER if status >= 500 else Outcome.REFUSED


class MailDriver:
    """A mail server that relays to ours."""

    name = "mail"
    kind = ChannelKind.MAIL
    repeats_itself = False
    settings = """
[mail]
listen = ["127.0.0.1:{port}"]
addresses = ["@12345.example.org"]
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.port = port

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def deliver(self, number: int, text: str) -> Outcome:
        mail = EmailMessage()
        mail["From"] = f"p{number}@example.net"
        mail["To"] = "hotline@12345.example.org"
        mail["Subject"] = "诉求"
        mail["Message-ID"] = f"<{number}@example.net>"
        mail.set_content(text)
        return await asyncio.to_thread(self._send, mail.as_bytes(), f"p{number}@example.net")

    async def rubbish(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        await reader.readline()
        writer.write(b"\x00\xff\x16\x03\x01 rubbish\r\nMAIL FROM:\r\nDATA\r\n.\r\nRCPT TO:<x@y>\r\nQUIT\r\n")
        await writer.drain()
        said = await reader.read(4096)
        writer.close()
        assert b"250 OK" not in said

    async def too_much(self, number: int) -> Outcome:
        return await asyncio.to_thread(self._send, b"Subject: x\r\n\r\n" + b"x" * 79_000_000, f"p{number}@example.net")

    def _send(self, mail: bytes, sender: str) -> Outcome:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
                client.sendmail(sender, ["hotline@12345.example.org"], mail)
        except smtplib.SMTPResponseException as refusal:
            return Outcome.LATER if 400 <= refusal.smtp_code < 500 else Outcome.REFUSED
        except smtplib.SMTPRecipientsRefused as refusal:
            code = min(code for code, _ in refusal.recipients.values())
            return Outcome.LATER if code < 500 else Outcome.REFUSED
        except (OSError, smtplib.SMTPServerDisconnected):
            return Outcome.LATER
        return Outcome.TAKEN


class Open311Driver:
    """An app that speaks GeoReport v2."""

    name = "open311"
    kind = ChannelKind.OPEN311
    repeats_itself = False
    key = "a key of this app"
    settings = f"""
[open311]
jurisdiction = "town.example"
api_keys_sha256 = ["{hashlib.sha256(key.encode()).hexdigest()}"]
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.url = f"http://127.0.0.1:{door}/open311/v2/requests.json"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def deliver(self, number: int, text: str) -> Outcome:
        return await self._post({**self._report(number), "description": text})

    async def rubbish(self) -> None:
        for change in (
            {"service_code": "\x00"},
            {"lat": "nan"},
            {"api_key": "\udcff".encode("utf-8", "replace").decode()},
        ):
            assert await self._post({**self._report(0), **change}) is Outcome.REFUSED

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 20_000)

    def _report(self, number: int) -> dict[str, str]:
        place = {"lat": "42.26", "long": "118.96"}
        return {"api_key": self.key, "service_code": "water_supply", "account_id": f"account-{number}", **place}

    async def _post(self, form: dict[str, str]) -> Outcome:
        try:
            async with aiohttp.ClientSession() as http, http.post(self.url, data=form) as answer:
                status = answer.status
        except aiohttp.ClientError:
            return Outcome.LATER
        return Outcome.TAKEN if status == 201 else Outcome.LATER if status >= 500 else Outcome.REFUSED


DRIVERS = (InletDriver, MailDriver, Open311Driver)
