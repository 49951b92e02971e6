"""What every store owes the core: the same suite for the one in memory and those on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Protocol

import pytest

from gateway.domain.account import Account, AccountRole
from gateway.domain.call import CallId, LegId, Role
from gateway.domain.contact import Attachment, ChannelKind, Contact, ContactId, Point
from gateway.domain.decision import Citation, Decision, DecisionKind, Reason
from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.events import Entry, Fact
from gateway.domain.json import Json
from gateway.domain.ticket import Elements, Ticket, TicketId, TicketState
from gateway.domain.transcript import Gap, Utterance, Word
from gateway.ports.correspondence import Correspondence, Letter, Sent, Wish
from gateway.ports.intake import ChatLine, DeliveryState, Speaker
from gateway.ports.memory import Accounts, CallLeg, Store, Transaction
from gateway.storage.chain import GENESIS

NOON = datetime(2026, 11, 21, 4, 0, 0, 123456, UTC)
CALL = CallId("call-1")
CITIZEN = LegId("leg-citizen")
CONTACT = Contact(
    id=ContactId("contact-1"),
    channel=ChannelKind.TELEPHONE,
    external_id="a84b4c76e66710@198.51.100.7",
    sender="01000000001",
    addressee="12345",
    received_at=NOON,
)
TICKET = Ticket(
    id=TicketId("20261121-000001"),
    contact_id=CONTACT.id,
    channel=ChannelKind.TELEPHONE,
    call_id=CALL,
    caller="01000000001",
    received_at=NOON,
)
CITATION = Citation(obligation="ZZ-1", document="某市热线条例", article="第一条", words="“应当”……")
WORDS = Utterance(
    leg_id=CITIZEN,
    number=0,
    text="路灯不亮",
    start=1.1,
    end=2.5,
    is_final=True,
    words=(Word(text="路灯", start=1.1, end=1.7), Word(text="不亮", start=1.8, end=2.5)),
)


AGENT = Account(
    name="agent1",
    display_name="坐席一",
    role=AccountRole.AGENT,
    password_hash="$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    agent_id="1001",
)


class Remembering(Store, Accounts, Protocol):
    """What one object is to both the services and the console."""

    @property
    def correspondence(self) -> Correspondence: ...


def fact(number: int, call: str | None = None, ticket: str | None = None) -> Fact:
    return Fact(
        kind="leg.answered",
        at=NOON + timedelta(seconds=number),
        call_id=None if call is None else CallId(call),
        ticket_id=None if ticket is None else TicketId(ticket),
        offset=number / 3,
        values={"number": number},
    )


async def save(store: Store, ticket: Ticket) -> None:
    await store.commit(lambda tx: tx.save_ticket(ticket))


async def keep_leg(store: Store, leg: CallLeg) -> None:
    await store.commit(lambda tx: tx.save_leg(leg))


async def hear(store: Store, stretch: Utterance | Gap) -> None:
    await store.commit(lambda tx: tx.save_utterance(CALL, stretch))


async def append(store: Store, one: Fact) -> Entry:
    return await store.commit(lambda tx: tx.append(one))


async def test_a_full_ticket_comes_back_as_it_was_saved(store: Store) -> None:
    ticket = replace(
        TICKET,
        answered_at=NOON + timedelta(seconds=3),
        ended_at=NOON + timedelta(minutes=3),
        agent="1001",
        state=TicketState.HANDED_TO_EMERGENCY,
        category="help",
        matter="street_light",
        unit="lighting",
        emergency_line="110",
        elements=Elements(place="中山路８号", cause='他说"灯"灭了'),
        summary="路灯不亮\n两天了 \U0001f4a1",
        ending="citizen_left",
        decisions=(
            Decision(kind=DecisionKind.EMERGENCY, outcome="110", reasons=(Reason(rule="r1", evidence="救命"),)),
            Decision(
                kind=DecisionKind.CATEGORY,
                outcome="help",
                reasons=(Reason(rule="r2", evidence="灯", citation=CITATION), Reason(rule="r3", evidence="")),
            ),
        ),
        edited={"unit": 2, "category": 1},
    )

    await store.commit(lambda tx: tx.save_ticket(ticket))

    assert await store.ticket(ticket.id) == ticket
    assert await store.commit(lambda tx: tx.ticket(ticket.id)) == ticket


async def test_an_unknown_ticket_is_none(store: Store) -> None:
    assert await store.ticket(TICKET.id) is None
    assert await store.commit(lambda tx: tx.ticket(TICKET.id)) is None


async def test_a_revision_follows_the_one_before(store: Store) -> None:
    second = replace(TICKET, revision=2, unit="lighting")
    await store.commit(lambda tx: tx.save_ticket(TICKET))
    await store.commit(lambda tx: tx.save_ticket(second))

    assert await store.ticket(TICKET.id) == second


@pytest.mark.parametrize("revision", [0, 1, 3, 4])
async def test_any_other_revision_is_a_conflict_and_changes_nothing(store: Store, revision: int) -> None:
    await store.commit(lambda tx: tx.save_ticket(TICKET))

    with pytest.raises(Conflict):
        await store.commit(lambda tx: tx.save_ticket(replace(TICKET, revision=revision, unit="other")))
    assert await store.ticket(TICKET.id) == TICKET


async def test_a_ticket_cannot_begin_at_its_second_revision(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.commit(lambda tx: tx.save_ticket(replace(TICKET, revision=2)))
    assert await store.ticket(TICKET.id) is None


async def test_of_two_who_change_the_same_revision_one_wins(store: Store) -> None:
    await store.commit(lambda tx: tx.save_ticket(TICKET))
    changes = [replace(TICKET, revision=2, unit=unit) for unit in ("lighting", "roads")]

    outcomes = await asyncio.gather(*(save(store, change) for change in changes), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict]
    assert await store.ticket(TICKET.id) == changes[outcomes.index(None)]


async def test_tickets_come_newest_first_and_page_by_their_receipt(store: Store) -> None:
    tickets = [
        replace(TICKET, id=TicketId(f"20261121-{n:06}"), received_at=NOON + timedelta(seconds=n)) for n in range(5)
    ]
    for ticket in tickets:
        await save(store, ticket)

    assert await store.tickets(limit=2) == [tickets[4], tickets[3]]
    assert await store.tickets(limit=2, before=tickets[3].received_at) == [tickets[2], tickets[1]]
    assert await store.tickets() == tickets[::-1]


async def test_tickets_are_found_by_a_part_of_their_number_or_their_callers(store: Store) -> None:
    fire = replace(TICKET, id=TicketId("20261121-1"), caller="13800000001")
    water = replace(TICKET, id=TicketId("20261121-2"), caller="13900000002")
    for ticket in (fire, water):
        await save(store, ticket)

    assert await store.tickets(search="1390000") == [water]
    assert await store.tickets(search="1121-1") == [fire]
    assert await store.tickets(search="%") == []


async def test_tickets_are_found_by_matter_within_a_time(store: Remembering) -> None:
    water = replace(TICKET, matter="water_supply")
    later = replace(water, id=TicketId("20261121-000002"), received_at=NOON + timedelta(hours=1))
    power = replace(TICKET, id=TicketId("20261121-000003"), matter="power")
    for ticket in (water, later, power):
        await store.commit(lambda tx, ticket=ticket: tx.save_ticket(ticket))  # type: ignore[misc]

    assert await store.tickets_about("water_supply", NOON, NOON + timedelta(hours=1)) == [later, water]
    assert await store.tickets_about("water_supply", NOON, NOON + timedelta(hours=1), limit=1) == [later]
    assert await store.tickets_about("water_supply", NOON, NOON + timedelta(minutes=59)) == [water]
    assert await store.tickets_about("noise", NOON, NOON) == []


async def test_the_journal_is_read_backwards_from_a_number(store: Store) -> None:
    for number in range(5):
        await store.commit(lambda tx, n=number: tx.append(Fact(kind=f"kind.{n}", at=NOON)))  # type: ignore[misc]

    newest = await store.entries(before=2**62, limit=2)
    assert [entry.seq for entry in newest] == [5, 4]
    assert [entry.seq for entry in await store.entries(before=newest[-1].seq, limit=9)] == [3, 2, 1]


async def test_an_instant_is_the_same_in_any_zone(store: Store) -> None:
    beijing = NOON.astimezone(timezone(timedelta(hours=8)))
    await store.commit(lambda tx: tx.save_ticket(replace(TICKET, received_at=beijing)))

    assert await store.ticket(TICKET.id) == TICKET
    assert await store.tickets(before=beijing) == []


async def test_an_instant_without_a_zone_is_our_mistake(store: Store) -> None:
    adrift = NOON.replace(tzinfo=None)

    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.save_ticket(replace(TICKET, received_at=adrift)))
    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.append(Fact(kind="call.offered", at=adrift)))


async def test_unfinished_calls_are_the_telephone_tickets_without_an_end(store: Store) -> None:
    going_on = replace(TICKET, id=TicketId("a"))
    ended = replace(TICKET, id=TicketId("b"), ended_at=NOON)
    written = replace(TICKET, id=TicketId("c"), channel=ChannelKind.SMS, call_id=None)
    for ticket in (going_on, ended, written):
        await save(store, ticket)

    assert await store.unfinished_calls() == [going_on]


async def test_a_contact_is_found_by_what_its_channel_calls_it(store: Store) -> None:
    await store.commit(lambda tx: tx.add_contact(CONTACT, TICKET.id))

    assert await store.commit(lambda tx: tx.contact_by(CONTACT.channel, CONTACT.external_id)) == CONTACT
    assert await store.commit(lambda tx: tx.contact_by(ChannelKind.SMS, CONTACT.external_id)) is None


@pytest.mark.parametrize("change", [{"id": ContactId("contact-2")}, {"external_id": "other"}])
async def test_a_contact_cannot_be_added_twice(store: Store, change: dict[str, str]) -> None:
    await store.commit(lambda tx: tx.add_contact(CONTACT, TICKET.id))

    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.add_contact(replace(CONTACT, **change), TICKET.id))  # type: ignore[arg-type]


async def test_the_same_id_in_another_channel_is_another_contact(store: Store) -> None:
    other = replace(CONTACT, id=ContactId("contact-2"), channel=ChannelKind.SMS)
    await store.commit(lambda tx: tx.add_contact(CONTACT, TICKET.id))
    await store.commit(lambda tx: tx.add_contact(other, TICKET.id))

    assert await store.commit(lambda tx: tx.contact_by(ChannelKind.SMS, CONTACT.external_id)) == other


async def test_legs_come_by_their_start_and_a_later_save_replaces(store: Store) -> None:
    citizen = CallLeg(leg_id=CITIZEN, call_id=CALL, role=Role.CITIZEN, number="01000000001", started=0.0)
    desk = CallLeg(leg_id=LegId("a"), call_id=CALL, role=Role.EMERGENCY_DESK, number="110", started=12.5)
    elsewhere = replace(citizen, leg_id=LegId("b"), call_id=CallId("call-2"))
    closed = replace(citizen, ended=61.25, recording="call-1/citizen.wav", sha256="ab" * 32)
    for leg in (desk, citizen, elsewhere, closed):
        await keep_leg(store, leg)

    assert await store.legs(CALL) == [closed, desk]


async def test_a_transcript_has_words_and_gaps_in_the_order_they_were_said(store: Store) -> None:
    agent = Utterance(leg_id=LegId("leg-agent"), number=0, text="您好", start=0.2, end=0.9, is_final=True)
    gap = Gap(leg_id=CITIZEN, start=0.5, end=1.0, reason="the recogniser was restarted")
    for stretch in (WORDS, gap, agent):
        await hear(store, stretch)
    await store.commit(lambda tx: tx.save_utterance(CallId("call-2"), replace(WORDS, leg_id=LegId("other"))))

    assert await store.transcript(CALL) == [agent, gap, WORDS]


async def test_words_saved_again_are_there_once(store: Store) -> None:
    await store.commit(lambda tx: tx.save_utterance(CALL, WORDS))
    await store.commit(lambda tx: tx.save_utterance(CALL, WORDS))

    assert await store.transcript(CALL) == [WORDS]


async def test_a_recogniser_that_counts_anew_replaces_no_words(store: Store) -> None:
    later = replace(WORDS, text="还有井盖", start=30.0, end=31.0)
    await store.commit(lambda tx: tx.save_utterance(CALL, WORDS))
    await store.commit(lambda tx: tx.save_utterance(CALL, later))

    assert await store.transcript(CALL) == [WORDS, later]


async def test_a_partial_utterance_is_our_mistake(store: Store) -> None:
    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.save_utterance(CALL, replace(WORDS, is_final=False)))


async def test_a_text_that_utf8_cannot_carry_is_our_mistake(store: Store) -> None:
    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.add_contact(replace(CONTACT, sender="\udcff"), TICKET.id))
    with pytest.raises(OurMistake):
        await save(store, replace(TICKET, elements=Elements(place="\udcff")))
    with pytest.raises(OurMistake):
        await hear(store, replace(WORDS, text="\udcff"))


async def test_a_time_that_is_no_number_is_our_mistake(store: Store) -> None:
    with pytest.raises(OurMistake):
        await hear(store, replace(WORDS, end=float("nan")))


async def test_facts_are_numbered_from_one_and_chained(store: Store) -> None:
    facts = [fact(0, "c1", "t1"), fact(1), fact(2, "c1"), fact(3, "c2", "t1")]

    def work(tx: Transaction) -> list[Entry]:
        return [tx.append(one) for one in facts[:2]]

    entries = await store.commit(work)
    for one in facts[2:]:
        entries.append(await append(store, one))

    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert [entry.fact for entry in entries] == facts
    assert [entry.previous for entry in entries] == [GENESIS, *(entry.hash for entry in entries[:3])]
    assert await store.entries() == entries


async def test_entries_are_chosen_by_call_ticket_and_number(store: Store) -> None:
    for one in (fact(0, "c1", "t1"), fact(1), fact(2, "c1"), fact(3, "c2", "t1")):
        await append(store, one)

    async def chosen(**by: object) -> list[int]:
        return [entry.seq for entry in await store.entries(**by)]  # type: ignore[arg-type]

    assert await chosen(call_id="c1") == [1, 3]
    assert await chosen(ticket_id="t1") == [1, 4]
    assert await chosen(call_id="c1", ticket_id="t1") == [1]
    assert await chosen(after=1, limit=2) == [2, 3]
    assert await chosen(after=4) == []


async def test_a_fact_keeps_every_kind_of_json_value(store: Store) -> None:
    values = {
        "none": None,
        "yes": True,
        "n": 7,
        "x": 0.1,
        "字": "“话”\n\u0000\U0001f4de",
        "deep": [{"b": 1, "a": []}, 1.0],
    }
    kept = Fact(kind="emergency.suspected", at=NOON, values=values)  # type: ignore[arg-type]

    entry = await store.commit(lambda tx: tx.append(kept))

    assert entry.fact == kept
    assert await store.entries() == [entry]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes", object()])
async def test_a_value_that_json_cannot_carry_is_our_mistake(store: Store, value: object) -> None:
    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.append(Fact(kind="x.y", at=NOON, values={"v": value})))  # type: ignore[dict-item]
    assert await store.entries() == []


async def test_work_that_raises_undoes_its_own_writes_and_no_others(store: Store) -> None:
    def broken(tx: Transaction) -> None:
        tx.add_contact(CONTACT, TICKET.id)
        tx.save_ticket(TICKET)
        tx.save_utterance(CALL, WORDS)
        tx.append(fact(7))
        raise LookupError("no such unit")

    first, middle, last = await asyncio.gather(
        store.commit(lambda tx: tx.append(fact(1))),
        store.commit(broken),
        store.commit(lambda tx: tx.append(fact(2))),
        return_exceptions=True,
    )

    assert isinstance(middle, LookupError)
    assert await store.entries() == [first, last]
    assert await store.ticket(TICKET.id) is None
    assert await store.transcript(CALL) == []
    assert await store.commit(lambda tx: tx.contact_by(CONTACT.channel, CONTACT.external_id)) is None


async def test_a_unit_of_work_reads_its_own_writes(store: Store) -> None:
    def work(tx: Transaction) -> Ticket | None:
        tx.save_ticket(TICKET)
        return tx.ticket(TICKET.id)

    assert await store.commit(work) == TICKET


async def test_what_a_commit_returned_is_read_by_the_next_read(store: Store) -> None:
    for number in range(20):
        await append(store, fact(number))
        assert (await store.entries(after=number))[0].fact == fact(number)


async def test_a_stop_iteration_in_a_unit_reaches_its_waiter_as_an_error(store: Store) -> None:
    with pytest.raises(RuntimeError):
        await store.commit(lambda tx: next(iter(())))


async def test_any_mapping_and_sequence_is_json(store: Store) -> None:
    values: dict[str, Json] = {"reasons": (MappingProxyType({"rule": "r1"}),), "seconds": range(2)}

    entry = await append(store, Fact(kind="x.y", at=NOON, values=values))

    assert entry.fact.values == {"reasons": [{"rule": "r1"}], "seconds": [0, 1]}


async def test_an_account_is_found_by_its_exact_name(store: Remembering) -> None:
    await store.save_account(AGENT)

    assert await store.account("agent1") == AGENT
    assert await store.account("AGENT1") is None
    assert await store.account("") is None


async def test_an_account_saved_again_is_replaced(store: Remembering) -> None:
    changed = replace(AGENT, role=AccountRole.SUPERVISOR, display_name="班长", agent_id="")
    await store.save_account(AGENT)
    await store.save_account(changed)

    assert await store.accounts() == [changed]


async def test_accounts_come_by_name(store: Remembering) -> None:
    for name in ("c", "a", "b"):
        await store.save_account(replace(AGENT, name=name))

    assert [account.name for account in await store.accounts()] == ["a", "b", "c"]


async def test_contacts_of_a_ticket_are_read_with_all_that_came_with_them(store: Remembering) -> None:
    picture = Attachment(sha256="ab" * 32, name="井盖.jpg", media_type="image/jpeg", size=3, shown="cd" * 32)
    letter = replace(
        CONTACT,
        id=ContactId("contact-9"),
        channel=ChannelKind.SMS,
        external_id="k",
        attachments=(picture,),
        point=Point(latitude=42.26, longitude=118.9, name="三道街"),
        is_proven=True,
        telephone="8613800000000",
        original="ef" * 32,
        values={"spf": "pass"},
    )
    await store.commit(lambda tx: tx.add_contact(letter, TICKET.id))

    assert [known.contact for known in await store.correspondence.letters(TICKET.id)] == [letter]


async def test_an_id_made_from_content_finds_the_newest_of_its_repetitions(store: Remembering) -> None:
    first = replace(CONTACT, channel=ChannelKind.SMS, external_id="k")
    later = replace(
        first, id=ContactId("contact-2"), external_id="k@2", received_at=first.received_at + timedelta(days=1)
    )
    other = replace(first, id=ContactId("contact-3"), external_id="kk")

    def work(tx: Transaction) -> tuple[Letter | None, Letter | None, Letter | None]:
        for contact in (first, later, other):
            tx.add_contact(contact, TICKET.id)
        writes = tx.correspondence
        return (
            writes.repeated(ChannelKind.SMS, "k"),
            writes.repeated(ChannelKind.MAIL, "k"),
            writes.latest_from(ChannelKind.SMS, CONTACT.sender),
        )

    repeated, elsewhere, latest = await store.commit(work)
    assert repeated is not None
    assert repeated.contact == later
    assert elsewhere is None
    assert latest is not None
    assert latest.contact == later


async def test_a_conversation_has_each_line_once_and_in_order(store: Remembering) -> None:
    at = CONTACT.received_at
    question = ChatLine(id="a", by=Speaker.CITIZEN, text="停水了", at=at, ticket_id=TICKET.id, emergencies=("119",))
    answer = ChatLine(id="b", by=Speaker.ASSISTANT, text="正在抢修", at=at, source="《停水通知》")

    def work(tx: Transaction) -> list[ChatLine]:
        lines = [tx.correspondence.add_line("s1", line) for line in (question, answer, question)]
        tx.correspondence.confirm("s1", 2)
        tx.correspondence.confirm("s1", 1)
        return lines

    first, second, again = await store.commit(work)
    assert [first.number, second.number, again.number] == [1, 2, 1]
    assert list(await store.correspondence.lines("s1")) == [replace(question, number=1), replace(answer, number=2)]
    assert list(await store.correspondence.lines("s1", 1)) == [replace(answer, number=2)]
    assert list(await store.correspondence.lines("s2")) == []
    assert await store.correspondence.confirmed("s1") == 2
    assert await store.correspondence.confirmed("s2") == 0


async def test_what_a_peer_said_of_our_message_and_what_somebody_wished_is_kept(store: Remembering) -> None:
    sent = Sent(
        channel=ChannelKind.SMS,
        sent_id="m1",
        message_key="k1",
        ticket_id=TICKET.id,
        state=DeliveryState.ACCEPTED,
        at=CONTACT.received_at,
    )
    wish = Wish(address="8613800000000", is_text_only=True, at=CONTACT.received_at, by="web")
    later = CONTACT.received_at + timedelta(hours=2)

    def work(tx: Transaction) -> None:
        tx.correspondence.save_sent(sent)
        tx.correspondence.save_sent(replace(sent, state=DeliveryState.DELIVERED))
        tx.correspondence.save_wish(wish)
        tx.correspondence.keep("token", "t1", CONTACT.received_at)
        tx.correspondence.keep("token", "t2", later)

    await store.commit(work)
    assert await store.correspondence.sent(TICKET.id) == [replace(sent, state=DeliveryState.DELIVERED)]
    assert await store.correspondence.wish(wish.address) == wish
    assert await store.correspondence.wish("8613800000001") is None
    assert await store.correspondence.value("token", CONTACT.received_at) == "t2"
    assert await store.correspondence.value("token", later) is None
