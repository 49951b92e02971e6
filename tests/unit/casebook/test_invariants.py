"""Whatever is tried on a case, in whatever order: the casebook answers, and what it says holds together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.profiles import find, read_file
from gateway.domain.case import (
    Accept,
    Amend,
    Answer,
    Appeal,
    AppealAnswer,
    Append,
    Archive,
    AuditFail,
    AuditPass,
    Command,
    Contact,
    Designate,
    Dispatch,
    Endorse,
    Extend,
    ExtendAgree,
    ExtendRefuse,
    FollowUp,
    FollowUpFailed,
    Grade,
    HandOff,
    Instruct,
    Order,
    OrderReply,
    Publication,
    Publish,
    RedoAgree,
    RedoRefuse,
    RedoRequest,
    Refuse,
    Reply,
    Restrict,
    RestrictionAppeal,
    RestrictionLift,
    RestrictionUphold,
    Return,
    ReturnAgree,
    ReturnRefuse,
    Sign,
    Submit,
    Supervise,
    Urge,
    Wish,
    Withdraw,
    Withhold,
    WithholdAgree,
    WithholdRefuse,
)
from gateway.domain.rules import CATEGORIES, OVER, PeriodKind, RefusalKind, Trigger, Urgency
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
            AppealAnswer(granted=True, reason="属实"),
            Designate(to="住建局", decided_by="协调会", reason="职能交叉"),
            Endorse(),
            Submit(opinion="拟办", leader="张副市长"),
            Instruct(leader="张副市长", text="速办"),
            Order(trigger=Trigger.OTHER, form="sheet", reason="批示", days=2),
            OrderReply(text="已办"),
            FollowUp(outcome="属实", as_reported=False),
            Wish(publish=True),
            Wish(publish=False),
            Withhold(reason="在办案件", approved_by="李二"),
            WithholdAgree(),
            WithholdRefuse(reason="理由不充分"),
            Publish(question="路灯不亮", answer="已修复"),
            Withdraw(reason="有误"),
            Restrict(reason="辱骂"),
            RestrictionAppeal(text="不是我"),
            RestrictionLift(reason="冒用"),
            RestrictionUphold(reason="属实"),
            Archive(),
        ]
    ),
    st.builds(Amend, category=st.sampled_from(("", *CATEGORIES)), matter=st.sampled_from(["", "路灯"])),
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
        if case.stage in OVER:
            assert case.running(PeriodKind.HANDLE) is None
            assert case.over_at is not None
        if case.publication is Publication.PUBLISHED:
            assert case.stage in OVER
            assert case.wishes_publication is not False


def test_a_period_that_a_correction_lifts_says_on_which_article() -> None:
    shelf = Shelf(lambda instant: BOOKS["zhuhai-2023"])
    shelf.carry_out(T, Accept(category="complaint"), MONDAY)
    shelf.carry_out(T, Dispatch(to="城管局"), MONDAY)

    facts = shelf.carry_out(T, Amend(category="praise"), MONDAY)

    assert [(fact.details["kind"], fact.rows) for fact in facts if fact.name == "due"] == [("handle", ("ZH-8b",))]
    assert shelf.cases[T].running(PeriodKind.HANDLE) is None


@pytest.mark.parametrize("city", CITIES)
@settings(max_examples=30, deadline=None)
@given(story=STORIES)
def test_what_the_clock_seals_stays_as_it_is(city: str, story: list[tuple[Command, int]]) -> None:
    book = Casebook(BOOKS[city].profile, CALENDAR, seals=True)
    shelf = Shelf(lambda instant: book)
    now, sealed = MONDAY, None
    for command, minutes in story:
        now += timedelta(minutes=minutes)
        shelf.carry_out(T, command, now)
        case = shelf.cases.get(T)
        if sealed is not None:
            assert case is not None
            assert (case.archived_at, case.stage, case.grade) == (sealed.archived_at, sealed.stage, sealed.grade)
        if case is not None and case.archived_at is not None:
            sealed = case
            assert case.stage in OVER


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
