from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.fakes.console import Office, office


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "recordings") as open_office:
        yield open_office


@pytest.fixture
async def admin(place: Office) -> AsyncIterator[ClientSession]:
    async with place.signed_in("admin") as client:
        yield client


@pytest.fixture
async def agent(place: Office) -> AsyncIterator[ClientSession]:
    async with place.signed_in("agent") as client:
        yield client
