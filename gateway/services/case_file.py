"""A case as it is shown (案卷): to people, to units' systems, to a platform above; one shape for all of them.

Made from the case, its ticket and the journal. Every period has the articles that gave it, every event those that it
rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from gateway.domain.case import CaseId, Fact, Period, PeriodState
from gateway.domain.casework import CaseRecord, Message
from gateway.domain.decision import Citation
from gateway.domain.events import Entry
from gateway.domain.profile import Profile
from gateway.domain.rules import CARDS, PeriodKind
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.ports.casework import Cases
from gateway.ports.memory import Store
from gateway.services.books import Books
from gateway.services.case_messages import Words, cited

PREFIX = "case."
"""What the kinds of casework's facts in the journal begin with."""
HISTORY = 5000
"""Journal entries shown with one case."""
_BESIDE = ("rows", "revision")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Anything shown."""


class CaseView(Shown, frozen=True):
    """A case in a list. ``card`` is ``yellow``, ``red`` or empty; ``handle_due`` until when the unit owes its reply.

    ``master`` is the platform whose ticket it is a copy of, if it is.
    """

    id: str
    stage: str
    stage_words: str
    category: str
    category_words: str
    urgency: str
    unit: str
    assist: list[str]
    above: list[str]
    matter: str
    received_at: datetime
    changed_at: datetime
    handle_due: datetime | None
    overdue: bool
    card: str
    next_due: datetime | None
    grade: str
    counts: dict[str, int]
    profile: str
    rules_of: date
    revision: int
    publication: str
    archived_at: datetime | None
    master: str


class PeriodView(Shown, frozen=True):
    """A period that the case was given, with its clause."""

    kind: str
    words: str
    span: str
    since: datetime
    due: datetime
    state: str
    provisional: bool
    citations: list[Citation]


class EventView(Shown, frozen=True):
    """Something that happened to the case; ``seq`` is its number in the journal."""

    seq: int
    at: datetime
    name: str
    text: str
    details: dict[str, Any]
    revision: int
    citations: list[Citation]


class CaseFile(Shown, frozen=True):
    """A case whole, with its history; ``reply`` is what the unit last reported."""

    case: CaseView
    petitioner: str
    channel: str
    summary: str
    elements: Elements
    reply: dict[str, Any]
    periods: list[PeriodView]
    history: list[EventView]


class Pushed(Shown, frozen=True):
    """What another system is told: the event, the case whole, or for a digest the numbers of many cases."""

    event: str
    key: str
    at: datetime
    text: str
    file: CaseFile | None
    values: dict[str, Any]


class DenialView(Shown, frozen=True):
    """Why a command was not carried out: a short key, the field that is wrong if one is, a sentence, the articles."""

    why: str
    field: str
    text: str
    citations: list[Citation]


class CaseFiles:
    """Makes files of cases out of the store."""

    def __init__(self, store: Store, cases: Cases, books: Books, words: Words) -> None:
        self._store = store
        self._cases = cases
        self._books = books
        self._words = words

    def view(self, record: CaseRecord, now: datetime) -> CaseView:
        """Show a case as it stands."""
        case, profile = record.case, self._books.of(record).profile
        due = record.handle_due
        return CaseView(
            id=record.id,
            stage=case.stage.value,
            stage_words=self._words.word(case.stage.value),
            category=case.category,
            category_words=profile.categories.get(case.category, case.category),
            urgency=case.urgency.value,
            unit=case.unit,
            assist=list(case.assist),
            above=list(record.above),
            matter=case.matter,
            received_at=case.received_at,
            changed_at=record.changed_at,
            handle_due=due,
            overdue=due is not None and due <= now,
            card=_card(case.period(PeriodKind.HANDLE), profile) if due is not None else "",
            next_due=record.next_due,
            grade=case.grade,
            counts=dict(case.counts),
            profile=record.profile,
            rules_of=record.rules_of,
            revision=record.revision,
            publication=case.publication.value,
            archived_at=case.archived_at,
            master=case.master,
        )

    async def file(self, record: CaseRecord, now: datetime) -> CaseFile:
        """Show a case whole, as the store has it."""
        ticket = await self._store.ticket(record.id)
        entries = await self._store.entries(ticket_id=record.id, limit=HISTORY)
        return self.put_together(record, ticket, entries, now)

    async def latest(self, ticket_id: TicketId, now: datetime) -> CaseFile | None:
        """Show the case of a ticket whole, None when there is none."""
        record = await self._cases.case(ticket_id)
        return None if record is None else await self.file(record, now)

    async def pushed(self, message: Message, now: datetime) -> bytes:
        """Return what is sent for *message*: the case as it stands now."""
        file = await self.latest(TicketId(message.case_id), now) if message.case_id else None
        values = dict(message.values)
        told = Pushed(event=message.kind, key=message.key, at=message.at, text=message.text, file=file, values=values)
        return msgspec.json.encode(told)

    def put_together(
        self, record: CaseRecord, ticket: Ticket | None, entries: Iterable[Entry], now: datetime
    ) -> CaseFile:
        """Make the file."""
        profile = self._books.of(record).profile
        return CaseFile(
            case=self.view(record, now),
            petitioner=record.case.petitioner,
            channel=ticket.channel.value if ticket else "",
            summary=ticket.summary if ticket else "",
            elements=ticket.elements if ticket else Elements(),
            reply=dict(record.reply),
            periods=[self._period(period, profile) for period in record.case.periods],
            history=self.events(entries, profile),
        )

    async def changes(self, record: CaseRecord, since: int) -> list[EventView]:
        """Show what happened to a case after revision *since*."""
        entries = await self._store.entries(ticket_id=record.id, limit=HISTORY)
        return [event for event in self.events(entries, self._books.of(record).profile) if event.revision > since]

    def events(self, entries: Iterable[Entry], profile: Profile) -> list[EventView]:
        """Show casework's entries of the journal."""
        return [self._event(entry, profile) for entry in entries if entry.fact.kind.startswith(PREFIX)]

    def said(self, record: CaseRecord, facts: Sequence[Fact]) -> list[EventView]:
        """Show facts that have just come of a command; they have no numbers yet."""
        profile = self._books.of(record).profile
        return [self._shown(fact, dict(fact.details), 0, record.revision, profile) for fact in facts]

    def denials(self, denied: Iterable[Fact], profile: Profile) -> list[DenialView]:
        """Show why a command was not carried out."""
        views = []
        for fact in denied:
            why, _, field = str(fact.details["why"]).partition(":")
            text = self._words.fact(fact, profile)
            views.append(DenialView(why=why, field=field, text=text, citations=cited(fact, profile)))
        return views

    def _event(self, entry: Entry, profile: Profile) -> EventView:
        fact = entry.fact
        values: Mapping[str, Any] = fact.values
        rows, revision = tuple(values.get("rows", ())), int(values.get("revision", 0))
        details = {key: value for key, value in values.items() if key not in _BESIDE}
        name = fact.kind.removeprefix(PREFIX)
        said = Fact(at=fact.at, case=CaseId(str(fact.ticket_id)), name=name, rows=rows, details=details)
        return self._shown(said, details, entry.seq, revision, profile)

    def _shown(self, fact: Fact, details: dict[str, Any], seq: int, revision: int, profile: Profile) -> EventView:
        if fact.name == "commanded":
            text = f"{details['by']}：{self._words.command(details['do'])}"
        else:
            text = self._words.fact(fact, profile)
        return EventView(
            seq=seq,
            at=fact.at,
            name=fact.name,
            text=text,
            details=details,
            revision=revision,
            citations=cited(fact, profile),
        )

    def _period(self, period: Period, profile: Profile) -> PeriodView:
        return PeriodView(
            kind=period.kind.value,
            words=self._words.word(period.kind.value),
            span=str(period.span),
            since=period.since,
            due=period.due,
            state=period.state.value,
            provisional=period.provisional,
            citations=[profile.citations[row] for row in period.rows if row in profile.citations],
        )


def _card(handle: Period | None, profile: Profile) -> str:
    if handle is None or profile.ruling(CARDS) is None:
        return ""
    if handle.state is PeriodState.MISSED:
        return "red"
    return "yellow" if handle.warned else ""
