"""The peers of the citizens' door: the page's form, the page's conversation, a city's app."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, ClassVar

import aiohttp

from gateway.domain.contact import ChannelKind
from tests.contract.channels.drivers import Outcome

ANSWER_LIMIT = 20.0
OPEN = """
[citizen]
open = true
matters_per_hour = 100000
words_per_minute = 100000
"""


def outcome_of(status: int) -> Outcome:
    return Outcome.TAKEN if status == 200 else Outcome.LATER if status >= 500 else Outcome.REFUSED


def key_of(number: int) -> str:
    return f"message-{number:08d}"


class HttpDriver:
    """Whoever posts a matter as JSON."""

    path: ClassVar[str]
    repeats_itself = False

    def __init__(self, *, port: int, door: int) -> None:
        self.door = f"http://127.0.0.1:{door}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    def authorization(self, number: int) -> str:
        raise NotImplementedError

    def matter(self, text: str) -> dict[str, Any]:
        return {"text": text}

    async def deliver(self, number: int, text: str) -> Outcome:
        return await self._post(number, json.dumps(self.matter(text)).encode())

    async def rubbish(self) -> None:
        for body in (b"", b"{", b"\xff" * 100, b"[1]", b'{"text": 1}'):
            assert await self._post(0, body) is Outcome.REFUSED

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 200_000)

    async def _post(self, number: int, body: bytes) -> Outcome:
        headers = {
            "Authorization": f"Bearer {self.authorization(number)}",
            "Content-Type": "application/json",
            "Idempotency-Key": key_of(number),
        }
        limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as http,
                http.post(f"{self.door}{self.path}", data=BytesIO(body), headers=headers) as answer,
            ):
                return outcome_of(answer.status)
        except (aiohttp.ClientError, TimeoutError):
            return Outcome.LATER


class FormDriver(HttpDriver):
    """The page's form: each number is another browser's."""

    name = "web"
    kind = ChannelKind.WEB
    settings = OPEN
    path = "/web/matters"

    def authorization(self, number: int) -> str:
        return f"{number:043d}"

    def matter(self, text: str) -> dict[str, Any]:
        return {"text": text, "consent": True}


class AppDriver(HttpDriver):
    """A city's app."""

    name = "app"
    kind = ChannelKind.APP
    key = "an-app's-key-of-more-than-thirty-two-characters"
    settings = f'[[app]]\nid = "city-app"\napi_key_sha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n'
    path = "/app/v1/matters"

    def authorization(self, number: int) -> str:
        return self.key


class ConversationDriver:
    """The page's conversation: each number is another browser's."""

    name = "chat"
    kind = ChannelKind.WEB
    settings = OPEN
    repeats_itself = False

    def __init__(self, *, port: int, door: int) -> None:
        self.url = f"http://127.0.0.1:{door}/web/conversation"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def deliver(self, number: int, text: str) -> Outcome:
        say = {"type": "say", "id": key_of(number), "text": text, "wants_person": True}
        try:
            async with (
                asyncio.timeout(ANSWER_LIMIT),
                aiohttp.ClientSession() as http,
                http.ws_connect(self.url) as socket,
            ):
                await socket.send_json({"type": "hello", "token": f"{number:043d}"})
                await socket.send_json(say)
                return await self._told(socket)
        except (aiohttp.ClientError, TimeoutError):
            return Outcome.LATER

    async def rubbish(self) -> None:
        async with aiohttp.ClientSession() as http:
            for text in ("", "{", '{"type": "say", "id": "message-1", "text": "x"}', '{"type": "hello", "token": 1}'):
                async with http.ws_connect(self.url) as socket:
                    await socket.send_str(text)
                    assert await self._told(socket) is not Outcome.TAKEN

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 200_000)

    async def _told(self, socket: aiohttp.ClientWebSocketResponse) -> Outcome:
        async for message in socket:
            told = message.json()
            if told["type"] == "taken":
                return Outcome.TAKEN
            if told["type"] == "not_taken":
                return Outcome.LATER if told["retry_after"] else Outcome.REFUSED
        is_final = socket.close_code in (
            aiohttp.WSCloseCode.POLICY_VIOLATION,
            aiohttp.WSCloseCode.MESSAGE_TOO_BIG,
        )
        return Outcome.REFUSED if is_final else Outcome.LATER


CITIZEN_DRIVERS = (FormDriver, ConversationDriver, AppDriver)
