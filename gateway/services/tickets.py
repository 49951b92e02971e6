"""Changes to tickets (工单变更): every one is a function from the ticket as it stands to the ticket as it shall be.

Applied inside the store's transaction, such a change never overwrites what somebody else wrote meanwhile.
"""

from __future__ import annotations

import itertools
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime, tzinfo

from gateway.domain.decision import Decision
from gateway.domain.errors import Conflict, Refused
from gateway.domain.events import Fact
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.ports.clock import Clock
from gateway.ports.memory import Store, Transaction
from gateway.services.feed import Feed, TicketChanged
from routing.decide import Understanding

Change = Callable[[Ticket], Ticket]

Amend = Callable[[Transaction, TicketId, Mapping[str, str], str], list[Fact]]
"""What `Casework.amended` is to edits: lets them reach the ticket's case, and returns what the feed is to show."""

EDITABLE = ("category", "matter", "unit", "summary", *(f"elements.{field.name}" for field in fields(Elements)))
"""What an agent may write by hand."""


_serials = itertools.cycle(random.Random(secrets.token_bytes(16)).sample(range(10_000), 10_000))
"""In an order of this process's own, so that none comes again within 10,000 tickets."""


def new_ticket_id(now: datetime, zone: tzinfo) -> TicketId:
    """Return a number that needs no store: local date and time, and four digits that no other of that time has."""
    return TicketId(f"{now.astimezone(zone):%Y%m%d-%H%M%S}-{next(_serials):04d}")


def applied(ticket: Ticket, change: Change) -> Ticket:
    """Return *ticket* after *change*, one revision on; unchanged when the change changes nothing."""
    changed = change(ticket)
    return ticket if changed == ticket else replace(changed, revision=ticket.revision + 1)


def save_change(tx: Transaction, ticket_id: TicketId, change: Change) -> Ticket | None:
    """Apply *change* to the stored ticket within *tx*; None when there is no such ticket."""
    stored = tx.ticket(ticket_id)
    if stored is None:
        return None
    changed = applied(stored, change)
    if changed is not stored:
        tx.save_ticket(changed)
    return changed


def set_agent(agent_id: str) -> Change:
    """Return the change that notes who talks with the petitioner."""
    return lambda ticket: replace(ticket, agent=agent_id)


def filled_from(understanding: Understanding) -> Change:
    """Return the change that writes what was understood into every field no agent has written."""

    def change(ticket: Ticket) -> Ticket:
        return _filled(ticket, understanding)

    return change


def _filled(ticket: Ticket, understood: Understanding) -> Ticket:
    guesses = (understood.category, understood.matter, understood.unit, understood.place)
    heard = {
        "category": understood.category.outcome,
        "matter": understood.matter.outcome,
        "unit": understood.unit.outcome,
        "summary": understood.summary,
        **{f"elements.{field.name}": getattr(understood.elements, field.name) for field in fields(Elements)},
    }
    filled = _written(ticket, {name: value for name, value in heard.items() if value and name not in ticket.edited})
    return replace(filled, decisions=with_decisions(ticket.decisions, [guess for guess in guesses if guess.outcome]))


def with_decisions(known: tuple[Decision, ...], fresh: list[Decision]) -> tuple[Decision, ...]:
    """Return the decisions with each *fresh* one appended, unless its outcome stands already."""
    standing = {(decision.kind, decision.outcome) for decision in known}
    return known + tuple(decision for decision in fresh if (decision.kind, decision.outcome) not in standing)


def written_by_hand(values: Mapping[str, str]) -> Change:
    """Return the change by which an agent writes *values* (see `EDITABLE`); filling leaves those fields alone then."""

    def change(ticket: Ticket) -> Ticket:
        edited = {**ticket.edited, **dict.fromkeys(values, ticket.revision + 1)}
        return replace(_written(ticket, values), edited=edited)

    return change


class TicketEditor:
    """Edits by people, at the console."""

    def __init__(self, store: Store, feed: Feed, clock: Clock, amend: Amend | None = None) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._amend = amend

    async def edit(self, ticket_id: TicketId, values: Mapping[str, str], *, revision: int, by: str) -> Ticket:
        """Write *values* (see `EDITABLE`) as *by* saw the ticket at *revision*.

        A field that changed since then raises `Conflict` naming it; a field that only automatic filling touched
        does not. Raises `Refused` for an unknown ticket or field, or what the ticket's case does not allow.
        """
        unknown = set(values) - set(EDITABLE)
        if unknown:
            raise Refused(f"a ticket has no editable field {', '.join(sorted(unknown))}")

        followed: list[Fact] = []

        def work(tx: Transaction) -> Ticket:
            ticket = tx.ticket(ticket_id)
            if ticket is None:
                raise Refused(f"there is no ticket {ticket_id}")
            newer = sorted(name for name in values if ticket.edited.get(name, 0) > revision)
            if newer:
                raise Conflict(f"{', '.join(newer)} of ticket {ticket_id} changed after revision {revision}")
            edited = applied(ticket, written_by_hand(values))
            if edited is not ticket:
                tx.save_ticket(edited)
                tx.append(self._edit_fact(ticket, values, by))
            if self._amend is not None:
                followed[:] = self._amend(tx, ticket_id, values, by)
            return tx.ticket(ticket_id) or edited

        edited = await self._store.commit(work)
        self._feed.publish(TicketChanged(ticket=edited))
        for fact in followed:
            self._feed.publish(fact)
        return edited

    def _edit_fact(self, before: Ticket, values: Mapping[str, str], by: str) -> Fact:
        return Fact(
            kind="ticket.edited",
            at=self._clock.now(),
            call_id=before.call_id,
            ticket_id=before.id,
            values={"by": by, "fields": sorted(values)},
        )


def _written(ticket: Ticket, values: Mapping[str, str]) -> Ticket:
    """Return *ticket* with *values* in the fields they name (see `EDITABLE`)."""
    elements = {name.removeprefix("elements."): value for name, value in values.items() if name.startswith("elements.")}
    return replace(
        ticket,
        category=values.get("category", ticket.category),
        matter=values.get("matter", ticket.matter),
        unit=values.get("unit", ticket.unit),
        summary=values.get("summary", ticket.summary),
        elements=replace(ticket.elements, **elements),
    )
