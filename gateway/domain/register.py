"""Registers (台账): the numbered papers that a hotline keeps beside its cases.

Supervision orders, submissions to leaders, publications, the archive, restricted callers. What a paper means for its
case the casebook decides; a register makes it findable, by number, by unit, by what still waits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from gateway.domain.json import Json


class Register(Enum):
    """Which register."""

    SUPERVISION = "supervision"
    SUBMISSION = "submission"
    PUBLICATION = "publication"
    ARCHIVE = "archive"
    RESTRICTION = "restriction"


class PaperState(Enum):
    """Where a paper stands."""

    OPEN = "open"
    ANSWERED = "answered"
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHHELD = "withheld"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"
    APPEALED = "appealed"
    ENDED = "ended"


_NUMBER = re.compile(r"([0-9]{4})-([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Number:
    """A running number of its year, written ``2026-17``."""

    year: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> Number:
        """Read ``2026-17``. Raises `ValueError`."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no number such as 2026-17")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.year}-{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One entry of a register.

    ``case_id`` is empty for what concerns a unit as a whole. ``due`` is until when it is to be answered, or kept.
    ``rows`` are the obligations it rests on. ``values`` are its further parts.
    """

    register: Register
    number: Number
    case_id: str
    unit: str
    state: PaperState
    opened_at: datetime
    due: datetime | None = None
    closed_at: datetime | None = None
    rows: tuple[str, ...] = ()
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperQuery:
    """Which papers of a register, the newest first: each condition that is given narrows them."""

    register: Register
    state: PaperState | None = None
    case_id: str = ""
    unit: str = ""
    after: Number | None = None
    limit: int = 50
