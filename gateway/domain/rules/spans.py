"""Lengths of time (期限) and closing times as a profile writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from enum import Enum


class SpanUnit(Enum):
    """What a span counts: whole days after the day of receipt, or hours and minutes by the clock."""

    WORKING_DAYS = "working days"
    NATURAL_DAYS = "natural days"
    HOURS = "hours"
    MINUTES = "minutes"
    SAME_DAY = "same day"


_SPAN = re.compile(r"([1-9][0-9]{0,3}) (working day|natural day|hour|minute)s?")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time with its unit; the same day (当日) has no number of its own."""

    count: int
    unit: SpanUnit

    @classmethod
    def parse(cls, text: object) -> Span:
        """Read ``5 working days``, ``1 working day``, ``30 natural days``, ``24 hours``, ``same day``. `ValueError`."""
        if text == SpanUnit.SAME_DAY.value:
            return cls(0, SpanUnit.SAME_DAY)
        match = _SPAN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(
                'expected a number and its unit: "5 working days", "30 natural days", "24 hours", "30 minutes" '
                'or "same day"'
            )
        return cls(int(match[1]), SpanUnit(match[2] + "s"))

    def __str__(self) -> str:
        unit = str(self.unit.value)
        if self.unit is SpanUnit.SAME_DAY:
            return unit
        return f"{self.count} {unit.removesuffix('s') if self.count == 1 else unit}"


_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


@dataclass(frozen=True, slots=True)
class ClosingTime:
    """The end of a working day (下班时间); ``at`` None is 24:00."""

    at: time | None

    @classmethod
    def parse(cls, text: object) -> ClosingTime:
        """Read ``17:30`` or ``24:00``. Raises `ValueError`."""
        match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
        if match is None or text == "00:00":
            raise ValueError('expected a closing time such as "17:30", or "24:00"')
        return cls(time(int(match[1]), int(match[2])) if match[1] else None)

    def __str__(self) -> str:
        return f"{self.at:%H:%M}" if self.at else "24:00"
