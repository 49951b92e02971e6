"""The ledger (记账): what live calls write, kept in order until the store has it.

A call in progress must never wait for a disk. Its writes queue here and reach the store in the order they
were made; while the store is unavailable they wait, the calls go on, and `behind` says how many there are.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.ports.memory import Store, Transaction
from gateway.services.feed import Feed

log = structlog.get_logger(__name__)

RETRY_AFTER = 0.5
"""Seconds to wait before an unavailable store is asked again."""
BATCH = 200
"""Writes sent to the store together: they share one commit."""

Work = Callable[[Transaction], object]


class Ledger:
    """Ordered writes behind the calls' backs. Use as an async context manager."""

    def __init__(self, store: Store, feed: Feed) -> None:
        self._store = store
        self._feed = feed
        self._waiting: deque[Work] = deque()
        self._wakened = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._task: asyncio.Task[None] | None = None
        self.is_behind = False

    async def __aenter__(self) -> Ledger:
        """Start writing."""
        self._task = asyncio.create_task(self._run(), name="ledger")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left, for a few seconds at most, and stop."""
        assert self._task is not None
        if not await self.settle(5.0):
            log.error("ledger.abandoned", writes=len(self._waiting))
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    @property
    def behind(self) -> int:
        """How many writes the store does not have yet."""
        return len(self._waiting)

    def write(self, work: Work) -> None:
        """Queue *work* for the store."""
        self._waiting.append(work)
        self._is_empty.clear()
        self._wakened.set()

    def tell(self, fact: Fact) -> None:
        """Show a fact on the live page at once and add it to the journal."""
        self._feed.publish(fact)
        self.write(lambda tx: _append(tx, fact))

    async def settle(self, limit: float) -> bool:
        """Wait until the store has everything, for *limit* seconds; say whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._is_empty.wait()
        return not self._waiting

    async def _run(self) -> None:
        while True:
            await self._wakened.wait()
            self._wakened.clear()
            while self._waiting:
                await self._write_some()
            self._is_empty.set()

    async def _write_some(self) -> None:
        """Write a batch in one commit; when one write in it is at fault, write them one by one."""
        batch = tuple(itertools.islice(self._waiting, BATCH))
        try:
            await self._store.commit(lambda tx: [work(tx) for work in batch])
        except Unavailable as lost:
            await self._fall_behind(lost)
            return
        except Exception:  # which write it was, and why, comes out below
            await self._write_singly(batch)
            return
        self._written(len(batch))

    async def _write_singly(self, batch: Sequence[Work]) -> None:
        for work in batch:
            try:
                await self._store.commit(work)
            except Unavailable as lost:
                await self._fall_behind(lost)
                return
            except Exception as failure:
                log.error("ledger.write_failed", failure=repr(failure), exc_info=failure)
            self._written(1)

    def _written(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
        if self.is_behind:
            self.is_behind = False
            log.info("store.back")

    async def _fall_behind(self, reason: Unavailable) -> None:
        if not self.is_behind:
            self.is_behind = True
            log.error("store.lost", reason=str(reason))
        await asyncio.sleep(RETRY_AFTER)


def _append(tx: Transaction, fact: Fact) -> None:
    tx.append(fact)
