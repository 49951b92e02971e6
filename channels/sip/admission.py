"""How much is heard of those we do not know, and how many calls of those we do.

Pure; times in seconds. ``Strangers`` keeps a flood from being read at all; ``Load`` says which call is one too many.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

MOST_SOURCES = 10_000
PRICE_OF_A_WRONG_PASSWORD = 10
"""How many messages a wrong password counts as: whoever guesses is silenced after a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerLimits:
    """``burst`` messages at once and ``rate`` a second from one unknown host; beyond that silence for ``silence``."""

    rate: float = 10.0
    burst: int = 100
    silence: float = 60.0


class Strangers:
    """The unknown hosts that sent something lately. An IPv6 host counts as its whole /64, which is cheap to own."""

    def __init__(self, limits: StrangerLimits) -> None:
        self._limits = limits
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._silent_until: OrderedDict[str, float] = OrderedDict()

    def hears(self, host: str, now: float) -> bool:
        """Whether a message from there is to be read; every one counts, and those in the silence prolong it."""
        source = _source(host)
        silent_until = self._silent_until.get(source)
        if silent_until is not None and now < silent_until:
            self._silent_until[source] = now + self._limits.silence
            return False
        bucket = self._buckets.pop(source, None) or _Bucket(float(self._limits.burst), now)
        self._buckets[source] = bucket
        if bucket.take(self._limits.rate, self._limits.burst, now):
            _trim(self._buckets)
            return True
        self._silence(source, now)
        return False

    def punish(self, host: str, now: float) -> None:
        """Charge a host for a wrong password."""
        source = _source(host)
        bucket = self._buckets.setdefault(source, _Bucket(float(self._limits.burst), now))
        if not bucket.take(self._limits.rate, self._limits.burst, now, PRICE_OF_A_WRONG_PASSWORD):
            self._silence(source, now)

    def forgive(self, host: str) -> None:
        """Forget what came from a host that has proved to be one of ours."""
        self._buckets.pop(_source(host), None)
        self._silent_until.pop(_source(host), None)

    def _silence(self, source: str, now: float) -> None:
        self._silent_until[source] = now + self._limits.silence
        _trim(self._silent_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """Calls at once in all, of one caller and by trunk, and new calls a second; 0 is no limit.

    Of the calls beyond ``calls`` and ``calls_a_second``, ``excess`` at once are let in to be told that it is full.
    ``retry_after``: when a caller who is turned away for load may try again, in seconds.
    """

    calls: int = 200
    excess: int = 0
    calls_a_second: float = 0.0
    calls_of_one_caller: int = 0
    calls_of_trunk: Mapping[str, int] = field(default_factory=dict)
    retry_after: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A call that was counted in, and is to be counted out; ``is_excess``: it has no place but to be told so."""

    trunk: str
    caller: str
    is_excess: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a call too many is told."""

    status: int
    reason: str
    retry_after: int | None = None


class Load:
    """The calls that came in and are not over. Calls of our own, an emergency's desk first, are never asked for."""

    def __init__(self, limits: LoadLimits) -> None:
        self._limits = limits
        self._of_caller: Counter[str] = Counter()
        self._of_trunk: Counter[str] = Counter()
        self._in_excess = 0
        self._rate = _Bucket(max(1.0, limits.calls_a_second), 0.0)

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return self._of_trunk.total()

    def enter(self, trunk: str, caller: str, now: float) -> Admission | Refusal:
        """Count a new call in, or say with what to refuse it. A caller without a number is nobody in particular."""
        limits = self._limits
        if caller and 0 < limits.calls_of_one_caller <= self._of_caller[caller]:
            return Refusal(status=486, reason="Too many calls of this caller")
        of_trunk = limits.calls_of_trunk.get(trunk, 0)
        if 0 < of_trunk <= self._of_trunk[trunk]:
            return Refusal(status=503, reason="Trunk full", retry_after=limits.retry_after)
        is_excess = not self._has_room() or not self._has_pace(now)
        if is_excess and self._in_excess >= limits.excess:
            return Refusal(status=503, reason="Overload", retry_after=limits.retry_after)
        self._of_trunk[trunk] += 1
        self._of_caller[caller] += 1
        self._in_excess += is_excess
        return Admission(trunk=trunk, caller=caller, is_excess=is_excess)

    def leave(self, call: Admission) -> None:
        """Count a call out."""
        self._in_excess -= call.is_excess
        for counter, key in ((self._of_trunk, call.trunk), (self._of_caller, call.caller)):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]

    def _has_room(self) -> bool:
        limit = self._limits.calls
        return limit <= 0 or self.calls - self._in_excess < limit

    def _has_pace(self, now: float) -> bool:
        rate = self._limits.calls_a_second
        return rate <= 0 or self._rate.take(rate, max(1.0, rate), now)


class _Bucket:
    """Tokens that come back with time."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, tokens: float, now: float) -> None:
        self._tokens = tokens
        self._at = now

    def take(self, rate: float, most: float, now: float, price: float = 1) -> bool:
        """Take *price* tokens, if there are so many."""
        self._tokens = min(most, self._tokens + rate * max(0.0, now - self._at))
        self._at = now
        if self._tokens < price:
            return False
        self._tokens -= price
        return True


def _source(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(IPv6Address(int(address) >> 64 << 64)) if isinstance(address, IPv6Address) else host


def _trim(known: OrderedDict[str, _Bucket] | OrderedDict[str, float]) -> None:
    while len(known) > MOST_SOURCES:
        known.popitem(last=False)
