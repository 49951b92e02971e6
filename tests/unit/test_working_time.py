from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendars import statutory
from gateway.domain.errors import OurMistake
from routing.working_time import (
    FIXED_HOLIDAYS,
    Calendar,
    Deadline,
    OfficeHours,
    Span,
    add_working_days,
    day_of,
    end_of_day,
    end_of_working_day_before,
    extend,
    last_day,
    next_working_day,
    start_of_working_day_before,
    working_days_between,
    working_days_elapsed,
)

CHINA = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
REAL = statutory()
BARE = Calendar()

HOURS = OfficeHours.daily(Span(opens=time(8, 30), closes=time(17, 30)), lunch=Span(opens=time(12), closes=time(14, 30)))

days = st.dates(date(2004, 1, 1), date(2035, 12, 31))
instants = st.datetimes(datetime(2004, 1, 1), datetime(2035, 12, 31), timezones=st.sampled_from([UTC, CHINA, BERLIN]))
lengths = st.integers(1, 40)
closings = st.none() | st.just(time.min) | st.times()
sets_of_days = st.frozensets(st.dates(date(2026, 11, 1), date(2027, 3, 31)))
calendars = st.sampled_from([REAL, BARE]) | st.builds(
    lambda rest, work, years: Calendar(rest=rest - work, work=work, years=years),
    sets_of_days,
    sets_of_days,
    st.frozensets(st.integers(2025, 2028)),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def due(received: str, n: int) -> str:
    return add_working_days(REAL, at(received), n, CHINA).at.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("received", "n", "ends"),
    [
        ("2026-03-02 10:00", 1, "2026-03-04 00:00"),
        ("2026-03-02 00:00", 1, "2026-03-04 00:00"),
        ("2026-03-02 23:59:59", 1, "2026-03-04 00:00"),
        ("2026-03-03 00:00", 1, "2026-03-05 00:00"),
        ("2026-03-06 10:00", 5, "2026-03-14 00:00"),
        ("2026-03-06 10:00", 10, "2026-03-21 00:00"),
    ],
    ids=["a day", "from midnight", "23:59:59", "a second later", "over one weekend", "over two"],
)
def test_the_day_of_receipt_is_not_counted_and_the_last_day_ends_at_24(received: str, n: int, ends: str) -> None:
    assert due(received, n) == ends


@pytest.mark.parametrize(
    ("received", "n", "ends"),
    [
        ("2025-01-24 10:00", 2, "2025-01-28 00:00"),
        ("2025-01-24 10:00", 5, "2025-02-08 00:00"),
        ("2025-01-27 23:59:59", 1, "2025-02-06 00:00"),
        ("2025-01-24 10:00", 10, "2025-02-14 00:00"),
        ("2026-02-13 10:00", 1, "2026-02-15 00:00"),
        ("2026-02-13 10:00", 5, "2026-02-28 00:00"),
        ("2026-02-13 10:00", 6, "2026-03-01 00:00"),
        ("2026-02-14 23:59:59", 1, "2026-02-25 00:00"),
        ("2026-02-13 10:00", 15, "2026-03-13 00:00"),
    ],
)
def test_before_the_spring_festival_its_days_are_out_and_its_make_up_workdays_in(
    received: str, n: int, ends: str
) -> None:
    assert due(received, n) == ends


@pytest.mark.parametrize("received", ["2026-02-15 00:00", "2026-02-18 12:00", "2026-02-23 23:59:59"])
def test_receipt_on_a_rest_day_makes_the_next_working_day_the_first(received: str) -> None:
    assert due(received, 1) == "2026-02-25 00:00"


def test_receipt_on_a_make_up_workday_is_receipt_on_a_working_day() -> None:
    assert due("2026-02-28 09:00", 1) == "2026-03-03 00:00"
    assert due("2026-09-20 09:00", 5) == "2026-09-29 00:00"


def test_a_period_may_end_at_the_close_of_office() -> None:
    deadline = add_working_days(REAL, at("2026-03-02 18:00"), 2, CHINA, end_of_day=time(17, 30))

    assert deadline == Deadline(at=at("2026-03-04 17:30"), provisional=False)
    assert last_day(deadline.at, CHINA) == date(2026, 3, 4)


def test_closing_at_0_is_closing_at_24() -> None:
    start = at("2026-03-02 18:00")

    assert add_working_days(REAL, start, 2, CHINA, end_of_day=time()) == add_working_days(REAL, start, 2, CHINA)


def test_the_same_day_ends_at_24_on_a_rest_day_too() -> None:
    assert end_of_day(at("2026-02-15 23:59:59"), CHINA) == at("2026-02-16 00:00")
    assert end_of_day(datetime(2026, 2, 15, 16, tzinfo=UTC), CHINA) == at("2026-02-17 00:00")


def test_a_year_without_notice_is_counted_on_weekdays_and_fixed_holidays() -> None:
    for month, day in FIXED_HOLIDAYS:
        assert not REAL.is_working_day(date(2030, month, day))
    assert [REAL.is_working_day(date(2030, 6, day)) for day in range(3, 10)] == [True] * 5 + [False] * 2


def test_a_deadline_in_a_year_without_notice_is_provisional_and_moves_with_the_notice() -> None:
    received = at("2026-12-30 10:00")
    noticed = REAL.with_notice(2027, rest=[date(2027, 1, day) for day in range(1, 5)], work=[])

    before = add_working_days(REAL, received, 5, CHINA)
    after = add_working_days(noticed, received, 5, CHINA)

    assert before == Deadline(at=at("2027-01-08 00:00"), provisional=True)
    assert after == Deadline(at=at("2027-01-09 00:00"), provisional=False)


def test_the_end_of_december_is_provisional_until_the_next_notice() -> None:
    received = at("2026-12-23 10:00")
    noticed = REAL.with_notice(2027, rest=[], work=[date(2026, 12, 26)])

    assert add_working_days(REAL, received, 1, CHINA) == Deadline(at=at("2026-12-25 00:00"), provisional=False)
    assert add_working_days(REAL, received, 3, CHINA) == Deadline(at=at("2026-12-29 00:00"), provisional=True)
    assert add_working_days(noticed, received, 3, CHINA) == Deadline(at=at("2026-12-27 00:00"), provisional=False)


def test_a_period_across_a_year_without_notice_is_provisional_even_if_it_ends_in_a_known_one() -> None:
    gap = REAL.with_notice(2028, rest=[date(2028, 1, 1)], work=[])

    deadline = add_working_days(gap, at("2027-12-20 10:00"), 12, CHINA)

    assert deadline == Deadline(at=at("2028-01-06 00:00"), provisional=True)
    assert not add_working_days(gap, at("2028-01-01 10:00"), 3, CHINA).provisional


def test_a_notice_has_the_last_word_on_the_days_it_names() -> None:
    day, other = date(2026, 2, 14), date(2026, 2, 17)

    changed = REAL.with_notice(2026, rest=[day], work=[other])

    assert not changed.is_working_day(day)
    assert changed.is_working_day(other)
    assert not changed.is_working_day(date(2026, 2, 18))
    assert not changed.rest & changed.work


def test_an_extension_counts_from_the_last_day_and_stays_provisional() -> None:
    first = add_working_days(REAL, at("2026-02-13 10:00"), 5, CHINA)
    uncertain = Deadline(at=first.at, provisional=True)

    assert extend(REAL, first, 5, CHINA) == Deadline(at=at("2026-03-06 00:00"), provisional=False)
    assert extend(REAL, uncertain, 5, CHINA).provisional
    assert extend(REAL, first, 1, CHINA, end_of_day=time(17)).at == at("2026-02-28 17:00")
    assert extend(REAL, Deadline(at=at("2026-12-25 00:00")), 1, CHINA).provisional


@pytest.mark.parametrize(
    ("ends", "n", "starts", "is_over"),
    [
        ("2026-03-05 00:00", 0, "2026-03-04 00:00", "2026-03-05 00:00"),
        ("2026-03-05 00:00", 1, "2026-03-03 00:00", "2026-03-04 00:00"),
        ("2026-03-04 17:30", 1, "2026-03-03 00:00", "2026-03-04 00:00"),
        ("2026-03-03 00:00", 1, "2026-02-28 00:00", "2026-03-01 00:00"),
        ("2026-02-25 00:00", 1, "2026-02-14 00:00", "2026-02-15 00:00"),
        ("2026-02-25 00:00", 3, "2026-02-12 00:00", "2026-02-13 00:00"),
    ],
)
def test_the_working_day_before_a_deadline_skips_rest_days(ends: str, n: int, starts: str, is_over: str) -> None:
    assert start_of_working_day_before(REAL, at(ends), n, CHINA) == at(starts)
    assert end_of_working_day_before(REAL, at(ends), n, CHINA) == at(is_over)


def test_working_days_between_two_days_are_counted_both_ways() -> None:
    assert working_days_between(REAL, date(2026, 2, 13), date(2026, 2, 24)) == 2
    assert working_days_between(REAL, date(2026, 2, 24), date(2026, 2, 13)) == -2
    assert working_days_between(REAL, date(2026, 2, 15), date(2026, 2, 23)) == 0


@pytest.mark.parametrize(
    ("since", "until", "n"),
    [
        ("2026-03-02 10:00", "2026-03-02 10:00", 0),
        ("2026-03-02 10:00", "2026-03-02 10:00:01", 1),
        ("2026-03-02 10:00", "2026-03-03 10:00", 1),
        ("2026-03-02 10:00", "2026-03-03 10:00:01", 2),
        ("2026-03-06 10:00", "2026-03-09 10:00", 1),
        ("2026-03-07 10:00", "2026-03-08 10:00", 0),
        ("2026-02-14 12:00", "2026-02-25 00:00", 2),
    ],
)
def test_time_taken_is_rounded_up_to_working_days_and_rest_days_take_none(since: str, until: str, n: int) -> None:
    assert working_days_elapsed(REAL, at(since), at(until), CHINA) == n


@given(calendars, instants, instants, lengths, closings)
def test_a_later_receipt_never_ends_earlier(
    calendar: Calendar, a: datetime, b: datetime, n: int, closes: time | None
) -> None:
    first, second = sorted((a, b), key=datetime.timestamp)

    earlier = add_working_days(calendar, first, n, CHINA, end_of_day=closes)
    later = add_working_days(calendar, second, n, CHINA, end_of_day=closes)

    assert earlier.at <= later.at
    assert earlier.at > first


@given(calendars, instants, lengths, lengths)
def test_a_longer_period_always_ends_later_and_is_as_provisional_at_least(
    calendar: Calendar, start: datetime, n: int, more: int
) -> None:
    shorter = add_working_days(calendar, start, n, CHINA)
    longer = add_working_days(calendar, start, n + more, CHINA)

    assert shorter.at < longer.at
    assert longer.provisional >= shorter.provisional


@given(calendars, instants, lengths, closings)
def test_the_last_day_is_the_nth_working_day_after_receipt(
    calendar: Calendar, start: datetime, n: int, closes: time | None
) -> None:
    deadline = add_working_days(calendar, start, n, CHINA, end_of_day=closes)
    last = last_day(deadline.at, CHINA)

    assert calendar.is_working_day(last)
    assert working_days_between(calendar, day_of(start, CHINA), last) == n


@given(calendars, instants, lengths, lengths, closings)
def test_periods_add_up(calendar: Calendar, start: datetime, n: int, more: int, closes: time | None) -> None:
    whole = add_working_days(calendar, start, n + more, CHINA, end_of_day=closes)
    first = add_working_days(calendar, start, n, CHINA)
    on_the_last_day = datetime.combine(last_day(first.at, CHINA), time(12), tzinfo=CHINA)

    assert extend(calendar, first, more, CHINA, end_of_day=closes) == whole
    assert add_working_days(calendar, on_the_last_day, more, CHINA, end_of_day=closes).at == whole.at


@given(calendars, instants, lengths, closings)
def test_the_zone_in_which_an_instant_is_written_changes_nothing(
    calendar: Calendar, start: datetime, n: int, closes: time | None
) -> None:
    deadlines = {
        add_working_days(calendar, start.astimezone(zone), n, CHINA, end_of_day=closes) for zone in (UTC, CHINA, BERLIN)
    }

    assert len(deadlines) == 1


@given(calendars, instants, lengths, st.sampled_from([CHINA, BERLIN, UTC]))
def test_a_period_ends_at_0_by_the_wall_clock_whatever_the_season(
    calendar: Calendar, start: datetime, n: int, zone: ZoneInfo
) -> None:
    deadline = add_working_days(calendar, start, n, zone).at

    assert deadline.time() == time()
    assert deadline.tzinfo is zone


@given(calendars, instants, lengths, st.integers(0, 20))
def test_going_back_lands_on_a_working_day_as_many_days_before(
    calendar: Calendar, start: datetime, n: int, back: int
) -> None:
    deadline = add_working_days(calendar, start, n, CHINA).at

    began = start_of_working_day_before(calendar, deadline, back, CHINA)

    assert calendar.is_working_day(began.date())
    assert working_days_between(calendar, began.date(), last_day(deadline, CHINA)) == back
    assert end_of_working_day_before(calendar, deadline, back, CHINA) == began + timedelta(days=1)


@given(calendars, days)
def test_the_next_working_day_is_the_nearest(calendar: Calendar, day: date) -> None:
    following = next_working_day(calendar, day)

    assert following > day
    assert calendar.is_working_day(following)
    assert working_days_between(calendar, day, following) == 1


@given(calendars, days, st.integers(0, 60), st.integers(0, 60))
def test_counts_of_working_days_add_up(calendar: Calendar, a: date, first: int, second: int) -> None:
    b = a + timedelta(days=first)
    c = b + timedelta(days=second)

    parts = working_days_between(calendar, a, b) + working_days_between(calendar, b, c)

    assert parts == working_days_between(calendar, a, c)


@given(calendars, instants, st.timedeltas(timedelta(), timedelta(days=60)))
def test_time_taken_never_exceeds_the_clock_and_moves_a_day_at_most_at_the_edges(
    calendar: Calendar, since: datetime, took: timedelta
) -> None:
    until = (since.astimezone(UTC) + took).astimezone(CHINA)
    taken = working_days_elapsed(calendar, since, until, CHINA)
    dates = working_days_between(calendar, day_of(since, CHINA), day_of(until, CHINA))

    assert 0 <= taken <= -(-took // timedelta(days=1))
    assert abs(taken - dates) <= 1


@given(calendars, days, st.sampled_from([2025, 2026, 2027, 2028]), sets_of_days)
def test_a_notice_settles_its_own_year(calendar: Calendar, day: date, year: int, rest: frozenset[date]) -> None:
    noticed = calendar.with_notice(year, rest=rest, work=[])

    assert noticed.knows(year)
    assert all(noticed.is_settled(date(year, month, 1)) for month in range(1, 13))
    assert noticed.is_settled(date(year, 12, 31)) == noticed.knows(year + 1)
    assert not any(noticed.is_working_day(named) for named in rest)
    assert (
        day in rest
        or noticed.knows(day.year) > calendar.knows(day.year)
        or (noticed.is_working_day(day) == calendar.is_working_day(day))
    )


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-02 08:29:59", False),
        ("2026-03-02 08:30", True),
        ("2026-03-02 11:59:59", True),
        ("2026-03-02 12:00", False),
        ("2026-03-02 14:30", True),
        ("2026-03-02 17:29:59", True),
        ("2026-03-02 17:30", False),
        ("2026-02-28 09:00", True),
        ("2026-03-01 09:00", False),
        ("2026-02-17 09:00", False),
    ],
    ids=["before", "opens", "noon", "lunch", "back", "last", "closed", "make-up", "Sunday", "festival"],
)
def test_an_office_is_open_in_its_hours_on_working_days(moment: str, is_open: bool) -> None:
    assert HOURS.is_open(REAL, at(moment), CHINA) is is_open
    assert HOURS.is_open(REAL, at(moment).astimezone(UTC), CHINA) is is_open


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-03-02 07:00", "2026-03-02 08:30"),
        ("2026-03-02 09:15", "2026-03-02 09:15"),
        ("2026-03-02 12:00", "2026-03-02 14:30"),
        ("2026-03-02 17:30", "2026-03-03 08:30"),
        ("2026-02-14 17:30", "2026-02-24 08:30"),
        ("2026-02-27 20:00", "2026-02-28 08:30"),
    ],
    ids=["early", "open already", "lunch", "next day", "over the festival", "on a make-up Saturday"],
)
def test_an_office_opens_next_on_a_working_day(moment: str, opens: str) -> None:
    assert HOURS.next_opening(REAL, at(moment), CHINA) == at(opens)


def test_a_closed_weekday_is_skipped_and_saturday_hours_need_a_make_up_workday() -> None:
    morning, evening = Span(opens=time(9), closes=time(12)), Span(opens=time(20), closes=time())
    hours = OfficeHours(week=((), (morning, evening), (), (), (), (evening,), ()))

    assert hours.next_opening(REAL, at("2026-03-04 00:00"), CHINA) == at("2026-03-10 09:00")
    assert hours.is_open(REAL, at("2026-03-10 23:59:59"), CHINA)
    assert not hours.is_open(REAL, at("2026-02-28 09:00"), CHINA)
    assert hours.is_open(REAL, at("2026-02-28 20:00"), CHINA)
    assert not hours.is_open(REAL, at("2026-03-07 20:00"), CHINA)
    assert hours.is_open(REAL, at("2026-01-04 09:00"), CHINA)


def test_lunch_cuts_the_spans_it_touches_and_swallows_those_inside_it() -> None:
    spans = [Span(opens=time(a), closes=time(b)) for a, b in ((8, 12), (12, 13), (13, 18))]
    hours = OfficeHours.daily(*spans, lunch=Span(opens=time(11, 30), closes=time(14)))

    opens = [hours.is_open(REAL, at(f"2026-03-02 {clock}"), CHINA) for clock in ("11:29", "11:30", "12:30", "14:00")]

    assert opens == [True, False, False, True]


def test_a_lunch_break_at_opening_delays_the_opening() -> None:
    hours = OfficeHours.daily(Span(opens=time(8), closes=time(18)), lunch=Span(opens=time(8), closes=time(9)))

    assert hours.next_opening(REAL, at("2026-03-02 07:00"), CHINA) == at("2026-03-02 09:00")


@given(calendars, instants, st.integers(0, 10_000))
def test_an_office_is_open_at_its_next_opening_and_not_before(calendar: Calendar, moment: datetime, share: int) -> None:
    opening = HOURS.next_opening(calendar, moment, CHINA)
    between = moment.astimezone(CHINA) + (opening - moment) * (share / 10_001)

    assert HOURS.is_open(calendar, opening, CHINA)
    assert HOURS.next_opening(calendar, opening, CHINA) == opening
    assert opening >= moment
    assert between == opening or not HOURS.is_open(calendar, between, CHINA)


NAIVE = datetime(2026, 3, 2, 10)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(OurMistake, match="2026-03-02T10:00:00 has no time zone"):
        add_working_days(REAL, NAIVE, 1, CHINA)
    with pytest.raises(OurMistake, match="has no time zone"):
        last_day(NAIVE, CHINA)
    with pytest.raises(OurMistake, match="has no time zone"):
        Deadline(at=NAIVE)


@pytest.mark.parametrize("n", [0, -1])
def test_a_period_of_no_days_is_refused(n: int) -> None:
    with pytest.raises(OurMistake, match=f"a period of {n} working days; expected at least 1"):
        add_working_days(REAL, at("2026-03-02 10:00"), n, CHINA)


def test_a_closing_time_with_a_zone_is_refused() -> None:
    with pytest.raises(OurMistake, match="a closing time has no zone of its own"):
        add_working_days(REAL, at("2026-03-02 10:00"), 1, CHINA, end_of_day=time(17, tzinfo=UTC))


def test_time_that_runs_backwards_is_refused() -> None:
    with pytest.raises(OurMistake, match="is before"):
        working_days_elapsed(REAL, at("2026-03-02 10:00"), at("2026-03-02 09:59"), CHINA)


def test_opening_hours_that_make_no_sense_are_refused() -> None:
    day, late = Span(opens=time(9), closes=time(17)), Span(opens=time(16), closes=time(20))

    with pytest.raises(OurMistake, match="17:00-09:00: closes before it opens"):
        Span(opens=time(17), closes=time(9))
    with pytest.raises(OurMistake, match="09:00-09:00: closes before it opens"):
        Span(opens=time(9), closes=time(9))
    with pytest.raises(OurMistake, match="no zone of its own"):
        Span(opens=time(9, tzinfo=UTC), closes=time(17))
    with pytest.raises(OurMistake, match="16:00-20:00 begins before 09:00-17:00 is over"):
        OfficeHours.daily(day, late)
    with pytest.raises(OurMistake, match="5 days of opening hours; expected 7"):
        OfficeHours(week=((day,),) * 5)
    with pytest.raises(OurMistake, match="closed from Monday to Friday"):
        OfficeHours(week=((), (), (), (), (), (day,), ()))
    with pytest.raises(OurMistake, match="closed from Monday to Friday"):
        OfficeHours.daily(day, lunch=Span(opens=time(8), closes=time(18)))
