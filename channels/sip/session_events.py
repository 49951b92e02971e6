"""What happens in a session, as its user hears it, and the failures its methods raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from channels.sip.sdp import SessionDescription
from gateway.domain.errors import Refused


class Direction(Enum):
    """Who called."""

    IN = "in"
    OUT = "out"


class SessionState(Enum):
    """Where a session stands."""

    INVITED = "invited"  # the INVITE is out or in, and no final answer yet
    ANSWERED = "answered"  # our 2xx waits for its ACK
    TALKING = "talking"
    ENDING = "ending"  # we hung up, and the peer has not confirmed it yet
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Progress:
    """OUT: a provisional answer; 100 too, by which the next hop has the INVITE but nobody rings yet."""

    status: int
    reason: str
    description: SessionDescription | None = None


@dataclass(frozen=True, slots=True)
class Redirected:
    """OUT: a 3xx was followed; ``uri`` is who is called now."""

    status: int
    uri: str


@dataclass(frozen=True, slots=True)
class Answered:
    """OUT: the peer answered, with its description. IN: our answer has arrived; with a late offer's answer, or None."""

    description: SessionDescription | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """OUT, last: refused, or a local 408 (silence) or 503 (no transport), then ``is_local``.

    ``causes`` are the values of the Reason and Warning headers as they came; ``retry_after`` is seconds.
    """

    status: int
    reason: str
    causes: tuple[str, ...] = ()
    retry_after: int | None = None
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Renegotiated:
    """Offer and answer changed the session; the peer's description that now holds, its answer or its own offer."""

    description: SessionDescription
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class InfoDigit:
    """A key pressed, told by INFO."""

    digit: str


@dataclass(frozen=True, slots=True)
class ReferProgress:
    """How the call goes that our REFER asked the peer for."""

    status: int
    reason: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Last: the session is over. ``reason``: "cancelled", the peer's Reason header, or what ``hang_up`` was given."""

    by_peer: bool
    reason: str


SessionEvent = Progress | Redirected | Answered | Rejected | Renegotiated | InfoDigit | ReferProgress | Ended
Renegotiate = Callable[[SessionDescription | None], SessionDescription | None]


class SessionOver(Refused):
    """The session ended before this could be done; its events say how."""


class ReofferRefused(Refused):
    """The peer would not change the session, which stands as it was. ``status`` is the peer's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class ReferRefused(Refused):
    """The peer would not call whom we asked it to. ``status`` is the peer's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
