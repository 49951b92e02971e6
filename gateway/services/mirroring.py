"""Mirrors (镜像): tickets whose master is another platform (ZH-21, NM-3.1, NM-3.6). Our copy follows; we never lead.

A master tells how its ticket stands, whole, with a revision that grows: an older copy, or the same one again, changes
nothing. Our clock brings nothing to a mirror. A command that somebody gives here is refused with that reason and sent
to the master, once for each revision it was given at; what came of it comes back as the next copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.domain.case import COMMANDS, Case, CaseId, Fact, Period
from gateway.domain.casework import CaseRecord, Partner
from gateway.domain.contact import ChannelKind, Contact, ContactId
from gateway.domain.json import Json
from gateway.domain.rules import Stage, Urgency
from gateway.domain.ticket import Elements, Ticket, TicketId, TicketState
from gateway.ports.memory import Transaction
from gateway.services.case_facts import journalled
from gateway.services.casework import Casework
from gateway.services.tickets import new_ticket_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A master's ticket as it stands there; ``id`` and ``revision`` are the master's."""

    id: str
    revision: int
    stage: Stage
    received_at: datetime
    category: str = ""
    urgency: Urgency = Urgency.NORMAL
    unit: str = ""
    assist: tuple[str, ...] = ()
    petitioner: str = ""
    matter: str = ""
    summary: str = ""
    grade: str = ""
    elements: Elements = field(default_factory=Elements)
    periods: Sequence[Period] = ()


def follow(casework: Casework, tx: Transaction, master: Partner, copy: Copy, now: datetime) -> list[Fact]:
    """Let our copy of a master's ticket stand as *copy* says; return what that is worth telling, () for nothing new."""
    external = f"{master.id}/{copy.id}"
    contact = tx.contact_by(ChannelKind.PLATFORM, external)
    ticket_id = TicketId(str(contact.id)) if contact is not None else _taken(casework, tx, master, copy, external, now)
    before = tx.cases.case(ticket_id)
    if before is not None and (before.case.master != master.id or copy.revision <= before.case.master_revision):
        return []
    books = casework.books
    case = Case(
        id=CaseId(ticket_id),
        stage=copy.stage,
        received_at=copy.received_at,
        category=copy.category,
        urgency=copy.urgency,
        is_by_telephone=False,
        petitioner=copy.petitioner,
        matter=copy.matter,
        can_be_reached=bool(copy.petitioner),
        unit=copy.unit,
        assist=copy.assist,
        grade=copy.grade,
        periods=tuple(copy.periods),
        master=master.id,
        master_id=copy.id,
        master_revision=copy.revision,
    )
    record = before or CaseRecord(
        case=case, profile=books.profile_id, rules_of=books.day_of(copy.received_at), changed_at=now
    )
    after = casework.saved(tx, record, before, case, now, next_due=None, by_people=True)
    ticket = tx.ticket(ticket_id)
    if ticket is not None:
        kept = replace(ticket, category=copy.category, unit=copy.unit, summary=copy.summary or ticket.summary)
        if kept != ticket:
            tx.save_ticket(replace(kept, revision=ticket.revision + 1))
    details: dict[str, Json] = {"stage": copy.stage.value, "master": master.id, "of": copy.revision}
    fact = Fact(at=now, case=case.id, name="mirrored", details=details)
    tx.append(journalled(fact, ticket_id, after.revision))
    post = casework.post(now)
    post.add(after, before, [fact], books.of(after).profile)
    post.put(tx.cases)
    return [fact]


def told_no(
    casework: Casework, tx: Transaction, master: Partner, number: str, values: Mapping[str, object], now: datetime
) -> list[Fact]:
    """Keep that the master of our copy of its ticket *number* did not do what was asked; return it, () for no copy."""
    contact = tx.contact_by(ChannelKind.PLATFORM, f"{master.id}/{number}")
    record = tx.cases.case(TicketId(str(contact.id))) if contact is not None else None
    word = str(values.get("do", ""))
    if record is None or record.case.master != master.id or word not in COMMANDS:
        return []
    details = {"do": word, "text": str(values.get("why", ""))[:2000], "master": master.id}
    fact = Fact(at=now, case=record.case.id, name="master_denied", details=details)
    tx.append(journalled(fact, record.id, record.revision))
    post = casework.post(now)
    post.add(record, record, [fact], casework.books.of(record).profile)
    post.put(tx.cases)
    return [fact]


def _taken(casework: Casework, tx: Transaction, master: Partner, copy: Copy, external: str, now: datetime) -> TicketId:
    ticket_id = new_ticket_id(now, casework.books.at(now).profile.zone)
    contact = Contact(
        id=ContactId(str(ticket_id)),
        channel=ChannelKind.PLATFORM,
        external_id=external,
        sender=copy.petitioner,
        addressee=master.id,
        received_at=now,
        text=copy.summary,
    )
    tx.add_contact(contact, ticket_id)
    tx.save_ticket(
        Ticket(
            id=ticket_id,
            contact_id=contact.id,
            channel=contact.channel,
            call_id=None,
            caller=copy.petitioner,
            received_at=copy.received_at,
            ended_at=now,
            state=TicketState.TAKEN,
            category=copy.category,
            matter=copy.matter,
            unit=copy.unit,
            elements=copy.elements,
            summary=copy.summary,
        )
    )
    return ticket_id
