"""Casework (案件办理): a case as it is kept, who acts on it, how cases are listed, and the messages that leave it.

Values only. What a case may do is the casebook's business (`gateway.domain.case`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

from gateway.domain.case import Case, PeriodState
from gateway.domain.json import Json
from gateway.domain.rules import PeriodKind, Stage
from gateway.domain.ticket import TicketId

WITH_UNIT = frozenset({Stage.DISPATCHED, Stage.SIGNED, Stage.RETURN_PENDING, Stage.EXTENSION_PENDING, Stage.REDO})
"""Stages in which a unit owes its reply."""


class ActorKind(Enum):
    """As whom somebody acts: at the hotline's desk, as its reviewer, for a unit, for a platform above, or the clock."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    UNIT = "unit"
    PLATFORM = "platform"
    CLOCK = "clock"
    PETITIONER = "petitioner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who gives a command. ``unit`` is the unit that he acts for, if any."""

    name: str
    kind: ActorKind
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as the store keeps it.

    ``profile`` and ``rules_of``: the rules of which city, as they were on which day, hold for it from its receipt to
    its end. ``above`` are the units that sent it on to one of their own. ``revision`` counts saved changes from 1,
    ``touched`` is the one at which people, not the clock alone, last changed it. ``next_due`` is the next instant at
    which the clock alone brings something. ``reply`` is what the unit last reported, field by field.
    """

    case: Case
    profile: str
    rules_of: date
    changed_at: datetime
    above: tuple[str, ...] = ()
    next_due: datetime | None = None
    revision: int = 1
    touched: int = 1
    reply: Mapping[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> TicketId:
        """The number of its ticket."""
        return TicketId(self.case.id)

    @property
    def units(self) -> tuple[str, ...]:
        """Everybody who has a part in it: the lead unit, those that assist, and those above."""
        return tuple(dict.fromkeys(unit for unit in (self.case.unit, *self.case.assist, *self.above) if unit))

    @property
    def handle_due(self) -> datetime | None:
        """Until when the unit owes its reply, also when that has passed; None while it owes none."""
        period = self.case.period(PeriodKind.HANDLE)
        if self.case.stage not in WITH_UNIT or period is None:
            return None
        return period.due if period.state in (PeriodState.RUNNING, PeriodState.MISSED) else None

    @property
    def restricted_until(self) -> datetime | None:
        """Until when the petitioner may not use the telephone (ZH-9)."""
        period = self.case.running(PeriodKind.RESTRICT_UNTIL)
        return period.due if period is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a list, from which the next page goes on: the instant that the list is ordered by, and the id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """Which cases: each condition that is given narrows them.

    The newest first; with ``due_before`` those whose reply is owed since or until then, the longest overdue first.
    ``unit``: those in which that unit has a part.
    """

    stage: Stage | None = None
    category: str = ""
    unit: str = ""
    due_before: datetime | None = None
    after: Place | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHits:
    """Cases that a search found, the newest first; ``further`` is where to go on, None at the end.

    A search that walked long may have ``further`` though it found few: words that hardly ever meet.
    """

    cases: tuple[CaseRecord, ...]
    further: int | None = None


class Channel(Enum):
    """To whom a message goes; ``partner`` is another system, ``emergency`` an emergency line's, both by webhook."""

    PETITIONER = "petitioner"
    UNIT = "unit"
    HOTLINE = "hotline"
    LEADER = "leader"
    PARTNER = "partner"
    EMERGENCY = "emergency"


DIGEST = "digest"
"""The kind of message that stands for many that came too late to be told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to be told (待发消息). ``key`` makes it one, however often it is sent.

    ``to`` is a unit's or partner's id, or the petitioner's address; ``at`` the instant it speaks of, ``due`` when it is
    to be tried next; ``error`` what the last attempt met. ``given_up``: it is not tried any more.
    """

    key: str
    channel: Channel
    to: str
    kind: str
    case_id: str
    text: str
    at: datetime
    due: datetime
    values: Mapping[str, Json] = field(default_factory=dict)
    attempts: int = 0
    done_at: datetime | None = None
    given_up: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What another system once asked under its own key, and what it was told; ``asked`` is a hash of the request."""

    partner: str
    key: str
    asked: str
    status: int
    answer: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Another system that exchanges tickets with us (ZH-21, NM-3.1): a unit's, or a platform that sees all.

    ``is_master``: the tickets that it copies to us are its own; ours are mirrors of them.
    """

    id: str
    unit: str = ""
    is_master: bool = False

    def has_part_in(self, record: CaseRecord) -> bool:
        """Say whether *record* is its business."""
        return not self.unit or self.unit in record.units
