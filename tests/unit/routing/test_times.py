from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.elements import Facts, elements, read
from routing.times import resolve, times_in

ZONE = ZoneInfo("Asia/Shanghai")
SUNDAY = datetime(2026, 11, 22, 15, 40, tzinfo=ZONE)
PAST = (
    "大前天", "前天", "昨天", "昨晚", "昨夜", "刚才", "上周三", "上上周五", "上周末", "星期二", "上个月底", "上个月",
    "去年", "去年冬天", "前年五月", "五月三号", "半个小时前", "三天前", "两个星期前", "三天", "两年",
)  # fmt: skip
PARTS = ("早上", "上午", "中午", "下午", "傍晚", "晚上", "半夜", "凌晨")
instants = st.datetimes(
    min_value=datetime(2001, 1, 1), max_value=datetime(2099, 12, 31), timezones=st.sampled_from([UTC, ZONE])
)


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("大前天晚上停的水", "大前天晚上", "11月19日晚"),
        ("上周三下午三点半来过", "上周三下午三点半", "11月11日15:30"),
        ("昨晚十点多开始", "昨晚十点多", "11月21日22:00许"),
        ("这个月初说过", "这个月初", "11月1日至10日"),
        ("刚才发生的", "刚才", "15:40"),
        ("半个小时前着火", "半个小时前", "11月22日15:10"),
        ("去年冬天就不热", "去年冬天", "2025年冬"),
        ("停水三天了", "三天", "11月19日起"),
        ("工资三个月没发", "三个月", "8月起"),
        ("今天早上", "今天早上", "11月22日早"),
        ("星期二来的", "星期二", "11月17日"),
        ("凌晨两点半还在施工", "凌晨两点半", "11月22日02:30"),
        ("昨天半夜两点", "昨天半夜两点", "11月22日02:00"),
        ("昨天晚上12点", "昨天晚上12点", "11月22日00:00"),
        ("前天中午一点", "前天中午一点", "11月20日13:00"),
        ("十二月三号", "十二月三号", "2025年12月3日"),
        ("上个月五号", "上个月五号", "10月5日"),
        ("上个月底", "上个月底", "10月21日至31日"),
        ("上周末", "上周末", "11月14日至15日"),
        ("今晚八点", "今晚八点", "11月22日20:00"),
        ("去年五月", "去年五月", "2025年5月"),
        ("昨天下午三点一刻", "昨天下午三点一刻", "11月21日15:15"),
    ],
)
def test_a_time_is_found_and_told_by_the_calendar(text: str, words: str, shown: str) -> None:
    (said,) = times_in(text)
    span = resolve(said, SUNDAY, ZONE)

    assert said == words
    assert span is not None
    assert (span.shown, span.words) == (shown, words)


@pytest.mark.parametrize(
    "words", ["二月三十号", "十三月一号", "前几天", "最近", "每天", "好几天", "昨天二十五点", "", "停水"]
)
def test_what_the_calendar_cannot_tell_stays_open(words: str) -> None:
    assert resolve(words, SUNDAY, ZONE) is None


def test_an_hour_without_its_half_of_the_day_is_less_sure() -> None:
    exact, vague = resolve("昨天下午三点", SUNDAY, ZONE), resolve("昨天三点", SUNDAY, ZONE)

    assert exact is not None
    assert vague is not None
    assert (exact.begin, exact.confidence > vague.confidence) == (vague.begin, True)


def test_the_clock_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 21, 17, tzinfo=UTC)  # past midnight in China

    days = [span.shown for zone in (ZONE, UTC) if (span := resolve("昨天", late, zone))]
    assert days == ["11月21日", "11月20日"]


@given(
    st.sampled_from(PAST), st.sampled_from(("", *PARTS)), st.sampled_from(("", "三点", "十一点半", "十点多")), instants
)
def test_the_past_never_ends_after_it_was_said(day: str, part: str, clock: str, at: datetime) -> None:
    span = resolve(f"{day}{part}{clock}", at, ZONE)

    assert span is None or (span.begin <= span.end <= at and 0 < span.confidence <= 1)


@given(instants, st.integers(min_value=1, max_value=3))
def test_a_day_and_an_hour_come_back_as_they_were_told(at: datetime, days: int) -> None:
    local = at.astimezone(ZONE)
    meant = (local - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    part = next(
        part
        for part, last in (("凌晨", 5), ("早上", 11), ("中午", 12), ("下午", 17), ("晚上", 23))
        if meant.hour <= last
    )

    span = resolve(
        f"{('昨天', '前天', '大前天')[days - 1]}{part}{meant.hour if meant.hour < 13 else meant.hour - 12}点", at, ZONE
    )

    assert span is not None
    assert span.begin == span.end == meant


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("昨前去上个周月年天三五十半点号前多晚初冬"), st.characters()), max_size=12
    ),
    instants,
)
def test_any_words_have_a_time_or_none(words: str, at: datetime) -> None:
    for said in (words, *times_in(words)):
        span = resolve(said, at, ZONE)
        assert span is None or span.begin <= span.end


def test_the_ticket_shows_what_was_said_and_what_it_means() -> None:
    facts = read("大前天晚上开始停水")

    assert elements([facts]).time == "大前天晚上"
    assert elements([read_at(facts.text)], zone=ZONE).time == "大前天晚上（11月19日晚）"
    assert elements([read_at("前几天停水")], zone=ZONE).time == "前几天"


def read_at(text: str) -> Facts:
    return replace(read(text), at=SUNDAY)
