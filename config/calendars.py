"""The calendar (日历) that periods are counted on: the statutory years, and an operator's files over them.

The statutory years come from the package chinesecalendar, which knows a year once a release of it followed the State
Council's notice. ``config/calendars/<year>.toml`` adds a year that it does not know yet, or puts single days of a known
year right; the days named there are as named, all others stay. Whatever is wrong with a file is a single line: file,
line, field, and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec
from chinese_calendar.constants import holidays, workdays  # type: ignore[import-untyped]

from config.toml_file import Key, SettingsError, TomlFile
from routing.working_time import FIXED_HOLIDAYS, NEXT_NOTICE_REACHES_BACK_TO, Calendar

STATUTORY_DAYS = 13
"""Rest days that a whole year has at least: 《全国年节及纪念日放假办法》 article 2, as amended in 2024."""


_ENTRY = "a date such as 2027-01-01, or { from = 2027-01-01, to = 2027-01-03 }"


class CalendarError(SettingsError):
    """A calendar file cannot be used; the text is one line that an operator can act on."""


class _Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: str
    rest: tuple[date | _Range, ...]
    work: tuple[date | _Range, ...] = ()


def load(folder: Path) -> Calendar:
    """Return the statutory calendar with every ``<year>.toml`` of *folder* over it, year by year.

    A folder that is not there holds no files. Raises `CalendarError`.
    """
    calendar = statutory()
    for path in sorted(folder.glob("*.toml")):
        calendar = _with_file(calendar, path)
    return calendar


@cache
def statutory() -> Calendar:
    """Return the years that chinesecalendar knows; a year is known if it has its National Day."""
    return Calendar(
        rest=frozenset(holidays),
        work=frozenset(workdays),
        years=frozenset(day.year for day in holidays if (day.month, day.day) == (10, 1)),
    )


def _with_file(calendar: Calendar, path: Path) -> Calendar:
    try:
        file = TomlFile(path)
        content = file.convert(_File)
    except SettingsError as error:
        raise CalendarError(str(error).replace("date | object", _ENTRY)) from error
    if not re.fullmatch(r"[12][0-9]{3}", path.stem):
        raise CalendarError(f"{path}: the name of the file: expected a year, such as 2027.toml")
    year = int(path.stem)
    if not content.source.strip():
        raise _error(file, ("source",), "expected the title of the notice")
    named: dict[date, Key] = {}
    rest = _days(file, "rest", content.rest, year, named)
    work = _days(file, "work", content.work, year, named)
    for day in work:
        if calendar.is_working_day(day) and day.weekday() < 5:
            raise _error(file, named[day], f"{day} is a working day anyway; expected a make-up workday")
    if not calendar.knows(year):
        _check_whole(file, year, rest)
    return calendar.with_notice(year, rest=rest, work=work)


def _days(
    file: TomlFile, field: str, entries: tuple[date | _Range, ...], year: int, named: dict[date, Key]
) -> frozenset[date]:
    """Return every day of *entries*; note in *named* where each stands."""
    earliest = date(year - 1, *NEXT_NOTICE_REACHES_BACK_TO)
    days = set()
    for at, entry in enumerate(entries):
        key = (field, at)
        if isinstance(entry, _Range) and entry.last < entry.first:
            raise _error(file, key, f"{entry.last} is before {entry.first}; expected `from` before `to`")
        for day in _each(entry):
            if not earliest <= day <= date(year, 12, 31):
                raise _error(file, key, f"{day} is not of {year}; expected a day from {earliest} to {year}-12-31")
            if day in named:
                raise _error(file, key, f"{day} stands in {named[day][0]} already; every day stands once")
            named[day] = key
            days.add(day)
    return frozenset(days)


def _each(entry: date | _Range) -> Iterator[date]:
    if isinstance(entry, date):
        yield entry
        return
    for step in range((entry.last - entry.first).days + 1):
        yield entry.first + timedelta(days=step)


def _check_whole(file: TomlFile, year: int, rest: frozenset[date]) -> None:
    """A year that only this file knows must be all there: half a notice would make deadlines certain and wrong."""
    for month, day in FIXED_HOLIDAYS:
        if date(year, month, day) not in rest:
            raise _error(file, ("rest",), f"{date(year, month, day)} is not among them; expected the whole year's")
    count = sum(day.year == year for day in rest)
    if count < STATUTORY_DAYS:
        raise _error(file, ("rest",), f"{count} days of {year}; expected the whole year's, {STATUTORY_DAYS} or more")


def _error(file: TomlFile, key: Key, reason: str) -> CalendarError:
    return CalendarError(str(file.error(key, reason)))
