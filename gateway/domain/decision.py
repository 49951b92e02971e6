"""Decisions with their reasons (决定与依据): what was decided, on which evidence, under which article."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """An article of a regulation in the regulation's own words.

    ``obligation`` is the stable id of the duty it founds, such as ``CF-5.1``.
    """

    obligation: str
    document: str
    article: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was decided: the rule, the evidence it saw, and what the rule rests on."""

    rule: str
    evidence: str
    citation: Citation | None = None


class DecisionKind(Enum):
    """What kind of thing was decided about a contact."""

    CATEGORY = "category"
    MATTER = "matter"
    EMERGENCY = "emergency"
    HAND_OFF = "hand_off"
    UNIT = "unit"
    PLACE = "place"
    ANSWER = "answer"
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision; ``outcome`` is an id (a category, a line, a unit), never a sentence."""

    kind: DecisionKind
    outcome: str
    reasons: tuple[Reason, ...]
