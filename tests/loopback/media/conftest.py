from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.media.client import MediaEngine, MediaSettings


@pytest.fixture(params=["ring", "plain"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[MediaEngine]:
    """Every claim holds with both kinds of sockets (where the kernel has no rings, both are plain)."""
    settings = MediaSettings(capacity=16, silent_after=0.4, plain_sockets=request.param == "plain")
    async with MediaEngine(settings) as engine:
        yield engine
