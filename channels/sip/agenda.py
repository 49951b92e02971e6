"""Which machine is due when: deadlines by owner, the earliest first, for one armed timer over all of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, Protocol, TypeVar

MOST_STALE = 64


class Timed(Protocol):
    """Something with deadlines."""

    def next_deadline(self) -> float | None:
        """When it wants to be looked at; None for never."""
        ...


T = TypeVar("T", bound=Timed)


class Agenda(Generic[T]):
    """The deadlines of many machines. ``note`` a machine whenever it may have changed its mind."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._current: dict[T, tuple[float, int]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._current)

    def note(self, machine: T) -> None:
        """Enter the machine's next deadline, in place of the one it had."""
        deadline = machine.next_deadline()
        if deadline is None:
            self._current.pop(machine, None)
            return
        known = self._current.get(machine)
        if known is None or known[0] != deadline:
            entry = (deadline, next(self._numbers))
            self._current[machine] = entry
            heapq.heappush(self._heap, (*entry, machine))
            self._tidy()

    def next_deadline(self) -> float | None:
        """The earliest deadline of all."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[T]:
        """Take out the machines whose deadline has passed; ``note`` them again after ticking."""
        due: list[T] = []
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            machine = heapq.heappop(self._heap)[2]
            del self._current[machine]
            due.append(machine)
        return due

    def _tidy(self) -> None:
        """Drop what is no longer current once it is the greater part: far deadlines would be held until they come."""
        if len(self._heap) > 2 * len(self._current) + MOST_STALE:
            self._heap = [entry for entry in self._heap if self._is_current(entry)]
            heapq.heapify(self._heap)

    def _is_current(self, entry: tuple[float, int, T]) -> bool:
        return self._current.get(entry[2]) == entry[:2]


class Alarm:
    """A call at a time of the user's choosing, kept by the same timer."""

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self._at: float | None = at
        self._call = call

    def next_deadline(self) -> float | None:
        """When it rings."""
        return self._at

    def fire(self, now: float) -> None:
        """Ring, once."""
        self.cancel()
        self._call()

    def cancel(self) -> None:
        """Do not ring."""
        self._at = None
