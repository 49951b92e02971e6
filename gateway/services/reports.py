"""Reports (通报、简报、专报): figures of a period out of the store, per unit, per clause and per matter.

A case belongs to the period in which it was received. A unit's report covers every case in which it has a part, also
those that it sent on, so a workstation sees its area (CF-10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.domain.casework import CaseQuery, Place
from gateway.domain.profile import Profile
from gateway.domain.report import Days, Rate, Report, ReportKind, UnitFigures
from gateway.domain.rules import DUTY
from gateway.ports.casework import Cases
from gateway.ports.clock import Clock
from gateway.services.books import Books
from gateway.services.unit_records import UnitRecord
from routing.casebook.draft import rows_of
from routing.tally import Tally, called_for, last_of, ranked

PAGE = 200
HARD = 200
"""Hard tickets that a report lists."""
RATES = ("timeliness", "satisfaction")
"""By what units are scored where the regulation names no rates."""
DUTIES = ("rates", "reports", "picture")


class Reporter:
    """Makes reports. *records* tells how each unit looks after its part of the knowledge base."""

    def __init__(
        self, cases: Cases, books: Books, clock: Clock, records: Callable[[], Awaitable[Sequence[UnitRecord]]]
    ) -> None:
        self._cases = cases
        self._books = books
        self._clock = clock
        self._records = records

    async def report(self, days: Days, unit: str = "") -> Report:
        """Return the report about *days*, with *unit* about the cases in which it has a part. Raises `Unavailable`."""
        now = self._clock.now()
        profile = self._books.at(now).profile
        tally, earlier = await self._tally(days, profile, unit), await self._tally(days.before, profile, unit)
        rates = self._rates(profile)
        records = await self._records()
        units = self._ranked(tally, records, rates)
        flagged: frozenset[str] = frozenset()
        duty = profile.ruling(DUTY, "rates")
        if duty is not None and "ranking" in duty.value and days.kind is ReportKind.MONTHLY:
            flagged = last_of(units) & last_of(self._ranked(earlier, records, rates))
        rows = rows_of(*(profile.ruling(DUTY, name) for name in DUTIES))
        return Report(
            days=days,
            made_at=now,
            rows=rows,
            received=tally.received,
            before=earlier.received,
            by_stage=dict(tally.by_stage),
            by_category=dict(tally.by_category),
            by_day=dict(sorted(tally.by_day.items())),
            triggers=dict(tally.triggers),
            units=tuple(
                replace(each, is_flagged=each.unit in flagged, supervise=called_for(each, profile, rates))
                for each in units
            ),
            clauses=tuple(sorted(tally.clauses.values(), key=lambda each: (each.row, each.kind.value))),
            matters=tally.hot(earlier.matters),
            hard=tuple(tally.hard[:HARD]),
        )

    async def matters(self, since: datetime, until: datetime) -> Counter[str]:
        """Return how often each matter came between two instants."""
        tally = Tally(zone=self._books.at(until).profile.zone)
        await self._fill(tally, since, until, "")
        return tally.matters

    async def _tally(self, days: Days, profile: Profile, unit: str) -> Tally:
        tally = Tally(zone=profile.zone)
        since, until = days.bounds(profile.zone)
        await self._fill(tally, since, until, unit)
        return tally

    async def _fill(self, tally: Tally, since: datetime, until: datetime, unit: str) -> None:
        after = Place(at=until, id="")
        while True:
            page = await self._cases.page(CaseQuery(unit=unit, after=after, limit=PAGE))
            for record in page:
                if record.case.received_at < since:
                    return
                tally.add(record.case, self._books.of(record).profile)
            if len(page) < PAGE:
                return
            after = Place(at=page[-1].case.received_at, id=page[-1].id)

    def _rates(self, profile: Profile) -> tuple[str, ...]:
        duty = profile.ruling(DUTY, "rates")
        return duty.value if duty is not None else RATES

    def _ranked(self, tally: Tally, records: Sequence[UnitRecord], rates: Sequence[str]) -> tuple[UnitFigures, ...]:
        known = {record.unit: Rate(record.published - record.stale, record.published) for record in records}
        figures = [replace(each, knowledge=known.get(name, Rate())) for name, each in tally.units.items()]
        return ranked(figures, rates)
