"""The commands of the closed loop (闭环): from acceptance to grade and redo, as `jiesu simulate` spells them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.rules import RefusalKind, Span, Trigger, Urgency


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
    """Answered at once from the knowledge base (即时答复), by one version of an article where it is named."""

    article: str = ""
    version: int | None = None


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
    """The unit asks for more time (申请延期); ``days`` are working days, None for the most that the rule allows.

    ``signed_by`` is the head of the unit who signed the written request for a longer period.
    """

    reason: str = ""
    approved_by: str = ""
    days: int | None = None
    signed_by: str = ""


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
    """The unit reports the result (办理反馈); ``secrecy_checked_by`` made sure that nothing secret leaves with it."""

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
    secrecy_checked_by: str = ""


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
