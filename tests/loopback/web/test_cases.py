"""Cases over HTTP: the closed loop from acceptance to closing, on both stores; who may do what; who comes second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from gateway.domain.case import COMMANDS
from gateway.domain.casework import Channel
from gateway.domain.rules import Span
from gateway.domain.ticket import TicketId
from gateway.storage.store import SqlStore
from gateway.web.server import ROUTES
from tests.fakes.casehttp import CaseOffice, case_office
from tests.fakes.caseroom import REPLY, CaseRoom
from tests.fakes.store import MemoryStore, SetClock

TICKET = "20260302-000001"


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


async def test_a_ticket_goes_round_the_closed_loop_with_its_deadlines(case_desk: CaseOffice) -> None:
    room = case_desk.room
    await room.ticket(TICKET)
    agent, leader, water = [await case_desk.person(name) for name in ("agent", "leader", "water")]

    status, accepted = await agent.do(TICKET, "accept", 0, category="help")
    assert (status, accepted["case"]["stage_words"]) == (200, "受理")
    status, sent = await agent.do(TICKET, "dispatch", accepted["case"]["revision"], to="water")
    assert (status, sent["case"]["handle_due"]) == (200, "2026-03-17T00:00:00+08:00")
    room.to("2026-03-03 10:00")
    status, signed = await water.do(TICKET, "sign", sent["case"]["revision"])
    assert status == 200
    await room.wait("2026-03-16 00:01")
    _, found = await water.get("/api/cases", stage="signed")
    assert [(case["id"], case["card"], case["overdue"]) for case in found["cases"]] == [(TICKET, "yellow", False)]
    status, replied = await water.do(TICKET, "reply", signed["case"]["revision"], **REPLY)
    assert status == 200, replied
    status, closed = await leader.do(TICKET, "audit_pass", replied["case"]["revision"])
    assert (status, closed["case"]["stage"]) == (200, "closed")
    await room.wait("2026-03-18 00:00")

    status, file = await leader.get(f"/api/cases/{TICKET}")
    assert (file["case"]["grade"], file["reply"]["result"]) == ("满意", REPLY["result"])
    handle = next(period for period in file["periods"] if period["kind"] == "handle")
    assert (handle["state"], [c["obligation"] for c in handle["citations"]]) == ("met", ["ZH-11b", "ZH-22"])
    assert "督办" not in {event["name"] for event in file["history"]}
    assert {"card", "grade", "stage", "due", "tell", "commanded"} <= {event["name"] for event in file["history"]}
    _, told = await leader.get("/api/messages", channel="petitioner", case_id=TICKET)
    assert [message["kind"] for message in told["messages"]] == ["survey", "result"]
    assert "第十三条" in told["messages"][1]["text"]
    assert REPLY["result"] in told["messages"][1]["text"]


async def dispatched(case_desk: CaseOffice, name: str = TICKET) -> int:
    """Accept and dispatch a ticket to the waterworks; return its revision."""
    ticket = await case_desk.room.ticket(name)
    await case_desk.room.do(ticket, "accept", category="help")
    done = await case_desk.room.do(ticket, "dispatch", to="water")
    assert done.record is not None
    return done.record.revision


async def test_a_denied_command_says_why_where_and_under_which_article(case_desk: CaseOffice) -> None:
    revision = await dispatched(case_desk)
    water = await case_desk.person("water")

    status, answer = await water.do(TICKET, "return", revision, reason="不属于本单位职责")

    assert status == 409
    error = answer["error"]
    assert (error["code"], error["field"]) == ("missing", "basis")
    assert error["message"] == "不能申请退单：缺少依据；不能申请退单：缺少建议转派单位"
    assert [denied["field"] for denied in error["current"]] == ["basis", "suggest"]
    assert error["current"][0]["citations"][0]["obligation"] == "ZH-10c"
    assert "退单理由、依据及建议转派单位" in error["current"][0]["citations"][0]["words"]


async def test_whoever_comes_second_is_told_what_changed_and_overwrites_nothing(case_desk: CaseOffice) -> None:
    revision = await dispatched(case_desk)
    first, second = await case_desk.person("leader"), await case_desk.person("agent")

    status, _ = await first.do(TICKET, "urge", revision)
    assert status == 200
    status, answer = await second.do(TICKET, "append", revision, text="水压也低")

    assert (status, answer["error"]["code"]) == (409, "conflict")
    current = answer["error"]["current"]
    assert current["case"]["revision"] == revision + 1
    assert "leader：催办" in [event["text"] for event in current["changes"]]
    assert "appended" not in [event["name"] for event in current["changes"]]


async def test_a_card_that_the_clock_showed_is_nobody_coming_first(case_desk: CaseOffice) -> None:
    revision = await dispatched(case_desk)
    agent = await case_desk.person("agent")
    await case_desk.room.wait("2026-03-16 00:00")

    status, answer = await agent.do(TICKET, "urge", revision)

    assert (status, answer["case"]["revision"]) == (200, revision + 2)  # the sweep, the urge


async def test_a_unit_sees_and_moves_only_what_it_has_a_part_in(case_desk: CaseOffice) -> None:
    revision = await dispatched(case_desk)
    roads, water = await case_desk.person("roads"), await case_desk.person("water")

    assert (await roads.get("/api/cases"))[1]["cases"] == []
    assert (await roads.get("/api/cases", unit="water"))[1]["cases"] == []
    assert (await roads.get(f"/api/cases/{TICKET}"))[0] == 404
    assert (await roads.do(TICKET, "sign", revision))[0] == 404
    assert (await roads.get("/api/messages", channel="hotline"))[1]["messages"] == []
    assert [m["kind"] for m in (await water.get("/api/messages"))[1]["messages"]] == ["dispatched"]
    assert (await water.do(TICKET, "audit_pass", revision))[0] == 403
    for path in ("/api/tickets", "/api/calls", f"/api/tickets/{TICKET}", "/api/agents", "/api/live"):
        assert (await water.get(path))[0] == 403


async def test_a_unit_marks_its_own_message_read_and_no_other(case_desk: CaseOffice) -> None:
    await dispatched(case_desk)
    roads, water = await case_desk.person("roads"), await case_desk.person("water")
    key = (await water.get("/api/messages"))[1]["messages"][0]["key"]

    assert (await roads.post("/api/messages/done", {"key": key}))[0] == 409
    assert (await water.post("/api/messages/done", {"key": key}))[0] == 200
    assert (await water.get("/api/messages"))[1]["messages"] == []
    assert len((await water.get("/api/messages", waiting="false"))[1]["messages"]) == 1


async def test_lists_are_paged_by_where_the_last_page_ended(case_desk: CaseOffice) -> None:
    for number in range(5):
        await dispatched(case_desk, f"20260302-{number}")
    leader = await case_desk.person("leader")
    seen: list[str] = []
    after = ""
    while True:
        _, page = await leader.get("/api/cases", unit="water", limit="2", **({"after": after} if after else {}))
        seen += [case["id"] for case in page["cases"]]
        if not (after := page["next_after"]):
            break

    assert seen == [f"20260302-{number}" for number in (4, 3, 2, 1, 0)]
    await case_desk.room.wait("2026-03-17 00:00")
    _, first = await leader.get("/api/cases", overdue="true", limit="3")
    _, second = await leader.get("/api/cases", overdue="true", limit="3", after=first["next_after"])
    assert [c["id"] for c in first["cases"] + second["cases"]] == [f"20260302-{number}" for number in range(5)]
    assert (await leader.get("/api/cases", after="nonsense"))[0] == 422


def wrong(kind: Any) -> Any:
    """Return what no field of that type may be."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "whim"
    return {bool: "yes", tuple[str, ...]: "water", int | None: 0, Span | None: "a while"}.get(kind, 7)


def right(name: str, kind: Any) -> Any:
    """Return what a field of that type that has to be given may be."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    return True if kind is bool else {"category": "help", "to": "water", "grade": "满意", "line": "110"}.get(name, "字")


def shape_of(do: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the types of a command's fields, and what has to be given."""
    kind = COMMANDS[do]
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name != "channel"}
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    return hints, {name: right(name, hints[name]) for name in needed}


async def test_what_is_wrong_with_a_command_is_named_field_by_field_and_nothing_is_done(case_desk: CaseOffice) -> None:
    revision = await dispatched(case_desk)
    leader = await case_desk.person("leader")
    entries = await case_desk.room.store.entries()

    for do in COMMANDS:
        hints, needed = shape_of(do)
        bad = {name: wrong(hint) for name, hint in hints.items()} | {"revision": -1, "unheard_of": 1}
        for field, value in bad.items():
            body = {"revision": revision, **needed, field: value}
            status, answer = await leader.post(f"/api/cases/{TICKET}/{do}", body)
            assert (status, answer["error"]["code"]) == (422, "invalid"), (do, field)
            assert answer["error"]["field"] == field, (do, field)
        for missing in ("revision", *needed):
            body = {name: value for name, value in {"revision": revision, **needed}.items() if name != missing}
            status, answer = await leader.post(f"/api/cases/{TICKET}/{do}", body)
            assert (status, answer["error"]["field"]) == (422, missing), (do, missing)
    for field, body in (("to", {"to": "nowhere"}), ("assist", {"to": "water", "assist": ["nowhere"]})):
        status, answer = await leader.do(TICKET, "dispatch", revision, **body)
        assert (status, answer["error"]["field"]) == (422, field)
    assert (await leader.do("20990101-000000", "accept", 0, category="help"))[0] == 404
    assert await case_desk.room.store.entries() == entries


@pytest.mark.parametrize("do", COMMANDS)
async def test_a_command_that_the_rules_deny_does_nothing_but_say_so(do: str, tmp_path: Path) -> None:
    room = CaseRoom(MemoryStore())
    async with case_office(room, tmp_path / "recordings") as desk:
        revision, leader = await dispatched(desk), await desk.person("leader")
        before, entries = await room.record(TicketId(TICKET)), await room.store.entries()
        messages = await room.store.cases.messages(Channel.UNIT)

        status, answer = await leader.do(TICKET, do, revision, **shape_of(do)[1])

        if status == 409:
            reasons = answer["error"]["current"]
            assert [reason["text"] for reason in reasons if reason["text"]]
            assert await room.record(TicketId(TICKET)) == before
            assert await room.store.cases.messages(Channel.UNIT) == messages
            added = (await room.store.entries())[len(entries) :]
            assert {entry.fact.kind for entry in added} == {"case.denied"}
        else:
            assert status == 200, answer
            assert answer["case"]["revision"] >= revision


async def test_whoever_comes_second_is_told_who_came_first(case_desk: CaseOffice) -> None:
    revision = await dispatched(case_desk)
    leader, agent = await case_desk.person("leader"), await case_desk.person("agent")
    assert (await agent.do(TICKET, "urge", revision))[0] == 200

    status, answer = await leader.do(TICKET, "supervise", revision, trigger="other")

    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert answer["error"]["message"] == "这张工单已被agent修改，请看过变化再决定"


async def test_cases_are_found_by_what_they_say_and_taken_away_as_a_table(case_desk: CaseOffice) -> None:
    await dispatched(case_desk, "20260302-1")
    await case_desk.room.ticket("20260302-2", matter="=路灯", summary="和平路路灯不亮", category="help")
    await case_desk.room.do(TicketId("20260302-2"), "accept", category="help")
    leader, roads = await case_desk.person("leader"), await case_desk.person("roads")

    async def ids(person: Any, **query: str) -> list[str]:
        return [case["id"] for case in (await person.get("/api/cases", **query))[1]["cases"]]

    assert await ids(leader, q="停水") == ["20260302-1"]
    assert await ids(leader, q="路灯 和平路") == ["20260302-2"]
    assert await ids(leader, q="停水", stage="closed") == await ids(roads, q="停水") == []
    assert (await leader.get("/api/cases", q="水"))[1]["error"]["field"] == "q"
    assert (await leader.get("/api/cases", q="停水", after="x"))[0] == 422
    async with leader.client.get("/api/cases.csv", params={"q": "路灯"}) as answer:
        table = (await answer.read()).decode("utf-8-sig").splitlines()
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert table[0].startswith("工单号,受理时间,类别")
    assert [line.split(",")[:4] for line in table[1:]] == [["20260302-2", "2026-03-02 09:00", "求助", "'=路灯"]]
    async with roads.client.get("/api/cases.csv") as answer:
        assert len((await answer.text()).splitlines()) == 1


async def test_a_person_is_told_what_may_be_done_with_a_ticket(case_desk: CaseOffice) -> None:
    await case_desk.room.ticket(TICKET)
    agent, roads, water = [await case_desk.person(name) for name in ("agent", "roads", "water")]

    _, before = await agent.get(f"/api/cases/{TICKET}/forms")
    assert (before["revision"], [form["do"] for form in before["forms"]]) == (0, ["accept", "refuse", "hand_off"])
    assert (await roads.get(f"/api/cases/{TICKET}/forms"))[0] == 404
    await case_desk.room.do(TicketId(TICKET), "accept", category="help")
    await case_desk.room.do(TicketId(TICKET), "dispatch", to="water")
    _, after = await water.get(f"/api/cases/{TICKET}/forms")
    assert {"sign", "return"} <= {form["do"] for form in after["forms"]}
    assert (await roads.get(f"/api/cases/{TICKET}/forms"))[0] == 404
    assert (await agent.get("/api/cases/unknown/forms"))[0] == 404


async def test_an_inbox_counts_what_waits_and_is_emptied_at_once(case_desk: CaseOffice) -> None:
    for number in range(3):
        await dispatched(case_desk, f"20260302-{number}")
    water, roads, leader = [await case_desk.person(name) for name in ("water", "roads", "leader")]
    keys = [message["key"] for message in (await water.get("/api/messages"))[1]["messages"]]

    assert (await water.get("/api/inbox"))[1] == {"waiting": {"unit": 3}}
    assert (await roads.post("/api/messages/all-done", {"keys": keys}))[0] == 409
    assert (await water.post("/api/messages/all-done", {"keys": [*keys, "unknown"]}))[0] == 409
    assert (await water.get("/api/inbox"))[1] == {"waiting": {"unit": 3}}
    assert (await water.post("/api/messages/all-done", {"keys": keys}))[0] == 200
    assert (await water.get("/api/inbox"))[1] == {"waiting": {"unit": 0}}
    assert set((await leader.get("/api/inbox"))[1]["waiting"]) == {"hotline", "petitioner", "leader"}


async def test_every_command_is_described(case_desk: CaseOffice) -> None:
    leader = await case_desk.person("leader")
    _, description = await leader.get("/api/openapi.json")

    for do in COMMANDS:
        operation = description["paths"][f"/api/cases/{{ticket_id}}/{do}"]["post"]
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        shape = description["components"]["schemas"][reference.rsplit("/", 1)[1]]
        assert "revision" in shape["required"]
        assert operation["summary"]
    assert len({route.operation for route in ROUTES}) == len(ROUTES)


async def test_a_units_account_needs_a_unit_that_there_is_and_no_other_account_has_one(case_desk: CaseOffice) -> None:
    admin = await case_desk.person("admin")
    account = {"display_name": "水务员二", "password": "correct horse battery"}

    async def saved(**fields: str) -> tuple[int, str]:
        async with admin.client.put("/api/accounts/water2", json={**account, **fields}) as answer:
            content = await answer.json()
            return answer.status, content.get("unit", content.get("error", {}).get("field"))

    assert await saved(role="unit") == (422, "unit")
    assert await saved(role="unit", unit="nowhere") == (422, "unit")
    assert await saved(role="agent", unit="water") == (422, "unit")
    assert await saved(role="unit", unit="water") == (200, "water")
