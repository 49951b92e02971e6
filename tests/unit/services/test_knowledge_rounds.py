"""The rounds that ask the owners of what grew old."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.services.knowledge_rounds import Rounds
from tests.fakes.library import librarian_for, stocked
from tests.fakes.store import MemoryStore
from tests.fakes.virtual_time import VirtualClock, run_virtually

DAY = timedelta(days=1)


def test_what_grows_old_is_asked_about_once_however_often_one_goes_round() -> None:
    async def story() -> list[int]:
        store = MemoryStore()
        librarian = librarian_for(store, VirtualClock())
        await stocked(librarian)
        counts = []
        async with Rounds(librarian, DAY):
            for days in (1.5, 90, 5):
                await asyncio.sleep(days * DAY.total_seconds())
                counts.append(len(await librarian.base.checks()))
        return counts

    assert run_virtually(story()) == [0, 2, 2]


def test_a_store_that_is_away_is_asked_on_the_next_round() -> None:
    async def story() -> list[int]:
        store = MemoryStore()
        librarian = librarian_for(store, VirtualClock())
        await stocked(librarian)
        counts = []
        await asyncio.sleep(100 * DAY.total_seconds())
        store.fail()
        async with Rounds(librarian, DAY):
            for _ in range(2):
                await asyncio.sleep(0.5 * DAY.total_seconds())
                store.fail(False)
                counts.append(len(await librarian.base.checks()))
                await asyncio.sleep(0.6 * DAY.total_seconds())
        return counts

    assert run_virtually(story()) == [0, 2]
