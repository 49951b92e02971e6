from __future__ import annotations

import asyncio

from gateway.domain.events import Fact
from gateway.ports.memory import Transaction
from gateway.services.feed import BACKLOG, Dropped, Feed, FeedItem
from gateway.services.ledger import Ledger
from tests.fakes.store import MemoryStore
from tests.fakes.virtual_time import START, run_virtually


def fact(kind: str) -> Fact:
    return Fact(kind=kind, at=START)


async def kinds(store: MemoryStore) -> list[str]:
    return [entry.fact.kind for entry in await store.entries()]


def test_writes_wait_for_a_lost_store_and_arrive_once_and_in_order() -> None:
    async def story() -> None:
        store = MemoryStore()
        async with Ledger(store, Feed()) as ledger:
            ledger.tell(fact("first"))
            await ledger.settle(1.0)
            store.fail(True)
            ledger.tell(fact("second"))
            ledger.tell(fact("third"))
            assert not await ledger.settle(3.0)
            assert (ledger.behind, ledger.is_behind) == (2, True)
            store.fail(False)
            assert await ledger.settle(3.0)

            assert not ledger.is_behind
            assert await kinds(store) == ["first", "second", "third"]

    run_virtually(story())


def test_a_write_at_fault_does_not_take_its_neighbours_along() -> None:
    def broken(tx: Transaction) -> None:
        tx.append(fact("half"))
        raise ValueError("broken")

    async def story() -> None:
        store = MemoryStore()
        async with Ledger(store, Feed()) as ledger:
            ledger.tell(fact("before"))
            ledger.write(broken)
            ledger.tell(fact("after"))
            await ledger.settle(3.0)

            assert await kinds(store) == ["before", "after"]

    run_virtually(story())


def test_leaving_writes_what_is_left() -> None:
    async def story() -> None:
        store = MemoryStore()
        async with Ledger(store, Feed()) as ledger:
            ledger.tell(fact("last words"))

        assert await kinds(store) == ["last words"]

    run_virtually(story())


def test_a_watcher_who_does_not_read_is_dropped_and_told_so() -> None:
    async def story() -> None:
        feed = Feed()
        with feed.watch() as watcher:
            for _ in range(BACKLOG + 1):
                feed.publish(fact("noise"))
            seen: list[FeedItem] = [item async for item in watcher]

        assert seen == [Dropped()]

    asyncio.run(story())
