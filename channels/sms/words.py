"""What a service and a message centre say to each other, whatever protocol they speak."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias

from channels.sms.coding import Coding
from channels.sms.header import Fragment


class Answer(Enum):
    """What we say to a message that was delivered."""

    TAKEN = "taken"
    LATER = "later"
    NEVER = "never"


class Verdict(Enum):
    """What the centre says to a message that we submitted; `BUSY` asks us to slow down, `LATER` to come again."""

    ACCEPTED = "accepted"
    BUSY = "busy"
    LATER = "later"
    NEVER = "never"


class Fate(Enum):
    """What became of a message of ours."""

    UNDER_WAY = "under way"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortMessage:
    """One message, or one part of a long one, without its header. Numbers are as the protocol writes them.

    ``centre_id`` is the centre's own id of it, "" where the protocol has none.
    """

    sender: str
    addressee: str
    coding: Coding
    octets: bytes = field(repr=False)
    fragment: Fragment | None = None
    centre_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of the message that the centre knows as ``centre_id``; ``reason`` is its own word for it."""

    centre_id: str
    fate: Fate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The centre's answer to our opening; ``refusal`` is empty when it let us in."""

    sequence: int
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The centre delivers a message or a receipt, and waits for our answer. ``key`` is what the answer must repeat."""

    sequence: int
    content: ShortMessage | Receipt
    key: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The centre's answer to a message that we submitted."""

    sequence: int
    verdict: Verdict
    centre_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that only says that the centre lives."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The centre asks something that is answered at once: whether we live, or (``is_leaving``) to end."""

    reply: bytes
    is_leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """What the protocol does not allow, with its refusal, b"" where it has none."""

    reason: str
    reply: bytes = b""


Said: TypeAlias = Opened | Delivery | Submitted | Answered | Asked | Garbage


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The session is over; whoever waits for an answer gets none."""

    reason: str


class Dialect(Protocol):
    """A protocol's way to say it, one unit of data at a time; every unit begins with its length in four octets."""

    @property
    def shortest(self) -> int:
        """Octets of a unit that has a header and nothing else."""
        ...

    def opening(self, sequence: int, local: datetime) -> bytes:
        """Say who we are, at the local time *local*."""
        ...

    def keep_alive(self, sequence: int) -> bytes:
        """Ask whether the centre lives."""
        ...

    def closing(self, sequence: int) -> bytes:
        """Say that we leave."""
        ...

    def submission(self, sequence: int, message: ShortMessage) -> bytes:
        """Submit *message*. Raises `ValueError` for a number that does not fit."""
        ...

    def answer(self, delivery: Delivery, answer: Answer) -> bytes:
        """Answer a delivery."""
        ...

    def unframed(self) -> bytes:
        """Say that a unit's length is impossible."""
        ...

    def read(self, unit: bytes) -> Said:
        """Understand one whole unit. Never raises."""
        ...
