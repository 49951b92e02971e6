"""Another platform is master (ZH-21, NM-3.1, NM-3.6): our copy follows, our commands go there, each thing once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.webhook.signature import signed
from gateway.domain.casework import Channel, Partner
from gateway.domain.ticket import TicketId
from gateway.storage.store import SqlStore
from tests.fakes.casehttp import CaseOffice, case_office
from tests.fakes.caseroom import REPLY, WATER, CaseRoom, at
from tests.fakes.console import PROVINCES_SECRET, WORKS_SECRET
from tests.fakes.store import MemoryStore, SetClock

INBOX = "/api/exchange/inbox"


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CaseOffice]:
    partners = (Partner(id="province", is_master=True), Partner(id="region"))
    if request.param == "memory":
        async with case_office(CaseRoom(MemoryStore(), partners=partners), tmp_path / "recordings") as opened:
            yield opened
        return
    async with (
        SqlStore(tmp_path / "store.sqlite", clock=SetClock()) as store,
        case_office(CaseRoom(store, partners=partners), tmp_path / "recordings") as opened,
    ):
        yield opened


def copy(revision: int = 1, **case: Any) -> dict[str, Any]:
    """Return what a master tells of its ticket."""
    return {
        "event": "case.changed",
        "key": f"P-1:{revision}",
        "at": "2026-03-02T01:00:00Z",
        "text": "",
        "values": {},
        "file": {
            "case": {
                "id": "P-1",
                "revision": revision,
                "stage": "dispatched",
                "stage_words": "派单",
                "received_at": "2026-03-02T00:30:00Z",
                "category": "complaint",
                "unit": "water",
                "matter": "停水",
                **case,
            },
            "petitioner": "01000000007",
            "summary": "省平台转来：停水",
            "elements": {"place": "滨河小区"},
            "periods": [
                {
                    "kind": "handle",
                    "words": "办理",
                    "span": "5 working days",
                    "since": "2026-03-02T01:00:00Z",
                    "due": "2026-03-09T16:00:00Z",
                    "state": "running",
                    "provisional": False,
                    "citations": [{"obligation": "P-12", "document": "《省办法》", "article": "一", "words": "五日"}],
                }
            ],
            "history": [],
        },
    }


async def tell(
    desk: CaseOffice, body: dict[str, Any], *, key: str = "", secret: str = PROVINCES_SECRET, at: float | None = None
) -> tuple[int, Any]:
    """Tell the inbox something, signed."""
    octets = json.dumps(body).encode()
    sent_at = int(desk.room.clock.now().timestamp() if at is None else at)
    headers = {
        "Jiesu-Key": key or str(body.get("key", "")),
        "Jiesu-Timestamp": str(sent_at),
        "Jiesu-Signature": signed(secret, sent_at, octets),
        "Content-Type": "application/json",
    }
    async with (
        desk.place.visitor_at(desk.console.url) as client,
        client.post(INBOX, data=octets, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_zh_21_our_copy_follows_the_masters_ticket_and_nothing_older(desk: CaseOffice) -> None:
    status, heard = await tell(desk, copy(3))
    assert (status, heard["result"]) == (200, "followed")
    ticket = TicketId(heard["ticket"])
    assert (await tell(desk, copy(5, stage="replied")))[1]["ticket"] == ticket

    assert (await tell(desk, copy(4, stage="signed")))[1]["result"] == "unchanged"

    record = await desk.room.record(ticket)
    assert (record.case.stage.value, record.case.master, record.case.master_revision) == ("replied", "province", 5)
    assert record.case.periods[0].due == at("2026-03-10 00:00")
    leader = await desk.person("leader")
    _, file = await leader.get(f"/api/cases/{ticket}")
    assert (file["case"]["master"], file["case"]["unit"], file["petitioner"]) == ("province", "water", "01000000007")
    assert [event["text"] for event in file["history"]][-1] == "按主办平台的记录更新，环节为“已反馈”"


async def test_nm_3_1_the_same_message_again_changes_nothing(desk: CaseOffice) -> None:
    _, first = await tell(desk, copy(1))
    _, again = await tell(desk, copy(1))

    assert first == again
    assert (await desk.room.record(TicketId(first["ticket"]))).revision == 1


async def test_nm_3_1_a_mirrors_deadlines_are_the_masters_business(desk: CaseOffice) -> None:
    _, heard = await tell(desk, copy(1))

    assert await desk.room.wait("2026-06-01 00:00") == []
    assert (await desk.room.record(TicketId(heard["ticket"]))).revision == 1


async def test_zh_21_a_command_on_a_mirror_is_refused_with_the_reason_and_sent_to_the_master_once(
    desk: CaseOffice,
) -> None:
    _, heard = await tell(desk, copy(1))
    water = await desk.person("water")

    for _ in range(2):
        status, refused = await water.do(heard["ticket"], "sign", 1)
        assert (status, refused["error"]["code"]) == (409, "mirrored")
        assert "已转请其办理" in refused["error"]["message"]

    told = await desk.room.store.cases.messages(Channel.PARTNER, to="province")
    (message,) = [each for each in told if each.kind == "case.command"]
    assert {name: message.values[name] for name in ("id", "do", "said", "unit")} == {
        "id": "P-1",
        "do": "sign",
        "said": {},
        "unit": "water",
    }
    record = await desk.room.record(TicketId(heard["ticket"]))
    assert (record.case.stage.value, record.revision) == ("dispatched", 1)


async def test_zh_21_a_master_is_not_told_of_its_own_ticket_but_others_are(desk: CaseOffice) -> None:
    await tell(desk, copy(1))

    to_master = await desk.room.store.cases.messages(Channel.PARTNER, to="province")
    to_others = await desk.room.store.cases.messages(Channel.PARTNER, to="region")
    to_unit = await desk.room.store.cases.messages(Channel.UNIT, to="water")

    assert ([m.kind for m in to_master], [m.kind for m in to_others]) == ([], ["case.changed"])
    assert [message.kind for message in to_unit] == ["dispatched"]


async def test_nm_3_1_what_a_mirror_sends_is_carried_out_here_by_the_same_rules_once(desk: CaseOffice) -> None:
    ticket = await desk.room.ticket()
    await desk.room.do(ticket, "accept", category="help")
    await desk.room.do(ticket, "dispatch", to="water")

    def command(do: str, **said: Any) -> dict[str, Any]:
        return {
            "event": "case.command",
            "key": f"{do}{said}",
            "values": {"id": ticket, "do": do, "said": said, "by": "x"},
        }

    first = await tell(desk, command("sign"), secret=WORKS_SECRET)
    again = await tell(desk, command("sign"), secret=WORKS_SECRET)
    denied = await tell(desk, command("return", reason="不属职责"), secret=WORKS_SECRET)
    forbidden = await tell(desk, command("accept", category="help"), secret=WORKS_SECRET)
    wrong = await tell(desk, command("reply", result=7), secret=WORKS_SECRET)
    replied = await tell(desk, command("reply", **REPLY), secret=WORKS_SECRET)

    assert first == again == (200, {"result": "done", "ticket": ticket, "why": ""})
    assert [each[1]["result"] for each in (denied, forbidden, wrong, replied)] == [
        "denied",
        "refused",
        "refused",
        "done",
    ]
    assert "缺少依据" in denied[1]["why"]
    back = await desk.room.store.cases.messages(Channel.PARTNER, to="works")
    assert sorted(str(message.values["do"]) for message in back if message.kind == "case.denied") == [
        "accept",
        "reply",
        "return",
    ]
    assert (await desk.room.record(ticket)).case.stage.value == "replied"


async def test_nm_3_6_two_of_us_mirror_one_another(desk: CaseOffice) -> None:
    """What our own webhook sends is what our own inbox takes."""
    master = CaseRoom(MemoryStore(), "neimenggu-2021", partners=[Partner(id="us")])
    theirs = await master.ticket("20260302-000009", summary="路灯不亮")
    await master.do(theirs, "accept", category="complaint")
    await master.do(theirs, "dispatch", to="water")
    *_, message = reversed(await master.store.cases.messages(Channel.PARTNER, to="us"))
    pushed = json.loads(await master.files.pushed(message, master.clock.now()))

    _, heard = await tell(desk, pushed, key=message.key)

    ours = (await desk.room.record(TicketId(heard["ticket"]))).case
    original = (await master.record(theirs)).case
    assert (ours.stage, ours.category, ours.unit, ours.matter) == (
        original.stage,
        original.category,
        original.unit,
        original.matter,
    )
    assert [(p.kind, p.span, p.due, p.rows) for p in ours.periods] == [
        (p.kind, p.span, p.due, p.rows) for p in original.periods
    ]
    done = await desk.room.do(TicketId(heard["ticket"]), "sign", WATER)
    assert [fact.details["why"] for fact in done.denials] == ["mirrored"]
    (asked,) = await desk.room.store.cases.messages(Channel.PARTNER, to="province")
    sent = json.loads(await desk.room.files.pushed(asked, desk.room.clock.now()))
    assert (sent["event"], sent["values"]["id"], sent["values"]["do"]) == ("case.command", theirs, "sign")


async def test_zh_21_a_master_that_does_not_do_it_says_why_and_the_unit_is_told(desk: CaseOffice) -> None:
    _, heard = await tell(desk, copy(1))
    denied = {**copy(1), "event": "case.denied", "key": "d", "values": {"do": "return", "why": "已超过规定的期限"}}

    assert (await tell(desk, denied))[1]["result"] == "noted"
    assert (await tell(desk, denied, key="e", secret=WORKS_SECRET))[1]["result"] == "ignored"

    told = await desk.room.store.cases.messages(Channel.UNIT, to="water")
    (message,) = [each for each in told if each.kind == "master_denied"]
    assert "主办平台没有申请退单：已超过规定的期限" in message.text
    leader = await desk.person("leader")
    _, file = await leader.get(f"/api/cases/{heard['ticket']}")
    assert file["history"][-1]["name"] == "master_denied"


@pytest.mark.parametrize(
    ("secret", "late", "status"), [("x" * 32, 0, 401), (PROVINCES_SECRET, -301, 401), (PROVINCES_SECRET, -299, 200)]
)
async def test_zh_21_who_does_not_sign_or_signs_too_late_is_not_heard(
    desk: CaseOffice, secret: str, late: float, status: int
) -> None:
    now = desk.room.clock.now().timestamp()

    answered, _ = await tell(desk, copy(1), secret=secret, at=now + late)

    assert answered == status


async def test_zh_21_a_partner_that_is_no_master_leads_nothing(desk: CaseOffice) -> None:
    _, heard = await tell(desk, copy(1), secret=WORKS_SECRET)

    assert heard["result"] == "ignored"


@pytest.mark.parametrize("case", [{"stage": "melted"}, {"received_at": "2026-03-02T00:30:00"}, {"revision": 0}])
async def test_zh_21_a_copy_that_makes_no_sense_is_refused_and_nothing_kept(
    desk: CaseOffice, case: dict[str, Any]
) -> None:
    status, _ = await tell(desk, copy(**{"revision": 1, **case}))

    assert status == 422
    assert [entry.fact.kind for entry in await desk.room.store.entries()] == []
