"""Other systems over HTTP: their keys, their own tickets, and requests that happen once however often they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.case import COMMANDS
from gateway.domain.ticket import TicketId
from gateway.storage.store import SqlStore
from gateway.web.server import ROUTES
from tests.fakes.casehttp import CaseOffice, case_office
from tests.fakes.caseroom import REPLY, CaseRoom
from tests.fakes.store import MemoryStore, SetClock

TICKET = "20260302-000001"
UNITS_KEY, PLATFORMS_KEY = "k" * 32, "p" * 32
SENT = {"id": "NM-1", "category": "help", "petitioner": "01000000002", "matter": "路灯", "summary": "路灯不亮"}


@pytest.fixture(params=["memory", "sqlite"])
async def case_desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CaseOffice]:
    if request.param == "memory":
        async with case_office(CaseRoom(MemoryStore()), tmp_path / "recordings") as opened:
            yield opened
        return
    async with (
        SqlStore(tmp_path / "store.sqlite", clock=SetClock()) as store,
        case_office(CaseRoom(store), tmp_path / "recordings") as opened,
    ):
        yield opened


async def dispatched(case_desk: CaseOffice, to: str = "water", name: str = TICKET) -> None:
    ticket = await case_desk.room.ticket(name)
    await case_desk.room.do(ticket, "accept", category="help")
    await case_desk.room.do(ticket, "dispatch", to=to)


def at_partner(path: str = "") -> str:
    return f"/api/exchange/tickets{path}"


async def test_a_units_system_signs_replies_and_reads_its_own_tickets(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    await dispatched(case_desk, "roads", "20260302-000002")
    unit = await case_desk.partner(UNITS_KEY)

    status, signed = await unit.post(at_partner(f"/{TICKET}/sign"), {}, Idempotency_Key="1")
    assert (status, signed["case"]["stage"]) == (200, "signed")
    status, replied = await unit.post(at_partner(f"/{TICKET}/reply"), dict(REPLY), Idempotency_Key="2")
    assert (status, replied["case"]["stage"]) == (200, "replied")
    assert [case["id"] for case in (await unit.get(at_partner()))[1]["cases"]] == [TICKET]
    status, file = await unit.get(at_partner(f"/{TICKET}"))
    assert (status, file["reply"]["result"]) == (200, REPLY["result"])
    assert file["history"][-1]["details"] == {"stage": "replied"}
    await case_desk.ledger.settle(5.0)
    seen = [e.fact.values["by"] for e in await case_desk.room.store.entries() if e.fact.kind == "ticket.viewed"]
    assert seen == ["partner:water-system"]
    assert (await unit.get(at_partner("/20260302-000002")))[0] == 404
    assert (await unit.post(at_partner("/20260302-000002/sign"), {}, Idempotency_Key="3"))[0] == 404


async def test_a_request_that_comes_again_happens_once_and_is_answered_the_same(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    unit = await case_desk.partner(UNITS_KEY)
    path = at_partner(f"/{TICKET}/sign")

    first = await unit.post(path, {}, Idempotency_Key="once")
    before = await case_desk.room.store.entries()
    again = await unit.post(path, {}, Idempotency_Key="once")
    assert again == first
    assert await case_desk.room.store.entries() == before
    status, answer = await unit.post(path, {"revision": 2}, Idempotency_Key="once")
    assert (status, answer["error"]["code"]) == (422, "key_reused")
    platform = await case_desk.partner(PLATFORMS_KEY)
    assert (await platform.post(at_partner(f"/{TICKET}/urge"), {}, Idempotency_Key="once"))[0] == 200


async def test_a_denial_is_an_answer_and_is_repeated(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    unit = await case_desk.partner(UNITS_KEY)

    first = await unit.post(at_partner(f"/{TICKET}/return"), {"reason": "不属于"}, Idempotency_Key="r")
    assert (first[0], first[1]["error"]["code"], first[1]["error"]["field"]) == (409, "missing", "basis")
    denials = (await case_desk.room.kinds(TicketId(TICKET))).count("case.denied")
    assert await unit.post(at_partner(f"/{TICKET}/return"), {"reason": "不属于"}, Idempotency_Key="r") == first
    assert (await case_desk.room.kinds(TicketId(TICKET))).count("case.denied") == denials == 2


async def test_without_its_own_key_a_request_is_refused(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    unit = await case_desk.partner(UNITS_KEY)
    for key in ("", "x" * 201):
        status, answer = await unit.post(at_partner(f"/{TICKET}/sign"), {}, Idempotency_Key=key)
        assert (status, answer["error"]["field"]) == (422, "Idempotency-Key")


async def test_whoever_has_no_key_learns_nothing(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    for key in ("", "wrong", UNITS_KEY[:-1]):
        stranger = await case_desk.partner(key)
        assert (await stranger.get(at_partner(f"/{TICKET}")))[0] == 401
        status, answer = await stranger.post(at_partner(f"/{TICKET}/sign"), {"nonsense": 1})
        assert (status, answer["error"]["code"]) == (401, "api_key")
    person = await case_desk.person("leader")
    assert (await person.get(at_partner()))[0] == 401


async def test_a_partner_that_saw_an_older_case_is_told_what_changed(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    unit = await case_desk.partner(UNITS_KEY)
    await case_desk.room.do(TicketId(TICKET), "urge")

    status, answer = await unit.post(at_partner(f"/{TICKET}/sign"), {"revision": 2}, Idempotency_Key="1")
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert [event["name"] for event in answer["error"]["current"]["changes"]][:2] == ["commanded", "count"]
    status, _ = await unit.post(at_partner(f"/{TICKET}/sign"), {"revision": 3}, Idempotency_Key="1")
    assert status == 200, "what could not be tried is not kept"


async def test_a_platform_passes_a_ticket_once_and_speaks_for_its_petitioner(case_desk: CaseOffice) -> None:
    platform, unit = await case_desk.partner(PLATFORMS_KEY), await case_desk.partner(UNITS_KEY)

    status, taken = await platform.post(at_partner(), SENT, Idempotency_Key="a")
    assert (status, taken["case"]["stage"]) == (200, "accepted")
    ticket_id = taken["case"]["id"]
    assert (await platform.post(at_partner(), SENT, Idempotency_Key="a"))[1] == taken
    status, known = await platform.post(at_partner(), SENT, Idempotency_Key="b")
    assert (status, known["error"]["code"]) == (409, "known")
    ticket = await case_desk.room.store.ticket(ticket_id)
    assert (ticket.channel.value, ticket.summary, ticket.caller) == ("platform", "路灯不亮", "01000000002")
    assert (await platform.post(at_partner(f"/{ticket_id}/urge"), {}, Idempotency_Key="c"))[0] == 200
    assert (await platform.post(at_partner(f"/{ticket_id}/audit_pass"), {}, Idempotency_Key="d"))[0] == 404
    assert (await platform.post(at_partner(f"/{ticket_id}/sign"), {}, Idempotency_Key="e"))[0] == 403
    assert (await unit.post(at_partner(), SENT, Idempotency_Key="f"))[0] == 403


async def test_a_platforms_ticket_that_the_rules_refuse_leaves_nothing_behind(case_desk: CaseOffice) -> None:
    platform = await case_desk.partner(PLATFORMS_KEY)
    before = await case_desk.room.store.entries()

    status, answer = await platform.post(at_partner(), {**SENT, "category": "riddle"}, Idempotency_Key="a")

    assert (status, answer["error"]["code"]) == (409, "not_allowed")
    assert await case_desk.room.store.tickets() == []
    assert await case_desk.room.store.entries() == before
    assert (await platform.post(at_partner(), SENT, Idempotency_Key="a"))[0] == 200


def test_partners_have_no_door_to_what_only_the_hotline_decides() -> None:
    doors = {route.path.rsplit("/", 1)[1] for route in ROUTES if route.for_partners and route.method == "POST"}
    assert not doors & {"audit_pass", "return_agree", "extend_agree", "redo_agree", "refuse", "accept"}
    assert (
        {"sign", "reply", "return", "extend", "appeal", "urge", "append", "grade"}
        <= doors
        <= {*COMMANDS, "tickets", "inbox"}
    )
