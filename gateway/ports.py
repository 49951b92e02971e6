"""What the core needs of the world, as Protocols written from the caller's need.

Adapters do not inherit from these; each has a fake in ``tests/fakes`` and one contract suite that the
fake and every adapter pass. Failures cross a port only as the classes of `gateway.domain.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from gateway.domain.account import Account
from gateway.domain.call import CallId, Destination, Leg, LegId, Role
from gateway.domain.case import Case
from gateway.domain.casework import CaseQuery, CaseRecord, Channel, Delivery, Message, Place
from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.events import Entry, Fact
from gateway.domain.knowledge import Article, ArticleId, ArticleState, Check, CheckId, CheckKind, Version
from gateway.domain.ticket import Ticket, TicketId
from gateway.domain.transcript import Gap, Utterance

T = TypeVar("T")


class Clock(Protocol):
    """The two clocks: the calendar's and the stop-watch's."""

    def now(self) -> datetime:
        """Return the current instant, zone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump, comparable between the processes of this machine."""
        ...


# --- telephony -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TapFrame:
    """A stretch of what one leg said: int16 little-endian mono PCM at 8 kHz, ``at`` in seconds of the call."""

    at: float
    pcm: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed:
    """The far end pressed a key (RFC 4733 or SIP INFO)."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldByPeer:
    """The far end put us on hold (True) or took us back (False)."""

    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WentSilent:
    """No media has come for a while (``silent``), or it came back."""

    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded:
    """The leg is gone. ``by_peer`` tells who ended it, ``reason`` why, in the protocol's words."""

    by_peer: bool
    reason: str


LegNews = DigitPressed | HeldByPeer | WentSilent | LegEnded


class LiveLeg(Protocol):
    """One leg in the gateway's hands, from its first ring to its end."""

    @property
    def leg(self) -> Leg:
        """The leg as it stands now."""
        ...

    @property
    def invited_at(self) -> float:
        """When its INVITE arrived or went out, by the monotonic clock."""
        ...

    async def ring(self) -> None:
        """Tell an incoming caller that we are ringing (180)."""
        ...

    async def answer(self) -> None:
        """Answer an incoming leg. Raises `Refused` when no common codec exists, `Unavailable` when it is gone."""
        ...

    async def answered(self, limit: float) -> None:
        """Wait until an outgoing leg is answered; *limit* in seconds.

        Raises `Unavailable` when nobody answers in time and `Refused` when the far end declines; the leg is ended then.
        """
        ...

    async def hang_up(self, reason: str = "") -> None:
        """End the leg, whatever its state; a second call does nothing."""
        ...

    def join(self, bridge: str) -> None:
        """Let this leg hear and be heard by all legs of *bridge*, leaving the one it was in."""
        ...

    def leave(self) -> None:
        """Take this leg out of its bridge; it is alone then."""
        ...

    def play(self, prompt: str, *, loop: bool = False) -> Awaitable[object]:
        """Play a prompt to this leg over whatever it hears; the result ends when the prompt does. One at a time."""
        ...

    def stop_playing(self) -> None:
        """Stop the prompt, if one plays."""
        ...

    def record(self, path: Path, zero: float) -> None:
        """Record what this leg says to a WAV whose sample 0 is the monotonic instant *zero*."""
        ...

    def tap(self, zero: float) -> AsyncIterator[TapFrame]:
        """Follow what this leg says, as it says it; ends with the leg."""
        ...

    def news(self) -> AsyncIterator[LegNews]:
        """Follow what happens to this leg; ends after `LegEnded`. One reader."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall:
    """A citizen's call that a trunk or telephone offers us, not answered yet."""

    leg: LiveLeg
    external_id: str
    caller: str
    dialled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What goes along with an outgoing leg: who is behind it, and why it is made."""

    ticket_id: TicketId | None
    caller: str
    place: str
    summary: str
    reason: str


class CallControl(Protocol):
    """Telephony as the services see it."""

    async def originate(self, call_id: CallId, role: Role, destination: Destination, story: Story) -> LiveLeg:
        """Send an INVITE to *destination* and return at once, ringing.

        Raises `Unavailable` when the destination is not registered or its trunk is out of service.
        """
        ...

    def is_reachable(self, destination: Destination) -> bool:
        """Tell whether *destination* could be rung now."""
        ...


# --- hearing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Which model listens: its name, its kind (``configured``, ``official``, ``demo``) and that in plain Chinese."""

    name: str
    kind: str
    words_zh: str


class Recognition(Protocol):
    """The hearing of one leg."""

    def hear(self, pcm: bytes, at: float) -> None:
        """Take int16 little-endian 8 kHz PCM whose first sample was said at *at* seconds of the call. Never blocks."""
        ...

    async def finish(self) -> None:
        """Flush the last words; the iteration ends after them."""
        ...

    def __aiter__(self) -> AsyncIterator[Utterance | Gap]:
        """Yield partial and final utterances, and the gaps that no recogniser heard."""
        ...


class Recognizer(Protocol):
    """Speech recognition that may die and come back without a call noticing."""

    @property
    def model(self) -> ModelDescription:
        """The model that listens."""
        ...

    @property
    def available(self) -> bool:
        """Whether anything listens at this moment."""
        ...

    def listen(self, leg_id: LegId) -> Recognition:
        """Begin to hear a leg."""
        ...


# --- memory ----------------------------------------------------------------------------------------------------


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


class KnowledgeWrites(Protocol):
    """The knowledge base's part of a unit of work."""

    def article(self, article_id: ArticleId) -> Article | None:
        """Return an article as it stands."""
        ...

    def save_article(self, article: Article, impacts: Mapping[str, float] | None = None) -> None:
        """Keep an article with its next version, or with another confirmation of the one it has.

        *impacts* are the terms that its published version is found by from now on, each with its weight in it; None
        leaves them as they are. Raises `Conflict` when another version was made meanwhile.
        """
        ...

    def check(self, check_id: CheckId) -> Check | None:
        """Return a check ticket as it stands."""
        ...

    def open_check(self, article_id: ArticleId, kind: CheckKind) -> Check | None:
        """Return the oldest check of *kind* about the article that waits for its answer."""
        ...

    def save_check(self, check: Check) -> None:
        """Insert or replace a check ticket."""
        ...


class CaseWrites(Protocol):
    """Casework's part of a unit of work: cases, what goes out of them, and what other systems asked."""

    def case(self, ticket_id: TicketId) -> CaseRecord | None:
        """Return the case of a ticket as it stands."""
        ...

    def save_case(self, record: CaseRecord) -> None:
        """Insert revision 1, or replace revision n-1 by n. Raises `Conflict` when another change came first."""
        ...

    def due_cases(self, until: datetime, limit: int) -> Sequence[CaseRecord]:
        """Return the cases to which the clock brings something by *until*, in order of time."""
        ...

    def earlier_case(self, petitioner: str, matter: str, other_than: TicketId) -> Case | None:
        """Return the latest other case of the same petitioner and matter that was not refused."""
        ...

    def restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        """Return until when a petitioner may not use the telephone, if that is later than *now*."""
        ...

    def alike(self, matter: str, since: datetime, other_than: TicketId) -> int:
        """Return how many other cases of *matter* were received since then and not refused."""
        ...

    def message(self, key: str) -> Message | None:
        """Return a message as it stands."""
        ...

    def open_digest(self, channel: Channel, to: str) -> Message | None:
        """Return the digest that nobody has read or tried to send yet."""
        ...

    def save_message(self, message: Message) -> None:
        """Insert or replace a message."""
        ...

    def due_messages(self, channels: Collection[Channel], now: datetime, limit: int) -> Sequence[Message]:
        """Return the messages to be tried by *now*, in order of time."""
        ...

    def delivery(self, partner: str, key: str) -> Delivery | None:
        """Return what *partner* asked under *key*."""
        ...

    def save_delivery(self, delivery: Delivery) -> None:
        """Keep what a partner asked. Raises `OurMistake` when its key is taken."""
        ...

    def forget_deliveries(self, before: datetime) -> int:
        """Forget what partners asked before then, and return how many requests that were."""
        ...


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

    def contact_by(self, channel: ChannelKind, external_id: str) -> Contact | None:
        """Return the contact that this delivery already made."""
        ...

    def add_contact(self, contact: Contact) -> None:
        """Keep a new contact. Raises `OurMistake` when (channel, external_id) is taken."""
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


Weigh = Callable[[Mapping[str, int], int], Mapping[str, float]]
"""Given in how many articles each term stands, and how many there are: the terms to look for, with their worth."""


class KnowledgeBase(Protocol):
    """What is read of the knowledge base. Every method raises `Unavailable` while the store cannot."""

    async def article(self, article_id: ArticleId) -> Article | None:
        """Return an article as it stands."""
        ...

    async def version(self, article_id: ArticleId, number: int) -> Version | None:
        """Return one version."""
        ...

    async def versions(self, article_id: ArticleId) -> Sequence[Version]:
        """Return all versions of an article, the newest first."""
        ...

    async def articles(
        self,
        *,
        unit: str = "",
        state: ArticleState | None = None,
        published: bool = False,
        confirmed_before: datetime | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Article]:
        """Return articles by id, those after *after*; each condition that is given narrows them."""
        ...

    async def search(
        self, wanted: Collection[str], weigh: Weigh, *, day: date, limit: int = 50
    ) -> Sequence[tuple[Version, float]]:
        """Return the published versions valid on *day* that the terms find, with their scores, the highest first."""
        ...

    async def check(self, check_id: CheckId) -> Check | None:
        """Return a check ticket."""
        ...

    async def checks(
        self,
        *,
        unit: str = "",
        article_id: ArticleId | None = None,
        waiting: bool = False,
        due_before: datetime | None = None,
        limit: int = 100,
    ) -> Sequence[Check]:
        """Return check tickets, the newest first; each condition that is given narrows them."""
        ...


class Cases(Protocol):
    """What is read of casework. Every method raises `Unavailable` while the store cannot."""

    async def case(self, ticket_id: TicketId) -> CaseRecord | None:
        """Return the case of a ticket."""
        ...

    async def page(self, query: CaseQuery) -> Sequence[CaseRecord]:
        """Return the cases that *query* asks for."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the clock alone next brings something to any case."""
        ...

    async def next_message(self, channels: Collection[Channel]) -> datetime | None:
        """Return when the next message of those channels is to be tried."""
        ...

    async def messages(
        self,
        channel: Channel,
        *,
        to: str = "",
        case_id: str = "",
        waiting: bool = False,
        after: Place | None = None,
        limit: int = 50,
    ) -> Sequence[Message]:
        """Return messages of a channel, the newest first; each condition that is given narrows them."""
        ...


class Sender(Protocol):
    """A way out for messages."""

    async def send(self, message: Message) -> None:
        """Deliver *message*; may be called again for one that has arrived, with the same key.

        Raises `Unavailable` when it may arrive later, `Refused` when it never will.
        """
        ...
