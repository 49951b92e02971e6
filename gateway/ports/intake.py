"""The written ways in and out (书面渠道) as channels and services see each other.

A channel turns what its peer says into an `IncomingMessage`, gives it to `Intake.take`, and acknowledges to its peer
only after that has returned. What goes back to the petitioner comes to the channel as an `OutgoingMessage`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Protocol, runtime_checkable

from gateway.domain.contact import Attachment, ChannelKind, ContactId, Point
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file as it came: its name and type as the sender says, and its octets. What it is, `Intake` finds out."""

    name: str
    declared_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """What somebody wrote, normalised from its channel.

    ``external_id`` is the channel's own id of it, the same at every delivery. A channel whose protocol has none makes
    one from the content and gives ``repeated_within``: only so long is the same id the same message. ``sender`` is
    the petitioner's address in the channel's normal form (a mailbox in lower case, a number in E.164 without plus, an
    open id); ``is_proven`` when the channel knows that it is his. ``answers`` are external ids of the messages, ours
    or his, that this one follows, the nearest first; ``ticket_id`` a ticket that he names and may speak for.
    ``original`` is the whole message byte for byte, where the channel has such a thing. ``telephone`` is where he may
    be called, if he said so; ``is_text_only`` asks never to be called. ``values`` is what the channel found out:
    checks passed and failed, codes. ``edits`` is the external id of an earlier message of his that this one replaces
    in wording.
    """

    channel: ChannelKind
    external_id: str
    sender: str
    addressee: str
    received_at: datetime
    text: str
    subject: str = ""
    sender_name: str = ""
    parts: tuple[Part, ...] = ()
    point: Point | None = None
    is_proven: bool = False
    answers: tuple[str, ...] = ()
    edits: str = ""
    ticket_id: TicketId | None = None
    telephone: str = ""
    is_text_only: bool = False
    original: bytes = field(default=b"", repr=False)
    repeated_within: timedelta | None = None
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a message. It is committed.

    ``is_repeated``: it was here before, and this is what became of it then. ``opened`` tells whether it opened the
    ticket. ``told`` is what the sender is to be told at once, in Chinese: the number, or whom to call in an
    emergency; a channel that answers in the same breath says it, any other is given it through the outbox and gets ""
    here. ``emergencies`` are the lines that its words speak of.
    """

    contact_id: ContactId
    ticket_id: TicketId
    opened: bool
    is_repeated: bool = False
    told: str = ""
    query_code: str = ""
    emergencies: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class DeliveryState(Enum):
    """What a peer reports about a message of ours."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """A peer's word about a message that we sent: ``sent_id`` is what `WayOut.send` returned."""

    channel: ChannelKind
    sent_id: str
    state: DeliveryState
    at: datetime
    reason: str = ""


class Intake(Protocol):
    """Where every written contact goes."""

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        """Make *message* part of exactly one ticket and return once that is durable.

        Raises `Unavailable` when it cannot be kept now (store away, too many from this sender: ``retry_after``): the
        channel tells its peer to come again. Raises `Refused` for what never will be taken (too large, too many files,
        a restricted sender).
        """
        ...

    async def report(self, report: DeliveryReport) -> None:
        """Keep what became of a message of ours. One that nobody knows is dropped. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """What a petitioner is to be told on the way he came.

    ``key`` is the same at every attempt. ``subject`` and ``answers`` (external ids, the nearest first: his and ours)
    let a channel thread it; ``to`` is his address there, ``sent_from`` the address of ours that he wrote to.
    """

    key: str
    channel: ChannelKind
    to: str
    text: str
    ticket_id: TicketId | None = None
    subject: str = ""
    sent_from: str = ""
    answers: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()


class WayOut(Protocol):
    """A channel's way out."""

    async def send(self, message: OutgoingMessage) -> str:
        """Give *message* to the peer and return the peer's id of it, "" when it has none.

        May be called again with the same key for one that has gone out. Raises `Unavailable` when it may go later
        (``retry_after``), `Refused` when it never will.
        """
        ...


class Files(Protocol):
    """Attachments and originals by content (SHA-256)."""

    async def read(self, sha256: str) -> bytes:
        """Return the octets. Raises `Refused` when there are none of that hash."""
        ...

    def stream(self, sha256: str) -> AsyncIterator[bytes]:
        """Yield the octets in pieces."""
        ...


class FileRoom(Files, Protocol):
    """Where files are kept."""

    async def keep(self, part: Part) -> Attachment:
        """Keep a file durably and return what it is. Raises `Unavailable` when the disk does not take it."""
        ...

    async def keep_original(self, octets: bytes) -> str:
        """Keep a message byte for byte and return its hash. Raises `Unavailable`."""
        ...


class WrittenChannel(Protocol):
    """One way in and out: an adapter, made by the composition root from its section of the settings."""

    @property
    def kind(self) -> ChannelKind:
        """Which channel's messages it carries."""
        ...

    @property
    def status(self) -> str:
        """``ok``, or what is wrong with it, for the health check."""
        ...

    @property
    def way_out(self) -> WayOut | None:
        """How petitioners are told something here; None where nothing goes back."""
        ...

    def running(self, intake: Intake) -> AbstractAsyncContextManager[None]:
        """Serve inside the block. Connections that fail are made again; nothing raised here ends the gateway."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A channel that counts what it reads."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there were of each kind, since it began."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a citizen is told about his ticket: its state and the steps it took, in Chinese, and nothing else."""

    ticket_id: TicketId
    received_at: datetime
    state_zh: str
    steps: Sequence[tuple[datetime, str]]


class Enquiries(Protocol):
    """What citizens may ask without signing in."""

    async def progress(self, ticket_id: TicketId, query_code: str) -> Progress | None:
        """Return how a ticket stands; None for an unknown ticket or a wrong code alike. Raises `Unavailable`."""
        ...


class Transcriber(Protocol):
    """Speech that came as a file."""

    async def transcribe(self, octets: bytes) -> str:
        """Return the words of a sound file (whatever libsndfile reads), "" for none. Raises `Refused`."""
        ...


class SharedValues(Protocol):
    """Short-lived values that all nodes share: access tokens of a peer."""

    async def value(self, key: str) -> str | None:
        """Return what is kept under *key* and has not lapsed. Raises `Unavailable`."""
        ...

    async def keep(self, key: str, value: str, until: datetime) -> None:
        """Keep *value* until then. Raises `Unavailable`."""
        ...


class Speaker(Enum):
    """Whose words a line of a conversation are."""

    CITIZEN = "citizen"
    HOUSE = "house"
    """A person of the hotline, or the hotline itself."""
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """One line of a conversation (在线对话).

    ``id`` is its writer's: it is the same line at every attempt. ``number`` counts the conversation's lines from 1
    without a gap; the log gives it. ``source`` is what an assistant's answer rests on, for people to read;
    ``emergencies`` are the lines to call, where this line tells to.
    """

    id: str
    by: Speaker
    text: str
    at: datetime
    number: int = 0
    ticket_id: TicketId | None = None
    source: str = ""
    emergencies: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()


class ChatLog(Protocol):
    """What was said in conversations that a citizen fetches, kept until he has it and for as long as his ticket.

    A conversation is named by the sender's address in the channel (`IncomingMessage.sender`, `OutgoingMessage.to`),
    and begins with its first line.
    """

    async def add(self, conversation: str, line: ChatLine) -> ChatLine:
        """Append *line* and return it with its number once that is durable; one of a known id, as it stands there.

        Raises `Unavailable`.
        """
        ...

    async def lines(self, conversation: str, after: int = 0) -> Sequence[ChatLine]:
        """Return the lines numbered above *after*, in order; none of an unknown conversation. Raises `Unavailable`."""
        ...

    async def confirmed(self, conversation: str) -> int:
        """Return the number up to which the citizen's side has the lines, 0 at first. Raises `Unavailable`."""
        ...

    async def confirm(self, conversation: str, number: int) -> None:
        """Keep that his side has all lines up to *number*; a lower one than before changes nothing.

        Raises `Unavailable`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantAnswer:
    """What the knowledge base says: the words, and the article that they are from, as people read it."""

    text: str
    source: str


class Verification(Protocol):
    """Proves that whoever writes from one address also has a telephone number or a mailbox that he states."""

    async def ask(self, channel: ChannelKind, address: str, stated: str) -> None:
        """Send a code to what whoever writes from *address* states as his.

        Raises `Refused` when that is neither a mobile number nor a mailbox, or nothing can be sent there, and
        `Unavailable` when there were too many codes (``retry_after``), or the store is away.
        """
        ...

    async def confirm(self, channel: ChannelKind, address: str, code: str) -> bool:
        """Say whether *code* is the one that was sent last for *address*, and keep the proof. Raises `Unavailable`."""
        ...


class Assistant(Protocol):
    """The text assistant (智能客服): it says what a published article says, and nothing else."""

    async def answer(self, question: str) -> AssistantAnswer | None:
        """Return an answer with its source, None when the knowledge base has none. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """What everybody may read of a matter that came by Open311; ``expected_at``: until when the unit owes its reply."""

    id: TicketId
    service_code: str
    is_open: bool
    status_notes: str
    description: str
    agency: str
    requested_at: datetime
    updated_at: datetime
    expected_at: datetime | None = None
    address: str = ""
    point: Point | None = None
    media_url: str = ""


class OpenRequests(Protocol):
    """What everybody may read."""

    async def find(
        self,
        *,
        ids: Sequence[str],
        service_codes: Collection[str],
        since: datetime,
        until: datetime,
        is_open: bool | None,
        limit: int,
    ) -> Sequence[OpenRequest]:
        """Return the requests of those *ids*, or else those received in the span; each further condition narrows them.

        The newest first. Raises `Unavailable`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the house lends a channel; no conversations without ``chats``, no assistant's answers without it.

    ``is_urgent`` says whether words speak of an emergency, for limits that must not hold those.
    """

    clock: Clock
    zone: tzinfo
    files: Files
    enquiries: Enquiries
    transcriber: Transcriber
    shared: SharedValues
    chats: ChatLog | None = None
    assistant: Assistant | None = None
    requests: OpenRequests | None = None
    verification: Verification | None = None
    is_urgent: Callable[[str], bool] = lambda text: False
