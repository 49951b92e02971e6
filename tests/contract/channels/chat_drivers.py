"""The peers of the chat platforms' channels: a Bot API server that is polled, and WeChat's pushes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.demo.far_ends.bot_api import BotApiServer
from gateway.domain.contact import ChannelKind
from tests.contract.channels.drivers import Outcome
from tests.peers.wechat_api import Answer, WeChatServer

PATIENCE = 3.0
"""Seconds after which an update that is not acknowledged counts as one that must come again."""


class TelegramDriver:
    """Telegram, which keeps updates until they are acknowledged by the offset."""

    name = "telegram"
    kind = ChannelKind.TELEGRAM
    repeats_itself = True
    token = "123456:AAF-not-a-real-token-of-anybody-000"
    settings = f"""
[telegram]
token = "{token}"
api = "http://127.0.0.1:{{port}}"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.port = port
        self.server = BotApiServer(self.token)
        self._messages: dict[int, dict[str, Any]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.server.running(self.port):
            yield

    async def deliver(self, number: int, text: str) -> Outcome:
        message = self._messages.setdefault(number, self.server.citizen(number).message(text=text))
        waiting = (update["update_id"] for update in self.server.waiting if update.get("message") is message)
        update = next(waiting, 0) or self.server.push(message=message)
        return await self._outcome(lambda: all(each["update_id"] != update for each in self.server.waiting))

    async def rubbish(self) -> None:
        messages: tuple[Any, ...] = ({}, [], {"message_id": "x"}, {**self.server.citizen(0).message(), "text": [1]})
        odd = [self.server.push(message=message) for message in messages]
        outcome = await self._outcome(lambda: all(each["update_id"] not in odd for each in self.server.waiting))
        assert outcome is Outcome.TAKEN

    async def too_much(self, number: int) -> Outcome:
        await self.deliver(number, "水" * 200_000)
        citizen = self.server.citizen(number)
        told = await self._outcome(lambda: bool(citizen.heard))
        return Outcome.REFUSED if told is Outcome.TAKEN else Outcome.LATER

    async def _outcome(self, is_so: Callable[[], bool]) -> Outcome:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.server.until(is_so)
        except TimeoutError:
            return Outcome.LATER
        return Outcome.TAKEN


class WeChatDriver:
    """WeChat, which pushes three times and hangs up after five seconds."""

    name = "wechat"
    kind = ChannelKind.WECHAT
    repeats_itself = True
    app_id, secret, token, aes_key = "wx0123456789abcdef", "not-a-real-secret", "console-token", "G" * 42 + "E"
    settings = f"""
[wechat]
app_id = "{app_id}"
app_secret = "{secret}"
token = "{token}"
aes_key = "{aes_key}"
api = "http://127.0.0.1:{{port}}"
"""

    def __init__(self, *, port: int, door: int) -> None:
        self.port = port
        self.server = WeChatServer(self.app_id, self.secret, self.token, self.aes_key, "aes")
        self.server.callback = f"http://127.0.0.1:{door}/wechat"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.server.running(self.port):
            yield

    async def deliver(self, number: int, text: str) -> Outcome:
        return _outcome(await self.server.follower(f"open-id-{number}").writes(Content=text, MsgId=number))

    async def rubbish(self) -> None:
        for xml in ("", "<xml", "<xml></xml>", '<!DOCTYPE x [<!ENTITY a "a">]><xml>&a;</xml>'):
            assert _outcome(await self.server.push_raw(xml)) is Outcome.REFUSED

    async def too_much(self, number: int) -> Outcome:
        return await self.deliver(number, "水" * 200_000)


def _outcome(answer: Answer) -> Outcome:
    status = answer.statuses[-1]
    return Outcome.TAKEN if status == 200 else Outcome.REFUSED if 400 <= status < 500 else Outcome.LATER


CHAT_DRIVERS = (TelegramDriver, WeChatDriver)
