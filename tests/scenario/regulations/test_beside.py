"""What the regulations ask of live tickets beside the closed loop. Names begin with the row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.casework import Channel
from gateway.domain.decision import Decision, DecisionKind
from gateway.domain.errors import Refused
from gateway.domain.register import Paper, PaperQuery, PaperState, Register
from gateway.domain.rules import Stage
from gateway.domain.ticket import TicketId
from gateway.services.case_round import is_drawn
from gateway.services.recounting import Recounting
from gateway.services.tickets import TicketEditor
from gateway.storage.store import SqlStore
from routing.working_time import Calendar
from tests.fakes.caseroom import CALLER, REPLY, WATER, CaseRoom, at, names
from tests.fakes.store import MemoryStore, SetClock


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with SqlStore(tmp_path / "store.sqlite3", clock=SetClock()) as kept:
        yield kept


async def closed(room: CaseRoom, name: str = "20260302-000001", **fields: Any) -> TicketId:
    ticket = await room.ticket(name, **fields)
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "sign", WATER)
    done = await room.do(ticket, "reply", WATER, **REPLY)
    assert not done.denials
    await room.do(ticket, "audit_pass")
    return ticket


async def papers(room: CaseRoom, register: Register) -> list[Paper]:
    return list(await room.store.registers.page(PaperQuery(register=register)))


# --- publication -----------------------------------------------------------------------------------------------------


async def test_sz_6_what_is_closed_waits_masked_for_whoever_publishes_it(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    await closed(room, summary="我叫王小明，滨河小区3号楼2单元501室停水，请回13900000000")

    (draft,) = await papers(room, Register.PUBLICATION)

    assert (draft.state, draft.rows) == (PaperState.DRAFT, ("SZ-6",))
    assert draft.values["question"] == "我叫***，滨河小区***停水，请回***"
    assert draft.values["answer"] == REPLY["result"]


async def test_sz_6_names_and_numbers_of_those_who_answered_are_never_shown(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await closed(room)
    said = f"{REPLY['handler']}、{REPLY['approver']}（{REPLY['telephone']}）已答复{CALLER}"
    await room.do(ticket, "publish", question="停水", answer=said)

    (shown,) = await papers(room, Register.PUBLICATION)

    assert shown.state is PaperState.PUBLISHED
    assert shown.values["answer"] == "***、***（***）已答复***"
    for entry in await store.entries(ticket_id=ticket):
        if entry.fact.kind in ("case.published", "case.commanded"):
            assert CALLER not in str(entry.fact.values)


async def test_sz_6_what_the_petitioner_withholds_leaves_the_drafts(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await closed(room)
    await room.do(ticket, "wish", publish=False)

    (draft,) = await papers(room, Register.PUBLICATION)

    assert draft.state is PaperState.WITHHELD


async def test_sz_6_what_is_taken_back_is_shown_no_more_and_may_be_shown_anew(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await closed(room)
    await room.do(ticket, "publish", question="停水", answer="已修复")
    await room.do(ticket, "withdraw", reason="有误")
    assert [paper.state for paper in await papers(room, Register.PUBLICATION)] == [PaperState.WITHDRAWN]

    await room.do(ticket, "publish", question="停水", answer="已修好")

    assert [paper.state for paper in await papers(room, Register.PUBLICATION)] == [
        PaperState.PUBLISHED,
        PaperState.WITHDRAWN,
    ]


async def test_sz_6_a_city_without_the_rule_publishes_nothing(store: Any) -> None:
    room = CaseRoom(store, "zhuhai-2023")
    ticket = await closed(room)

    done = await room.do(ticket, "publish", question="停水", answer="已修好")

    assert [fact.details["why"] for fact in done.denials] == ["not_allowed"]
    assert await papers(room, Register.PUBLICATION) == []


# --- the archive, leaders, orders ------------------------------------------------------------------------------------


async def test_sz_4_6_what_has_been_over_for_long_enough_goes_into_the_archive_by_itself_once(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await closed(room)
    assert await room.wait("2026-03-16 23:59") == []

    brought = await room.wait("2026-03-17 00:01")

    assert [fact.name for fact in brought] == ["archived"]
    (entry,) = await papers(room, Register.ARCHIVE)
    assert (entry.case_id, entry.state) == (ticket, PaperState.ARCHIVED)
    assert entry.due == at("2037-01-01 00:00")
    assert entry.values["inventory"] == {
        "category": "complaint",
        "matter": "停水",
        "stage": "closed",
        "revision": (await room.record(ticket)).revision,
        "call": f"call of {ticket}",
        "reply": True,
        "article": "",
    }
    assert await room.wait("2026-06-01 00:00") == []
    done = await room.do(ticket, "supervise", trigger="other")
    assert [fact.details["why"] for fact in done.denials] == ["sealed"]


async def test_sz_4_2d_a_submission_and_its_instruction_stand_on_one_paper(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "submit", opinion="拟由供水公司牵头", leader="张副市长")
    (open_,) = await papers(room, Register.SUBMISSION)
    assert (open_.state, open_.values["opinion"]) == (PaperState.OPEN, "拟由供水公司牵头")

    await room.do(ticket, "instruct", leader="张副市长", text="三日内办结")

    (paper,) = await papers(room, Register.SUBMISSION)
    assert (str(paper.number), paper.state) == ("2026-1", PaperState.ANSWERED)
    assert paper.values["instruction"] == "三日内办结"
    told = await store.cases.messages(Channel.LEADER)
    assert [message.kind for message in told] == ["submission"]


async def test_cf_18_each_sheet_has_its_number_reason_and_articles_and_ends_with_the_answer(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    for name in ("20260302-000001", "20260302-000002"):
        ticket = await room.ticket(name, matter=name)
        await room.do(ticket, "accept", category="complaint")
        await room.do(ticket, "dispatch", to="water")
        await room.do(ticket, "order", trigger="leader", form="sheet", reason="领导批示", days=3)
    second, first = await papers(room, Register.SUPERVISION)
    assert [str(paper.number) for paper in (first, second)] == ["2026-1", "2026-2"]
    assert (second.rows, second.unit, second.values["reason"]) == (("CF-18",), "water", "领导批示")
    assert second.due == at("2026-03-06 00:00")

    await room.do(ticket, "order_reply", WATER, text="已办")

    second, _ = await papers(room, Register.SUPERVISION)
    assert (second.state, second.values["answer"]) == (PaperState.ANSWERED, "已办")


async def test_cf_18_a_sheet_that_nobody_answers_is_told_to_both(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "order", trigger="leader", form="sheet", reason="领导批示", days=1)
    await room.wait("2026-03-04 00:00")

    for channel in (Channel.HOTLINE, Channel.UNIT):
        told = await store.cases.messages(channel, case_id=ticket)
        assert "order" in [message.kind for message in told]


async def test_cf_17_a_live_reply_names_who_made_sure_that_nothing_secret_leaves(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")

    without = await room.do(ticket, "reply", WATER, **REPLY)
    withit = await room.do(ticket, "reply", WATER, **REPLY, secrecy_checked_by="孙主任")

    assert [(fact.details["why"], fact.rows) for fact in without.denials] == [
        ("missing:secrecy_checked_by", ("CF-17",))
    ]
    assert not withit.denials


async def test_zh_9_a_restriction_is_registered_with_reason_end_and_objection(store: Any) -> None:
    room = CaseRoom(store, "zhuhai-2023")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "restrict", reason="辱骂话务员")
    await room.do(ticket, "restriction_appeal", text="不是我")
    (paper,) = await papers(room, Register.RESTRICTION)
    assert (paper.state, paper.values["reason"], paper.values["appeal"]) == (
        PaperState.APPEALED,
        "辱骂话务员",
        "不是我",
    )
    assert paper.due == at("2026-04-02 00:00")
    assert CALLER not in str(paper)

    await room.do(ticket, "restriction_lift", reason="号码被冒用")

    (paper,) = await papers(room, Register.RESTRICTION)
    assert (paper.state, paper.values["lifted"]) == (PaperState.ENDED, "号码被冒用")
    again = await room.ticket("20260302-000002")
    assert not (await room.do(again, "accept", category="help")).denials


async def test_sz_4_4_the_lot_draws_a_share_of_what_is_closed_for_follow_up(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    tickets = [await closed(room, f"20260302-{n:06}", matter=str(n)) for n in range(1, 31)]

    told = await store.cases.messages(Channel.HOTLINE, limit=100)

    drawn = {message.case_id for message in told if message.kind == "follow_up"}
    assert drawn == {ticket for ticket in tickets if is_drawn(ticket, 10)}
    assert 0 < len(drawn) < len(tickets)


def test_sz_4_4_the_lot_is_about_as_large_as_the_share() -> None:
    drawn = sum(is_drawn(TicketId(f"20260302-{n:06}"), 10) for n in range(10_000))

    assert 900 < drawn < 1100


async def test_sz_2_the_unit_above_sends_back_what_its_own_unit_reports(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    township = replace(WATER, name="街道", unit="township")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "sign", WATER)
    await room.do(ticket, "dispatch", WATER, to="township")
    await room.do(ticket, "reply", township, **REPLY)

    done = await room.do(ticket, "audit_fail", WATER, reason="未正面回应")

    assert done.record is not None
    assert done.record.case.stage in (Stage.DISPATCHED, Stage.SIGNED)
    await room.do(ticket, "reply", township, **REPLY)
    done = await room.do(ticket, "endorse", WATER)
    assert names(done.facts, "endorsed") == [{}]


async def test_pl_9_who_lost_a_dispute_has_no_part_any_more(store: Any) -> None:
    room = CaseRoom(store, "pingli-2018")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="roads")

    done = await room.do(ticket, "designate", to="water", decided_by="协调会议", reason="职能交叉")

    assert done.record is not None
    assert (done.record.case.unit, done.record.above, done.record.units) == ("water", (), ("water",))
    assert "dispatched" in [message.kind for message in await store.cases.messages(Channel.UNIT, to="water")]


# --- what agents write after acceptance ------------------------------------------------------------------------------


async def test_zh_11b_an_agents_correction_reaches_the_case_and_its_periods(store: Any) -> None:
    room = CaseRoom(store)
    editor = TicketEditor(store, room.feed, room.clock, room.casework.amended)
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="consultation")
    await room.do(ticket, "dispatch", to="water")

    edited = await editor.edit(ticket, {"category": "complaint", "matter": "水质"}, revision=99, by="李静")

    record = await room.record(ticket)
    assert (record.case.category, record.case.matter, edited.category) == ("complaint", "水质", "complaint")
    assert record.handle_due == at("2026-03-17 00:00")
    spans = [(str(each.span), each.state.value) for each in record.case.periods if each.kind.value == "handle"]
    assert spans == [("2 working days", "replaced"), ("10 working days", "running")]
    assert "case.amended" in await room.kinds(ticket)


async def test_zh_10c_an_agent_does_not_move_a_ticket_to_another_unit_by_writing(store: Any) -> None:
    room = CaseRoom(store)
    editor = TicketEditor(store, room.feed, room.clock, room.casework.amended)
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")
    await room.do(ticket, "dispatch", to="water")
    before = await store.ticket(ticket)

    with pytest.raises(Refused):
        await editor.edit(ticket, {"unit": "roads", "summary": "改"}, revision=99, by="李静")

    assert await store.ticket(ticket) == before


async def test_cf_4b_a_category_that_the_city_does_not_take_is_not_written(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    editor = TicketEditor(store, room.feed, room.clock, room.casework.amended)
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")

    with pytest.raises(Refused):
        await editor.edit(ticket, {"category": "praise"}, revision=99, by="李静")


async def test_cf_4a_zh_8a_an_answer_from_the_knowledge_base_answers_the_case_with_article_and_version(
    store: Any,
) -> None:
    room = CaseRoom(store)
    ticket = await room.ticket(category="consultation")
    await room.do(ticket, "accept", category="consultation")
    answer = Decision(kind=DecisionKind.ANSWER, outcome="water-outage@3", reasons=())
    kept = await store.ticket(ticket)
    given = replace(kept, decisions=(answer,), revision=kept.revision + 1)

    def work(tx: Any) -> None:
        tx.save_ticket(given)
        room.casework.answered(tx, given, "李静")

    await store.commit(work)

    record = await room.record(ticket)
    assert (record.case.stage, record.case.article) == (Stage.ANSWERED, "water-outage@3")


# --- provisional deadlines -------------------------------------------------------------------------------------------


async def test_a_notice_makes_provisional_deadlines_certain_and_each_case_keeps_what_it_was_told(store: Any) -> None:
    room = CaseRoom(store, now="2027-01-25 09:00")
    unknown = Calendar(years=frozenset({2026}))
    room.books.use(unknown)
    ticket = await room.ticket("20270125-000001")
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    before = await room.record(ticket)
    assert before.case.has_provisional_deadlines
    notice = unknown.with_notice(2027, rest=[date(2027, 2, day) for day in range(5, 12)], work=[])
    recounting = Recounting(room.casework, store, store.cases, room.clock, lambda: notice)
    room.books.use(notice)

    said = await recounting.recount()

    after = await room.record(ticket)
    assert before.handle_due == at("2027-02-09 00:00")
    assert after.handle_due == at("2027-02-16 00:00")
    assert not after.case.has_provisional_deadlines
    (due,) = [each for each in names(said, "due") if each["kind"] == "handle"]
    assert (due["was"], due["because"]) == (before.handle_due, "calendar")
    told = [message for message in await store.cases.messages(Channel.UNIT, to="water") if message.kind == "handle"]
    assert "因放假安排公布重新计算" in told[0].text
    assert (await room.files.latest(ticket, room.clock.now())) is not None
    assert await recounting.recount() == []
