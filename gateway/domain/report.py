"""Reports (通报): what a period came to, per unit, per clause and per matter, and the days that a period has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum

from gateway.domain.rules import PeriodKind


class ReportKind(Enum):
    """For how long: a week, a month, a quarter, a year, or any days (专报)."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    SPECIAL = "special"


_FORMS = (
    (ReportKind.WEEKLY, re.compile(r"([0-9]{4})-W([0-9]{2})")),
    (ReportKind.MONTHLY, re.compile(r"([0-9]{4})-([0-9]{2})")),
    (ReportKind.QUARTERLY, re.compile(r"([0-9]{4})-Q([1-4])")),
    (ReportKind.YEARLY, re.compile(r"([0-9]{4})")),
)
_DAYS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a report, both ends among them."""

    kind: ReportKind
    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Days:
        """Read ``2026-W10``, ``2026-03``, ``2026-Q1``, ``2026`` or ``2026-03-01..2026-03-15``. Raises `ValueError`."""
        try:
            for kind, form in _FORMS:
                if match := form.fullmatch(text):
                    return cls._of(kind, *(int(each) for each in match.groups()))
            if match := _DAYS.fullmatch(text):
                first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
                if first <= last:
                    return cls(ReportKind.SPECIAL, first, last)
        except ValueError:
            pass  # the right form, but no such day
        raise ValueError(f"{text!r}: expected 2026-W10, 2026-03, 2026-Q1, 2026 or 2026-03-01..2026-03-15")

    @classmethod
    def _of(cls, kind: ReportKind, year: int, part: int = 1) -> Days:
        match kind:
            case ReportKind.WEEKLY:
                monday = date.fromisocalendar(year, part, 1)
                return cls(kind, monday, monday + timedelta(days=6))
            case ReportKind.MONTHLY:
                return cls(kind, date(year, part, 1), _month_end(year, part))
            case ReportKind.QUARTERLY:
                return cls(kind, date(year, part * 3 - 2, 1), _month_end(year, part * 3))
            case _:
                return cls(kind, date(year, 1, 1), date(year, 12, 31))

    @property
    def before(self) -> Days:
        """The days before these, as many months or as many days."""
        last = self.first - timedelta(days=1)
        match self.kind:
            case ReportKind.MONTHLY:
                return Days(self.kind, last.replace(day=1), last)
            case ReportKind.QUARTERLY:
                return Days(self.kind, date(last.year, last.month - 2, 1), last)
            case ReportKind.YEARLY:
                return Days(self.kind, date(last.year, 1, 1), last)
            case _:
                return Days(self.kind, self.first - (self.last - self.first) - timedelta(days=1), last)

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return the first instant, and the first instant that is not of these days any more."""
        midnight = datetime.combine(self.first, time.min, tzinfo=zone)
        return midnight, datetime.combine(self.last + timedelta(days=1), time.min, tzinfo=zone)

    def __str__(self) -> str:
        return f"{self.first.isoformat()}..{self.last.isoformat()}"


def _month_end(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many."""

    part: int = 0
    whole: int = 0

    @property
    def share(self) -> float | None:
        """The share, from 0 to 1; None of nothing."""
        return self.part / self.whole if self.whole else None

    def plus(self, hit: bool) -> Rate:
        """Return the rate with one more counted, a hit or not."""
        return Rate(self.part + hit, self.whole + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFigures:
    """What a unit made of what was received in a period.

    ``response``: signed for, contacted or replied to in time. ``timeliness``: periods for handling that were met.
    ``resolution``: of what is closed, what did not leave the petitioner unsatisfied. ``satisfaction``: of the grades
    that stand, those that are not unsatisfied. ``knowledge``: of its articles, those it has confirmed in time.
    ``score``, of 100, is the mean of the rates that the regulation names; None without any. ``rank`` counts from 1.
    ``supervise`` are triggers of supervision for the unit as a whole.
    """

    unit: str
    tickets: int = 0
    closed: int = 0
    overdue: int = 0
    returns: int = 0
    redos: int = 0
    orders: int = 0
    response: Rate = Rate()
    timeliness: Rate = Rate()
    resolution: Rate = Rate()
    satisfaction: Rate = Rate()
    knowledge: Rate = Rate()
    score: float | None = None
    rank: int | None = None
    is_flagged: bool = False
    supervise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseFigures:
    """What became of the periods that a clause gave: ``row`` is the first obligation they rest on."""

    row: str
    kind: PeriodKind
    given: int = 0
    met: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterFigures:
    """How often a matter came, now and in the days before; ``is_burst`` by the regulation's own measure."""

    matter: str
    tickets: int
    before: int
    is_burst: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HardCase:
    """A case for the monthly list (疑难工单), with why."""

    id: str
    unit: str
    matter: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report. ``rows`` are the obligations that call for it; ``by_day`` how many matters came on each day."""

    days: Days
    made_at: datetime
    rows: tuple[str, ...]
    received: int
    before: int
    by_stage: Mapping[str, int] = field(default_factory=dict)
    by_category: Mapping[str, int] = field(default_factory=dict)
    by_day: Mapping[date, int] = field(default_factory=dict)
    triggers: Mapping[str, int] = field(default_factory=dict)
    units: tuple[UnitFigures, ...] = ()
    clauses: tuple[ClauseFigures, ...] = ()
    matters: tuple[MatterFigures, ...] = ()
    hard: tuple[HardCase, ...] = ()
