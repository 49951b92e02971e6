"""The live feed (实时消息): everything that happens, to whoever is watching, in order.

Nothing here is kept; the journal keeps. A watcher who reads too slowly is dropped and told so, and takes a
fresh snapshot: a slow page must never hold up a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.domain.call import CallId, Role
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket
from gateway.domain.transcript import Gap, Utterance

BACKLOG = 2000
"""How many items a watcher may lag behind before it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words of a call, partial or final, or a stretch nobody heard."""

    call_id: CallId
    role: Role
    utterance: Utterance | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChanged:
    """A ticket as it now stands."""

    ticket: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged:
    """A live call stands otherwise than before, by what no fact tells: how well its legs are heard."""

    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The watcher lagged too far behind; nothing more comes on this subscription."""


FeedItem = Fact | Said | TicketChanged | CallChanged | Dropped


class Subscription:
    """One watcher's queue."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[FeedItem] = asyncio.Queue(BACKLOG)
        self._is_dropped = False

    def offer(self, item: FeedItem) -> None:
        """Take an item without waiting; on overflow everything is replaced by one `Dropped`."""
        if self._is_dropped:
            return
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self._is_dropped = True
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(Dropped())

    async def __aiter__(self) -> AsyncIterator[FeedItem]:
        """Yield items as they come, ending after `Dropped`."""
        while True:
            item = await self._queue.get()
            yield item
            if isinstance(item, Dropped):
                return


class Feed:
    """Hands every item to every watcher."""

    def __init__(self) -> None:
        self._watchers: set[Subscription] = set()

    def publish(self, item: FeedItem) -> None:
        """Offer *item* to all watchers; never waits."""
        for watcher in self._watchers:
            watcher.offer(item)

    @contextmanager
    def watch(self) -> Iterator[Subscription]:
        """Subscribe for as long as the block lasts."""
        watcher = Subscription()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
