"""Where the parts of long messages wait for each other (`Shelf`), kept in the store that all nodes share.

A link has several, and a sender's messages are always on the same one: what is written for one part stays small, and
senders do not wait for each other.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from channels.sms.assembly import Assembly
from gateway.ports.clock import Clock
from gateway.ports.intake import SharedValues

log = structlog.get_logger(__name__)

SHELVES = 32
"""Shelves of one link."""
KEPT_FOR = timedelta(days=7)
"""How long what is on a shelf outlives the node that put it there."""


class Shelf:
    """One shelf: an assembly, and whose turn it is to use it."""

    def __init__(self, link: str, number: int, wait: timedelta, shared: SharedValues, clock: Clock) -> None:
        self._link = link
        self._key = f"sms.parts.{link}.{number}"
        self._wait = wait.total_seconds()
        self._shared = shared
        self._clock = clock
        self._assembly: Assembly | None = None
        self._guard = asyncio.Lock()

    @property
    def deadline(self) -> float | None:
        """When something here has waited long enough, seconds since 1970; None before it was ever looked at."""
        return None if self._assembly is None else self._assembly.deadline

    @asynccontextmanager
    async def assembly(self) -> AsyncIterator[Assembly]:
        """Use the assembly alone inside the block, as it was kept. Raises `Unavailable`."""
        async with self._guard:
            if self._assembly is None:
                self._assembly = self._made_of(await self._shared.value(self._key) or "")
            yield self._assembly

    async def keep(self) -> None:
        """Keep the assembly as it stands, for as long as it may matter. Raises `Unavailable`."""
        if self._assembly is not None:
            await self._shared.keep(self._key, self._assembly.state.decode(), self._clock.now() + KEPT_FOR)

    def _made_of(self, kept: str) -> Assembly:
        try:
            return Assembly(self._link, self._wait, kept.encode(), now=self._clock.now().timestamp())
        except ValueError as error:
            log.error("sms.parts_unreadable", link=self._link, reason=str(error))
            return Assembly(self._link, self._wait)


def shelves_of(link: str, wait: timedelta, shared: SharedValues, clock: Clock) -> tuple[Shelf, ...]:
    """Return the shelves of one link."""
    return tuple(Shelf(link, number, wait, shared, clock) for number in range(SHELVES))


def shelf_for(sender: str, shelves: Sequence[Shelf]) -> Shelf:
    """Return the shelf where that sender's parts are."""
    return shelves[zlib.crc32(sender.encode()) % len(shelves)]
