"""What petitioners may learn, and what nobody else may: progress, secrecy, alarms. Names begin with the row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.casework import Channel
from gateway.domain.ticket import TicketId
from gateway.services import permissions
from gateway.services.casework import Casework
from gateway.services.enquiries import TicketEnquiries
from gateway.services.permissions import Unseen
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import CALLER, REPLY, ROADS, UNITS, WATER, CaseRoom
from tests.fakes.store import MemoryStore, SetClock


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with SqlStore(tmp_path / "store.sqlite3", clock=SetClock()) as kept:
        yield kept


def enquiries(room: CaseRoom) -> TicketEnquiries:
    return TicketEnquiries(room.store, room.files, room.clock, lambda ticket: f"code of {ticket}")


async def handled(room: CaseRoom) -> TicketId:
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")
    await room.do(ticket, "sign", WATER)
    await room.do(ticket, "reply", WATER, **REPLY)
    await room.do(ticket, "audit_pass")
    return ticket


@pytest.mark.parametrize(("profile", "row"), [("zhuhai-2023", "ZH-14a"), ("chifeng-2022", "CF-29")])
async def test_zh_14a_cf_29_the_petitioner_learns_how_it_stands_by_number_and_code(
    store: Any, profile: str, row: str
) -> None:
    room = CaseRoom(store, profile)
    ticket = await room.ticket()
    asked = enquiries(room)
    waiting = await asked.progress(ticket, f"code of {ticket}")
    assert waiting is not None
    assert waiting.state_zh == "已登记，待受理"
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")

    told = await asked.progress(ticket, f"code of {ticket}")

    assert told is not None
    assert told.state_zh == "派单"
    assert [text for _, text in told.steps] == ["收到诉求", "工单进入“受理”环节", "工单进入“派单”环节"]
    assert row in room.books.at(room.clock.now()).profile.citations


@pytest.mark.parametrize(("ticket", "code"), [("20260302-000001", "guess"), ("20260302-000001", ""), ("none", "guess")])
async def test_zh_14a_a_wrong_code_and_an_unknown_number_tell_the_same_nothing(
    store: Any, ticket: str, code: str
) -> None:
    room = CaseRoom(store)
    await room.ticket("20260302-000001")

    assert await enquiries(room).progress(TicketId(ticket), code) is None


async def test_zh_14a_what_is_between_hotline_and_unit_is_not_told(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await handled(room)
    await room.do(ticket, "supervise", trigger="other")

    told = await enquiries(room).progress(ticket, f"code of {ticket}")

    assert told is not None
    words = "".join(text for _, text in told.steps)
    for secret in (REPLY["handler"], REPLY["approver"], REPLY["telephone"], CALLER, "督办", "黄牌", WATER.name):
        assert secret not in words


async def test_cf_27_pl_33_nm_3_9_who_has_no_part_in_a_ticket_learns_nothing_of_it(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await handled(room)
    record = await room.record(ticket)

    assert permissions.sees(WATER, record)
    assert not permissions.sees(ROADS, record)
    with pytest.raises(Unseen):
        await room.do(ticket, "contact", ROADS)
    assert await store.cases.messages(Channel.UNIT, to="roads") == []


async def test_pl_33_nm_3_9_numbers_names_and_words_are_in_no_log(store: Any) -> None:
    with capture_logs() as logged:
        room = CaseRoom(store, "pingli-2018")
        ticket = await room.ticket(summary="家里停水两天了")
        await room.do(ticket, "accept", category="complaint")
        await room.do(ticket, "dispatch", to="water")
        await room.wait("2026-04-01 00:00")
        await room.do(ticket, "reply", WATER, **{**REPLY, "case_number": "2026-1"})

    for secret in (CALLER, "停水两天", REPLY["handler"], REPLY["telephone"], REPLY["result"]):
        assert secret not in str(logged)


async def test_pl_33_the_journal_keeps_no_petitioners_number(store: Any) -> None:
    room = CaseRoom(store, "pingli-2018")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint", petitioner=CALLER)

    assert CALLER not in str([entry.fact for entry in await store.entries(ticket_id=ticket)])


async def test_pl_26_every_stage_that_is_missed_raises_an_alert_at_once(store: Any) -> None:
    room = CaseRoom(store, "pingli-2018")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="complaint")
    await room.do(ticket, "dispatch", to="water")

    brought = await room.wait("2026-03-03 09:00")

    missed = [fact for fact in brought if fact.name == "missed"]
    assert [(fact.details["kind"], "PL-26" in fact.rows) for fact in missed] == [("sign", True)]
    told = await store.cases.messages(Channel.UNIT, to="water")
    assert "sign" in [message.kind for message in told]


async def test_nm_2_2d_the_authority_of_a_utility_learns_how_its_tickets_were_handled(store: Any) -> None:
    room = CaseRoom(store, "neimenggu-2021")
    room.casework = Casework(
        store=store,
        books=room.books,
        feed=room.feed,
        clock=room.clock,
        units=UNITS,
        words=room.words,
        authorities={"water": "station"},
        digest_age=timedelta(hours=2),
    )
    ticket = await handled(room)

    (told,) = await store.cases.messages(Channel.UNIT, to="station")

    assert (told.kind, told.case_id, told.values["result"]) == ("authority_report", ticket, REPLY["result"])
    assert told.values["rows"] == ["NM-2.2d"]
    assert CALLER not in told.text


async def test_nm_2_2d_a_unit_without_authority_reports_to_nobody_else(store: Any) -> None:
    room = CaseRoom(store, "neimenggu-2021")
    await handled(room)

    told = await store.cases.messages(Channel.UNIT, limit=100)

    assert {message.to for message in told} == {"water"}
