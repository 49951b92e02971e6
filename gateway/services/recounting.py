"""Recounting (重新计算时限): when a year's holiday notice arrives, provisional deadlines become certain ones.

The calendar is read again at the start and every hour: an operator puts ``config/calendars/<year>.toml`` there, or
installs a release of chinesecalendar that knows the year. Every case that was told a provisional deadline keeps it and
is given the certain one, with the reason in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.domain.case import Fact
from gateway.domain.casework import CaseQuery, Place
from gateway.domain.errors import GatewayError
from gateway.domain.rules import OVER, Stage
from gateway.domain.ticket import TicketId
from gateway.ports.casework import Cases
from gateway.ports.clock import Clock
from gateway.ports.memory import Store
from gateway.services.casework import Casework
from routing.working_time import Calendar

log = structlog.get_logger(__name__)

BATCH = 50
"""Cases in one unit of work at most."""
PAGE = 200
LOOKS_BACK = timedelta(days=800)
"""No open case that was received longer ago has a deadline that nobody could count when it was given."""
LOOKS_BACK_OVER = timedelta(days=200)
"""The same of what is over: only a survey, an appeal, an order or a restriction still runs there."""
_NO_DEADLINES = frozenset({Stage.ANSWERED, Stage.HANDED_OFF})


class Recounting:
    """Keeps the casebooks' calendar current. *read* returns the calendar as it is now; it may raise `GatewayError`."""

    def __init__(
        self,
        casework: Casework,
        store: Store,
        cases: Cases,
        clock: Clock,
        read: Callable[[], Calendar],
        *,
        every: float = 3600.0,
    ) -> None:
        self._casework = casework
        self._store = store
        self._cases = cases
        self._clock = clock
        self._read = read
        self._every = every

    async def run(self) -> None:
        """Look at the calendar until cancelled; what another node's calendar has changed is done already."""
        is_first = True
        while True:
            try:
                calendar = await asyncio.to_thread(self._read)
                if self._casework.books.use(calendar) or is_first:
                    log.info("recounting.done", facts=len(await self.recount()))
                    is_first = False
            except GatewayError as failure:
                log.warning("recounting.waits", reason=str(failure))
            await asyncio.sleep(self._every)

    async def recount(self) -> list[Fact]:
        """Count every provisional deadline anew; return what changed. Raises `Unavailable` while the store cannot."""
        now = self._clock.now()
        said: list[Fact] = []
        for stage in Stage:
            if stage not in _NO_DEADLINES:
                said += await self._recount_stage(stage, now)
        return said

    async def _recount_stage(self, stage: Stage, now: datetime) -> list[Fact]:
        said: list[Fact] = []
        after: Place | None = None
        while True:
            page = await self._cases.page(CaseQuery(stage=stage, after=after, limit=PAGE))
            waiting = [record.id for record in page if record.case.has_provisional_deadlines]
            for start in range(0, len(waiting), BATCH):
                said += await self._commit(waiting[start : start + BATCH], now)
            looks_back = LOOKS_BACK_OVER if stage in OVER else LOOKS_BACK
            if len(page) < PAGE or page[-1].case.received_at < now - looks_back:
                return said
            after = Place(at=page[-1].case.received_at, id=page[-1].id)

    async def _commit(self, batch: Sequence[TicketId], now: datetime) -> list[Fact]:
        facts = await self._store.commit(lambda tx: self._casework.recount(tx, batch, now))
        self._casework.publish(facts)
        return facts
