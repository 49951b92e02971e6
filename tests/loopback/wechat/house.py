"""The WeChat channel behind the public door, against WeChat's side on 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from channels.door import Door
from channels.wechat.channel import PATH, WeChatChannel, WeChatSettings
from gateway.domain.contact import ChannelKind
from gateway.ports.intake import IncomingMessage, OutgoingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans
from tests.peers.wechat_api import WeChatServer

APP_ID = "wx0123456789abcdef"
SECRET = "not-a-real-secret-of-any-account"
TOKEN = "console-token"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
GREETING = "欢迎关注12345热线。"
OPEN_ID = "oA1b2C3d4E5f6G7h8I9j0K1l2M3n"
MODES = ["plain", "compatible", "aes"]


class SlowIntake(MemoryIntake):
    """Takes a message once it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.attempts = 0

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        self.attempts += 1
        await self.may_go_on.wait()
        return await super().take(message, answers_at_once=answers_at_once)


class House:
    """WeChat's side, the channel behind a door, and the intake behind it."""

    def __init__(self, stack: AsyncExitStack, server: WeChatServer) -> None:
        self.stack = stack
        self.server = server
        self.intake = SlowIntake()
        self.lent = MemoryMeans()
        self.channel: WeChatChannel

    async def opens(self, **settings: Any) -> WeChatChannel:
        """Open the channel, encrypted as the server is unless *settings* say otherwise."""
        handlers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}

        async def handle(request: web.Request) -> web.StreamResponse:
            return await handlers[request.method](request)

        door = Door("127.0.0.1", 0, [web.get(PATH, handle), web.post(PATH, handle)])
        await self.stack.enter_async_context(door)
        self.server.callback = door.url + PATH
        options: dict[str, Any] = {"aes_key": "" if self.server.mode == "plain" else AES_KEY, "greeting": GREETING}
        options = {**options, "api": self.server.url, **settings}
        self.channel = WeChatChannel(
            WeChatSettings(app_id=APP_ID, app_secret=SECRET, token=TOKEN, **options),
            self.lent.means,
        )
        for route in self.channel.routes(self.intake):
            assert isinstance(route, web.RouteDef)
            handlers[route.method] = route.handler
        await self.stack.enter_async_context(self.channel.running(self.intake))
        return self.channel

    @property
    def only(self) -> IncomingMessage:
        (message,) = self.intake.messages
        return message


def letter(text: str, **more: Any) -> OutgoingMessage:
    return OutgoingMessage(key="k1", channel=ChannelKind.WECHAT, to=OPEN_ID, text=text, **more)


in_each_mode = pytest.mark.parametrize("house", MODES, indirect=True)
