"""Opening hours (上班时间) as the settings write them: ``["08:30-12:00", "14:30-17:30"]``, on working days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

from gateway.domain.errors import OurMistake
from routing.working_time import OfficeHours, Span


def opening_hours(spans: Iterable[str]) -> OfficeHours | None:
    """Return the hours that *spans* say, in order; None for none: always open. Raises `ValueError`."""
    try:
        read = tuple(_span(text) for text in spans)
        return OfficeHours.daily(*read) if read else None
    except OurMistake as mistake:
        raise ValueError(str(mistake)) from mistake


def _span(text: str) -> Span:
    opens, _, closes = text.partition("-")
    return Span(opens=_time(opens), closes=_time("00:00" if closes == "24:00" else closes))


def _time(text: str) -> time:
    return time.fromisoformat(text)
