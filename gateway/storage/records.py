"""The domain's values as rows, and back."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.account import Account, AccountRole
from gateway.domain.call import CallId, LegId, Role
from gateway.domain.contact import Attachment, ChannelKind, Contact, ContactId, Point
from gateway.domain.decision import Decision
from gateway.domain.errors import OurMistake
from gateway.domain.ticket import Elements, Ticket, TicketId, TicketState
from gateway.domain.transcript import Gap, Utterance, Word
from gateway.ports.memory import CallLeg
from gateway.storage.chain import Record, instant

Values = dict[str, Any]

_CONTACT_COLUMNS = frozenset({"id", "channel", "external_id", "sender", "addressee", "received_at", "text", "is_read"})


class _More(msgspec.Struct):
    """What a contact has that nobody looks it up by."""

    subject: str = ""
    sender_name: str = ""
    attachments: tuple[Attachment, ...] = ()
    point: Point | None = None
    is_proven: bool = False
    telephone: str = ""
    original: str = ""
    values: dict[str, Any] = {}


def contact_row(contact: Contact) -> Values:
    """Write a contact."""
    return {
        "id": contact.id,
        "channel": contact.channel.value,
        "external_id": contact.external_id,
        "sender": contact.sender,
        "addressee": contact.addressee,
        "received_at": contact.received_at,
        "text": contact.text,
        "is_read": contact.is_read,
        "more": {name: value for name, value in msgspec.to_builtins(contact).items() if name not in _CONTACT_COLUMNS},
    }


def contact_from(row: sa.Row[Any]) -> Contact:
    """Read a contact."""
    return Contact(
        id=ContactId(row.id),
        channel=ChannelKind(row.channel),
        external_id=row.external_id,
        sender=row.sender,
        addressee=row.addressee,
        received_at=row.received_at,
        text=row.text,
        is_read=row.is_read,
        **msgspec.structs.asdict(msgspec.convert(row.more, _More)),
    )


def ticket_row(ticket: Ticket) -> Values:
    """Write a ticket."""
    return {
        "id": ticket.id,
        "revision": ticket.revision,
        "contact_id": ticket.contact_id,
        "channel": ticket.channel.value,
        "call_id": ticket.call_id,
        "caller": ticket.caller,
        "received_at": ticket.received_at,
        "answered_at": ticket.answered_at,
        "ended_at": ticket.ended_at,
        "agent": ticket.agent,
        "state": ticket.state.value,
        "category": ticket.category,
        "matter": ticket.matter,
        "unit": ticket.unit,
        "emergency_line": ticket.emergency_line,
        "elements": msgspec.to_builtins(ticket.elements),
        "summary": ticket.summary,
        "ending": ticket.ending,
        "decisions": msgspec.to_builtins(ticket.decisions),
        "edited": dict(ticket.edited),
        "is_text_only": ticket.is_text_only,
        "wants_person": ticket.wants_person,
    }


def ticket_from(row: sa.Row[Any]) -> Ticket:
    """Read a ticket."""
    return Ticket(
        id=TicketId(row.id),
        revision=row.revision,
        contact_id=ContactId(row.contact_id),
        channel=ChannelKind(row.channel),
        call_id=None if row.call_id is None else CallId(row.call_id),
        caller=row.caller,
        received_at=row.received_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        agent=row.agent,
        state=TicketState(row.state),
        category=row.category,
        matter=row.matter,
        unit=row.unit,
        emergency_line=row.emergency_line,
        elements=msgspec.convert(row.elements, Elements),
        summary=row.summary,
        ending=row.ending,
        decisions=msgspec.convert(row.decisions, tuple[Decision, ...]),
        edited=row.edited,
        is_text_only=row.is_text_only,
        wants_person=row.wants_person,
    )


def leg_row(leg: CallLeg) -> Values:
    """Write a leg."""
    return {
        "leg_id": leg.leg_id,
        "call_id": leg.call_id,
        "role": leg.role.value,
        "number": leg.number,
        "started": leg.started,
        "ended": leg.ended,
        "recording": leg.recording,
        "sha256": leg.sha256,
    }


def leg_from(row: sa.Row[Any]) -> CallLeg:
    """Read a leg."""
    return CallLeg(
        leg_id=LegId(row.leg_id),
        call_id=CallId(row.call_id),
        role=Role(row.role),
        number=row.number,
        started=row.started,
        ended=row.ended,
        recording=row.recording,
        sha256=row.sha256,
    )


def utterance_row(call_id: CallId, utterance: Utterance) -> Values:
    """Write a final utterance. Raises `OurMistake` for a partial one, whose words may still change."""
    if not utterance.is_final:
        raise OurMistake(f"utterance {utterance.number} of leg {utterance.leg_id} is not final")
    return {
        "leg_id": utterance.leg_id,
        "number": utterance.number,
        "started": utterance.start,
        "ended": utterance.end,
        "call_id": call_id,
        "text": utterance.text,
        "words": msgspec.to_builtins(utterance.words),
    }


def utterance_from(row: sa.Row[Any]) -> Utterance:
    """Read an utterance."""
    return Utterance(
        leg_id=LegId(row.leg_id),
        number=row.number,
        text=row.text,
        start=row.started,
        end=row.ended,
        is_final=True,
        words=msgspec.convert(row.words, tuple[Word, ...]),
    )


def gap_row(call_id: CallId, gap: Gap) -> Values:
    """Write a gap."""
    return {
        "leg_id": gap.leg_id,
        "started": gap.start,
        "ended": gap.end,
        "call_id": call_id,
        "reason": gap.reason,
    }


def gap_from(row: sa.Row[Any]) -> Gap:
    """Read a gap."""
    return Gap(leg_id=LegId(row.leg_id), start=row.started, end=row.ended, reason=row.reason)


def account_row(account: Account) -> Values:
    """Write an account."""
    return {
        "name": account.name,
        "display_name": account.display_name,
        "role": account.role.value,
        "password_hash": account.password_hash,
        "agent_id": account.agent_id,
        "unit": account.unit,
    }


def account_from(row: sa.Row[Any]) -> Account:
    """Read an account."""
    return Account(
        name=row.name,
        display_name=row.display_name,
        role=AccountRole(row.role),
        password_hash=row.password_hash,
        agent_id=row.agent_id,
        unit=row.unit,
    )


def record_from(row: sa.Row[Any]) -> Record:
    """Read a journal entry as it lies there, its instant uninterpreted: an altered one is to be found, not met."""
    kept = row._mapping
    return Record(**{**kept, "at": kept["at"] if isinstance(kept["at"], str) else instant(kept["at"])})
