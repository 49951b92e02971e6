"""`MemoryStore`: the store without a disk, for tests of what stands on it. It passes the store's contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, TypeVar

import msgspec

from gateway.domain.account import Account
from gateway.domain.call import CallId, LegId
from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.errors import Conflict, OurMistake, Unavailable
from gateway.domain.events import Entry, Fact
from gateway.domain.ticket import Ticket, TicketId
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.correspondence import Letter
from gateway.ports.memory import CallLeg, Transaction
from gateway.storage.chain import Anchor, canonical, entry_of, link
from tests.fakes.cases import CaseMemory, MemoryCases
from tests.fakes.correspondence import LetterMemory, MemoryCorrespondence
from tests.fakes.knowledge import KnowledgeMemory, MemoryKnowledgeBase
from tests.fakes.registers import MemoryRegisters, RegisterMemory
from tests.fakes.sign_ins import MemorySignIns

T = TypeVar("T")


@dataclass
class SetClock:
    """A clock that shows what it was set to."""

    at: datetime = datetime(2026, 11, 21, 2, 3, 4, 5, UTC)
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class _Memory:
    """What is remembered, and at once the transaction that adds to it."""

    tickets: dict[TicketId, Ticket] = field(default_factory=dict)
    legs: dict[LegId, CallLeg] = field(default_factory=dict)
    speech: dict[tuple[LegId, int | None, float], tuple[CallId, Utterance | Gap]] = field(default_factory=dict)
    journal: list[Entry] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    knowledge: KnowledgeMemory = field(default_factory=KnowledgeMemory)
    cases: CaseMemory = field(default_factory=CaseMemory)
    correspondence: LetterMemory = field(default_factory=LetterMemory)
    registers: RegisterMemory = field(default_factory=RegisterMemory)

    def copy(self) -> Self:
        return type(self)(
            dict(self.tickets),
            dict(self.legs),
            dict(self.speech),
            list(self.journal),
            dict(self.accounts),
            self.knowledge.copy(),
            self.cases.copy(),
            self.correspondence.copy(),
            self.registers.copy(),
        )

    def contact_by(self, channel: ChannelKind, external_id: str) -> Contact | None:
        letter = self.correspondence.kept.get((channel, external_id))
        return None if letter is None else letter.contact

    def add_contact(self, contact: Contact, ticket_id: TicketId) -> None:
        _storable(contact, contact.received_at)
        kept, key = self.correspondence.kept, (contact.channel, contact.external_id)
        if key in kept or any(letter.contact.id == contact.id for letter in kept.values()):
            raise OurMistake(f"contact {contact.id} is there already")
        kept[key] = Letter(contact=contact, ticket_id=ticket_id)

    def ticket(self, ticket_id: TicketId) -> Ticket | None:
        return self.tickets.get(ticket_id)

    def save_ticket(self, ticket: Ticket) -> None:
        _storable(ticket, ticket.received_at, ticket.answered_at, ticket.ended_at)
        known = self.tickets.get(ticket.id)
        if ticket.revision != (1 if known is None else known.revision + 1):
            raise Conflict(f"ticket {ticket.id} is not at revision {ticket.revision - 1}")
        self.tickets[ticket.id] = ticket

    def save_leg(self, leg: CallLeg) -> None:
        _storable(leg)
        self.legs[leg.leg_id] = leg

    def save_utterance(self, call_id: CallId, utterance: Utterance | Gap) -> None:
        if isinstance(utterance, Utterance) and not utterance.is_final:
            raise OurMistake(f"utterance {utterance.number} of leg {utterance.leg_id} is not final")
        _storable(utterance)
        number = utterance.number if isinstance(utterance, Utterance) else None
        self.speech[utterance.leg_id, number, utterance.start] = call_id, utterance

    def append(self, fact: Fact) -> Entry:
        last = self.journal[-1] if self.journal else None
        entry = entry_of(link(fact, Anchor(seq=last.seq, hash=last.hash) if last else Anchor()))
        self.journal.append(entry)
        return entry


class MemoryStore:
    """`Store` and `Accounts` of `gateway.ports.memory`, in memory; `fail` makes it unavailable for a while."""

    def __init__(self) -> None:
        self._memory = _Memory()
        self._failing = False
        self.sign_ins = MemorySignIns()
        self.knowledge = MemoryKnowledgeBase(self._knowledge)
        self.cases = MemoryCases(self._cases, self._tickets)
        self.correspondence = MemoryCorrespondence(self._letters)
        self.registers = MemoryRegisters(self._papers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        return None

    def fail(self, failing: bool = True) -> None:
        """Be unavailable from now on, or be well again."""
        self._failing = failing

    async def commit(self, work: Callable[[Transaction], T]) -> T:
        memory = await self._reach()
        draft = memory.copy()
        result = work(draft)
        self._memory = draft
        return result

    async def ticket(self, ticket_id: TicketId) -> Ticket | None:
        return (await self._reach()).tickets.get(ticket_id)

    async def tickets(self, *, limit: int = 50, before: datetime | None = None, search: str = "") -> Sequence[Ticket]:
        memory = await self._reach()
        found = [
            ticket
            for ticket in memory.tickets.values()
            if (before is None or ticket.received_at < before) and (search in ticket.id or search in ticket.caller)
        ]
        return sorted(found, key=lambda ticket: (ticket.received_at, ticket.id), reverse=True)[:limit]

    async def tickets_about(
        self, matter: str, since: datetime, until: datetime, *, limit: int = 500
    ) -> Sequence[Ticket]:
        tickets = (await self._reach()).tickets.values()
        found = [each for each in tickets if each.matter == matter and since <= each.received_at <= until]
        return sorted(found, key=lambda ticket: (ticket.received_at, ticket.id), reverse=True)[:limit]

    async def unfinished_calls(self) -> Sequence[Ticket]:
        memory = await self._reach()
        calls = (ticket for ticket in memory.tickets.values() if ticket.channel is ChannelKind.TELEPHONE)
        return sorted(
            (call for call in calls if call.ended_at is None), key=lambda ticket: (ticket.received_at, ticket.id)
        )

    async def transcript(self, call_id: CallId) -> Sequence[Utterance | Gap]:
        memory = await self._reach()
        said = [stretch for owner, stretch in memory.speech.values() if owner == call_id]
        return sorted(said, key=lambda stretch: (stretch.start, stretch.end, stretch.leg_id))

    async def legs(self, call_id: CallId) -> Sequence[CallLeg]:
        memory = await self._reach()
        found = (leg for leg in memory.legs.values() if leg.call_id == call_id)
        return sorted(found, key=lambda leg: (leg.started, leg.leg_id))

    async def entries(
        self,
        *,
        call_id: CallId | None = None,
        ticket_id: TicketId | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
    ) -> Sequence[Entry]:
        memory = await self._reach()
        return [
            entry
            for entry in (memory.journal if before is None else reversed(memory.journal))
            if entry.seq > after
            and (before is None or entry.seq < before)
            and (call_id is None or entry.fact.call_id == call_id)
            and (ticket_id is None or entry.fact.ticket_id == ticket_id)
        ][:limit]

    async def account(self, name: str) -> Account | None:
        return (await self._reach()).accounts.get(name)

    async def accounts(self) -> Sequence[Account]:
        memory = await self._reach()
        return [memory.accounts[name] for name in sorted(memory.accounts)]

    async def save_account(self, account: Account) -> None:
        (await self._reach()).accounts[account.name] = account

    async def _knowledge(self) -> KnowledgeMemory:
        return (await self._reach()).knowledge

    async def _letters(self) -> LetterMemory:
        return (await self._reach()).correspondence

    async def _tickets(self) -> dict[TicketId, Ticket]:
        return (await self._reach()).tickets

    async def _papers(self) -> RegisterMemory:
        return (await self._reach()).registers

    async def _cases(self) -> CaseMemory:
        return (await self._reach()).cases

    async def _reach(self) -> _Memory:
        """Let others run, as a disk would, and find out whether the memory answers."""
        await asyncio.sleep(0)
        if self._failing:
            raise Unavailable("the store was told to fail", retry_after=1.0)
        return self._memory


def _storable(value: object, *instants: datetime | None) -> None:
    """Refuse what no database would take: a text that UTF-8 cannot carry, NaN, an instant without a zone."""
    canonical(msgspec.to_builtins(value))
    for at in instants:
        if at is not None and at.utcoffset() is None:
            raise OurMistake(f"{at.isoformat()} names no time zone")
