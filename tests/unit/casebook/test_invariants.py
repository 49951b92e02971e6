"""Whatever is tried on a case, in whatever order: the casebook answers, and what it says holds together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.profiles import find, read_file
from gateway.domain.case import (
    Accept,
    Answer,
    Appeal,
    Append,
    AuditFail,
    AuditPass,
    Command,
    Contact,
    Dispatch,
    Extend,
    ExtendAgree,
    ExtendRefuse,
    FollowUpFailed,
    Grade,
    HandOff,
    RedoAgree,
    RedoRefuse,
    RedoRequest,
    Refuse,
    Reply,
    Return,
    ReturnAgree,
    ReturnRefuse,
    Sign,
    Supervise,
    Urge,
)
from gateway.domain.rules import CATEGORIES, PeriodKind, RefusalKind, Stage, Trigger, Urgency
from routing.casebook import Casebook, Shelf
from tests.fakes.regulation import CALENDAR, MONDAY, T

CITIES = ("chifeng-2022", "suzhou-2018", "zhuhai-2023", "neimenggu-2021", "pingli-2018")
BOOKS = {city: Casebook(read_file(find(city)).at(MONDAY), CALENDAR) for city in CITIES}
FULL_REPLY = Reply(
    unit="城管局",
    handler="王一",
    approver="李二",
    telephone="0756-0000000",
    result="已处理",
    basis="第三条",
    handled_at="2026-03-04",
    told_petitioner=True,
    case_number="1",
)
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Accept, category=st.sampled_from(CATEGORIES), urgency=st.sampled_from(Urgency)),
    st.builds(Refuse, kind=st.sampled_from(RefusalKind)),
    st.builds(Dispatch, to=st.just("城管局"), assist=st.sampled_from([(), ("住建局",)]), designated=st.booleans()),
    st.builds(Grade, grade=st.sampled_from(["满意", "不满意"])),
    st.builds(Extend, reason=st.just("难"), approved_by=st.just("李二"), days=st.sampled_from([None, 1, 5])),
    st.builds(Supervise, trigger=st.sampled_from(Trigger)),
    st.sampled_from(
        [
            Accept(category="complaint"),
            Dispatch(to="城管局"),
            Sign(),
            FULL_REPLY,
            AuditPass(),
            AuditFail(reason="答非所问"),
            Return(reason="不属职责", basis="第一条", suggest="住建局", approved_by="李二"),
            ReturnAgree(to="住建局"),
            ReturnRefuse(reason="属你局"),
            ExtendAgree(),
            ExtendRefuse(reason="不难"),
            Answer(),
            HandOff(line="110"),
            Urge(),
            Append(text="还有"),
            Contact(),
            FollowUpFailed(),
            RedoRequest(),
            RedoAgree(),
            RedoRefuse(),
            Appeal(evidence="照片"),
        ]
    ),
)
STORIES = st.lists(st.tuples(COMMANDS, st.integers(min_value=0, max_value=60 * 24 * 6)), min_size=1, max_size=25)


@pytest.mark.parametrize("city", CITIES)
@settings(max_examples=60, deadline=None)
@given(story=STORIES)
def test_every_story_holds_together(city: str, story: list[tuple[Command, int]]) -> None:
    book = BOOKS[city]
    shelf = Shelf(lambda instant: book)
    now = MONDAY
    facts = []
    for command, minutes in story:
        now += timedelta(minutes=minutes)
        before = shelf.cases.get(T)
        facts += shelf.carry_out(T, command, now)
        case = shelf.cases.get(T)
        if before is not None and case is not None:
            assert len(case.periods) >= len(before.periods), "a period was forgotten"
    facts += shelf.elapse(now + timedelta(days=400))

    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    assert all(row in book.profile.citations for fact in facts for row in fact.rows)
    assert all(fact.rows for fact in facts if fact.name in ("due", "card", "stage", "grade", "supervise"))
    for case in shelf.cases.values():
        assert book.due(case) is None, "something is left for the clock"
        if case.stage in (Stage.CLOSED, Stage.ANSWERED, Stage.REFUSED, Stage.HANDED_OFF):
            assert case.running(PeriodKind.HANDLE) is None


@pytest.mark.parametrize("city", CITIES)
@settings(max_examples=30, deadline=None)
@given(story=STORIES)
def test_looking_at_the_clock_more_often_brings_nothing_else(city: str, story: list[tuple[Command, int]]) -> None:
    def told(looks: int) -> list[tuple[str, object, object]]:
        shelf = Shelf(lambda instant: BOOKS[city])
        now, facts = MONDAY, []
        for command, minutes in story:
            for look in range(looks):
                facts += shelf.elapse(now + timedelta(minutes=minutes) * look / looks)
            now += timedelta(minutes=minutes)
            facts += shelf.carry_out(T, command, now)
        return [(fact.name, fact.at, tuple(sorted(map(str, fact.details.items())))) for fact in facts]

    assert told(0) == told(3)
