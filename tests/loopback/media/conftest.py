from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.media.client import MediaEngine, MediaSettings


@pytest.fixture
async def engine() -> AsyncIterator[MediaEngine]:
    async with MediaEngine(MediaSettings(capacity=16, silent_after=0.4)) as engine:
        yield engine
