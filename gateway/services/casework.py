"""Casework (案件办理): live tickets through the casebook, from the store and back into it.

A command is one unit of work: the case is loaded, the clock let run up to now, the casebook asked, the case saved, its
facts added to the journal, what is to be told put into the outbox; all of it or nothing. A denied command is a result,
not a failure: it changes nothing but what the clock brought meanwhile, and is itself journalled with its article.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from gateway.domain.case import Accept, Append, Case, CaseId, Command, Fact, HandOff, Refuse, Reply
from gateway.domain.casework import Actor, ActorKind, CaseRecord, Partner
from gateway.domain.errors import Conflict, Refused
from gateway.domain.json import Json
from gateway.domain.rules import SUPERVISE, Stage, Trigger
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.ports.clock import Clock
from gateway.ports.memory import Store, Transaction
from gateway.services import permissions
from gateway.services.books import Books
from gateway.services.case_facts import commanded, journalled, stated
from gateway.services.case_messages import Post, Words
from gateway.services.feed import Feed
from routing.casebook import ALONE, Casebook, Surroundings
from routing.deadlines import elapsed

log = structlog.get_logger(__name__)

CLOCK = Actor(name="clock", kind=ActorKind.CLOCK)
"""Who acts when nobody does."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command came to. ``denials`` are the reasons why it was not carried out; ``opened`` a new ticket's id."""

    record: CaseRecord | None
    facts: tuple[Fact, ...]
    denials: tuple[Fact, ...] = ()
    opened: tuple[TicketId, ...] = ()


class Casework:
    """The cases of a hotline. *units* are those that matters can be sent to, *partners* the systems that are told."""

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
        digest_age: timedelta = timedelta(hours=2),
    ) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._units = units
        self._partners = tuple(partners)
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
        return _Round(self, tx, ticket, before, now).carry_out(command, by)

    def take_call(self, tx: Transaction, ticket_id: TicketId) -> None:
        """Take the matter of a call that has ended, if there is enough of it: a category, or an emergency line.

        Whatever is missing, an agent adds and takes it by hand.
        """
        ticket = tx.ticket(ticket_id)
        if ticket is None or tx.cases.case(ticket_id) is not None:
            return
        command: Command
        if ticket.state is TicketState.HANDED_TO_EMERGENCY:
            command = HandOff(line=ticket.emergency_line)
        elif ticket.state is TicketState.TAKEN and ticket.category:
            command = Accept(category=ticket.category)
        else:
            return
        self.work(tx, ticket_id, command, by=CALL_ENDED)

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
                post.add(after, record, brought[record.id], self.books.of(record).profile)
        for ticket_id, fact in in_order:
            tx.append(journalled(fact, ticket_id, revisions[ticket_id]))
        post.put(tx.cases)
        return len(due), [fact for _, fact in in_order]

    def publish(self, facts: Iterable[Fact]) -> None:
        """Show facts to whoever watches."""
        for fact in facts:
            self._feed.publish(journalled(fact, TicketId(fact.case), 0))

    def post(self, now: datetime) -> Post:
        """Return an empty post bag."""
        return Post(words=self.words, partners=self._partners, now=now, digest_age=self._digest_age)

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


class _Round:
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
        is_onward = before.stage in (Stage.DISPATCHED, Stage.SIGNED) and after.stage is Stage.DISPATCHED
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
    """Return what other cases mean for a matter that is being taken or refused."""
    if not isinstance(command, Accept | Refuse):
        return ALONE
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
    )


Take = Callable[[Transaction, TicketId], None]
"""What `Casework.take_call` is to calls."""
