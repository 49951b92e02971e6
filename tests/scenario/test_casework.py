"""Live tickets on virtual time: rules of the day of receipt, deadlines over restarts and nodes, who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.casework import DIGEST, Actor, Channel, Message, Partner
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.rules import Stage
from gateway.domain.ticket import TicketId, TicketState
from gateway.services import permissions
from gateway.services.case_clock import BATCH, CaseClock
from gateway.services.casework import Changed, UnknownUnit
from gateway.services.outbox import CLAIM, Outbox, Patience
from gateway.storage.journal import verify
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import AGENT, CALLER, REPLY, ROADS, SUPERVISOR, WATER, CaseRoom, at, names
from tests.fakes.hotline import hotline
from tests.fakes.store import MemoryStore, SetClock
from tests.fakes.virtual_time import VirtualClock, run_virtually


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with SqlStore(tmp_path / "store.sqlite3", clock=SetClock()) as kept:
        yield kept


async def dispatched(room: CaseRoom, name: str = "20260302-000001", **fields: Any) -> TicketId:
    ticket = await room.ticket(name, **fields)
    await room.do(ticket, "accept", category="help")
    await room.do(ticket, "dispatch", to="water")
    return ticket


# --- acceptance ----------------------------------------------------------------------------------------------------


async def test_a_matter_is_under_the_rules_of_its_receipt_whenever_it_is_taken(store: Any) -> None:
    room = CaseRoom(store, now="2026-03-06 23:59")
    ticket = await room.ticket()
    room.to("2026-03-09 09:00")
    await room.do(ticket, "accept", AGENT, category="help", revision=0)

    kept = await room.record(ticket)
    assert (kept.profile, kept.rules_of.isoformat()) == ("zhuhai-2023", "2026-03-06")
    assert kept.case.received_at == at("2026-03-06 23:59")
    assert [period.due for period in kept.case.periods] == [at("2026-03-10 00:00")]


async def test_an_old_case_keeps_its_city_when_the_hotline_has_another(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    ticket = await dispatched(room)
    later = CaseRoom(store, "zhuhai-2023", now="2026-03-02 10:00")
    await later.do(ticket, "sign", WATER)
    brought = await later.wait("2026-03-20 00:00")

    assert (await later.record(ticket)).profile == "chifeng-2022"
    assert names(brought, "card") == [], "Chifeng has no cards"
    assert {row for fact in brought for row in fact.rows} <= set(
        later.books.on("chifeng-2022", at("2026-03-02 09:00").date()).profile.citations
    )


def test_a_calls_matter_is_taken_when_the_call_has_ended(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in()
            await asyncio.sleep(2.0)
            await line.say(citizen, "我要投诉，幸福小区停水两天了")
            citizen.far_end_hangs_up()
            ticket = await line.over(call)
            record = await line.store.cases.case(ticket.id)
            kinds = [entry.fact.kind for entry in await line.store.entries(ticket_id=ticket.id)]

            assert ticket.category
            assert record is not None
            assert (record.case.stage, record.case.category) == (Stage.ACCEPTED, ticket.category)
            assert record.case.received_at == ticket.received_at
            assert kinds.index("call.ended") < kinds.index("case.commanded")

    run_virtually(story())


@pytest.mark.parametrize(
    ("state", "category", "stage"),
    [
        (TicketState.TAKEN, "", None),
        (TicketState.CUT_OFF, "help", None),
        (TicketState.TAKEN, "help", Stage.ACCEPTED),
        (TicketState.HANDED_TO_EMERGENCY, "", Stage.HANDED_OFF),
    ],
)
async def test_only_what_is_known_well_enough_is_taken_by_itself(
    store: Any, state: TicketState, category: str, stage: Stage | None
) -> None:
    room = CaseRoom(store)
    ticket = await room.ticket(state=state, category=category, emergency_line="110")
    await store.commit(lambda tx: room.casework.take_call(tx, ticket))
    await store.commit(lambda tx: room.casework.take_call(tx, ticket))

    record = await store.cases.case(ticket)
    assert (record.case.stage if record else None) == stage
    assert (await room.kinds(ticket)).count("case.commanded") == (1 if stage else 0)


async def test_a_repeat_is_told_how_the_earlier_case_stands(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    await dispatched(room, "first")
    done = await room.do(await room.ticket("repeat"), "refuse", kind="repeat")

    assert [detail["what"] for detail in names(done.facts, "tell")] == ["progress"]
    assert done.record is not None
    assert done.record.case.stage is Stage.REFUSED


async def test_the_fifth_of_alike_matters_within_a_day_is_a_burst(store: Any) -> None:
    room = CaseRoom(store, "chifeng-2022")
    triggers = []
    for number in range(6):
        done = await room.do(await room.ticket(f"t{number}", caller=f"0100000000{number}"), "accept", category="help")
        triggers.append([detail["trigger"] for detail in names(done.facts, "supervise")])

    assert triggers == [[], [], [], [], ["burst"], []]


async def test_a_restricted_telephone_is_kept_out(store: Any) -> None:
    room = CaseRoom(store)
    harasser = await room.ticket("harasser", caller="01000000009", matter="")
    await room.do(harasser, "refuse", kind="public_order")
    again = await room.ticket("again", caller="01000000009")
    done = await room.do(again, "accept", category="help")

    assert [(fact.details["why"], fact.rows) for fact in done.denials] == [("not_allowed", ("ZH-9",))]
    assert await store.cases.case(again) is None


async def test_an_append_after_closing_opens_a_new_ticket_in_the_same_unit_of_work(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await dispatched(room)
    await room.do(ticket, "sign", WATER)
    await room.do(ticket, "reply", WATER, **REPLY)
    assert not (await room.do(ticket, "audit_pass")).denials
    done = await room.do(ticket, "append", text="又停水了")

    assert done.opened == (f"{ticket}+1",)
    fresh = await room.record(done.opened[0])
    opened = await store.ticket(done.opened[0])
    assert (fresh.case.stage, fresh.case.petitioner, fresh.case.matter) == (Stage.ACCEPTED, CALLER, "停水")
    assert (opened.summary, opened.call_id) == ("又停水了", None)


# --- who may, and who came second ----------------------------------------------------------------------------------


async def test_the_second_of_two_is_refused_and_nothing_of_his_is_kept(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await dispatched(room)
    revision = (await room.record(ticket)).revision

    outcomes = await asyncio.gather(
        room.do(ticket, "urge", AGENT, revision=revision),
        room.do(ticket, "append", AGENT, revision=revision, text="水压低"),
        return_exceptions=True,
    )

    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(failure) for failure in failures] == [Changed]
    assert (await room.record(ticket)).revision == revision + 1
    commands = [e.fact.values["do"] for e in await store.entries(ticket_id=ticket) if e.fact.kind == "case.commanded"]
    assert len(commands) == 3


async def test_nobody_does_what_is_not_his(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await dispatched(room)
    before = await store.entries()

    attempts: list[tuple[str, Actor, dict[str, Any], type[Exception]]] = [
        ("sign", ROADS, {}, permissions.Unseen),
        ("audit_pass", WATER, {}, permissions.NotYours),
        ("extend_agree", AGENT, {}, permissions.NotYours),
        ("reply", AGENT, REPLY, permissions.NotYours),
        ("return_agree", SUPERVISOR, {"to": "nowhere"}, UnknownUnit),
    ]
    for do, by, said, error in attempts:
        with pytest.raises(error):
            await room.do(ticket, do, by, **said)
    with pytest.raises(Refused):
        await room.do(TicketId("none"), "accept", category="help")
    assert await store.entries() == before


async def test_a_unit_that_sends_a_case_on_still_sees_it_and_one_that_gave_it_back_does_not(store: Any) -> None:
    room = CaseRoom(store, "suzhou-2018")
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")
    await room.do(ticket, "dispatch", to="water")
    onward = await room.do(ticket, "dispatch", WATER, to="station")

    assert not onward.denials
    assert (await room.record(ticket)).units == ("station", "water")
    assert permissions.sees(WATER, await room.record(ticket))
    with pytest.raises(permissions.NotYours):
        await room.do(ticket, "sign", WATER)

    other = await dispatched(room, "given back")
    asked: dict[str, Any] = {"reason": "不属于职责", "basis": "三定方案", "suggest": "roads", "approved_by": "钱经理"}
    assert not (await room.do(other, "return", WATER, **asked)).denials
    assert not (await room.do(other, "return_agree", to="roads")).denials
    assert (await room.record(other)).units == ("roads",)


async def test_a_denial_is_journalled_with_its_article_and_leaves_the_case_alone(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await dispatched(room)
    before = await room.record(ticket)
    done = await room.do(ticket, "return", WATER, reason="不属于职责", basis="", suggest="")

    assert [fact.details["why"] for fact in done.denials] == ["missing:basis", "missing:suggest"]
    assert await room.record(ticket) == before
    last = (await store.entries(ticket_id=ticket))[-1].fact
    assert (last.kind, last.values["by"], last.values["rows"]) == ("case.denied", WATER.name, ["ZH-10c", "ZH-10d"])


async def test_a_store_that_is_away_does_nothing_by_halves() -> None:
    store = MemoryStore()
    room = CaseRoom(store)
    ticket = await dispatched(room)
    before = await room.record(ticket), await store.entries(), await store.cases.messages(Channel.UNIT)
    store.fail()
    with pytest.raises(Unavailable):
        await room.do(ticket, "urge")
    store.fail(False)

    assert (await room.record(ticket), await store.entries(), await store.cases.messages(Channel.UNIT)) == before


# --- the clock -----------------------------------------------------------------------------------------------------


async def test_a_deadline_fires_once_whoever_sweeps_and_how_often(store: Any) -> None:
    room, other = CaseRoom(store), CaseRoom(store)
    ticket = await dispatched(room)
    room.to("2026-03-17 00:00")
    other.to("2026-03-17 00:00")

    brought = await asyncio.gather(*(each.case_clock.catch_up() for each in (room, other, room, other)))

    facts = [fact for part in brought for fact in part]
    assert [detail["colour"] for detail in names(facts, "card")] == ["yellow", "red"]
    assert len(names(facts, "supervise")) == 1
    assert await CaseRoom(store, now="2026-03-17 00:00").case_clock.catch_up() == []
    assert (await room.kinds(ticket)).count("case.card") == 2


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
async def test_two_nodes_on_one_database_fire_every_deadline_once_and_in_order(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    here: Path | PostgresDatabase = tmp_path / "shared.sqlite3"
    there = here
    if kind == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        here, there = [PostgresDatabase(url, anchored=tmp_path / node / "postgresql") for node in ("here", "there")]
    patient = partial(SqlStore, clock=SetClock(), patience=60.0)
    async with patient(here) as first, patient(there) as second:
        rooms = CaseRoom(first), CaseRoom(second)
        tickets = [await dispatched(rooms[number % 2], f"20260302-{number:06}") for number in range(2 * BATCH + 7)]
        for room in rooms:
            room.to("2026-03-17 00:00")

        brought = await asyncio.gather(*(room.case_clock.catch_up() for room in rooms))

        reds = [fact.case for part in brought for fact in part if fact.details.get("colour") == "red"]
        assert sorted(map(str, reds)) == sorted(map(str, tickets))
        cards = [entry.fact for entry in await first.entries(limit=100_000) if entry.fact.kind == "case.card"]
        assert len(cards) == 2 * len(tickets)
        for part in brought:
            assert [fact.at for fact in part] == sorted(fact.at for fact in part)
    assert verify(here).ok


async def test_a_case_whose_rules_are_gone_does_not_stop_the_others(store: Any) -> None:
    room = CaseRoom(store)
    lost, other = await dispatched(room, "a lost one"), await dispatched(room, "the other")
    record = await room.record(lost)
    gone = replace(record, profile="nowhere-2020", revision=record.revision + 1)
    await store.commit(lambda tx: tx.cases.save_case(gone))
    brought = await room.wait("2026-03-17 00:00")

    assert {str(fact.case) for fact in brought} == {str(other)}
    assert (await room.record(lost)).next_due == at("2026-03-17 01:00")


async def test_a_weekends_backlog_is_brought_in_order_and_told_in_one_digest_for_each_unit(store: Any) -> None:
    room = CaseRoom(store, partners=(Partner(id="water-system", unit="water"),))
    for number in range(BATCH + 30):
        await dispatched(room, f"20260302-{number:06}")
    before = len(await store.cases.messages(Channel.UNIT, limit=10_000))

    brought = await room.wait("2026-03-20 09:00")

    assert [fact.at for fact in brought] == sorted(fact.at for fact in brought)
    told = await store.cases.messages(Channel.UNIT, to="water", limit=10_000)
    assert len(told) == before + 1
    digest = told[0]
    assert (digest.kind, digest.values["total"]) == (DIGEST, BATCH + 30)
    assert digest.values["counts"]["red"] == digest.values["counts"]["yellow"] == BATCH + 30
    assert "2026-03-05 00:00" in digest.text
    pushed = await store.cases.messages(Channel.PARTNER, to="water-system", limit=10_000)
    assert [message.kind for message in pushed].count(DIGEST) == 1


async def test_what_came_just_now_is_told_one_by_one(store: Any) -> None:
    room = CaseRoom(store)
    for number in range(3):
        await dispatched(room, f"20260302-{number:06}")
    await room.wait("2026-03-16 00:01")

    told = [m.text for m in await store.cases.messages(Channel.UNIT, to="water") if m.kind == "yellow"]
    assert len(told) == 3
    assert "系统显示黄牌" in told[0]


async def test_a_command_finds_the_clock_run_up_to_its_own_moment(store: Any) -> None:
    room = CaseRoom(store)
    ticket = await dispatched(room)
    room.to("2026-03-17 00:00")
    done = await room.do(ticket, "reply", WATER, **REPLY)

    order = [fact.name for fact in done.facts]
    assert order.index("card") < order.index("commanded")
    assert "supervise" not in order, "what is handed in at the last instant is not late"
    assert await room.case_clock.catch_up() == []


def test_the_clock_runs_by_itself_never_a_minute_late_and_outlives_a_lost_store() -> None:
    async def story() -> None:
        store = MemoryStore()
        room = CaseRoom(store)
        room.clock = VirtualClock()  # type: ignore[assignment]
        room.casework._clock = room.clock
        ticket = await room.ticket(received_at=room.clock.now(), ended_at=room.clock.now())
        await room.do(ticket, "accept", category="help")
        due = (await room.record(ticket)).next_due
        assert due is not None
        running = asyncio.create_task(CaseClock(room.casework, store, store.cases, room.clock, every=15.0).run())
        store.fail()
        await asyncio.sleep(60.0)
        store.fail(False)
        await asyncio.sleep((due - room.clock.now()).total_seconds() - 1)
        assert "case.missed" not in await room.kinds(ticket)
        await asyncio.sleep(61.0)
        assert (await room.kinds(ticket)).count("case.missed") == 1
        running.cancel()

    run_virtually(story())


# --- the outbox ----------------------------------------------------------------------------------------------------


class Post:
    """A sender that keeps what it was given; ``fails`` are the failures of its next attempts."""

    def __init__(self, *fails: Exception) -> None:
        self.sent: list[Message] = []
        self.fails = list(fails)

    async def send(self, message: Message) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(message)


async def changed(store: Any) -> tuple[CaseRoom, TicketId]:
    room = CaseRoom(store, partners=(Partner(id="water-system", unit="water"), Partner(id="region")))
    return room, await dispatched(room)


async def test_a_partner_is_told_of_every_change_of_what_it_has_a_part_in(store: Any) -> None:
    room, ticket = await changed(store)
    await room.do(ticket, "sign", WATER)
    post = Post()
    outbox = Outbox(store, store.cases, room.clock, {Channel.PARTNER: post})
    while await outbox.send_due():
        pass

    assert sorted((m.to, m.values["revision"]) for m in post.sent) == [
        ("region", 1),
        ("region", 2),
        ("region", 3),
        ("water-system", 2),
        ("water-system", 3),
    ]
    assert await outbox.send_due() == 0
    assert len({m.key for m in post.sent}) == 5


async def test_what_cannot_be_sent_is_tried_later_and_later_and_what_never_can_is_given_up(store: Any) -> None:
    room = CaseRoom(store, partners=(Partner(id="region"),))
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")
    post = Post(Unavailable("away"), Unavailable("away"), Refused("gone"))
    outbox = Outbox(store, store.cases, room.clock, {Channel.PARTNER: post})

    waits = []
    for _ in range(2):
        assert await outbox.send_due() == 1
        assert await outbox.send_due() == 0
        (message,) = await store.cases.messages(Channel.PARTNER)
        waits.append(message.due - room.clock.now())
        room.clock.at = message.due
    assert await outbox.send_due() == 1
    (message,) = await store.cases.messages(Channel.PARTNER)

    assert waits == [Patience().first_wait, 2 * Patience().first_wait]
    assert (message.given_up, message.attempts, message.error) == (True, 3, "gone")
    room.clock.at += timedelta(days=9)
    assert await outbox.send_due() == 0


async def test_nobody_is_tried_for_ever(store: Any) -> None:
    room = CaseRoom(store, partners=(Partner(id="region"),))
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")
    (message,) = await store.cases.messages(Channel.PARTNER)
    await store.commit(lambda tx: tx.cases.save_message(replace(message, attempts=Patience().attempts - 1)))
    outbox = Outbox(store, store.cases, room.clock, {Channel.PARTNER: Post(Unavailable("away"))})
    await outbox.send_due()

    assert (await store.cases.messages(Channel.PARTNER))[0].given_up


async def test_a_message_that_a_node_died_with_is_sent_by_another_when_its_claim_is_over(store: Any) -> None:
    room = CaseRoom(store, partners=(Partner(id="region"),))
    ticket = await room.ticket()
    await room.do(ticket, "accept", category="help")
    dead, post = asyncio.Event(), Post()

    class Dying:
        async def send(self, message: Message) -> None:
            dead.set()
            await asyncio.Event().wait()

    dying = asyncio.create_task(Outbox(store, store.cases, room.clock, {Channel.PARTNER: Dying()}).send_due())
    await dead.wait()
    dying.cancel()
    outbox = Outbox(store, store.cases, room.clock, {Channel.PARTNER: post})

    assert await outbox.send_due() == 0
    room.clock.at += CLAIM
    assert await outbox.send_due() == 1
    assert [message.attempts for message in post.sent] == [2]
