"""What every store owes casework: the same suite for the one in memory and those on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from gateway.domain.case import Case, CaseId, Period, PeriodState
from gateway.domain.casework import DIGEST, CaseQuery, CaseRecord, Channel, Delivery, Message, Place
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.rules import PeriodKind, Span, SpanUnit, Stage, Urgency
from gateway.domain.ticket import Elements, Ticket, TicketId
from routing.case_words import asked_words

NOON = datetime(2026, 3, 2, 4, 0, 0, 123456, UTC)
DAY = timedelta(days=1)
TEN_DAYS = Span(10, SpanUnit.WORKING_DAYS)


def handling(due: datetime, state: PeriodState = PeriodState.RUNNING) -> Period:
    return Period(
        kind=PeriodKind.HANDLE,
        span=TEN_DAYS,
        original=TEN_DAYS,
        since=NOON,
        live_from=NOON,
        due=due,
        provisional=False,
        rows=("ZH-11b",),
        state=state,
    )


def record(
    name: str = "t1", *, after: timedelta = timedelta(), due: datetime | None = None, **fields: Any
) -> CaseRecord:
    """A case that was received *after* noon, whose reply is owed until *due*."""
    beside = {key: fields.pop(key) for key in ("above", "next_due", "reply", "revision", "touched") if key in fields}
    case = Case(
        id=CaseId(name),
        **{
            "stage": Stage.DISPATCHED,
            "received_at": NOON + after,
            "category": "help",
            "petitioner": "01000000001",
            "matter": "停水",
            "unit": "water",
            "periods": (handling(due),) if due else (),
            **fields,
        },
    )
    return CaseRecord(case=case, profile="zhuhai-2023", rules_of=date(2026, 3, 2), changed_at=NOON, **beside)


async def save(store: Any, *records: CaseRecord) -> None:
    await store.commit(lambda tx: [tx.cases.save_case(each) for each in records])


async def listed(store: Any, **query: Any) -> list[str]:
    return [each.id for each in await store.cases.page(CaseQuery(**query))]


async def test_a_full_case_comes_back_as_it_was_saved(store: Any) -> None:
    full = record(
        due=NOON + DAY,
        urgency=Urgency.SUDDEN,
        is_by_telephone=False,
        can_be_reached=False,
        assist=("roads", "gas"),
        is_designated=True,
        is_return_refused=True,
        before=Stage.SIGNED,
        asked_days=3,
        pending_since=NOON,
        replied_at=NOON,
        grade="满意",
        counts={"urge": 2, "extension": 0},
        above=("county",),
        next_due=NOON + DAY,
        reply={"result": "修好了\U0001f4a7", "told_petitioner": True},
    )

    await save(store, full)

    assert await store.cases.case(full.id) == full
    assert await store.commit(lambda tx: tx.cases.case(full.id)) == full
    assert await store.cases.case(TicketId("other")) is None


async def test_a_revision_follows_the_one_before_and_no_other_is_taken(store: Any) -> None:
    await save(store, record())
    await save(store, record(revision=2, grade="满意"))

    for revision in (0, 1, 2, 4):
        with pytest.raises(Conflict):
            await save(store, record(revision=revision, unit="other"))
    assert (await store.cases.case(TicketId("t1"))) == record(revision=2, grade="满意")
    with pytest.raises(Conflict):
        await save(store, record("t2", revision=2))


async def test_of_two_who_change_the_same_revision_one_wins(store: Any) -> None:
    await save(store, record())
    changes = [record(revision=2, unit=unit) for unit in ("gas", "roads")]

    outcomes = await asyncio.gather(*(save(store, change) for change in changes), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict]
    assert await store.cases.case(TicketId("t1")) == changes[outcomes.index(None)]


async def test_work_that_raises_leaves_neither_case_nor_message(store: Any) -> None:
    def broken(tx: Any) -> None:
        tx.cases.save_case(record())
        tx.cases.save_message(message("m1"))
        tx.cases.save_delivery(delivery("k"))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.commit(broken)

    assert await store.cases.case(TicketId("t1")) is None
    assert await store.cases.messages(Channel.UNIT) == []
    assert await store.commit(lambda tx: tx.cases.delivery("region", "k")) is None


async def test_lists_are_narrowed_and_ordered_the_newest_first(store: Any) -> None:
    await save(
        store,
        record("a"),
        record("b", after=DAY, stage=Stage.CLOSED),
        record("c", after=2 * DAY, category="complaint", unit="roads"),
        record("d", after=2 * DAY, unit="roads", assist=("water",)),
        record("e", after=3 * DAY, unit="station", above=("roads",)),
    )

    assert await listed(store) == ["e", "d", "c", "b", "a"]
    assert await listed(store, stage=Stage.CLOSED) == ["b"]
    assert await listed(store, category="complaint") == ["c"]
    assert await listed(store, unit="water") == ["d", "b", "a"]
    assert await listed(store, unit="roads") == ["e", "d", "c"]
    assert await listed(store, unit="water", stage=Stage.DISPATCHED) == ["d", "a"]
    assert await listed(store, unit="roads", category="help") == ["e", "d"]
    assert await listed(store, unit="roads", limit=2, after=Place(at=NOON + 3 * DAY, id="e")) == ["d", "c"]
    assert await listed(store, after=Place(at=NOON + 2 * DAY, id="d")) == ["c", "b", "a"]


async def test_a_unit_that_has_no_part_any_more_finds_the_case_no_more(store: Any) -> None:
    await save(store, record(assist=("gas",)))
    await save(store, record(unit="roads", revision=2, stage=Stage.SIGNED))

    assert await listed(store, unit="water") == await listed(store, unit="gas") == []
    assert await listed(store, unit="roads", stage=Stage.SIGNED) == ["t1"]


async def test_what_is_owed_longest_comes_first(store: Any) -> None:
    await save(
        store,
        record("late", due=NOON + DAY),
        record("later", due=NOON + 2 * DAY, unit="roads"),
        record("same", due=NOON + DAY),
        record("future", due=NOON + 9 * DAY),
        record("done", due=NOON + DAY, stage=Stage.CLOSED),
        record("never"),
    )

    until = NOON + 3 * DAY
    assert await listed(store, due_before=until) == ["late", "same", "later"]
    assert await listed(store, due_before=until, unit="water") == ["late", "same"]
    assert await listed(store, due_before=until, limit=1, after=Place(at=NOON + DAY, id="late")) == ["same"]
    assert await listed(store, due_before=NOON + DAY) == ["late", "same"]


async def test_due_cases_come_in_order_of_time_and_are_due_no_more_once_saved(store: Any) -> None:
    await save(
        store,
        record("b", next_due=NOON),
        record("a", next_due=NOON),
        record("first", next_due=NOON - DAY),
        record("future", next_due=NOON + DAY),
        record("never"),
    )

    def due(tx: Any) -> list[str]:
        return [each.id for each in tx.cases.due_cases(NOON, 10)]

    assert await store.cases.next_due() == NOON - DAY
    assert await store.commit(due) == ["first", "a", "b"]
    await save(store, record("first", revision=2), record("a", revision=2, next_due=NOON + DAY))
    assert await store.commit(due) == ["b"]
    assert await store.commit(lambda tx: [each.id for each in tx.cases.due_cases(NOON + DAY, 2)]) == ["b", "a"]


async def test_an_empty_store_has_nothing_due(store: Any) -> None:
    assert await store.cases.next_due() is None
    assert await store.cases.next_message({Channel.PARTNER}) is None


async def test_the_surroundings_of_a_matter_are_found(store: Any) -> None:
    until = NOON + 30 * DAY
    restriction = replace(handling(until), kind=PeriodKind.RESTRICT_UNTIL)
    await save(
        store,
        record("old"),
        record("new", after=DAY),
        record("refused", after=2 * DAY, stage=Stage.REFUSED),
        record("other", after=2 * DAY, matter="路灯"),
        record("harasser", petitioner="01000000009", stage=Stage.REFUSED, matter="x", periods=(restriction,)),
    )

    def look(tx: Any) -> list[Any]:
        cases, me = tx.cases, TicketId("new")
        return [
            cases.earlier_case("01000000001", "停水", me).id,
            cases.earlier_case("01000000001", "停水", TicketId("?")).id,
            cases.earlier_case("01000000002", "停水", me),
            cases.alike("停水", NOON, me),
            cases.alike("停水", NOON + timedelta(hours=1), TicketId("?")),
            cases.restricted_until("01000000009", NOON),
            cases.restricted_until("01000000009", until),
            cases.restricted_until("01000000001", NOON),
        ]

    assert await store.commit(look) == ["old", "new", None, 1, 1, until, None, None]


def message(key: str, *, after: timedelta = timedelta(), **fields: Any) -> Message:
    return Message(
        **{
            "key": key,
            "channel": Channel.UNIT,
            "to": "water",
            "kind": "card",
            "case_id": "t1",
            "text": "黄牌",
            "at": NOON + after,
            "due": NOON + after,
            "values": {"n": 1, "字": [True, None]},
            **fields,
        }
    )


def delivery(key: str, at: datetime = NOON) -> Delivery:
    return Delivery(partner="region", key=key, asked="ab" * 32, status=409, answer='{"a":"字"}', at=at)


async def keep(store: Any, *messages: Message) -> None:
    await store.commit(lambda tx: [tx.cases.save_message(each) for each in messages])


async def test_a_message_saved_again_replaces_itself(store: Any) -> None:
    done = message("m1", done_at=NOON, attempts=3, error="x")
    await keep(store, message("m1"))
    await keep(store, done)

    assert await store.commit(lambda tx: tx.cases.message("m1")) == done
    assert await store.cases.messages(Channel.UNIT) == [done]
    assert await store.cases.messages(Channel.UNIT, waiting=True) == []


async def test_messages_are_narrowed_and_ordered_the_newest_first(store: Any) -> None:
    a, b = message("a"), message("b", after=DAY, to="roads")
    c, d = message("c", after=DAY, case_id="t2"), message("d", channel=Channel.HOTLINE, to="")
    await keep(store, a, b, c, d)

    assert await store.cases.messages(Channel.UNIT) == [c, b, a]
    assert await store.cases.messages(Channel.UNIT, to="water") == [c, a]
    assert await store.cases.messages(Channel.UNIT, case_id="t2") == [c]
    assert await store.cases.messages(Channel.HOTLINE) == [d]
    assert await store.cases.messages(Channel.UNIT, limit=1, after=Place(at=NOON + DAY, id="c")) == [b]


async def test_messages_are_due_by_channel_in_order_of_time_until_they_are_done(store: Any) -> None:
    late = message("late", after=-DAY, channel=Channel.PARTNER)
    now = message("now", channel=Channel.PARTNER)
    await keep(
        store,
        now,
        late,
        message("future", after=DAY, channel=Channel.PARTNER),
        message("done", channel=Channel.PARTNER, done_at=NOON),
        message("hopeless", channel=Channel.PARTNER, given_up=True),
        message("elsewhere"),
    )

    assert await store.cases.next_message({Channel.PARTNER}) == NOON - DAY
    assert await store.commit(lambda tx: tx.cases.due_messages({Channel.PARTNER}, NOON, 9)) == [late, now]
    assert await store.commit(lambda tx: tx.cases.due_messages({Channel.PARTNER}, NOON, 1)) == [late]


async def test_a_digest_is_open_until_somebody_took_it(store: Any) -> None:
    def find(tx: Any) -> Message | None:
        found: Message | None = tx.cases.open_digest(Channel.UNIT, "water")
        return found

    digest = message("d1", kind=DIGEST)
    await keep(store, digest, message("m1"), message("d2", kind=DIGEST, to="roads"))

    assert await store.commit(find) == digest
    await keep(store, replace(digest, attempts=1))
    assert await store.commit(find) is None
    await keep(store, replace(digest, done_at=NOON))
    assert await store.commit(find) is None


async def test_a_request_is_kept_once_and_forgotten_in_time(store: Any) -> None:
    await store.commit(lambda tx: tx.cases.save_delivery(delivery("k")))
    with pytest.raises(OurMistake):
        await store.commit(lambda tx: tx.cases.save_delivery(delivery("k")))
    await store.commit(lambda tx: tx.cases.save_delivery(delivery("later", NOON + DAY)))

    assert await store.commit(lambda tx: tx.cases.delivery("region", "k")) == delivery("k")
    assert await store.commit(lambda tx: tx.cases.delivery("other", "k")) is None
    assert await store.commit(lambda tx: tx.cases.forget_deliveries(NOON + DAY)) == 1
    assert await store.commit(lambda tx: tx.cases.delivery("region", "k")) is None


async def test_an_instant_is_the_same_in_any_zone_and_none_without_one(store: Any) -> None:
    beijing = timezone(timedelta(hours=8))
    await save(store, record(due=(NOON + DAY).astimezone(beijing), next_due=NOON.astimezone(beijing)))

    assert await store.cases.case(TicketId("t1")) == record(due=NOON + DAY, next_due=NOON)
    with pytest.raises(OurMistake):
        await save(store, replace(record("t2"), changed_at=NOON.replace(tzinfo=None)))


async def test_a_text_that_utf8_cannot_carry_is_our_mistake(store: Any) -> None:
    with pytest.raises(OurMistake):
        await save(store, record(matter="\udcff"))
    with pytest.raises(OurMistake):
        await keep(store, message("m", values={"x": "\udcff"}))


async def found(store: Any, text: str, **query: Any) -> list[str]:
    return [each.id for each in (await store.cases.search(asked_words(text), CaseQuery(**query))).cases]


def ticket(name: str, summary: str, revision: int = 1, **elements: str) -> Ticket:
    return Ticket(
        id=TicketId(name),
        contact_id=ContactId(name),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller="01000000001",
        received_at=NOON,
        summary=summary,
        elements=Elements(**elements),
        revision=revision,
    )


async def test_a_case_is_found_by_all_that_it_its_ticket_and_its_unit_say(store: Any) -> None:
    await store.commit(lambda tx: tx.save_ticket(ticket("t1", "家里停水两天了", place="红山区幸福小区５号楼")))
    await save(store, record("t1"), record("t2", after=DAY, matter="路灯不亮", unit="roads"))
    await save(
        store, record("t2", after=DAY, matter="路灯不亮", unit="roads", revision=2, reply={"result": "已停水检修"})
    )

    assert await found(store, "停水") == ["t2", "t1"]
    assert await found(store, "停水 幸福小区") == ["t1"]
    assert await found(store, "幸福小区5号楼") == ["t1"]
    assert await found(store, "水停") == []
    assert await found(store, "小区幸福") == []
    assert await found(store, "01000000001 路灯") == ["t2"]
    assert await found(store, "T2") == ["t2"]
    assert await found(store, "停水", unit="roads") == ["t2"]
    assert await found(store, "停水", stage=Stage.CLOSED) == []
    assert await found(store, "停水", due_before=NOON) == []


async def test_a_case_is_found_by_what_its_ticket_says_now_and_by_the_units_that_have_it_now(store: Any) -> None:
    await store.commit(lambda tx: tx.save_ticket(ticket("t1", "水管漏水")))
    await save(store, record("t1"))
    await store.commit(lambda tx: tx.save_ticket(ticket("t1", "暖气不热", revision=2)))
    await save(store, record("t1", revision=2, unit="heat"))

    assert await found(store, "漏水") == []
    assert await found(store, "暖气") == await found(store, "暖气", unit="heat") == ["t1"]
    assert await found(store, "暖气", unit="water") == []


async def test_a_search_goes_on_where_the_last_page_ended_also_among_cases_of_one_instant(store: Any) -> None:
    names = [f"t{number}" for number in range(7)]
    await save(store, *(record(name, after=timedelta(seconds=at)) for at, name in enumerate(names)))

    seen: list[str] = []
    below = None
    for _ in range(4):
        hits = await store.cases.search(asked_words("停水"), CaseQuery(limit=2), below)
        seen += [each.id for each in hits.cases]
        below = hits.further
    assert seen == names[::-1]
    assert below is None


async def test_waiting_messages_are_counted_up_to_a_limit(store: Any) -> None:
    await keep(store, *(message(f"m{n}") for n in range(5)), message("done", done_at=NOON), message("r", to="roads"))

    assert await store.cases.count_waiting(Channel.UNIT, to="water") == 5
    assert await store.cases.count_waiting(Channel.UNIT) == 6
    assert await store.cases.count_waiting(Channel.UNIT, to="water", most=3) == 3
