"""Lines that were merged into the hotline (归并热线): the number that people still dial, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Merging(Enum):
    """How a line was merged (NM-2.1): whole, keeping its number, or keeping its number and its seats (分中心)."""

    WHOLE = "whole"
    DOUBLE_NUMBER = "double_number"
    SUB_CENTRE = "sub_centre"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedLine:
    """A merged line.

    ``prompt`` is the transition prompt that its callers hear (NM-2.3). A sub-centre has ``agents`` of its own among the
    hotline's, or a ``unit`` whose telephones are its seats: they are rung before anybody else.
    """

    number: str
    name: str
    merging: Merging
    prompt: str
    agents: frozenset[str] = frozenset()
    unit: str = ""
