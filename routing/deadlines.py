"""Deadlines (时限): when a span of a regulation ends, when a card shows, how long half of it is. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from gateway.domain.rules import Filing, RedoLength, Span, SpanUnit, Yellow
from routing import working_time
from routing.working_time import Calendar, Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """How a city counts its days: the calendar, the zone, and when a working day ends (None: at 24:00)."""

    calendar: Calendar
    zone: tzinfo
    day_end: time | None = None

    def deadline(self, span: Span, since: datetime) -> Deadline:
        """Return the end of *span* that begins with *since*; days do not count the day of receipt."""
        match span.unit:
            case SpanUnit.WORKING_DAYS:
                return working_time.add_working_days(
                    self.calendar, since, span.count, self.zone, end_of_day=self.day_end
                )
            case SpanUnit.NATURAL_DAYS:
                day = working_time.day_of(since, self.zone) + timedelta(days=span.count + 1)
                return Deadline(at=datetime.combine(day, time.min, tzinfo=self.zone))
            case SpanUnit.SAME_DAY:
                return Deadline(at=working_time.end_of_day(since, self.zone))
            case _:
                return Deadline(at=since + elapsed(span))

    def yellow_from(self, due: datetime, yellow: Yellow) -> datetime:
        """Return when the yellow card shows for a period that ends at *due*."""
        before = 0 if yellow is Yellow.LAST_DAY else 1
        return working_time.start_of_working_day_before(self.calendar, due, before, self.zone)

    def filing_limit(self, due: datetime, filing: Filing) -> datetime:
        """Return the last instant at which an extension of a period that ends at *due* can be asked for."""
        if filing is Filing.BEFORE_DUE:
            return due
        return working_time.end_of_working_day_before(self.calendar, due, 1, self.zone)

    def moved(self, span: Span, since: datetime, paused: datetime, resumed: datetime) -> tuple[Span, datetime]:
        """Return *span* and *since* with a pause left out: in whole working days, rounded up, or by the clock."""
        if span.unit is not SpanUnit.WORKING_DAYS:
            return span, since + (resumed - paused)
        return longer(span, working_time.working_days_elapsed(self.calendar, paused, resumed, self.zone)), since


def elapsed(span: Span) -> timedelta:
    """Return a span of hours or minutes as elapsed time."""
    return timedelta(minutes=span.count) if span.unit is SpanUnit.MINUTES else timedelta(hours=span.count)


def longer(span: Span, days: int) -> Span:
    """Return *span* with *days* more of its own unit; what is not counted in working days becomes *days* of them."""
    count = span.count if span.unit is SpanUnit.WORKING_DAYS else 0
    return Span(count + days, SpanUnit.WORKING_DAYS)


def of_length(span: Span, length: RedoLength) -> Span:
    """Return *span*, or half of it, rounded up."""
    return span if length is RedoLength.ORIGINAL else Span((span.count + 1) // 2, span.unit)


def working_days(span: Span) -> int:
    """Return how many whole working days *span* has; 0 for a span that is not counted in them."""
    return span.count if span.unit is SpanUnit.WORKING_DAYS else 0
