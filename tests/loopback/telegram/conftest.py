"""A house with the Telegram channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from gateway.demo.far_ends.bot_api import BotApiServer
from tests.loopback.telegram.house import TOKEN, House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with BotApiServer(TOKEN).running() as server, AsyncExitStack() as stack:
        yield House(stack, server)
