"""Emergencies (紧急情况): the line each belongs to, and what was heard that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from gateway.domain.decision import Citation

EmergencyLine = NewType("EmergencyLine", str)
"""The short number of an emergency service as the profile names it: 110, 119, 120, 122, in one county also 96333."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyHit:
    """A phrase that makes an emergency likely.

    ``start`` and ``end`` place the phrase in the audio, in seconds of the call; both are None for written text.
    ``rule`` is the id of the lexicon entry that fired. ``meant`` is what the phrase sounds like where it is written
    otherwise, else empty; ``weight``, at most 1, is less the less alike the two are.
    """

    line: EmergencyLine
    phrase: str
    rule: str
    start: float | None = None
    end: float | None = None
    meant: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRule:
    """What a city's profile says about handing an emergency over.

    ``needs_confirmation``: the agent confirms before the desk is joined (it is pre-dialled meanwhile).
    ``grace`` is how long, in seconds, to wait for that before the hand-off goes on by itself.
    """

    lines: tuple[EmergencyLine, ...]
    needs_confirmation: bool
    grace: float
    citation: Citation
