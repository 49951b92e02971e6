"""Figures of units, clauses and matters as the regulations ask for them. Names begin with the row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.casework import Channel
from gateway.domain.errors import Refused
from gateway.domain.register import PaperQuery, PaperState, Register
from gateway.domain.report import Days, Rate, Report, ReportKind, UnitFigures
from gateway.domain.rules import PeriodKind, Trigger
from gateway.services.reports import Reporter
from gateway.services.unit_orders import UnitOrders
from gateway.services.unit_records import UnitRecord
from gateway.storage.store import SqlStore
from routing.tally import last_of, ranked
from tests.fakes.caseroom import AGENT, REPLY, ROADS, SUPERVISOR, UNITS, WATER, CaseRoom, at
from tests.fakes.store import MemoryStore, SetClock

MARCH = Days.parse("2026-03")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with SqlStore(tmp_path / "store.sqlite3", clock=SetClock()) as kept:
        yield kept


def reporter(room: CaseRoom, *records: UnitRecord) -> Reporter:
    async def known() -> Sequence[UnitRecord]:
        return records

    return Reporter(room.store.cases, room.books, room.clock, known)


async def handled(room: CaseRoom, name: str, *, unit: str = "water", late: bool = False, grade: str = "") -> None:
    """Take a ticket on 2 March and bring it to its end, perhaps too late."""
    room.to("2026-03-02 09:00")
    ticket = await room.ticket(name, matter=f"matter of {name}")
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to=unit)
    await room.do(ticket, "sign")
    await room.wait("2026-03-25 09:00" if late else "2026-03-03 09:00")
    await room.do(ticket, "reply", **REPLY)
    await room.do(ticket, "audit_pass")
    if grade:
        await room.do(ticket, "grade", grade=grade)


def figures(report: Report, unit: str) -> UnitFigures:
    (found,) = [each for each in report.units if each.unit == unit]
    return found


async def test_zh_18_timeliness_satisfaction_and_knowledge_are_counted_per_unit(store: Any) -> None:
    room = CaseRoom(store)
    await handled(room, "20260302-000001", grade="非常满意")
    await handled(room, "20260302-000002", late=True, grade="不满意")
    await handled(room, "20260302-000003", unit="roads")
    report = await reporter(room, UnitRecord(unit="water", published=4, stale=1)).report(MARCH)

    water = figures(report, "water")
    assert (water.tickets, water.closed, water.overdue) == (2, 2, 1)
    assert (water.timeliness, water.satisfaction, water.knowledge) == (Rate(1, 2), Rate(1, 2), Rate(3, 4))
    assert water.score == pytest.approx((50 + 50 + 75) / 3, abs=0.01)
    assert figures(report, "roads").rank == 1
    assert set(report.rows) == {"ZH-18"}


async def test_zh_18_every_clause_tells_how_many_of_its_periods_were_missed(store: Any) -> None:
    room = CaseRoom(store)
    await handled(room, "20260302-000001")
    await handled(room, "20260302-000002", late=True)

    report = await reporter(room).report(MARCH)

    (handle,) = [each for each in report.clauses if each.kind is PeriodKind.HANDLE]
    assert (handle.row, handle.given, handle.met, handle.missed) == ("ZH-11b", 2, 1, 1)


async def test_cf_21_nm_3_7_response_resolution_and_satisfaction_are_rated_and_ranked(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    reply = {**REPLY, "secrecy_checked_by": "孙主任"}
    for unit, grade in (("water", "满意"), ("roads", "不满意")):
        ticket = await room.ticket(f"20260302-{unit}", matter=unit)
        await room.do(ticket, "accept", category="complaint")
        await room.do(ticket, "dispatch", to=unit)
        await room.do(ticket, "sign")
        await room.do(ticket, "reply", **reply)
        await room.do(ticket, "audit_pass")
        done = await room.do(ticket, "grade", grade=grade)
        assert not done.denials

    report = await reporter(room).report(MARCH)

    water, roads = report.units
    assert (water.unit, water.rank, water.score) == ("water", 1, 100.0)
    assert (roads.response, roads.resolution, roads.satisfaction) == (Rate(1, 1), Rate(0, 1), Rate(0, 1))
    assert roads.supervise == ("unit_rates",)
    assert "CF-21" in report.rows


async def test_cf_21_who_is_among_the_last_three_two_months_running_is_named(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    reply = {**REPLY, "secrecy_checked_by": "孙主任"}
    for month, bad in (("02", ("water", "roads", "station")), ("03", ("water", "roads", "township"))):
        for unit in ("water", "roads", "station", "township", "schools", "buses"):
            room.to(f"2026-{month}-09 09:00")
            ticket = await room.ticket(f"2026{month}09-{unit}", matter=f"{unit}{month}")
            await room.do(ticket, "accept", category="complaint")
            await room.do(ticket, "dispatch", to="water" if unit in UNITS else "roads")
            record = await room.record(ticket)
            await put(room, record, unit)
            await room.do(ticket, "reply", **reply)
            await room.do(ticket, "audit_pass")
            await room.do(ticket, "grade", grade="不满意" if unit in bad else "满意")

    months = [await reporter(room).report(Days.parse(f"2026-{month}")) for month in ("02", "03")]

    assert [unit.unit for unit in months[0].units if unit.is_flagged] == []
    assert {unit.unit for unit in months[1].units if unit.is_flagged} == {"water", "roads"}


async def put(room: CaseRoom, record: Any, unit: str) -> None:
    """Let another unit have a case."""
    moved = replace(record, case=replace(record.case, unit=unit), revision=record.revision + 1)
    await room.store.commit(lambda tx: tx.cases.save_case(moved))


def test_cf_21_nobody_is_last_among_three_and_equals_share_a_rank() -> None:
    def unit(name: str, part: int) -> UnitFigures:
        return UnitFigures(unit=name, tickets=10, timeliness=Rate(part, 10))

    three = ranked([unit("a", 1), unit("b", 2), unit("c", 3)], ["timeliness"])
    five = ranked(
        [unit("a", 9), unit("b", 9), *(unit(name, 1) for name in "cde"), UnitFigures(unit="f")], ["timeliness"]
    )

    assert last_of(three) == frozenset()
    assert [(each.unit, each.rank) for each in five] == [("a", 1), ("b", 1), ("c", 3), ("d", 3), ("e", 3), ("f", None)]
    assert last_of(five) == {"c", "d", "e"}


async def test_cf_25_pl_27_hot_spots_bursts_and_days_are_found(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022", now="2026-02-20 09:00")
    await take(room, "停水", 1)
    room.to("2026-03-02 09:00")
    await take(room, "停水", 5)
    room.to("2026-03-10 09:00")
    await take(room, "路灯", 2)

    report = await reporter(room).report(MARCH)

    told = [(each.matter, each.tickets, each.before, each.is_burst) for each in report.matters]
    assert told == [("停水", 5, 1, True), ("路灯", 2, 0, False)]
    assert report.by_day == {date(2026, 3, 2): 5, date(2026, 3, 10): 2}
    assert (report.received, report.before) == (7, 1)
    assert report.triggers["burst"] == 1


async def take(room: CaseRoom, matter: str, count: int) -> None:
    for n in range(count):
        ticket = await room.ticket(f"{room.clock.now():%m%d}-{matter}-{n}", matter=matter, caller=f"0100000{n:04}")
        await room.do(ticket, "accept", category="complaint")


async def test_cf_18_hard_tickets_are_listed_by_month_with_why(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "order", trigger="leader", form="sheet", reason="批示", days=3)
    other = await room.ticket("20260302-000002", matter="路灯")
    await room.do(other, "accept", category="complaint")

    report = await reporter(room).report(MARCH)

    assert [(each.id, each.why) for each in report.hard] == [(ticket, ("order",))]


async def test_sz_5_7_who_lets_a_joint_matter_lie_is_named(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="suggestion")
    await room.do(ticket, "dispatch", to="water", assist=["roads"])
    await room.wait("2026-03-20 00:00")

    report = await reporter(room).report(MARCH)

    assert [(each.id, each.why) for each in report.hard] == [(ticket, ("dragging",))]
    assert report.triggers["overdue"] == 1


async def test_cf_10_a_workstation_has_a_report_of_its_area(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="station")
    await room.do(ticket, "dispatch", to="township")
    other = await room.ticket("20260302-000002", matter="路灯")
    await room.do(other, "accept", category="complaint")
    await room.do(other, "dispatch", to="water")

    report = await reporter(room).report(MARCH, "station")

    assert (report.received, [each.unit for each in report.units]) == (1, ["township"])


async def test_pl_30_a_grade_that_a_granted_appeal_excuses_is_not_counted(store: Any) -> None:
    room = CaseRoom(store, "pingli-2018")
    reply = {**REPLY, "case_number": "2026-1"}
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint", real_name=True)
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "sign")
    await room.do(ticket, "reply", **reply)
    await room.do(ticket, "audit_pass")
    await room.do(ticket, "grade", grade="不满意")
    before = figures(await reporter(room).report(MARCH), "water")
    await room.do(ticket, "reply", **reply)
    await room.do(ticket, "audit_pass")
    await room.do(ticket, "grade", grade="不满意")
    await room.do(ticket, "appeal", evidence="照片")
    done = await room.do(ticket, "appeal_answer", granted=True, reason="属实")
    assert not done.denials

    after = figures(await reporter(room).report(MARCH), "water")

    assert (before.satisfaction, after.satisfaction) == (Rate(0, 1), Rate(0, 0))
    assert {"PL-27", "PL-30"} <= set((await reporter(room).report(MARCH)).rows)


async def test_cf_18_a_unit_as_a_whole_is_supervised_by_a_numbered_sheet(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    orders = UnitOrders(store, room.books, room.clock, UNITS)

    paper = await orders.give("water", Trigger.UNIT_RATES, "interview", "满意率偏低", 5, by=SUPERVISOR)

    assert (str(paper.number), paper.rows, paper.due) == ("2026-1", ("CF-18",), at("2026-03-10 00:00"))
    (told,) = await store.cases.messages(Channel.UNIT, to="water")
    assert (told.kind, told.text) == ("interview", "满意率偏低")
    with pytest.raises(Refused):
        await orders.answer(paper, "已整改", by=ROADS)
    answered = await orders.answer(paper, "已整改", by=WATER)
    assert answered.state is PaperState.ANSWERED
    assert list(await store.registers.page(PaperQuery(register=Register.SUPERVISION))) == [answered]
    with pytest.raises(Refused):
        await orders.answer(answered, "又整改", by=WATER)


@pytest.mark.parametrize(
    ("unit", "trigger", "form", "reason", "days", "by"),
    [
        ("water", Trigger.UNIT_RATES, "interview", "低", 5, AGENT),
        ("nobody", Trigger.UNIT_RATES, "interview", "低", 5, SUPERVISOR),
        ("water", Trigger.UNIT_RATES, "letter", "低", 5, SUPERVISOR),
        ("water", Trigger.OVERDUE, "sheet", "低", 5, SUPERVISOR),
        ("water", Trigger.UNIT_RATES, "sheet", " ", 5, SUPERVISOR),
        ("water", Trigger.UNIT_RATES, "sheet", "低", 0, SUPERVISOR),
    ],
)
async def test_cf_18_what_the_article_does_not_know_is_not_ordered(
    unit: str, trigger: Trigger, form: str, reason: str, days: int, by: Any
) -> None:
    room = CaseRoom(MemoryStore(), "chifeng-2022")
    orders = UnitOrders(room.store, room.books, room.clock, UNITS)

    with pytest.raises(Refused):
        await orders.give(unit, trigger, form, reason, days, by=by)

    assert list(await room.store.registers.page(PaperQuery(register=Register.SUPERVISION))) == []


@pytest.mark.parametrize(
    ("text", "kind", "first", "last", "before"),
    [
        ("2026-W10", ReportKind.WEEKLY, "2026-03-02", "2026-03-08", "2026-02-23..2026-03-01"),
        ("2026-03", ReportKind.MONTHLY, "2026-03-01", "2026-03-31", "2026-02-01..2026-02-28"),
        ("2026-01", ReportKind.MONTHLY, "2026-01-01", "2026-01-31", "2025-12-01..2025-12-31"),
        ("2024-02", ReportKind.MONTHLY, "2024-02-01", "2024-02-29", "2024-01-01..2024-01-31"),
        ("2026-Q1", ReportKind.QUARTERLY, "2026-01-01", "2026-03-31", "2025-10-01..2025-12-31"),
        ("2026-Q4", ReportKind.QUARTERLY, "2026-10-01", "2026-12-31", "2026-07-01..2026-09-30"),
        ("2026", ReportKind.YEARLY, "2026-01-01", "2026-12-31", "2025-01-01..2025-12-31"),
        ("2026-03-05..2026-03-07", ReportKind.SPECIAL, "2026-03-05", "2026-03-07", "2026-03-02..2026-03-04"),
    ],
)
def test_cf_31_reports_are_of_weeks_months_quarters_years_and_any_days(
    text: str, kind: ReportKind, first: str, last: str, before: str
) -> None:
    days = Days.parse(text)

    assert (days.kind, days.first.isoformat(), days.last.isoformat()) == (kind, first, last)
    assert str(days.before) == before


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-W54", "2026-Q5", "2026-03-07..2026-03-05", "3/2026", "2026-02-30..2026-03-01"]
)
def test_cf_31_what_is_no_time_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="expected 2026-W10"):
        Days.parse(text)


def test_cf_31_a_day_belongs_to_one_report_alone() -> None:
    zone = timezone(timedelta(hours=8))

    assert MARCH.bounds(zone)[0] == Days.parse("2026-02").bounds(zone)[1]
