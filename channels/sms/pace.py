"""How fast a link may speak: so many messages a second, and not at all for a while when the centre asks for it."""

from __future__ import annotations

SHORTEST_REST = 1.0
LONGEST_REST = 60.0
"""Seconds of silence after the first, and at most after many, requests to slow down."""


class Pace:
    """Turns at a steady rate; *per_second* 0 is no limit. Time is an argument, in seconds."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second if per_second else 0.0
        self._next = 0.0
        self._rest = 0.0

    def wait(self, now: float) -> float:
        """Return how many seconds the next turn is away."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> float:
        """Take the next turn and return how many seconds it is away."""
        wait = self.wait(now)
        self._next = now + wait + self._interval
        return wait

    def slow_down(self, now: float) -> float:
        """Rest, twice as long each time, and return for how many seconds."""
        self._rest = min(LONGEST_REST, max(SHORTEST_REST, self._rest * 2))
        self._next = max(self._next, now + self._rest)
        return self._rest

    def go_on(self) -> None:
        """The centre takes messages again."""
        self._rest = 0.0
