"""Incidents (同一事件): many tickets of one matter and place within hours, found and told.

Nothing is merged: every petitioner has a ticket with its own number and deadline. The fact ``incident.suspected`` is
written once to every ticket of an incident of `MANY` or more; whoever opens one of them is shown the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import structlog

from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.clock import Clock
from gateway.ports.memory import Store
from gateway.services.feed import Feed, TicketChanged
from routing.incidents import MANY, WINDOW, incident_of

log = structlog.get_logger(__name__)

T = TypeVar("T")
KIND = "incident.suspected"
MOST_COMPARED = 500
"""Tickets of one matter within the window that are looked at, the newest first."""
MOST_REMEMBERED = 10_000


async def same_incident(store: Store, ticket: Ticket) -> Sequence[Ticket]:
    """Return the other tickets of the incident that *ticket* is of, the earliest first."""
    if not ticket.matter or not ticket.elements.place:
        return ()
    since, until = ticket.received_at - WINDOW, ticket.received_at + WINDOW
    return incident_of(ticket, await store.tickets_about(ticket.matter, since, until, limit=MOST_COMPARED))


class IncidentWatch:
    """Follows tickets as they change, and writes down when several are of one incident."""

    def __init__(self, store: Store, feed: Feed, clock: Clock) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._told: dict[TicketId, None] = {}
        self._looked_at: dict[TicketId, tuple[str, str]] = {}

    async def follow(self) -> None:
        """Look at every ticket whose matter or place changed, until cancelled."""
        while True:
            with self._feed.watch() as subscription:
                async for item in subscription:
                    if isinstance(item, TicketChanged):
                        await self._look_safely(item.ticket)

    async def look(self, ticket: Ticket) -> None:
        """Tell of the incident that *ticket* is of, if there are enough tickets of it and nobody has been told."""
        others = await same_incident(self._store, ticket)
        together = [ticket.id, *(other.id for other in others)]
        if len(together) < MANY:
            return
        untold = [each for each in together if each not in self._told and not await self._is_told(each)]
        for each in untold:
            await self._tell(each, ticket.matter, together)
        for each in together:
            _remember(self._told, each, None)

    async def _look_safely(self, ticket: Ticket) -> None:
        seen = (ticket.matter, ticket.elements.place)
        if ticket.id in self._told or self._looked_at.get(ticket.id) == seen:
            return
        _remember(self._looked_at, ticket.id, seen)
        try:
            await self.look(ticket)
        except Unavailable:
            self._looked_at.pop(ticket.id, None)  # its next change looks again
        except Exception:  # a fault here must not end the watching
            log.exception("incident.not_looked_at", ticket_id=ticket.id)

    async def _is_told(self, ticket_id: TicketId) -> bool:
        return any(entry.fact.kind == KIND for entry in await self._store.entries(ticket_id=ticket_id))

    async def _tell(self, ticket_id: TicketId, matter: str, together: Sequence[TicketId]) -> None:
        others = [each for each in together if each != ticket_id]
        fact = Fact(
            kind=KIND, at=self._clock.now(), ticket_id=ticket_id, values={"matter": matter, "tickets": list(others)}
        )
        await self._store.commit(lambda tx: tx.append(fact))
        self._feed.publish(fact)


def _remember(known: dict[TicketId, T], key: TicketId, value: T) -> None:
    """Keep *value*, and forget the oldest beyond `MOST_REMEMBERED`."""
    known[key] = value
    if len(known) > MOST_REMEMBERED:
        del known[next(iter(known))]
