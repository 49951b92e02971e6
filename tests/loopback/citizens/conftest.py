"""A public door that is open, and somebody who asks there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.fakes.citizens import Street, street


@pytest.fixture
async def place() -> AsyncIterator[Street]:
    async with street(Street()) as open_street:
        yield open_street


@pytest.fixture
async def visitor() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session
