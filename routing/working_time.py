"""Working time (工作日): which days count, when a period of N working days ends, when an office is open.

A working day is Monday to Friday, statutory holidays out, make-up workdays (调休上班) in. The State Council names both
in a yearly notice (部分节假日安排的通知). Before it is out, a year is counted on weekdays and on the holidays whose
dates 《全国年节及纪念日放假办法》 fixes in its article 2; whatever rests on that is provisional.

The day of receipt is not counted. A period of N working days ends with the N-th working day after it, at 24:00, which
is 00:00 of the day after; receipt on a rest day makes the next working day the first. Days are those of the *zone* that
the caller names, whatever zone an instant is written in. Where the calendar's days come from is `config.calendars`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from gateway.domain.errors import OurMistake

FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
"""Month and day of the holidays with a fixed solar date: New Year, Labour Day, National Day."""

NEXT_NOTICE_REACHES_BACK_TO = (12, 25)
"""Month and day from which the notice of the *next* year may still move rest days: 2018-12-29 became a workday."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days that are not what their weekday says, and the years whose notice is known.

    `rest` and `work` are disjoint; a day in neither is a working day from Monday to Friday.
    """

    rest: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    def knows(self, year: int) -> bool:
        """Say whether the notice of *year* is part of this calendar."""
        return year in self.years

    def is_working_day(self, day: date) -> bool:
        """Say whether *day* counts; for a year without notice by weekday and `FIXED_HOLIDAYS`."""
        if day in self.work:
            return True
        if day in self.rest or day.weekday() >= 5:
            return False
        return self.knows(day.year) or (day.month, day.day) not in FIXED_HOLIDAYS

    def is_settled(self, day: date) -> bool:
        """Say whether no notice to come can change *day*. The end of December waits for the next year's."""
        late = (day.month, day.day) >= NEXT_NOTICE_REACHES_BACK_TO
        return self.knows(day.year) and (not late or self.knows(day.year + 1))

    def with_notice(self, year: int, *, rest: Collection[date], work: Collection[date]) -> Calendar:
        """Return this calendar with *year* known; the days named here are as named, all others stay."""
        return Calendar(
            rest=(self.rest - frozenset(work)) | frozenset(rest),
            work=(self.work - frozenset(rest)) | frozenset(work),
            years=self.years | {year},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The instant at which a period ends; provisional while a notice to come may move it. `at` is zone-aware."""

    at: datetime
    provisional: bool = False

    def __post_init__(self) -> None:
        _require_zone(self.at)


def add_working_days(
    calendar: Calendar, start: datetime, n: int, zone: tzinfo, *, end_of_day: time | None = None
) -> Deadline:
    """Return the end of *n* >= 1 working days that begin with receipt at *start*, in *zone*.

    *end_of_day* is the office's closing time (下班时间); None, like 00:00, is 24:00. To work a deadline out anew when a
    notice has come, call this again with the same *start*. Raises `OurMistake`: *start* without zone, *n* below 1.
    """
    last, settled = _walk(calendar, day_of(start, zone), n, _DAY)
    return Deadline(at=_end_of(last, zone, end_of_day), provisional=not settled)


def extend(calendar: Calendar, deadline: Deadline, n: int, zone: tzinfo, *, end_of_day: time | None = None) -> Deadline:
    """Return *deadline* moved by *n* >= 1 working days; the first is the one after its last day.

    The same as counting both periods from receipt, if the first was counted in working days. Raises `OurMistake`.
    """
    last, settled = _walk(calendar, last_day(deadline.at, zone), n, _DAY)
    return Deadline(at=_end_of(last, zone, end_of_day), provisional=deadline.provisional or not settled)


def end_of_day(at: datetime, zone: tzinfo) -> datetime:
    """Return 24:00 of the day on which *at* falls, rest day or not: the end of what is due the same day (当日)."""
    return _end_of(day_of(at, zone), zone, None)


def start_of_working_day_before(calendar: Calendar, deadline: datetime, n: int, zone: tzinfo) -> datetime:
    """Return 00:00 of the *n*-th working day before the last day of a period; *n* = 0 is 00:00 of that last day."""
    return _midnight(_day_before(calendar, deadline, n, zone), zone)


def end_of_working_day_before(calendar: Calendar, deadline: datetime, n: int, zone: tzinfo) -> datetime:
    """Return 24:00 of the *n*-th working day before the last day of a period; *n* = 0 is 24:00 of that last day."""
    return _end_of(_day_before(calendar, deadline, n, zone), zone, None)


def day_of(at: datetime, zone: tzinfo) -> date:
    """Return the day that it is in *zone* at *at*. Raises `OurMistake`: *at* without zone."""
    _require_zone(at)
    return at.astimezone(zone).date()


def last_day(deadline: datetime, zone: tzinfo) -> date:
    """Return the day on which a period ends: 00:00 is the end of the day before. Raises `OurMistake`."""
    _require_zone(deadline)
    return (deadline.astimezone(zone).replace(tzinfo=None) - datetime.resolution).date()


def next_working_day(calendar: Calendar, day: date) -> date:
    """Return the first working day after *day*."""
    return _walk(calendar, day, 1, _DAY)[0]


def working_days_between(calendar: Calendar, a: date, b: date) -> int:
    """Count the working days after *a* up to *b*, *b* included; negative if *b* is before *a*."""
    if b < a:
        return -working_days_between(calendar, b, a)
    return sum(calendar.is_working_day(a + _DAY * step) for step in range(1, (b - a).days + 1))


def working_days_elapsed(calendar: Calendar, since: datetime, until: datetime, zone: tzinfo) -> int:
    """Return the time from *since* to *until* in whole working days, rounded up; rest days take no time.

    A working day is its 24 hours by the wall clock of *zone*. Raises `OurMistake`: *until* before *since*, no zone.
    """
    first, last = day_of(since, zone), day_of(until, zone)
    if until < since:
        raise OurMistake(f"{until.isoformat()} is before {since.isoformat()}")
    begun, ended = (at.astimezone(zone).replace(tzinfo=None) for at in (since, until))
    taken = timedelta()
    for step in range((last - first).days + 1):
        midnight = datetime.combine(first, time.min) + _DAY * step
        if calendar.is_working_day(midnight.date()):
            taken += min(ended, midnight + _DAY) - max(begun, midnight)
    return max(0, math.ceil(taken / _DAY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Part of a day from `opens`, included, to `closes`, excluded; closing at 00:00 is closing at 24:00."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise OurMistake(f"{self}: a time of opening hours has no zone of its own")
        if self.end <= self.start:
            raise OurMistake(f"{self}: closes before it opens")

    @property
    def start(self) -> timedelta:
        """Return the opening as time since midnight."""
        return _since_midnight(self.opens)

    @property
    def end(self) -> timedelta:
        """Return the closing as time since midnight, above zero."""
        return _since_midnight(self.closes) or _DAY

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """When a unit's office (承办单位) is open: on working days only, its spans less the lunch break.

    `week` holds the spans of Monday to Sunday, in order of time. On a make-up workday a Saturday or Sunday without
    spans has those of the first weekday that has any.
    """

    week: tuple[tuple[Span, ...], ...]
    lunch: Span | None = None

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise OurMistake(f"{len(self.week)} days of opening hours; expected 7, from Monday")
        for spans in self.week:
            for earlier, later in pairwise(spans):
                if later.start < earlier.end:
                    raise OurMistake(f"{later} begins before {earlier} is over")
        if not any(self._less_lunch(spans) for spans in self.week[:5]):
            raise OurMistake("an office that is closed from Monday to Friday has no opening hours")

    @classmethod
    def daily(cls, *spans: Span, lunch: Span | None = None) -> OfficeHours:
        """Return the hours of an office with the same *spans* from Monday to Friday."""
        return cls(week=(spans,) * 5 + ((), ()), lunch=lunch)

    def is_open(self, calendar: Calendar, at: datetime, zone: tzinfo) -> bool:
        """Say whether the office is open at *at*. Raises `OurMistake`: *at* without zone."""
        day = day_of(at, zone)
        clock = _since_midnight(at.astimezone(zone).time())
        return any(start <= clock < end for start, end in self._on(calendar, day))

    def next_opening(self, calendar: Calendar, at: datetime, zone: tzinfo) -> datetime:
        """Return the first instant, not before *at*, at which the office is open, in *zone*: *at* itself if it is."""
        day = day_of(at, zone)
        local = at.astimezone(zone)
        clock = _since_midnight(local.time())
        for start, end in self._on(calendar, day):
            if clock < end:
                return local if start <= clock else _midnight(day, zone) + start
        while True:
            day += _DAY
            for start, _ in self._on(calendar, day):
                return _midnight(day, zone) + start

    def _on(self, calendar: Calendar, day: date) -> tuple[tuple[timedelta, timedelta], ...]:
        if not calendar.is_working_day(day):
            return ()
        weekday = day.weekday()
        if weekday < 5 or self.week[weekday]:
            return self._less_lunch(self.week[weekday])
        return next(hours for spans in self.week if (hours := self._less_lunch(spans)))

    def _less_lunch(self, spans: tuple[Span, ...]) -> tuple[tuple[timedelta, timedelta], ...]:
        if self.lunch is None:
            return tuple((span.start, span.end) for span in spans)
        parts = (
            part
            for span in spans
            for part in (
                (span.start, min(span.end, self.lunch.start)),
                (max(span.start, self.lunch.end), span.end),
            )
        )
        return tuple((start, end) for start, end in parts if start < end)


def _walk(calendar: Calendar, day: date, n: int, step: timedelta) -> tuple[date, bool]:
    """Go from *day* to the *n*-th working day in the direction of *step*; say whether every day passed is settled."""
    if n < 1:
        raise OurMistake(f"a period of {n} working days; expected at least 1")
    settled = True
    while n:
        day += step
        settled = settled and calendar.is_settled(day)
        n -= calendar.is_working_day(day)
    return day, settled


def _day_before(calendar: Calendar, deadline: datetime, n: int, zone: tzinfo) -> date:
    last = last_day(deadline, zone)
    return _walk(calendar, last, n, -_DAY)[0] if n else last


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


def _end_of(day: date, zone: tzinfo, closes: time | None) -> datetime:
    if closes is None or closes == time.min:
        return _midnight(day + _DAY, zone)
    if closes.tzinfo is not None:
        raise OurMistake(f"{closes.isoformat()}: a closing time has no zone of its own")
    return datetime.combine(day, closes, tzinfo=zone)


def _since_midnight(clock: time) -> timedelta:
    return datetime.combine(date.min, clock) - datetime.min


def _require_zone(at: datetime) -> None:
    if at.utcoffset() is None:
        raise OurMistake(f"{at.isoformat()} has no time zone")
