"""The peers of short messages: a CMPP gateway, the same with long messages in parts, an SMPP centre, a cloud."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, ClassVar

import aiohttp
import smpp34

from gateway.demo.far_ends.cmpp_centre import DELIVER, CmppCentre
from gateway.domain.contact import ChannelKind
from tests.contract.channels.drivers import Outcome
from tests.peers.smpp_centre import ESME_RX_T_APPN, SmppCentre

PATIENCE = 5.0
"""Seconds after which a delivery that is not answered counts as one that must come again."""
FLOW_CONTROL = 8
TOKEN = "0123456789abcdef0123456789abcdef"


class CmppDriver:
    """A CMPP gateway, which delivers again what was not acknowledged, under the same id."""

    name: ClassVar[str] = "cmpp"
    kind: ClassVar[ChannelKind] = ChannelKind.SMS
    repeats_itself: ClassVar[bool] = False
    settings: ClassVar[str] = """
[[cmpp]]
name = "mobile"
address = "127.0.0.1:{port}"
number = "10612345"
source = "901234"
secret = "shared"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.centre = CmppCentre(port=port)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.centre:
            yield

    async def deliver(self, number: int, text: str) -> Outcome:
        return await self._unit(text.encode("utf-16-be"), number=number, message_id=number)

    async def rubbish(self) -> None:
        await self.centre.until_up()
        body = self.centre.deliver_body(b"\x4f\x60", message_id=99)
        for bad in (body[:-3], body + b"abc", body[:50]):
            assert await self.centre.ask(DELIVER, bad) not in (0, FLOW_CONTROL)
        self.centre.send(0x1234, 1, b"?")
        self.centre.send_raw(b"\x00\x00\x00\x0bcut")

    async def too_much(self, number: int) -> Outcome:
        await self.centre.bound.wait()
        body = self.centre.deliver_body(b"\x4f\x60", message_id=number)
        result = await self.centre.ask(DELIVER, body + bytes(60_000))
        return Outcome.REFUSED if result not in (0, FLOW_CONTROL) else Outcome.TAKEN

    async def _unit(self, content: bytes, *, number: int, message_id: int, has_header: bool = False) -> Outcome:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.centre.bound.wait()
                result = await self.centre.deliver(
                    content, sender=f"138000{number:05d}", message_id=message_id, has_header=has_header
                )
        except (OSError, TimeoutError):
            return Outcome.LATER
        return Outcome.TAKEN if result == 0 else Outcome.LATER if result == FLOW_CONTROL else Outcome.REFUSED


class LongCmppDriver(CmppDriver):
    """The same gateway, with every message in three parts that are acknowledged one by one."""

    name: ClassVar[str] = "cmpp-long"

    async def deliver(self, number: int, text: str) -> Outcome:
        octets = text.encode("utf-16-be")
        size = len(octets) // 6 * 2
        parts = (octets[:size], octets[size : 2 * size], octets[2 * size :])
        for place, part in enumerate(parts, 1):
            header = bytes((5, 0, 3, number & 0xFF, len(parts), place))
            outcome = await self._unit(header + part, number=number, message_id=number * 10 + place, has_header=True)
            if outcome is not Outcome.TAKEN:
                return outcome
        return Outcome.TAKEN


class SmppDriver:
    """An SMPP centre of another make, which gives messages no id: the same words are the same message."""

    name: ClassVar[str] = "smpp"
    kind: ClassVar[ChannelKind] = ChannelKind.SMS
    repeats_itself: ClassVar[bool] = False
    settings: ClassVar[str] = """
[[smpp]]
name = "centre"
address = "127.0.0.1:{port}"
number = "10659012345"
system_id = "jiesu"
password = "changeme"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.centre = SmppCentre(port)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.centre:
            yield

    async def deliver(self, number: int, text: str) -> Outcome:
        return await self._unit(text.encode("utf-16-be"), number=number)

    async def rubbish(self) -> None:
        assert await self._unit(b"no receipt", number=9, esm_class=0x04) is Outcome.REFUSED

    async def too_much(self, number: int) -> Outcome:
        payload = smpp34.Tlv(0x0424, ("水" * 32_000).encode("utf-16-be"))
        return await self._unit(b"", number=number, tlvs=[payload])

    async def _unit(self, content: bytes, *, number: int, **more: Any) -> Outcome:
        try:
            async with asyncio.timeout(PATIENCE):
                status = await self.centre.deliver(content, sender=f"86138000{number:05d}", **more)
        except (OSError, TimeoutError, smpp34.SmppError):
            return Outcome.LATER
        return Outcome.TAKEN if status == 0 else Outcome.LATER if status == ESME_RX_T_APPN else Outcome.REFUSED


class AliyunDriver:
    """Alibaba Cloud, which calls the door."""

    name: ClassVar[str] = "aliyun"
    kind: ClassVar[ChannelKind] = ChannelKind.SMS
    repeats_itself: ClassVar[bool] = False
    settings: ClassVar[str] = f"""
[[cloud_sms]]
name = "cloud"
vendor = "aliyun"
key_id = "an-id"
key_secret = "a-secret"
token = "{TOKEN}"
signature = "某市12345热线"
template = "SMS_1"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.url = f"http://127.0.0.1:{door}/sms/cloud/{TOKEN}/up"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def deliver(self, number: int, text: str) -> Outcome:
        written = {"phone_number": f"138000{number:05d}", "content": text, "sequence_id": number, "dest_code": "1"}
        return await self._post(json.dumps([written]).encode())

    async def rubbish(self) -> None:
        for body in (b"", b"[", b"\xff" * 100, b"[1]", b'[{"content": 1}]', struct.pack(">I", 7)):
            assert await self._post(body) is Outcome.REFUSED

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 300_000)

    async def _post(self, body: bytes) -> Outcome:
        try:
            async with aiohttp.ClientSession() as http, http.post(self.url, data=BytesIO(body)) as answer:
                status = answer.status
        except aiohttp.ClientError:
            return Outcome.LATER
        return Outcome.TAKEN if status == 200 else Outcome.LATER if status >= 500 else Outcome.REFUSED


SMS_DRIVERS = (CmppDriver, LongCmppDriver, SmppDriver, AliyunDriver)
