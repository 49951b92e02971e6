"""A case (案件): one matter on its way through the closed loop, the commands that move it, and the facts that follow.

Everything here is a value. A case is changed by nobody: the casebook answers a command with a new case and with facts,
each of which carries the ids of the obligations it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NewType

from gateway.domain.rules import PeriodKind, RefusalKind, Span, Stage, Trigger, Urgency

CaseId = NewType("CaseId", str)


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
    of a pending extension. ``grade`` is that of the present round.
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
    counts: Mapping[str, int] = field(default_factory=dict)
    periods: tuple[Period, ...] = ()

    def period(self, kind: PeriodKind) -> Period | None:
        """Return the latest period of *kind*, whatever became of it."""
        return next((period for period in reversed(self.periods) if period.kind is kind), None)

    def running(self, kind: PeriodKind) -> Period | None:
        """Return the period of *kind* that runs."""
        period = self.period(kind)
        return period if period is not None and period.state is PeriodState.RUNNING else None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that somebody wants to happen to a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(Command):
    """A matter is taken (受理)."""

    category: str
    urgency: Urgency = Urgency.NORMAL
    channel: str = "telephone"
    petitioner: str = ""
    matter: str = ""
    contact_given: bool = True
    real_name: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Command):
    """Answered at once from the knowledge base (即时答复)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Command):
    """Not taken (不予受理)."""

    kind: RefusalKind
    petitioner: str = ""
    matter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff(Command):
    """Passed to an emergency line (转紧急专线)."""

    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch(Command):
    """Sent to a unit (派单).

    ``designated``: after a dispute, by ruling (指定承办). ``stricter``: a shorter period that a law sets.
    """

    to: str
    assist: tuple[str, ...] = ()
    designated: bool = False
    stricter: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign(Command):
    """The unit signs for it (签收)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Command):
    """The unit asks to give it back (申请退单)."""

    reason: str = ""
    basis: str = ""
    suggest: str = ""
    approved_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAgree(Command):
    """The hotline agrees and dispatches anew."""

    to: str = ""
    designated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRefuse(Command):
    """The hotline does not agree; the unit goes on."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Command):
    """The unit asks for more time (申请延期); ``days`` are working days, None for the most that the rule allows."""

    reason: str = ""
    approved_by: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendAgree(Command):
    """The extension is granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendRefuse(Command):
    """The extension is not granted."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Urge(Command):
    """The petitioner urges (催办)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append(Command):
    """The petitioner changes or adds content (追加)."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Command):
    """The unit has contacted the petitioner (联系诉求人)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Command):
    """The unit reports the result (办理反馈)."""

    unit: str = ""
    handler: str = ""
    approver: str = ""
    telephone: str = ""
    result: str = ""
    basis: str = ""
    handled_at: str = ""
    told_petitioner: bool = False
    case_number: str = ""
    no_case_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPass(Command):
    """The hotline accepts the reply (审核通过)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFail(Command):
    """The hotline sends the reply back (退回继续办理)."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade(Command):
    """The petitioner grades the handling, and perhaps the call (评价)."""

    grade: str
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpFailed(Command):
    """The petitioner could not be reached (回访未接通)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoRequest(Command):
    """The petitioner wants it done again (要求重办)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoAgree(Command):
    """The hotline sends it back for redo (同意重办)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoRefuse(Command):
    """The hotline does not send it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal(Command):
    """The unit contests a grade (申诉)."""

    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervise(Command):
    """The hotline puts a case under supervision by hand (督办)."""

    trigger: Trigger


COMMANDS: Mapping[str, type[Command]] = {
    "accept": Accept,
    "answer": Answer,
    "refuse": Refuse,
    "hand_off": HandOff,
    "dispatch": Dispatch,
    "sign": Sign,
    "return": Return,
    "return_agree": ReturnAgree,
    "return_refuse": ReturnRefuse,
    "extend": Extend,
    "extend_agree": ExtendAgree,
    "extend_refuse": ExtendRefuse,
    "urge": Urge,
    "append": Append,
    "contact": Contact,
    "reply": Reply,
    "audit_pass": AuditPass,
    "audit_fail": AuditFail,
    "grade": Grade,
    "follow_up_failed": FollowUpFailed,
    "redo_request": RedoRequest,
    "redo_agree": RedoAgree,
    "redo_refuse": RedoRefuse,
    "appeal": Appeal,
    "supervise": Supervise,
}
"""The commands by the word that asks for each."""
