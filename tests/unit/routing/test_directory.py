"""Which of a unit's telephones is rung at which hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from config.opening_hours import opening_hours
from gateway.domain.call import DeskNumber, Destination
from routing.directory import Telephones, numbers_at
from routing.working_time import Calendar, OfficeHours, Span

BEIJING = timezone(timedelta(hours=8))
CALENDAR = Calendar(rest=frozenset({date(2026, 11, 20)}), work=frozenset({date(2026, 11, 21)}))


def numbers(*given: str) -> tuple[DeskNumber, ...]:
    return tuple(DeskNumber(destination=Destination(number=number), ring_limit=20.0) for number in given)


TELEPHONES = Telephones(
    consultation=numbers("1", "2"), duty=numbers("9"), hours=opening_hours(["08:30-12:00", "14:30-17:30"])
)


@pytest.mark.parametrize(
    ("at", "expected", "reason"),
    [
        ("2026-11-19 09:00", ["1", "2", "9"], "office_hours"),
        ("2026-11-19 12:00", ["9"], "off_hours"),
        ("2026-11-19 23:00", ["9"], "off_hours"),
        ("2026-11-20 09:00", ["9"], "off_hours"),
        ("2026-11-21 09:00", ["1", "2", "9"], "office_hours"),
        ("2026-11-22 09:00", ["9"], "off_hours"),
    ],
    ids=["open", "at noon", "at night", "on a holiday", "on a make-up workday", "on a Sunday"],
)
def test_consultation_phones_ring_while_the_office_is_open_and_duty_phones_otherwise(
    at: str, expected: list[str], reason: str
) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=BEIJING).astimezone(UTC)

    found = numbers_at(TELEPHONES, instant, CALENDAR, BEIJING)

    assert ([number.destination.number for number in found.numbers], found.reason) == (expected, reason)


def test_without_a_duty_phone_the_consultation_phones_ring_at_night_too() -> None:
    night = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
    closed = Telephones(consultation=numbers("1"), hours=TELEPHONES.hours)

    assert numbers_at(closed, night, CALENDAR, BEIJING).numbers == numbers("1")
    assert numbers_at(Telephones(consultation=numbers("1")), night, CALENDAR, BEIJING).reason == "always"


def test_opening_hours_are_spans_of_a_working_day() -> None:
    assert opening_hours([]) is None
    assert opening_hours(["20:00-24:00"]) == OfficeHours.daily(Span(opens=time(20), closes=time(0)))
    for mistake in (["09:00-08:00"], ["08:00-12:00", "11:00-17:00"], ["25:00-26:00"]):
        with pytest.raises(ValueError, match=r"."):
            opening_hours(mistake)
