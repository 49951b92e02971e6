"""The two clocks that services tell the time by."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The two clocks: the calendar's and the stop-watch's."""

    def now(self) -> datetime:
        """Return the current instant, zone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump, comparable between the processes of this machine."""
        ...
