"""When an owner is asked again, until when it must answer, and which notice came too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from gateway.domain.knowledge import ArticleId, ArticleKind, Content, first_version
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import DUTY, FRESHNESS, Span
from routing.freshness import (
    UNSAID,
    Freshness,
    answer_by,
    freshness,
    reported_late,
    stale_from,
    unconfirmed_since,
)
from tests.fakes.hotline import PROFILE
from tests.fakes.library import CITATION, RECKONING, STRICT, WORKS, ZONE, rule

CONTENT = Content(title="停水", unit="water", body="请拨打热线。")


def on(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=ZONE)


def with_rules(**rules: Ruling[object]) -> Profile:
    return replace(PROFILE, rules=rules)


def test_the_city_s_rule_says_how_long_an_article_may_go_unconfirmed() -> None:
    assert freshness(STRICT) == Freshness(span=Span.parse("90 natural days"), citation=CITATION, is_ours=False)


def test_a_city_that_asks_for_freshness_without_a_number_gets_ours_beside_its_article() -> None:
    duty = replace(PROFILE, rules=rule(DUTY.key("knowledge"), ("freshness",)))

    assert freshness(duty) == Freshness(span=UNSAID, citation=CITATION, is_ours=True)
    assert freshness(with_rules()) == Freshness(span=UNSAID, citation=None, is_ours=True)


def test_a_rule_without_an_article_has_none_to_show() -> None:
    bare = replace(PROFILE, rules={FRESHNESS.key(): Ruling(key=FRESHNESS.key(), value=UNSAID, citations=())})

    assert freshness(bare).citation is None


@pytest.mark.parametrize("text", ["90 natural days", "20 working days", "36 hours", "30 minutes", "same day"])
def test_whatever_is_stale_was_confirmed_before_the_instant_that_narrows_the_list(text: str) -> None:
    rule = Freshness(span=Span.parse(text), citation=None, is_ours=False)
    article = first_version(ArticleId("a"), CONTENT, at=on(3, 2), by="one", publish=True)

    stale = stale_from(article, rule, RECKONING)

    assert article.confirmed_at <= unconfirmed_since(rule, stale)


def test_an_article_is_stale_from_the_end_of_its_last_day() -> None:
    article = first_version(ArticleId("a"), CONTENT, at=on(3, 2), by="one", publish=True)

    assert stale_from(article, freshness(STRICT), RECKONING) == on(3, 2, 0) + timedelta(days=91)


def test_a_check_raised_on_a_friday_is_due_at_the_end_of_tuesday() -> None:
    deadline, citation = answer_by(STRICT, RECKONING, on(3, 6))

    assert deadline is not None
    assert (deadline.at, deadline.provisional, citation) == (on(3, 11, 0), False, CITATION)


def test_a_city_without_a_period_for_checks_sets_none() -> None:
    assert answer_by(with_rules(), RECKONING, on(3, 6)) == (None, None)


@pytest.mark.parametrize(("reported", "is_late"), [((3, 1), False), ((3, 2), True)])
def test_construction_is_reported_a_week_ahead(reported: tuple[int, int], is_late: bool) -> None:
    works = replace(WORKS, valid_from=date(2026, 3, 8), valid_until=date(2026, 3, 9))

    assert reported_late(works, on(*reported), STRICT, RECKONING) == (CITATION if is_late else None)


@pytest.mark.parametrize(("reported", "is_late"), [((9, 29), False), ((9, 30), True)])
def test_a_roster_is_reported_two_working_days_before_the_holiday(reported: tuple[int, int], is_late: bool) -> None:
    roster = replace(WORKS, kind=ArticleKind.DUTY_ROSTER, valid_from=date(2026, 10, 1))

    assert (reported_late(roster, on(*reported), STRICT, RECKONING) is not None) is is_late


def test_what_is_no_notice_or_has_no_rule_or_no_day_is_never_late() -> None:
    works = replace(WORKS, valid_from=date(2026, 3, 8))

    assert reported_late(CONTENT, on(3, 7), STRICT, RECKONING) is None
    assert reported_late(works, on(3, 7), with_rules(), RECKONING) is None
    assert reported_late(WORKS, on(3, 7), STRICT, RECKONING) is None
