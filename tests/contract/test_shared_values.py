"""Values that all nodes share for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.services.conversations import TIDIED_EVERY, StoredValues
from tests.fakes.store import SetClock


async def test_what_has_lapsed_is_not_given_and_is_thrown_away_when_something_else_is_kept(store: Any) -> None:
    clock = SetClock()
    values = StoredValues(store, store.correspondence, clock)
    begin = clock.at
    await values.keep("token", "a", begin + timedelta(seconds=10))
    await values.keep("lasting", "b", begin + timedelta(days=1))
    clock.at = begin + TIDIED_EVERY
    lapsed = await values.value("token")
    await values.keep("another", "c", clock.at + timedelta(seconds=10))

    assert lapsed is None
    assert await store.correspondence.value("token", begin) is None
    assert await values.value("lasting") == "b"
