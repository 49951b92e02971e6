"""The clock of casework (到时): lets time bring what it brings to cases, once, in order, whichever node comes first.

What is due is claimed in the store, in the same unit of work that saves what came of it: a node that fails half way has
done nothing, and of two nodes the second finds nothing left. Between two batches others may write.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from gateway.domain.case import Fact
from gateway.domain.errors import Unavailable
from gateway.ports.casework import Cases
from gateway.ports.clock import Clock
from gateway.ports.memory import Store
from gateway.services.casework import Casework

log = structlog.get_logger(__name__)

BATCH = 50
"""Cases in one unit of work at most: an agent's command waits for one batch, not for the backlog of a weekend."""

KEPT = timedelta(days=30)
"""How long it is remembered what partners asked under which key."""
TIDY_EVERY = 3600.0
"""Seconds between two looks at what may be forgotten."""


class CaseClock:
    """Sweeps every *every* seconds, so nothing is later than that and the time the work takes."""

    def __init__(self, casework: Casework, store: Store, cases: Cases, clock: Clock, *, every: float = 15.0) -> None:
        self._casework = casework
        self._store = store
        self._cases = cases
        self._clock = clock
        self._every = every
        self._error = ""
        self._tidy_due = 0.0

    @property
    def error(self) -> str:
        """Why deadlines do not fire at present; empty while they do."""
        return self._error

    async def run(self) -> None:
        """Sweep until cancelled; a store that cannot is asked again at the next turn."""
        while True:
            try:
                await self.catch_up()
                await self._tidy()
                self._error = ""
            except Unavailable as lost:
                self._error = str(lost)
                log.warning("case_clock.waits", reason=str(lost))
            except Exception as failure:  # a fault of ours must not stop every later deadline
                self._error = repr(failure)
                log.exception("case_clock.failed")
            await asyncio.sleep(self._every)

    async def catch_up(self) -> list[Fact]:
        """Let the clock bring everything that is due by now; return it. Raises `Unavailable` while the store cannot."""
        brought: list[Fact] = []
        now = self._clock.now()
        while (due := await self._cases.next_due()) is not None and due <= now:
            count, facts = await self._store.commit(lambda tx: self._casework.sweep(tx, now, BATCH))
            self._casework.publish(facts)
            brought += facts
            if count < BATCH:
                break
        if brought:
            log.info("case_clock.swept", facts=len(brought))
        return brought

    async def _tidy(self) -> None:
        if self._clock.monotonic() < self._tidy_due:
            return
        self._tidy_due = self._clock.monotonic() + TIDY_EVERY
        before = self._clock.now() - KEPT
        await self._store.commit(lambda tx: tx.cases.forget_deliveries(before))
