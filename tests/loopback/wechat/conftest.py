"""A house with the WeChat channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.loopback.wechat.house import AES_KEY, APP_ID, SECRET, TOKEN, House
from tests.peers.wechat_api import WeChatServer


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    mode = getattr(request, "param", "aes")
    async with WeChatServer(APP_ID, SECRET, TOKEN, AES_KEY, mode).running() as server, AsyncExitStack() as stack:
        yield House(stack, server)
