"""One command on one ticket within a unit of work (一次办理): load, let the clock run, ask the casebook, save, tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.domain.case import Accept, Append, AuditPass, Case, CaseId, Command, Dispatch, Fact, Publish, Refuse, Reply
from gateway.domain.casework import Actor, ActorKind, CaseRecord
from gateway.domain.json import Json
from gateway.domain.rules import FOLLOW_UP, SUPERVISE, Stage, Trigger
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.memory import Transaction
from gateway.services.case_facts import commanded, journalled, stated
from gateway.services.case_papers import Papers, masked_for
from routing.casebook import Casebook, Surroundings
from routing.deadlines import elapsed

if TYPE_CHECKING:
    from gateway.services.casework import Casework

CLOCK = Actor(name="clock", kind=ActorKind.CLOCK)
"""Who acts when nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command came to. ``denials`` are the reasons why it was not carried out; ``opened`` a new ticket's id."""

    record: CaseRecord | None
    facts: tuple[Fact, ...]
    denials: tuple[Fact, ...] = ()
    opened: tuple[TicketId, ...] = ()


class Round:
    """One command on one ticket, within a unit of work."""

    def __init__(
        self, casework: Casework, tx: Transaction, ticket: Ticket, before: CaseRecord | None, now: datetime
    ) -> None:
        self._casework = casework
        self._tx = tx
        self._ticket = ticket
        self._before = before
        self._now = now
        books = casework.books
        self._profile_id = before.profile if before else books.profile_id
        self._rules_of = before.rules_of if before else books.day_of(ticket.received_at)
        self._book = books.on(self._profile_id, self._rules_of)

    def carry_out(self, command: Command, by: Actor) -> Done:
        """Return what became of it."""
        command = self._completed(command)
        before, book, now = self._before, self._book, self._now
        facts: list[Fact] = []
        case = before.case if before else None
        if case is not None:
            waited = book.elapse(case, now, inclusive=False)
            case, facts = waited.case, list(waited.facts)
        at = now if case is not None else min(self._ticket.received_at, now)
        around = surroundings(self._tx, book, command, case, self._ticket.id, at)
        outcome = book.apply(case, CaseId(self._ticket.id), command, at, around)
        said = list(outcome.facts)
        if (after := outcome.case) is not None:
            waited = book.elapse(after, now)
            after, said = waited.case or after, said + list(waited.facts)
        denials = tuple(fact for fact in said if fact.name == "denied") if outcome.is_denied else ()
        above = self._above(command, case, after)
        if not outcome.is_denied:
            facts.append(commanded(command, by, CaseId(self._ticket.id), now))
        facts += said
        record = before
        if after is not None and (before is None or after != before.case):
            reply = stated(command) if isinstance(command, Reply) and not outcome.is_denied else None
            record = self._saved(after, above, reply, by_people=not outcome.is_denied)
        for fact in facts:
            by_whom = {"by": by.name} if fact.name == "denied" else {}
            revision = record.revision if record else 0
            self._tx.append(journalled(fact, self._ticket.id, revision, **by_whom))
        notable = [fact for fact in facts if fact.name != "denied"]
        if record is not None and notable:
            post = self._casework.post(now)
            post.add(record, before, notable, book.profile)
            post.put(self._tx.cases)
            Papers(self._tx.registers, book, now).keep(record, self._ticket, notable)
        if record is not None and not outcome.is_denied:
            self._keep_ticket(record.case)
        further = [self._open(TicketId(str(fact.details["as"])), command, by) for fact in said if fact.name == "open"]
        return Done(
            record=record,
            facts=(*facts, *(fact for done in further for fact in done.facts)),
            denials=denials,
            opened=tuple(done.record.id for done in further if done.record),
        )

    def _saved(
        self, case: Case, above: tuple[str, ...], reply: Mapping[str, Json] | None, *, by_people: bool
    ) -> CaseRecord:
        record = self._before or CaseRecord(
            case=case, profile=self._profile_id, rules_of=self._rules_of, changed_at=self._now
        )
        return self._casework.saved(
            self._tx,
            record,
            self._before,
            case,
            self._now,
            next_due=self._book.due(case),
            by_people=by_people,
            above=above,
            reply=reply,
        )

    def _completed(self, command: Command) -> Command:
        """Return *command* with what the ticket knows and it does not say."""
        ticket = self._ticket
        if isinstance(command, Accept):
            return replace(
                command,
                channel=ticket.channel.value,
                petitioner=command.petitioner or ticket.caller,
                matter=command.matter or ticket.matter or ticket.summary,
                contact_given=command.contact_given and bool(command.petitioner or ticket.caller),
            )
        if isinstance(command, Publish) and self._before is not None:
            return replace(
                command,
                question=masked_for(self._before, ticket, command.question),
                answer=masked_for(self._before, ticket, command.answer),
            )
        if isinstance(command, Refuse) and self._before is None:
            return replace(
                command,
                petitioner=command.petitioner or ticket.caller,
                matter=command.matter or ticket.matter or ticket.summary,
            )
        return command

    def _above(self, command: Command, before: Case | None, after: Case | None) -> tuple[str, ...]:
        """Return the units above the one that has the case: who sends it on keeps its part, who returns it has none."""
        known = self._before.above if self._before else ()
        if before is None or after is None or after.unit == before.unit:
            return known
        is_onward = isinstance(command, Dispatch) and before.stage in (Stage.DISPATCHED, Stage.SIGNED)
        return (*known, before.unit) if is_onward else ()

    def _keep_ticket(self, case: Case) -> None:
        """Let the ticket say what the case says about category and unit."""
        ticket = self._tx.ticket(self._ticket.id) or self._ticket
        kept = replace(ticket, category=case.category or ticket.category, unit=case.unit or ticket.unit)
        if kept != ticket:
            self._tx.save_ticket(replace(kept, revision=ticket.revision + 1))

    def _open(self, ticket_id: TicketId, command: Command, by: Actor) -> Done:
        """Open the new ticket that the rules call for: the same matter, received now (ZH-14b)."""
        text = command.text if isinstance(command, Append) else ""
        old = self._ticket
        self._tx.save_ticket(
            replace(
                old,
                id=ticket_id,
                call_id=None,
                received_at=self._now,
                answered_at=None,
                ended_at=self._now,
                unit="",
                summary=text or old.summary,
                ending="",
                decisions=(),
                edited={},
                revision=1,
            )
        )
        case = self._before.case if self._before else None
        accept = Accept(
            category=case.category if case else old.category,
            petitioner=case.petitioner if case else old.caller,
            matter=case.matter if case else "",
            contact_given=case.can_be_reached if case else True,
        )
        if case is not None:
            accept = replace(accept, urgency=case.urgency)
        return self._casework.work(self._tx, ticket_id, accept, by=CLOCK)


def surroundings(
    tx: Transaction, book: Casebook, command: Command, case: Case | None, ticket_id: TicketId, now: datetime
) -> Surroundings:
    """Return what the world means for a case: what other cases are about that one being taken or refused, the lot."""
    if isinstance(command, AuditPass):
        follow_up = book.profile.ruling(FOLLOW_UP)
        share = follow_up.value.share if follow_up is not None else None
        return Surroundings(is_live=True, is_drawn=share is not None and is_drawn(ticket_id, share))
    if not isinstance(command, Accept | Refuse):
        return Surroundings(is_live=True)
    petitioner = command.petitioner or (case.petitioner if case else "")
    matter = command.matter or (case.matter if case else "")
    burst = book.profile.ruling(SUPERVISE, Trigger.BURST.value)
    is_burst = False
    if burst is not None and burst.value.tickets is not None and burst.value.within is not None and matter:
        is_burst = 1 + tx.cases.alike(matter, now - elapsed(burst.value.within), ticket_id) == burst.value.tickets
    return Surroundings(
        earlier=tx.cases.earlier_case(petitioner, matter, ticket_id) if petitioner else None,
        restricted_until=tx.cases.restricted_until(petitioner, now) if petitioner else None,
        is_burst=is_burst,
        is_live=True,
    )


def is_drawn(ticket_id: TicketId, share: int) -> bool:
    """Draw lots: say whether *ticket_id* is among *share* of a hundred. Nobody can choose, everybody can check."""
    return int.from_bytes(hashlib.sha256(ticket_id.encode()).digest()[:8], "big") % 100 < share
