"""Reports, registers and what the public reads, over HTTP: who may see what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.ticket import TicketId
from tests.fakes.casehttp import CaseOffice, Person, case_office
from tests.fakes.caseroom import CALLER, REPLY, WATER, CaseRoom
from tests.fakes.store import MemoryStore


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[CaseOffice]:
    async with case_office(CaseRoom(MemoryStore(), "suzhou-2018"), tmp_path / "recordings") as opened:
        yield opened


async def closed(desk: CaseOffice, name: str = "20260302-000001") -> str:
    room = desk.room
    ticket = await room.ticket(name, matter=f"停水{name[-1]}", summary="我叫王小明，家里停水")
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "sign", WATER)
    await room.do(ticket, "reply", WATER, **REPLY)
    await room.do(ticket, "audit_pass")
    return str(ticket)


def stranger(desk: CaseOffice) -> Person:
    return Person(desk.place.visitor_at(desk.console.url), {})


async def test_sz_6_everybody_reads_what_was_published_and_nothing_else(desk: CaseOffice) -> None:
    ticket, _ = await closed(desk), await closed(desk, "20260302-000002")
    await desk.room.do(TicketId(ticket), "publish", question="停水", answer="已修复，赵工到场")
    public = stranger(desk)

    async with public.client:
        status, shown = await public.get("/open/publications")

    assert status == 200
    (one,) = shown["publications"]
    assert (one["category"], one["question"], one["answer"]) == ("投诉", "停水", "已修复，***到场")
    assert ticket not in str(shown)
    assert CALLER not in str(shown)


async def test_sz_6_the_public_goes_on_where_a_page_ended(desk: CaseOffice) -> None:
    for n in range(1, 4):
        ticket = await closed(desk, f"20260302-{n:06}")
        await desk.room.do(TicketId(ticket), "publish", question=str(n), answer="已修复")
    public = stranger(desk)

    async with public.client:
        _, first = await public.get("/open/publications", limit=2)
        _, second = await public.get("/open/publications", limit=2, after=first["next_after"])

    assert [one["question"] for one in (*first["publications"], *second["publications"])] == ["3", "2", "1"]


async def test_a_unit_sees_its_own_report_and_the_orders_to_it_alone(desk: CaseOffice) -> None:
    await closed(desk)
    leader, water, roads = [await desk.person(name) for name in ("leader", "water", "roads")]
    _, report = await leader.get("/api/reports/2026-03")
    assert [(unit["unit"], unit["tickets"]) for unit in report["units"]] == [("water", 1)]
    _, none = await roads.get("/api/reports/2026-03", unit="water")
    assert none["units"] == []
    status, paper = await leader.post(
        "/api/registers/supervision",
        {"unit": "water", "trigger": "other", "form": "约谈", "reason": "知识库未更新", "days": 3},
    )
    assert (status, paper["number"]) == (200, "2026-1")

    _, mine = await water.get("/api/registers/supervision")
    _, theirs = await roads.get("/api/registers/supervision", unit="water")
    status, _ = await roads.post(f"/api/registers/supervision/{paper['number']}/answer", {"text": "不是我"})
    assert ([one["number"] for one in mine["papers"]], theirs["papers"], status) == (["2026-1"], [], 404)
    status, answered = await water.post(f"/api/registers/supervision/{paper['number']}/answer", {"text": "已更新"})
    assert (status, answered["state"]) == (200, "answered")


@pytest.mark.parametrize("register", ["publication", "restriction", "archive", "submission"])
async def test_units_have_no_part_in_the_hotlines_other_registers(desk: CaseOffice, register: str) -> None:
    leader, water = await desk.person("leader"), await desk.person("water")

    assert (await water.get(f"/api/registers/{register}"))[0] == 403
    assert (await leader.get(f"/api/registers/{register}"))[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/reports/2026-13", 422, "days"),
        ("/api/registers/gossip", 404, ""),
        ("/api/registers/archive?after=x", 422, "after"),
    ],
)
async def test_what_is_asked_wrongly_is_told_by_field(desk: CaseOffice, path: str, status: int, field: str) -> None:
    leader = await desk.person("leader")

    answered, problem = await leader.get(path)

    assert (answered, problem["error"].get("field", "")) == (status, field)


async def test_an_order_that_the_regulation_does_not_know_is_refused(desk: CaseOffice) -> None:
    leader, agent = await desk.person("leader"), await desk.person("agent")
    body = {"unit": "water", "trigger": "unit_rates", "form": "sheet", "reason": "低", "days": 3}

    assert (await leader.post("/api/registers/supervision", body))[0] == 409
    assert (await agent.post("/api/registers/supervision", body))[0] == 403
