"""How often a stranger may ask (限流): a bucket of tokens for each address, filled at an even rate."""

from __future__ import annotations

REMEMBERED = 10_000
"""Addresses kept in mind; the one that has not asked for longest is forgotten first, whose bucket is the fullest."""


class Admission:
    """Lets each address ask *burst* times at once and *rate* times a second from then on."""

    def __init__(self, rate: float = 1.0, burst: int = 60) -> None:
        self._rate = rate
        self._burst = burst
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, address: str, now: float) -> float:
        """Count one question at *now* (monotonic seconds); return 0.0, or after how many seconds it may be asked.

        A question that must wait is not counted.
        """
        tokens, at = self._left.pop(address, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        admitted = tokens >= 1.0
        self._left[address] = (tokens - admitted, now)
        if len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]
        return 0.0 if admitted else (1.0 - tokens) / self._rate
