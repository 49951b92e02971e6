"""The written intake while its store is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.errors import Unavailable
from tests.fakes.mailroom import Mailroom
from tests.fakes.store import MemoryStore


async def test_a_store_that_is_away_is_a_reason_to_come_again_and_nothing_is_half_kept(tmp_path: Path) -> None:
    store = MemoryStore()
    room = Mailroom(store, tmp_path / "files")
    message = room.message("我家停水了")
    store.fail()
    with pytest.raises(Unavailable):
        await room.intake.take(message)
    store.fail(False)
    taken = await room.intake.take(message)

    assert not taken.is_repeated
    assert await room.tickets() == [taken.ticket_id]
