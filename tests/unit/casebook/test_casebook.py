"""The casebook by itself, under invented regulations: what the five cities' stories do not come across."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.case import (
    Accept,
    Append,
    AuditFail,
    AuditPass,
    Dispatch,
    Extend,
    ExtendAgree,
    Fact,
    Grade,
    PeriodState,
    RedoAgree,
    Reply,
    Return,
    ReturnRefuse,
    Sign,
)
from gateway.domain.rules import PeriodKind, Stage
from routing.casebook import Casebook, Shelf
from routing.working_time import Calendar
from tests.fakes.regulation import CALENDAR, MONDAY, Story, T, regulation

HELP = Accept(category="help")
TO_UNIT = Dispatch(to="城管局")
HANDLE = {"period.handle": '{ span = "2 working days", runs_from = "dispatched" }'}
SURVEY = {"survey": '{ scale = ["满意", "不满意"], unsatisfied = ["不满意"] }'}


def names(facts: list[Fact]) -> list[str]:
    return [fact.name for fact in facts]


def test_a_denied_command_changes_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path, {})
    story.after(0, HELP)
    before = story.case

    facts = story.after(1, Extend())

    assert story.case is before
    assert [(fact.name, fact.details) for fact in facts] == [("denied", {"do": "extend", "why": "wrong_stage"})]


def test_the_casebook_says_when_the_clock_is_next_worth_asking(tmp_path: Path) -> None:
    story = Story(tmp_path, {**HANDLE, "cards": '{ yellow = "last day" }'})
    story.after(0, HELP)
    assert story.case is not None
    assert story.book.due(story.case) is None

    story.after(1, TO_UNIT)
    due = story.book.due(story.case)

    assert due == datetime.fromisoformat("2026-03-04T00:00:00+08:00")
    assert names(story.until((due - MONDAY) / timedelta(hours=1))) == ["card"]
    assert story.book.due(story.case) == due + timedelta(days=1)


def test_what_the_clock_brought_is_not_brought_again(tmp_path: Path) -> None:
    story = Story(tmp_path, HANDLE)
    story.after(0, HELP)
    story.after(1, TO_UNIT)

    assert names(story.until(500)) == ["supervise", "missed"]
    assert story.until(1000) == []


def test_an_instant_that_is_not_inclusive_is_left_for_later(tmp_path: Path) -> None:
    story = Story(tmp_path, HANDLE)
    story.after(0, HELP)
    story.after(1, TO_UNIT)
    assert story.case is not None
    due = story.book.due(story.case)
    assert due is not None

    assert story.book.elapse(story.case, due, inclusive=False).facts == ()
    assert len(story.book.elapse(story.case, due).facts) == 2


def test_a_case_keeps_every_period_it_was_given_and_why(tmp_path: Path) -> None:
    story = Story(tmp_path, {**HANDLE, "extension": '{ filing = "before the period ends", times = 1 }'})
    story.after(0, HELP)
    story.after(1, TO_UNIT)
    story.after(2, Extend())
    story.after(3, ExtendAgree())
    story.after(4, Reply())
    assert story.case is not None

    handled = [(str(p.span), p.state) for p in story.case.periods if p.kind is PeriodKind.HANDLE]

    assert handled == [("2 working days", PeriodState.REPLACED), ("4 working days", PeriodState.MET)]
    assert all(period.rows == ("C-1",) for period in story.case.periods)


def test_a_request_with_no_period_to_move_leaves_none(tmp_path: Path) -> None:
    rules = {"return": '{ fields = [], late = "denied", pauses = true }', "append": "{ restarts = true }"}
    story = Story(tmp_path, rules)
    story.after(0, HELP)
    story.after(1, TO_UNIT)

    story.after(2, Return())
    facts = story.after(3, ReturnRefuse())

    assert names(facts) == ["stage", "tell"]
    assert names(story.after(4, Append(text="还有"))) == ["appended", "tell"]


def test_a_pause_moves_a_period_of_hours_by_the_clock(tmp_path: Path) -> None:
    rules = {
        "period.handle": '{ span = "24 hours", runs_from = "dispatched" }',
        "return": '{ fields = [], late = "denied", pauses = true }',
    }
    story = Story(tmp_path, rules)
    story.after(0, HELP)
    story.after(1, TO_UNIT)
    story.after(2, Return())
    story.after(5, ReturnRefuse())

    assert story.case is not None
    assert story.book.due(story.case) == MONDAY + timedelta(hours=28)


def test_a_survey_without_default_just_ends(tmp_path: Path) -> None:
    story = Story(tmp_path, {**SURVEY, "period.survey": '{ span = "24 hours", runs_from = "closed" }'})
    for hour, command in enumerate((HELP, TO_UNIT, Reply(), AuditPass())):
        story.after(hour, command)

    assert story.until(100) == []
    assert names(story.after(101, Grade(grade="满意"))) == ["grade"]


def test_a_redo_without_a_handling_period_has_none(tmp_path: Path) -> None:
    story = Story(tmp_path, {**SURVEY, "redo": '{ start = "hotline" }'})
    for hour, command in enumerate((HELP, TO_UNIT, Reply(), AuditPass(), Grade(grade="不满意"))):
        story.after(hour, command)

    assert names(story.after(6, RedoAgree())) == ["stage", "count", "tell"]


def test_a_reply_that_came_late_and_is_sent_back_is_not_overdue_twice(tmp_path: Path) -> None:
    story = Story(tmp_path, HANDLE)
    for hour, command in enumerate((HELP, TO_UNIT)):
        story.after(hour, command)
    story.after(200, Reply())
    story.after(201, AuditFail())
    story.until(500)

    assert names(story.facts).count("supervise") == 1


def test_an_audit_that_fails_without_any_period_says_none(tmp_path: Path) -> None:
    story = Story(tmp_path, {})
    for hour, command in enumerate((HELP, TO_UNIT, Sign(), Reply())):
        story.after(hour, command)

    assert names(story.after(5, AuditFail())) == ["stage", "count", "tell"]
    assert story.case is not None
    assert story.case.stage is Stage.SIGNED


def test_a_provisional_period_is_counted_anew_when_the_notice_is_out(tmp_path: Path) -> None:
    rules = {
        "period.handle": '{ span = "2 working days", runs_from = "dispatched" }',
        "period.sign": '{ span = "1 working day", runs_from = "dispatched" }',
        "period.contact": '{ span = "1 hour", runs_from = "dispatched" }',
    }
    profile = regulation(tmp_path, rules).at(MONDAY)
    unknown = Casebook(profile, Calendar())
    case = unknown.apply(None, T, HELP, MONDAY).case
    assert case is not None
    case = unknown.apply(case, T, TO_UNIT, MONDAY).case
    assert case is not None
    known = Casebook(profile, Calendar().with_notice(2026, rest=[date(2026, 3, 4)], work=[]))

    outcome = known.recount(case, MONDAY + timedelta(hours=1))

    said = [(fact.details["kind"], fact.details["due"].date(), "provisional" in fact.details) for fact in outcome.facts]
    assert said == [("handle", date(2026, 3, 6), False)]
    assert outcome.case is not None
    handle = [period for period in outcome.case.periods if period.kind is PeriodKind.HANDLE]
    assert [(period.state, period.provisional) for period in handle] == [
        (PeriodState.REPLACED, True),
        (PeriodState.RUNNING, False),
    ]
    assert outcome.facts[0].details["was"] == handle[0].due
    assert outcome.facts[0].details["because"] == "calendar"
    assert known.recount(outcome.case, MONDAY + timedelta(hours=2)).facts == ()


@pytest.mark.parametrize(
    ("day_end", "due"), [("17:30", "2026-03-04T17:30:00+08:00"), ("24:00", "2026-03-05T00:00:00+08:00")]
)
def test_a_city_may_end_its_working_days_before_midnight(tmp_path: Path, day_end: str, due: str) -> None:
    story = Story(tmp_path, {**HANDLE, "day_end": f'"{day_end}"', "cards": '{ yellow = "last day" }'})
    story.after(0, HELP)
    story.after(1, TO_UNIT)
    story.until(500)

    told = {(fact.name, fact.details.get("colour")): fact.at for fact in story.facts}
    assert told["card", "yellow"] == datetime.fromisoformat("2026-03-04T00:00:00+08:00")
    assert told["card", "red"] == datetime.fromisoformat(due)


def test_a_unit_signs_once_whoever_it_sends_the_ticket_on_to(tmp_path: Path) -> None:
    rules = {
        "period.handle": '{ span = "5 working days", runs_from = "dispatched", renewed = "signed" }',
        "dispatch.onward": "true",
    }
    story = Story(tmp_path, rules)
    for hour, command in enumerate((HELP, TO_UNIT, Sign(), TO_UNIT)):
        story.after(hour, command)

    assert names(story.after(100, Sign())) == ["stage"]


def test_a_new_ticket_follows_the_rules_of_its_own_day(tmp_path: Path) -> None:
    file = regulation(tmp_path, {"category.praise": '"表扬"'}, until={"category.praise": "2026-03-03"})
    shelf = Shelf(lambda instant: Casebook(file.at(instant), CALENDAR))
    for hour, command in enumerate((Accept(category="praise"), TO_UNIT, Reply(), AuditPass())):
        shelf.carry_out(T, command, MONDAY + timedelta(hours=hour))

    today = shelf.carry_out(T, Append(text="还有"), MONDAY + timedelta(hours=5))
    later = shelf.carry_out(T, Append(text="还有"), MONDAY + timedelta(days=5))

    assert [(fact.name, fact.case) for fact in today] == [("open", "T"), ("stage", "T+1")]
    assert [(fact.name, fact.case) for fact in later] == [("open", "T"), ("denied", "T+2")]
    assert set(shelf.cases) == {"T", "T+1"}
