"""Casework (案件办理): live tickets through the casebook, from the store and back into it.

A command is one unit of work: the case is loaded, the clock let run up to now, the casebook asked, the case saved, its
facts added to the journal, what is to be told put into the outbox; all of it or nothing. A denied command is a result,
not a failure: it changes nothing but what the clock brought meanwhile, and is itself journalled with its article.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog

from gateway.domain import events
from gateway.domain.case import Accept, Amend, Answer, Case, Command, Fact, HandOff
from gateway.domain.casework import Actor, ActorKind, CaseRecord, Partner
from gateway.domain.decision import DecisionKind
from gateway.domain.errors import Conflict, Refused
from gateway.domain.json import Json
from gateway.domain.rules import Stage
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.ports.clock import Clock
from gateway.ports.memory import Store, Transaction
from gateway.services import forwarding, permissions
from gateway.services.books import Books
from gateway.services.case_facts import journalled
from gateway.services.case_messages import Post, Words
from gateway.services.case_papers import Papers
from gateway.services.case_round import Done, Round
from gateway.services.feed import Feed

log = structlog.get_logger(__name__)

__all__ = ["CALL_ENDED", "Casework", "Changed", "Done", "Take", "UnknownUnit"]

CALL_ENDED = Actor(name="call", kind=ActorKind.SUPERVISOR)
"""Who accepts the matter of a call that has ended."""

TRIED_AGAIN_AFTER = timedelta(hours=1)
"""When the clock comes back to a case that it could not deal with."""


class Changed(Conflict):
    """Somebody else acted on the case first; ``revision`` is where it stands."""

    def __init__(self, ticket_id: TicketId, seen: int, revision: int) -> None:
        super().__init__(f"case {ticket_id} was changed after revision {seen} and is at {revision}")
        self.seen = seen
        self.revision = revision


class UnknownUnit(Refused):
    """A unit that the hotline does not have; ``field`` names where the command speaks of it."""

    def __init__(self, unit: str, field: str) -> None:
        super().__init__(f"there is no unit {unit}")
        self.field = field


class Casework:
    """The cases of a hotline.

    *units* are those that matters can be sent to, *partners* the systems that are told, *authorities* whose industry a
    unit belongs to.
    """

    def __init__(
        self,
        *,
        store: Store,
        books: Books,
        feed: Feed,
        clock: Clock,
        units: Container[str],
        words: Words,
        partners: Sequence[Partner] = (),
        authorities: Mapping[str, str] = MappingProxyType({}),
        digest_age: timedelta = timedelta(hours=2),
    ) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._units = units
        self._partners = tuple(partners)
        self._authorities = dict(authorities)
        self._digest_age = digest_age
        self.books = books
        self.words = words

    async def carry_out(self, ticket_id: TicketId, command: Command, *, by: Actor, revision: int | None = None) -> Done:
        """Carry out *command* as somebody who saw the case at *revision* (0: that there was none).

        Raises `Changed` when people changed it since; `permissions.Unseen`, `permissions.NotYours` or `UnknownUnit`,
        and `Refused` when there is no such ticket; `Unavailable` while the store cannot.
        """
        done = await self._store.commit(lambda tx: self.work(tx, ticket_id, command, by=by, revision=revision))
        self.publish(done.facts)
        return done

    def work(
        self, tx: Transaction, ticket_id: TicketId, command: Command, *, by: Actor, revision: int | None = None
    ) -> Done:
        """Do the same within a unit of work that has more to do; the feed is the caller's then."""
        now = self._clock.now()
        before = tx.cases.case(ticket_id)
        permissions.check(by, type(command), before)
        touched, at = (before.touched, before.revision) if before else (0, 0)
        if revision is not None and not touched <= revision <= at:
            raise Changed(ticket_id, revision, at)
        self._check_units(command)
        ticket = tx.ticket(ticket_id)
        if ticket is None:
            raise permissions.Unseen(f"there is no ticket {ticket_id}")
        if before is not None and before.case.master:
            denied = forwarding.forward(tx, before, command, by, now)
            tx.append(journalled(denied, ticket_id, before.revision, by=by.name))
            return Done(record=before, facts=(denied,), denials=(denied,))
        return Round(self, tx, ticket, before, now).carry_out(command, by)

    def take_call(self, tx: Transaction, ticket_id: TicketId) -> None:
        """Take the matter of a call that has ended, if there is enough of it: a category, or an emergency line.

        Whatever is missing, an agent adds and takes it by hand.
        """
        ticket = tx.ticket(ticket_id)
        if ticket is None or tx.cases.case(ticket_id) is not None:
            return
        if ticket.state is TicketState.HANDED_TO_EMERGENCY:
            self.work(tx, ticket_id, HandOff(line=ticket.emergency_line), by=CALL_ENDED)
        elif ticket.state is TicketState.TAKEN and ticket.category:
            self.work(tx, ticket_id, Accept(category=ticket.category), by=CALL_ENDED)
            self.answered(tx, ticket, CALL_ENDED.name)

    def answered(self, tx: Transaction, ticket: Ticket, by: str) -> list[events.Fact]:
        """Let the knowledge base's answer that *ticket* was given, if any, be what its case was answered with.

        A category that the regulation does not let be answered at once stays open; the denial is journalled. Returns
        what came of it, for the feed.
        """
        record = tx.cases.case(ticket.id)
        given = [each.outcome for each in ticket.decisions if each.kind is DecisionKind.ANSWER]
        if record is None or record.case.stage is not Stage.ACCEPTED or not given:
            return []
        article, _, version = given[-1].rpartition("@")
        agent = Actor(name=by, kind=ActorKind.AGENT)
        done = self.work(tx, ticket.id, Answer(article=article, version=int(version)), by=agent)
        return [journalled(fact, ticket.id, 0) for fact in done.facts]

    def amended(self, tx: Transaction, ticket_id: TicketId, values: Mapping[str, str], by: str) -> list[events.Fact]:
        """Let what an agent has written on a ticket reach its case, and return what came of it, for the feed.

        Raises `Refused` when the case does not allow it.
        """
        record = tx.cases.case(ticket_id)
        if record is None:
            return []
        unit = values.get("unit", record.case.unit)
        if unit != record.case.unit and record.case.stage is not Stage.ACCEPTED:
            raise Refused(f"case {ticket_id} is with {record.case.unit}: a unit changes by return or designation")
        category, matter = values.get("category", ""), values.get("matter", "")
        if (category or record.case.category, matter or record.case.matter) == (
            record.case.category,
            record.case.matter,
        ):
            return []
        agent = Actor(name=by, kind=ActorKind.AGENT)
        done = self.work(tx, ticket_id, Amend(category=category, matter=matter), by=agent)
        if done.denials:
            raise Refused(f"case {ticket_id} does not allow that: {done.denials[0].details['why']}")
        return [journalled(fact, ticket_id, 0) for fact in done.facts]

    def sweep(self, tx: Transaction, now: datetime, limit: int) -> tuple[int, list[Fact]]:
        """Let the clock bring what it has for at most *limit* cases by *now*, in order of time over all of them.

        Returns how many cases were due, and the facts. Who holds the unit of work has claimed them: another node's
        sweep sees them afterwards, when nothing is due any more.
        """
        due = list(tx.cases.due_cases(now, limit))
        if not due:
            return 0, []
        horizon = due[-1].next_due if len(due) == limit and due[-1].next_due is not None else now
        queue = [(record.next_due or now, record.id) for record in due]
        heapq.heapify(queue)
        cases = {record.id: record.case for record in due}
        records = {record.id: record for record in due}
        brought: dict[TicketId, list[Fact]] = {record.id: [] for record in due}
        in_order: list[tuple[TicketId, Fact]] = []
        next_due: dict[TicketId, datetime | None] = {}
        while queue:
            at, ticket_id = heapq.heappop(queue)
            try:
                book = self.books.of(records[ticket_id])
                outcome = book.elapse(cases[ticket_id], at)
                following = book.due(outcome.case or cases[ticket_id])
            except Exception:  # one case whose rules are gone or at fault must not stop all others' deadlines
                log.exception("case.clock_failed", ticket_id=ticket_id)
                next_due[ticket_id] = now + TRIED_AGAIN_AFTER
                continue
            cases[ticket_id] = outcome.case or cases[ticket_id]
            brought[ticket_id] += outcome.facts
            in_order += ((ticket_id, fact) for fact in outcome.facts)
            next_due[ticket_id] = following
            if following is not None and at < following <= horizon:
                heapq.heappush(queue, (following, ticket_id))
        post = self.post(now)
        revisions: dict[TicketId, int] = {}
        for record in due:
            after = self.saved(tx, record, record, cases[record.id], now, next_due=next_due[record.id])
            revisions[record.id] = after.revision
            if brought[record.id]:
                Papers(tx.registers, self.books.of(record), now).keep(
                    after, _for_archive(tx, brought[record.id]), brought[record.id]
                )
                post.add(after, record, brought[record.id], self.books.of(record).profile)
        for ticket_id, fact in in_order:
            tx.append(journalled(fact, ticket_id, revisions[ticket_id]))
        post.put(tx.cases)
        return len(due), [fact for _, fact in in_order]

    def recount(self, tx: Transaction, ticket_ids: Iterable[TicketId], now: datetime) -> list[Fact]:
        """Count the provisional deadlines of these cases anew, because the calendar knows more; return what changed."""
        said: list[Fact] = []
        post = self.post(now)
        for ticket_id in ticket_ids:
            before = tx.cases.case(ticket_id)
            if before is None or before.case.master or not before.case.has_provisional_deadlines:
                continue
            book = self.books.of(before)
            outcome = book.recount(before.case, now)
            case = outcome.case or before.case
            if case == before.case:
                continue
            after = self.saved(tx, before, before, case, now, next_due=book.due(case))
            for fact in outcome.facts:
                tx.append(journalled(fact, ticket_id, after.revision))
            if outcome.facts:
                post.add(after, before, outcome.facts, book.profile)
            said += outcome.facts
        post.put(tx.cases)
        return said

    def publish(self, facts: Iterable[Fact]) -> None:
        """Show facts to whoever watches."""
        for fact in facts:
            self._feed.publish(journalled(fact, TicketId(fact.case), 0))

    def post(self, now: datetime) -> Post:
        """Return an empty post bag."""
        return Post(
            words=self.words,
            partners=self._partners,
            now=now,
            digest_age=self._digest_age,
            authorities=self._authorities,
        )

    def saved(
        self,
        tx: Transaction,
        record: CaseRecord,
        before: CaseRecord | None,
        case: Case,
        now: datetime,
        *,
        next_due: datetime | None,
        by_people: bool = False,
        above: tuple[str, ...] | None = None,
        reply: Mapping[str, Json] | None = None,
    ) -> CaseRecord:
        """Save *case* as the next revision of *record*; a stage that the clock changed counts as people's doing."""
        revision = 1 if before is None else before.revision + 1
        moved = by_people or before is None or case.stage is not before.case.stage
        after = replace(
            record,
            case=case,
            above=record.above if above is None else above,
            reply=record.reply if reply is None else reply,
            next_due=next_due,
            changed_at=now,
            revision=revision,
            touched=revision if moved else record.touched,
        )
        tx.cases.save_case(after)
        return after

    def _check_units(self, command: Command) -> None:
        for field in ("to", "assist"):
            named = getattr(command, field, ())
            for unit in (named,) if isinstance(named, str) else named:
                if unit and unit not in self._units:
                    raise UnknownUnit(unit, field)


def _for_archive(tx: Transaction, facts: Iterable[Fact]) -> Ticket | None:
    """Return the ticket that a sealed case belongs to; nothing else that the clock brings needs it."""
    return next((tx.ticket(TicketId(fact.case)) for fact in facts if fact.name == "archived"), None)


Take = Callable[[Transaction, TicketId], None]
"""What `Casework.take_call` is to calls."""
