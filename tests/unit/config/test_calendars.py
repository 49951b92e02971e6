from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar  # type: ignore[import-untyped]
import pytest

from config.calendars import CalendarError, load, statutory
from routing.working_time import Deadline, add_working_days
from tests.fakes.routing import CONFIG

CHINA = ZoneInfo("Asia/Shanghai")

# No real notice: days invented for the test, with one make-up workday in the December before.
NOTICE = """\
source = "关于2027年部分节假日安排的通知"
rest = [
    { from = 2026-12-31, to = 2027-01-03 },
    { from = 2027-02-05, to = 2027-02-11 },
    { from = 2027-05-01, to = 2027-05-05 },
    { from = 2027-10-01, to = 2027-10-07 },
    2027-04-05,
]
work = [2026-12-27, 2027-02-13]
"""


def write(folder: Path, text: str, name: str = "2027.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_statutory_calendar_is_the_packages_own_on_every_day_it_knows() -> None:
    calendar = statutory()
    first, last = date(min(calendar.years), 1, 1), date(max(calendar.years), 12, 31)
    span = [first + timedelta(days=step) for step in range((last - first).days + 1)]

    assert calendar.years == frozenset(range(2004, 2027))
    assert [calendar.is_working_day(day) for day in span] == [chinese_calendar.is_workday(day) for day in span]


def test_the_notice_we_ship_as_a_pattern_says_what_the_package_says() -> None:
    assert load(CONFIG / "calendars") == statutory()


def test_a_folder_that_is_not_there_leaves_the_statutory_calendar(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere") == statutory()


def test_the_notice_of_a_new_year_settles_and_moves_a_provisional_deadline(tmp_path: Path) -> None:
    received = datetime(2026, 12, 25, 10, tzinfo=CHINA)
    before = add_working_days(load(tmp_path), received, 4, CHINA)
    write(tmp_path, NOTICE)

    after = add_working_days(load(tmp_path), received, 4, CHINA)

    assert before == Deadline(at=datetime(2027, 1, 1, tzinfo=CHINA), provisional=True)
    assert after == Deadline(at=datetime(2026, 12, 31, tzinfo=CHINA), provisional=False)


def test_a_notice_makes_its_days_rest_and_its_make_up_days_work(tmp_path: Path) -> None:
    write(tmp_path, NOTICE)

    calendar = load(tmp_path)

    assert calendar.knows(2027)
    assert not calendar.knows(2028)
    assert not calendar.is_working_day(date(2027, 4, 5))
    assert not calendar.is_working_day(date(2026, 12, 31))
    assert calendar.is_working_day(date(2026, 12, 27))
    assert calendar.is_working_day(date(2027, 2, 13))


def test_a_file_puts_single_days_of_a_known_year_right(tmp_path: Path) -> None:
    write(tmp_path, 'source = "台风停工令"\nrest = [2026-09-08]\nwork = [2026-10-07]\n', "2026.toml")

    calendar = load(tmp_path)

    assert not calendar.is_working_day(date(2026, 9, 8))
    assert calendar.is_working_day(date(2026, 10, 7))
    assert not calendar.is_working_day(date(2026, 10, 6))
    assert calendar.years == statutory().years


def test_a_file_need_not_name_make_up_workdays(tmp_path: Path) -> None:
    write(tmp_path, 'source = "台风停工令"\nrest = [2026-09-08]\n', "2026.toml")

    assert not load(tmp_path).is_working_day(date(2026, 9, 8))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("source =", "sorce =", ':1: sorce = "关于2027年部分节假日安排的通知": unknown key; did you mean source?'),
        ('"关于2027年部分节假日安排的通知"', '" "', ':1: source = " ": expected the title of the notice'),
        (
            "rest = [",
            "rest = [ 3,",
            ":2: rest[1] = 3: expected a date such as 2027-01-01, or { from = 2027-01-01, to = 2027-01-03 }",
        ),
        ("rest = [", 'rest = [ "2027-13-01",', ':2: rest[1] = "2027-13-01": '),
        ("2027-04-05,", "2027-04-05T08:00:00,", ":2: rest[5] = "),
        ("to = 2027-02-11", "till = 2027-02-11", ":2: rest[2].till = "),
        (
            "to = 2027-02-11",
            "to = 2027-02-01",
            ":2: rest[2]: 2027-02-01 is before 2027-02-05; expected `from` before `to`",
        ),
        ("2027-04-05,", "2028-04-05,", ':2: rest[5] = "2028-04-05": 2028-04-05 is not of 2027; expected a day from '),
        ("2026-12-31", "2026-12-24", ":2: rest[1]: 2026-12-24 is not of 2027; expected a day from 2026-12-25 to "),
        ("2027-04-05,", "2027-05-05,", ':2: rest[5] = "2027-05-05": 2027-05-05 stands in rest already; every day stan'),
        ("2027-02-13]", "2027-02-11]", ':9: work[2] = "2027-02-11": 2027-02-11 stands in rest already; every day stan'),
        ("2027-02-13]", "2027-03-01]", ':9: work[2] = "2027-03-01": 2027-03-01 is a working day anyway; expected a m'),
        ("    { from = 2027-10-01, to = 2027-10-07 },\n", "", "2027-10-01 is not among them; expected the whole year"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_line_and_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in NOTICE
    path = write(tmp_path, NOTICE.replace(old, new, 1))

    with pytest.raises(CalendarError, match=re.escape(told)) as caught:
        load(tmp_path)

    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


def test_a_range_may_be_one_day_and_reach_both_ends_of_what_a_notice_covers(tmp_path: Path) -> None:
    ends = "    { from = 2026-12-25, to = 2026-12-25 },\n    2027-12-31,\n"
    write(tmp_path, NOTICE.replace("    2027-04-05,\n", ends))

    calendar = load(tmp_path)

    assert not calendar.is_working_day(date(2026, 12, 25))
    assert not calendar.is_working_day(date(2027, 12, 31))


FEWEST = """\
source = "通知"
rest = [
    { from = 2026-12-30, to = 2027-01-01 }, { from = 2027-02-05, to = 2027-02-08 }, 2027-04-05,
    2027-05-01, 2027-05-02, 2027-06-09, 2027-09-15, { from = 2027-10-01, to = 2027-10-03 },
]
"""


def test_the_holidays_of_the_statute_are_a_whole_year_and_one_fewer_is_not(tmp_path: Path) -> None:
    write(tmp_path, FEWEST)
    assert load(tmp_path).knows(2027)

    write(tmp_path, FEWEST.replace("2027-09-15, ", ""))
    with pytest.raises(CalendarError, match="12 days of 2027; expected the whole year's, 13 or more"):
        load(tmp_path)


def test_half_a_notice_does_not_make_a_year_known(tmp_path: Path) -> None:
    fixed = "2027-01-01, 2027-05-01, 2027-05-02, 2027-10-01, 2027-10-02, 2027-10-03"
    write(tmp_path, f'source = "通知"\nrest = [{fixed}]\n')

    with pytest.raises(CalendarError, match=r"2027\.toml:2: rest.*: 6 days of 2027; expected the whole year's, 13"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["next.toml", "27.toml", "0000.toml", "2027-draft.toml"])
def test_a_file_is_named_after_its_year(tmp_path: Path, name: str) -> None:
    write(tmp_path, NOTICE, name)

    with pytest.raises(CalendarError, match=r"the name of the file: expected a year, such as 2027\.toml"):
        load(tmp_path)


def test_a_file_that_is_no_toml_is_a_calendar_error(tmp_path: Path) -> None:
    write(tmp_path, "rest = [2027-02-30]\n")

    with pytest.raises(CalendarError, match=r"2027\.toml: is not TOML"):
        load(tmp_path)
