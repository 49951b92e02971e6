"""Limits on senders (限流): how much one address may write, as token buckets in memory.

Each node counts for itself, and a restart forgets. What speaks of an emergency is not counted.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable

REMEMBERED = 100_000
"""Senders remembered at most; whoever wrote longest ago is forgotten first."""


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


class Floodgate:
    """The buckets of all senders."""

    def __init__(self, limit: SenderLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[tuple[ChannelKind, str], TokenBucket] = OrderedDict()

    def admit(self, channel: ChannelKind, sender: str, now: float) -> None:
        """Count a message of *sender*. Raises `Unavailable` with ``retry_after`` when it is one too many."""
        if not self._limit.every or not sender:
            return
        key = (channel, sender)
        bucket = self._buckets.setdefault(key, TokenBucket(self._limit, now))
        self._buckets.move_to_end(key)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        if wait := bucket.take(self._limit, now):
            raise Unavailable("too many messages from this sender", retry_after=wait)
