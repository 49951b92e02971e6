"""Many tickets of one incident: each is told once, keeps its number, and shows the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.events import Fact
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.services.feed import Feed, TicketChanged
from gateway.services.incidents import KIND, IncidentWatch, same_incident
from tests.fakes.store import MemoryStore

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


def ticket(number: int, place: str = "阳光小区") -> Ticket:
    return Ticket(
        id=TicketId(f"20261121-{number:06}"),
        contact_id=ContactId(f"contact-{number}"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller=f"0100000{number:04}",
        received_at=NOON,
        matter="water_supply",
        elements=Elements(place=place),
    )


async def stored(*tickets: Ticket) -> MemoryStore:
    store = MemoryStore()
    for each in tickets:
        await store.commit(lambda tx, each=each: tx.save_ticket(each))  # type: ignore[misc]
    return store


async def told(store: MemoryStore) -> Sequence[Fact]:
    return [entry.fact for entry in await store.entries() if entry.fact.kind == KIND]


async def test_a_ticket_shows_the_others_of_its_incident() -> None:
    store = await stored(ticket(1), ticket(2), ticket(3, "幸福小区"))

    assert [each.id for each in await same_incident(store, ticket(1))] == [ticket(2).id]
    assert await same_incident(store, ticket(4, "")) == ()


async def test_two_tickets_are_not_yet_an_incident_and_three_are_each_told_once() -> None:
    store = await stored(ticket(1), ticket(2))
    watch = IncidentWatch(store, Feed(), Noon())
    await watch.look(ticket(2))
    assert await told(store) == []

    await store.commit(lambda tx: tx.save_ticket(ticket(3)))
    await watch.look(ticket(3))
    await watch.look(ticket(1))
    await IncidentWatch(store, Feed(), Noon()).look(ticket(3))  # another run

    facts = await told(store)
    assert sorted(fact.ticket_id or "" for fact in facts) == [ticket(number).id for number in (1, 2, 3)]
    assert all(fact.ticket_id not in fact.values["tickets"] for fact in facts)  # type: ignore[operator]


async def test_changes_are_followed_and_a_store_that_cannot_is_asked_again() -> None:
    store, feed = await stored(ticket(1), ticket(2), ticket(3)), Feed()
    following = asyncio.create_task(IncidentWatch(store, feed, Noon()).follow())
    await asyncio.sleep(0)
    with feed.watch() as shown:
        store.fail()
        feed.publish(TicketChanged(ticket=ticket(3)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        store.fail(False)
        feed.publish(TicketChanged(ticket=ticket(3)))
        async with asyncio.timeout(20):
            async for item in shown:
                if isinstance(item, Fact) and item.ticket_id == ticket(3).id:
                    break
    following.cancel()

    assert {fact.ticket_id for fact in await told(store)} >= {ticket(3).id}
