"""The rounds (时效巡查): every so often the owners of what nobody has confirmed for long are asked about it.

Who was asked already is not asked again, so it does not matter how often a node starts or how many nodes there are.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Self

import structlog

from gateway.domain.errors import GatewayError
from gateway.services.knowledge import Librarian

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=6)
BY = "jiesu"
"""Who the journal says asked."""


class Rounds:
    """Goes round at once and then *every* so often. Use as an async context manager."""

    def __init__(self, librarian: Librarian, every: timedelta = EVERY) -> None:
        self._librarian = librarian
        self._every = every.total_seconds()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Set out."""
        self._task = asyncio.create_task(self._run(), name="knowledge rounds")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            try:
                asked = await self._librarian.ask_owners(by=BY)
            except GatewayError as failure:  # the store is away: the next round asks
                log.warning("knowledge.round_failed", reason=str(failure))
            else:
                if asked:
                    log.info("knowledge.owners_asked", checks=len(asked))
            await asyncio.sleep(self._every)
