"""An emergency in writing (来件紧急情况): decided on its ticket, told to the desks of its lines and to every screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gateway.domain.contact import Contact
from gateway.domain.decision import Decision, DecisionKind, Reason
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.json import Json
from gateway.domain.profile import Profile
from gateway.domain.ticket import Ticket
from gateway.ports.memory import Transaction
from gateway.services.emergency_reports import EmergencyStory, report_emergency

LONGEST_STORY = 300
"""Characters of a message that a desk is told."""


def lines_of(hits: Sequence[EmergencyHit]) -> tuple[str, ...]:
    """Return the lines that *hits* speak of, the first first."""
    return tuple(dict.fromkeys(str(hit.line) for hit in hits))


def decisions_of(hits: Sequence[EmergencyHit], profile: Profile) -> list[Decision]:
    """Return what a ticket keeps of *hits*."""
    return [
        Decision(
            kind=DecisionKind.EMERGENCY,
            outcome=hit.line,
            reasons=(Reason(rule=hit.rule, evidence=hit.phrase, citation=profile.emergency.citation),),
        )
        for hit in hits
    ]


def told_of(hits: Sequence[EmergencyHit]) -> Iterator[dict[str, Json]]:
    """Yield what the facts of an alarm say."""
    for hit in hits:
        yield {"line": hit.line, "phrase": hit.phrase, "rule": hit.rule}


def report_all(tx: Transaction, hits: Sequence[EmergencyHit], ticket: Ticket, contact: Contact, now: datetime) -> None:
    """Report *contact* to each line that *hits* speak of."""
    for line in lines_of(hits):
        hit = next(hit for hit in hits if hit.line == line)
        story = EmergencyStory(
            ticket_id=ticket.id,
            channel=contact.channel,
            caller=contact.sender,
            caller_name=contact.sender_name,
            telephone=contact.telephone,
            phrase=hit.phrase,
            rule=hit.rule,
            place=ticket.elements.place,
            point=contact.point,
            summary=("（仅可文字联系，请勿致电）" if ticket.is_text_only else "") + contact.text[:LONGEST_STORY],
        )
        report_emergency(tx, EmergencyLine(line), story, now=now)
