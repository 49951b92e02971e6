"""What the gateway's live feed has told so far, for a story that waits for its next fact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gateway.demo.failure import StepMissing
from gateway.domain.call import CallId
from gateway.domain.contact import ChannelKind
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket
from gateway.services.feed import Dropped, Feed, FeedItem, TicketChanged

STEP_LIMIT = 90.0
"""Seconds that one step may take, on a slow and busy machine too."""

T = TypeVar("T")


class Chronicle:
    """Collects a feed; everything that came can still be waited for."""

    def __init__(self, on_item: Callable[[FeedItem], None]) -> None:
        self._on_item = on_item
        self._items: list[FeedItem] = []
        self._changed = asyncio.Event()

    async def follow(self, feed: Feed) -> None:
        """Collect until cancelled. Raises `StepMissing` when the feed has dropped us."""
        with feed.watch() as watching:
            async for item in watching:
                if isinstance(item, Dropped):
                    raise StepMissing("the demonstration lagged behind the gateway's feed")
                self._items.append(item)
                self._on_item(item)
                self._changed.set()
                self._changed.clear()

    async def fact(self, kind: str, call_id: CallId) -> Fact:
        """Wait for a fact of a call."""

        def chosen(item: FeedItem) -> Fact | None:
            return item if isinstance(item, Fact) and item.kind == kind and item.call_id == call_id else None

        return await self._first(chosen, kind)

    async def call_of(self, caller: str) -> CallId:
        """Wait until the call of *caller* has come in; return its id."""

        def chosen(item: FeedItem) -> CallId | None:
            return item.ticket.call_id if isinstance(item, TicketChanged) and item.ticket.caller == caller else None

        return await self._first(chosen, "the call has reached the gateway")

    async def ticket(self, call_id: CallId, is_so: Callable[[Ticket], bool], what: str) -> Ticket:
        """Wait until the ticket of a call is as *is_so* wants it."""

        def chosen(item: FeedItem) -> Ticket | None:
            fits = isinstance(item, TicketChanged) and item.ticket.call_id == call_id and is_so(item.ticket)
            return item.ticket if isinstance(item, TicketChanged) and fits else None

        return await self._first(chosen, what)

    async def written(self, channel: ChannelKind, is_so: Callable[[Ticket], bool], what: str) -> Ticket:
        """Wait until the ticket that was written on *channel* is as *is_so* wants it."""

        def chosen(item: FeedItem) -> Ticket | None:
            fits = isinstance(item, TicketChanged) and item.ticket.channel is channel and is_so(item.ticket)
            return item.ticket if isinstance(item, TicketChanged) and fits else None

        return await self._first(chosen, what)

    async def _first(self, chosen: Callable[[FeedItem], T | None], what: str) -> T:
        seen = 0
        try:
            async with asyncio.timeout(STEP_LIMIT):
                while True:
                    for item in self._items[seen:]:
                        if (found := chosen(item)) is not None:
                            return found
                    seen = len(self._items)
                    await self._changed.wait()
        except TimeoutError:
            raise StepMissing(f"within {STEP_LIMIT:g} s this did not happen: {what}") from None
