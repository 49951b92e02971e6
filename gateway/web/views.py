"""What the interface shows (视图): the domain's values as msgspec Structs, callers' numbers masked where many see.

Offsets are seconds of the call. Ids stay ids; ``/api/catalogue`` has their Chinese names.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec

from gateway.domain.account import Account
from gateway.domain.decision import Decision
from gateway.domain.events import Entry, Fact
from gateway.domain.ticket import Ticket


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Anything shown."""


class CitationView(View, frozen=True):
    """An article in the regulation's own words."""

    obligation: str
    document: str
    article: str
    words: str


class ReasonView(View, frozen=True):
    """Why something was decided."""

    rule: str
    evidence: str
    citation: CitationView | None


class DecisionView(View, frozen=True):
    """One decision."""

    kind: str
    outcome: str
    reasons: list[ReasonView]


class ElementsView(View, frozen=True):
    """The six elements (六要素)."""

    time: str
    place: str
    person: str
    cause: str
    course: str
    outcome: str


class TicketView(View, frozen=True):
    """A ticket. ``caller`` is masked except in a ticket's own detail; ``edited`` names what people have written."""

    id: str
    call_id: str | None
    channel: str
    caller: str
    received_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    agent: str
    state: str
    category: str
    matter: str
    unit: str
    emergency_line: str
    elements: ElementsView
    summary: str
    ending: str
    decisions: list[DecisionView]
    edited: list[str]
    text_only: bool
    wants_person: bool
    revision: int


class FactView(View, frozen=True):
    """Something that happened; ``seq`` and ``hash`` once it is in the journal."""

    kind: str
    at: datetime
    call_id: str | None
    ticket_id: str | None
    offset: float | None
    values: dict[str, Any]
    seq: int | None = None
    hash: str = ""


class AccountView(View, frozen=True):
    """An account, without what opens it."""

    name: str
    display_name: str
    role: str
    agent_id: str
    unit: str


LONGEST_NUMBER = 20
"""Characters; what is longer is an id that a platform or the page gave, and nobody reads it."""


def masked(number: str) -> str:
    """Return a number or an id with its middle hidden, ``138****1234``, or a mailbox with its owner hidden."""
    name, at, domain = number.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    if _is_id(number):
        return f"{number[:4]}****{number[-4:]}"
    if len(number) >= 11:
        return f"{number[:-8]}****{number[-4:]}"
    kept = len(number) // 4
    return number[:kept] + "*" * (len(number) - 2 * kept) + number[len(number) - kept :]


def _is_id(address: str) -> bool:
    return len(address) > LONGEST_NUMBER and "@" not in address


def ticket_view(ticket: Ticket, *, whole_number: bool = False) -> TicketView:
    """Show a ticket."""
    return TicketView(
        id=ticket.id,
        call_id=ticket.call_id,
        channel=ticket.channel.value,
        caller=ticket.caller if whole_number and not _is_id(ticket.caller) else masked(ticket.caller),
        received_at=ticket.received_at,
        answered_at=ticket.answered_at,
        ended_at=ticket.ended_at,
        agent=ticket.agent,
        state=ticket.state.value,
        category=ticket.category,
        matter=ticket.matter,
        unit=ticket.unit,
        emergency_line=ticket.emergency_line,
        elements=ElementsView(**asdict(ticket.elements)),
        summary=ticket.summary,
        ending=ticket.ending,
        decisions=[_decision_view(decision) for decision in ticket.decisions],
        edited=sorted(ticket.edited),
        text_only=ticket.is_text_only,
        wants_person=ticket.wants_person,
        revision=ticket.revision,
    )


def _decision_view(decision: Decision) -> DecisionView:
    return DecisionView(
        kind=decision.kind.value,
        outcome=decision.outcome,
        reasons=[
            ReasonView(
                rule=reason.rule,
                evidence=reason.evidence,
                citation=CitationView(**asdict(reason.citation)) if reason.citation else None,
            )
            for reason in decision.reasons
        ],
    )


def fact_view(fact: Fact) -> FactView:
    """Show a fact."""
    return FactView(
        kind=fact.kind,
        at=fact.at,
        call_id=fact.call_id,
        ticket_id=fact.ticket_id,
        offset=fact.offset,
        values=dict(fact.values),
    )


def entry_view(entry: Entry) -> FactView:
    """Show a fact as the journal keeps it."""
    return msgspec.structs.replace(fact_view(entry.fact), seq=entry.seq, hash=entry.hash)


def account_view(account: Account) -> AccountView:
    """Show an account."""
    return AccountView(
        name=account.name,
        display_name=account.display_name,
        role=account.role.value,
        agent_id=account.agent_id,
        unit=account.unit,
    )
