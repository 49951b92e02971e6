"""Limits on senders (限流): how much one address may write, as token buckets in memory.

Each node counts for itself, and a restart forgets. What speaks of an emergency is not counted.

A peer that delivers for one sender is told to come later. A carrier's link delivers for everybody, and one that is told
to wait slows down for all of them: there a message over the limit is taken without a receipt, and only what is far
over it is dropped, acknowledged and counted.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable

REMEMBERED = 100_000
"""Senders remembered at most; whoever wrote longest ago is forgotten first."""
CARRIED = frozenset({ChannelKind.SMS})
"""Channels whose peer delivers for everybody over one link."""
PATIENCE = 10
"""How many times his limit a sender on a carrier's link may write before it is dropped."""


class Admission(Enum):
    """What becomes of a message: taken, taken without a receipt, or dropped."""

    TAKEN = "taken"
    QUIET = "quiet"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderLimit:
    """``burst`` messages at once, and one more every ``every`` seconds; no limit where ``every`` is 0."""

    burst: int = 20
    every: float = 15.0


class TokenBucket:
    """Tokens that come back one by one; *now* is monotonic, in seconds."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, limit: SenderLimit, now: float) -> None:
        self._tokens = float(limit.burst)
        self._at = now

    def take(self, limit: SenderLimit, now: float) -> float:
        """Take a token; return 0.0, or the seconds until there is one."""
        self._tokens = min(float(limit.burst), self._tokens + (now - self._at) / limit.every)
        self._at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) * limit.every
        self._tokens -= 1.0
        return 0.0


class _Sender:
    """One sender's buckets, and how many of his messages were dropped since he was last within his limits."""

    __slots__ = ("cap", "dropped", "limit")

    def __init__(self, limit: SenderLimit, cap: SenderLimit, now: float) -> None:
        self.limit = TokenBucket(limit, now)
        self.cap = TokenBucket(cap, now)
        self.dropped = 0


class Floodgate:
    """The buckets of all senders."""

    def __init__(self, limit: SenderLimit) -> None:
        self._limit = limit
        self._cap = SenderLimit(burst=limit.burst * PATIENCE, every=limit.every)
        self._senders: OrderedDict[tuple[ChannelKind, str], _Sender] = OrderedDict()

    def admit(self, channel: ChannelKind, sender: str, now: float) -> tuple[Admission, int]:
        """Count a message of *sender*; return what becomes of it, and how many were dropped in a row with it.

        Raises `Unavailable` with ``retry_after`` when it is one too many and its peer may be told to wait.
        """
        if not self._limit.every or not sender:
            return Admission.TAKEN, 0
        key = (channel, sender)
        known = self._senders.setdefault(key, _Sender(self._limit, self._cap, now))
        self._senders.move_to_end(key)
        while len(self._senders) > REMEMBERED:
            self._senders.popitem(last=False)
        wait = known.limit.take(self._limit, now)
        if wait and channel not in CARRIED:
            raise Unavailable("too many messages from this sender", retry_after=wait)
        if wait and known.cap.take(self._cap, now):
            known.dropped += 1
            return Admission.DROPPED, known.dropped
        known.dropped = 0
        return Admission.QUIET if wait else Admission.TAKEN, 0
