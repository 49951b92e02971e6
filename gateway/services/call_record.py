"""What is kept of one call while it runs (通话记录): its clock, its ticket, its words, its facts.

Everything goes through the ledger, so nothing here waits. Sample 0 of all recordings and 0.0 of all offsets is
the instant the citizen's leg was answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from gateway.domain.call import CallId, LegId, Role
from gateway.domain.contact import ChannelKind, Contact, ContactId
from gateway.domain.decision import Decision, DecisionKind
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.ticket import Ticket, TicketState
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.memory import CallLeg, Transaction
from gateway.ports.telephony import IncomingCall
from gateway.services.archive import sha256_of
from gateway.services.exchange import Exchange
from gateway.services.feed import Said, TicketChanged
from gateway.services.tickets import (
    Change,
    applied,
    filled_from,
    new_ticket_id,
    save_change,
    with_decisions,
    written_by_hand,
)
from routing.conversation import Conversation, Turn

log = structlog.get_logger(__name__)


class CallRecord:
    """The memory of one call."""

    def __init__(self, exchange: Exchange, call_id: CallId, incoming: IncomingCall) -> None:
        self._exchange = exchange
        now = exchange.clock.now()
        self.call_id = call_id
        self.zero = incoming.leg.invited_at
        self.contact = Contact(
            id=ContactId(str(call_id)),
            channel=ChannelKind.TELEPHONE,
            external_id=incoming.external_id,
            sender=incoming.caller,
            addressee=incoming.dialled,
            received_at=now,
        )
        self.ticket = Ticket(
            id=new_ticket_id(now, exchange.zone),
            contact_id=self.contact.id,
            channel=self.contact.channel,
            call_id=call_id,
            caller=incoming.caller,
            received_at=now,
        )
        self.facts: list[Fact] = []
        brought = incoming.passed_on
        told = (brought.place, brought.summary) if brought else ()
        self._brought = tuple(Turn(role=Role.CITIZEN, text=text, at=now) for text in told if text)
        self._turns: dict[tuple[LegId, int], Turn] = {}
        self._said: dict[tuple[LegId, int], Said] = {}
        self._gaps: list[Said] = []

    @property
    def offset(self) -> float:
        """Seconds of the call at this moment."""
        return self._exchange.clock.monotonic() - self.zero

    @property
    def said(self) -> list[Said]:
        """Everything said so far, partial words included, by start time."""
        return sorted([*self._said.values(), *self._gaps], key=lambda said: said.utterance.start)

    @property
    def conversation(self) -> Conversation:
        """What was said so far, as the routing reads it; what an emergency line said of the matter comes first."""
        said = tuple(turn for _, turn in sorted(self._turns.items(), key=self._start_of))
        return Conversation(turns=(*self._brought, *said))

    def _start_of(self, item: tuple[tuple[LegId, int], Turn]) -> float:
        return self._said[item[0]].utterance.start

    def open(self) -> None:
        """Keep contact and ticket: one unit of work, so that a repeated delivery makes neither."""
        contact, ticket = self.contact, self.ticket
        facts = (
            self._fact("call.offered", None, {"channel": contact.channel.value, "dialled": contact.addressee}),
            self._fact("ticket.opened", None, {"category": ticket.category}),
        )

        def work(tx: Transaction) -> None:
            if tx.contact_by(contact.channel, contact.external_id) is None:
                tx.add_contact(contact, ticket.id)
                tx.save_ticket(ticket)
                for fact in facts:
                    tx.append(fact)

        self._exchange.ledger.write(work)
        self._publish(*facts)
        self._exchange.feed.publish(TicketChanged(ticket=ticket))

    def answered(self, at: float) -> None:
        """Start the call's clock at the monotonic instant *at*."""
        self.zero = at
        now = self._exchange.clock.now()
        self.tell("call.answered", offset=0.0)
        self.change(lambda ticket: replace(ticket, answered_at=now))

    def tell(self, kind: str, *, offset: float | None = None, **values: Json) -> None:
        """Journal a fact of this call, at *offset* seconds of the call or now, and show it."""
        fact = self._fact(kind, self.offset if offset is None else offset, values)
        self._publish(fact)
        self._exchange.ledger.write(lambda tx: tx.append(fact))

    def change(self, change: Change) -> None:
        """Change the ticket, here at once and in the store when it can."""
        changed = applied(self.ticket, change)
        if changed is self.ticket:
            return
        self.ticket = changed
        ticket_id = changed.id
        self._exchange.ledger.write(lambda tx: save_change(tx, ticket_id, change))
        self._exchange.feed.publish(TicketChanged(ticket=changed))

    def edited(self, values: Mapping[str, str]) -> None:
        """Take over what an agent has just written; the store has it already."""
        self.ticket = applied(self.ticket, written_by_hand(values))
        self._exchange.feed.publish(TicketChanged(ticket=self.ticket))

    def decide(self, decision: Decision) -> None:
        """Keep a decision with its reasons, on the ticket and in the journal."""
        reasons: list[Json] = [
            {
                "rule": reason.rule,
                "evidence": reason.evidence,
                "obligation": reason.citation.obligation if reason.citation else None,
            }
            for reason in decision.reasons
        ]
        self.tell("decision.made", decision=decision.kind.value, outcome=decision.outcome, reasons=reasons)
        self.change(lambda t: replace(t, decisions=with_decisions(t.decisions, [decision])))

    def hear(self, role: Role, heard: Utterance | Gap) -> None:
        """Take words in: show them all, keep the final ones, refill the ticket from them."""
        said = Said(call_id=self.call_id, role=role, utterance=heard)
        self._exchange.feed.publish(said)
        if isinstance(heard, Gap):
            self._gaps.append(said)
            self.tell("transcript.gap", offset=heard.start, leg=heard.leg_id, end=heard.end, reason=heard.reason)
        elif not heard.text:
            self._said.pop((heard.leg_id, heard.number), None)
            self._turns.pop((heard.leg_id, heard.number), None)
            return
        else:
            self._said[heard.leg_id, heard.number] = said
            self._turns[heard.leg_id, heard.number] = Turn(role=role, text=heard.text, at=self.ticket.received_at)
            if not heard.is_final:
                return
            self.tell(
                "utterance.heard", offset=heard.start, leg=heard.leg_id, role=role.value, end=heard.end, text=heard.text
            )
            self.refill()
        self._exchange.ledger.write(lambda tx: tx.save_utterance(self.call_id, heard))

    def refill(self) -> None:
        """Fill the ticket from what was said so far, partial words included."""
        before = {(d.kind, d.outcome) for d in self.ticket.decisions}
        self.change(filled_from(self._exchange.understand(self.conversation)))
        for decision in self.ticket.decisions:
            if (decision.kind, decision.outcome) not in before and decision.kind is not DecisionKind.EMERGENCY:
                self.decide(decision)

    def save_leg(self, leg: CallLeg) -> None:
        """Keep a leg as it stands."""
        self._exchange.ledger.write(lambda tx: tx.save_leg(leg))

    async def close(self, legs: list[CallLeg], ending: str) -> None:
        """Write the end of the call: its legs with their recordings' hashes, and why it ended."""
        self.refill()
        for leg in legs:
            digest = await self._hash_of(leg)
            closed = replace(leg, sha256=digest)
            self.save_leg(closed)
            if digest:
                self.tell("recording.closed", leg=leg.leg_id, file=leg.recording, sha256=digest)
                if self._exchange.archive is not None:
                    self._exchange.archive.take(closed, self.ticket.id)
        now = self._exchange.clock.now()
        self.tell("call.ended", reason=ending)
        self.change(lambda t: replace(t, ended_at=now, ending=ending, state=_closed(t.state)))
        if (take := self._exchange.take_case) is not None:
            self._exchange.ledger.write(lambda tx: take(tx, self.ticket.id))

    async def _hash_of(self, leg: CallLeg) -> str:
        if not leg.recording:
            return ""
        try:
            return await asyncio.to_thread(sha256_of, self._exchange.recordings / leg.recording)
        except OSError as error:
            log.error("recording.unreadable", file=leg.recording, reason=str(error))
            return ""

    def _fact(self, kind: str, offset: float | None, values: dict[str, Json]) -> Fact:
        return Fact(
            kind=kind,
            at=self._exchange.clock.now(),
            call_id=self.call_id,
            ticket_id=self.ticket.id,
            offset=None if offset is None else round(offset, 3),
            values=values,
        )

    def _publish(self, *facts: Fact) -> None:
        for fact in facts:
            self.facts.append(fact)
            self._exchange.feed.publish(fact)


def _closed(state: TicketState) -> TicketState:
    return TicketState.TAKEN if state is TicketState.OPEN else state
