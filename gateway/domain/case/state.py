"""A case as it stands (案件): its stage, everything it was given and why, and the facts that follow from commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NewType

from gateway.domain.rules import PeriodKind, RefusalKind, Span, Stage, Trigger, Urgency

CaseId = NewType("CaseId", str)


class Publication(Enum):
    """Whether a case is shown to the public (公开)."""

    UNDECIDED = "undecided"
    ASKED = "asked"
    WITHHELD = "withheld"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class PeriodState(Enum):
    """What became of a period."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    LIFTED = "lifted"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period (时限) that a case was given: how long, since when, until when, and under which obligations.

    ``original`` is its span before any extension; ``live_from`` the instant before which nothing can have come of it;
    ``warned``: its yellow card has shown. A case keeps all of them.
    """

    kind: PeriodKind
    span: Span
    original: Span
    since: datetime
    live_from: datetime
    due: datetime
    provisional: bool
    rows: tuple[str, ...]
    state: PeriodState = PeriodState.RUNNING
    warned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One matter in the closed loop.

    ``is_signed``: the unit has signed for it, whoever it sent it on to. ``before`` is the stage to which a pending
    request leads back. ``counts`` has urges, returns, extensions, redos and follow-ups; ``asked_days`` the working days
    of a pending extension. ``grade`` is that of the present round; ``is_grade_excused``: the unit's appeal against it
    was granted. ``supervised`` is why it was supervised, each time. ``over_at`` is when nobody had anything to do for
    it any more; ``archived_at`` when it was sealed. ``wishes_publication`` is the petitioner's word, None while he has
    said nothing. ``refusal`` is why it was refused. ``article`` is what answered it, as ``id@version``.
    ``is_submitted``: the leaders' instruction is awaited. ``master`` is the platform whose ticket this is a copy of,
    with its number and revision there.
    """

    id: CaseId
    stage: Stage
    received_at: datetime
    pending_since: datetime | None = None
    category: str = ""
    urgency: Urgency = Urgency.NORMAL
    is_by_telephone: bool = True
    petitioner: str = ""
    matter: str = ""
    can_be_reached: bool = True
    unit: str = ""
    assist: tuple[str, ...] = ()
    is_signed: bool = False
    is_designated: bool = False
    is_return_refused: bool = False
    before: Stage | None = None
    asked_days: int = 0
    replied_at: datetime | None = None
    sent_back_in_row: int = 0
    grade: str = ""
    is_unsatisfied: bool = False
    is_redo_requested: bool = False
    is_followed_up: bool = False
    opened: int = 0
    supervised: tuple[Trigger, ...] = ()
    over_at: datetime | None = None
    archived_at: datetime | None = None
    article: str = ""
    refusal: RefusalKind | None = None
    wishes_publication: bool | None = None
    publication: Publication = Publication.UNDECIDED
    is_submitted: bool = False
    is_instructed: bool = False
    is_appealed: bool = False
    is_grade_excused: bool = False
    is_restriction_appealed: bool = False
    master: str = ""
    master_id: str = ""
    master_revision: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    periods: tuple[Period, ...] = ()

    def period(self, kind: PeriodKind) -> Period | None:
        """Return the latest period of *kind*, whatever became of it."""
        return next((period for period in reversed(self.periods) if period.kind is kind), None)

    def running(self, kind: PeriodKind) -> Period | None:
        """Return the period of *kind* that runs."""
        period = self.period(kind)
        return period if period is not None and period.state is PeriodState.RUNNING else None

    @property
    def has_provisional_deadlines(self) -> bool:
        """Whether some period that is not over was counted without a year's official notice."""
        live = (PeriodState.RUNNING, PeriodState.PAUSED)
        return any(period.provisional and period.state in live for period in self.periods)

    def counted(self, what: str) -> int:
        """Return how often *what* was counted."""
        return self.counts.get(what, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that is so from ``at`` on; ``rows`` are the obligations it rests on, ``details`` its further keys."""

    at: datetime
    case: CaseId
    name: str
    rows: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
