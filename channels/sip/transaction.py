"""What the four transaction machines share: timers, actions, and how messages find them (RFC 3261 17, RFC 6026).

A machine is a pure function of time: it is fed messages and ``now`` (float seconds of any monotonic
clock) and gives back the actions to carry out; ``next_deadline()`` says when to call ``tick`` next.
The client machines are in ``client_transaction``, the server machines in ``server_transaction``.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

from channels.sip.message import Message, Request, Response

MAGIC_COOKIE = "z9hG4bK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """The three base timers of RFC 3261 table 4, in seconds; every other timer follows from them.

    ``t1`` is the round-trip estimate, ``t2`` the longest interval between retransmissions of anything but
    an INVITE, ``t4`` the longest time a message stays in the network.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def limit(self) -> float:
        """64*T1: how long a transaction waits for the other side (timers B, D, F, H, J, L, M)."""
        return 64 * self.t1


class TransactionState(Enum):
    """The states of RFC 3261 17 with ``ACCEPTED`` of RFC 6026; no machine uses all of them."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Send:
    """Put this message on the wire."""

    message: Message


@dataclass(frozen=True, slots=True)
class Deliver:
    """Pass this message up to the transaction's user."""

    message: Message


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The other side never answered (B, F), or never acknowledged (H, or a 2xx without ACK)."""


@dataclass(frozen=True, slots=True)
class TransportLost:
    """The message could not be sent, or the connection went before an answer came."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The machine is done; forget it."""


Action = Send | Deliver | TimedOut | TransportLost | Finished


class Machine:
    """Named deadlines, and what to do when one has passed. Subclasses say what each timer does in ``_fire``."""

    def __init__(self, timers: Timers) -> None:
        self.timers = timers
        self.state = TransactionState.TERMINATED
        self._due: dict[str, float] = {}

    def next_deadline(self) -> float | None:
        """When ``tick`` has something to do; None for never."""
        return min(self._due.values(), default=None)

    def tick(self, now: float) -> list[Action]:
        """Fire every timer that is due at *now*, the earliest first, each once."""
        actions: list[Action] = []
        for name in sorted((n for n, at in self._due.items() if at <= now), key=self._due.__getitem__):
            if name in self._due:  # an earlier timer of this tick may have cleared it
                del self._due[name]
                actions += self._fire(name, now)
        return actions

    def transport_failed(self) -> list[Action]:
        """End: what had to be sent cannot be (RFC 3261 17.1.4, 17.2.4)."""
        if self.state is TransactionState.TERMINATED:
            return []
        return [TransportLost(), *self._finish()]

    def _fire(self, timer: str, now: float) -> list[Action]:
        raise NotImplementedError

    def _finish(self) -> list[Action]:
        self.state = TransactionState.TERMINATED
        self._due.clear()
        return [Finished()]

    def _linger(self, timer: str, wait: float, now: float) -> list[Action]:
        """Stay for *wait* seconds to absorb retransmissions; no wait means the end."""
        self._due = {timer: now + wait}
        return [] if wait > 0 else self._finish()


def client_key(message: Request | Response) -> Hashable:
    """What a response shares with the request it answers (RFC 3261 17.1.3)."""
    return message.via.params.get("branch"), message.cseq[1]


def server_key(request: Request, method: str | None = None) -> Hashable:
    """What a request shares with its retransmissions, and an ACK or CANCEL with its INVITE (RFC 3261 17.2.3).

    *method* asks for the key of another method's transaction: a CANCEL looks for its INVITE. A branch without
    the magic cookie is an RFC 2543 client's; then the fields that client keeps equal take its place. The To tag
    is left out of those: the ACK has it and its INVITE does not, and nothing else would differ. The CSeq number,
    which retransmission, ACK and CANCEL share, is always in it: some telephones keep their branch for the next
    request (pyVoIP 1.6 after a 401).
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    branch = via.params.get("branch") or ""
    sent_by = (via.host.lower(), via.port)
    if branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:  # the bare cookie names nothing (RFC 4475 3.2.1)
        return branch, sent_by, request.cseq[0], method
    from_tag = request.from_.params.get("tag")
    return branch, sent_by, request.cseq[0], method, request.uri, from_tag, request.call_id
