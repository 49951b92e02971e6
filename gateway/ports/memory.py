"""The one place that remembers: units of work, tickets, the journal, accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.domain.account import Account
from gateway.domain.call import CallId, LegId, Role
from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.events import Entry, Fact
from gateway.domain.ticket import Ticket, TicketId
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.casework import CaseWrites
from gateway.ports.correspondence import CorrespondenceWrites
from gateway.ports.knowledge import KnowledgeWrites
from gateway.ports.registers import RegisterWrites

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeg:
    """A leg as remembered: offsets in seconds of the call, the recording's file name and SHA-256 once closed."""

    leg_id: LegId
    call_id: CallId
    role: Role
    number: str
    started: float
    ended: float | None = None
    recording: str = ""
    sha256: str = ""


class Transaction(Protocol):
    """The writes and reads of one unit of work; all of them commit together or not at all."""

    @property
    def cases(self) -> CaseWrites:
        """Casework's part of it."""
        ...

    @property
    def knowledge(self) -> KnowledgeWrites:
        """The knowledge base's part of it."""
        ...

    @property
    def registers(self) -> RegisterWrites:
        """The registers' part of it."""
        ...

    @property
    def correspondence(self) -> CorrespondenceWrites:
        """The written contacts' part of it."""
        ...

    def contact_by(self, channel: ChannelKind, external_id: str) -> Contact | None:
        """Return the contact that this delivery already made."""
        ...

    def add_contact(self, contact: Contact, ticket_id: TicketId) -> None:
        """Keep a new contact of a ticket. Raises `OurMistake` when (channel, external_id) is taken."""
        ...

    def ticket(self, ticket_id: TicketId) -> Ticket | None:
        """Return a ticket as it stands."""
        ...

    def save_ticket(self, ticket: Ticket) -> None:
        """Insert revision 1, or replace revision n-1 by n. Raises `Conflict` when another change came first."""
        ...

    def save_leg(self, leg: CallLeg) -> None:
        """Insert or replace a leg."""
        ...

    def save_utterance(self, call_id: CallId, utterance: Utterance | Gap) -> None:
        """Keep a final utterance or a gap."""
        ...

    def append(self, fact: Fact) -> Entry:
        """Add a fact to the journal."""
        ...


class Store(Protocol):
    """The one place that remembers. Every method raises `Unavailable` while it cannot."""

    async def commit(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* on the single writer and return its result once it is durable.

        *work* runs in the writer's thread; what it raises undoes its writes only and is raised here.
        """
        ...

    async def ticket(self, ticket_id: TicketId) -> Ticket | None:
        """Return one ticket."""
        ...

    async def tickets(self, *, limit: int = 50, before: datetime | None = None, search: str = "") -> Sequence[Ticket]:
        """Return the newest tickets first: received before *before*, id or caller's number containing *search*."""
        ...

    async def tickets_about(
        self, matter: str, since: datetime, until: datetime, *, limit: int = 500
    ) -> Sequence[Ticket]:
        """Return the tickets of *matter* received from *since* to *until*, the newest first."""
        ...

    async def unfinished_calls(self) -> Sequence[Ticket]:
        """Return the telephone tickets of this node whose call has no end."""
        ...

    async def transcript(self, call_id: CallId) -> Sequence[Utterance | Gap]:
        """Return what was said in a call, by start time."""
        ...

    async def legs(self, call_id: CallId) -> Sequence[CallLeg]:
        """Return the legs of a call, by start time."""
        ...

    async def entries(
        self,
        *,
        call_id: CallId | None = None,
        ticket_id: TicketId | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
    ) -> Sequence[Entry]:
        """Return journal entries by number, those above *after*; with *before* those below it, the newest first."""
        ...


class Accounts(Protocol):
    """Who may sign in to the console. Every method raises `Unavailable` while the store cannot."""

    async def account(self, name: str) -> Account | None:
        """Return one account."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        ...

    async def save_account(self, account: Account) -> None:
        """Insert or replace an account."""
        ...
