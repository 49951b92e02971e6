"""The pool of RTP ports: even numbers of a range, each of which rests before a new call gets it.

A port that one call has closed may still receive its last packets; resting keeps them out of the next call.
"""

from __future__ import annotations

from collections import deque
from typing import Final

ANY: Final = (0, 0)
"""The range that leaves the choice to the operating system."""

_TRIES: Final = 16


class PortPool:
    """Even ports of [low, high], handed out in turn."""

    def __init__(self, low: int, high: int, *, rest: float) -> None:
        """Offer the even ports from *low* to *high*; one that came back stays out for *rest* seconds."""
        self._rest = rest
        self._anywhere = (low, high) == ANY
        self._free = deque(port for port in range(low, high + 1) if port % 2 == 0 and port > 0)
        self._resting: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        """Return how many ports are neither taken nor resting."""
        return len(self._free)

    def candidates(self, now: float) -> list[int]:
        """Return the ports that may be tried, best first; some zeros when any port will do."""
        if self._anywhere:
            return [0] * _TRIES
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        return list(self._free)

    def take(self, port: int) -> None:
        """Mark *port* as taken (also one outside the range, or one that rests: a leg restored in place)."""
        if port in self._free:
            self._free.remove(port)
        self._resting = deque(item for item in self._resting if item[1] != port)

    def give_back(self, port: int, now: float) -> None:
        """Let *port* rest from *now* on, then offer it again."""
        if not self._anywhere:
            self._resting.append((now + self._rest, port))
