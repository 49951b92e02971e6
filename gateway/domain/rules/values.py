"""What rules say (规则内容): a type for the value of each kind of rule that is more than a word or a list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.domain.rules.spans import Span, SpanUnit
from gateway.domain.rules.words import RefusalKind, Urgency


class Moment(Enum):
    """What a period runs from."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    PASSED = "passed"
    CLOSED = "closed"
    UNSATISFIED = "unsatisfied"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRule:
    """A period (时限): how long, and from when; ``renewed`` names a later moment at which it is set anew."""

    span: Span
    runs_from: Moment
    renewed: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRule:
    """What the petitioner is told about a refusal, and what a unit is asked to do, as keys of the phrase book."""

    tell: tuple[str, ...]
    tell_unit: tuple[str, ...] = ()


class LateReturn(Enum):
    """What becomes of a return (退单) that is asked for too late."""

    DENIED = "denied"
    RED_CARD = "red card"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRule:
    """A return: what it must state, what its refusal must state, and what happens to the period.

    ``pauses``: the time of the audit is left out of the handling period. ``counts``: a refused return is counted.
    ``deems_accepted``: who lets the period pass has accepted.
    """

    fields: tuple[str, ...]
    late: LateReturn
    refusal_fields: tuple[str, ...] = ()
    pauses: bool = False
    counts: bool = False
    deems_accepted: bool = False


class Filing(Enum):
    """Until when an extension (延期) can be asked for."""

    BEFORE_DUE = "before the period ends"
    WORKING_DAY_BEFORE = "the working day before the last day"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRule:
    """An extension: at most ``times``, each no longer than the original; without ``times`` all of them together.

    ``whole`` caps the whole period instead. ``never_for`` names urgencies that cannot be extended.
    ``longer_if_signed``: a written request that the head of the unit has signed goes beyond both.
    """

    filing: Filing
    times: int | None = None
    whole: Span | None = None
    fields: tuple[str, ...] = ()
    refusal_fields: tuple[str, ...] = ()
    tell: tuple[str, ...] = ("petitioner",)
    never_for: tuple[Urgency, ...] = ()
    longer_if_signed: bool = False


class Yellow(Enum):
    """When the yellow card (黄牌) shows."""

    LAST_DAY = "last day"
    WORKING_DAY_BEFORE = "working day before the last day"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsRule:
    """Cards (红黄牌): the red one shows when the period has ended."""

    yellow: Yellow


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsRule:
    """What must be stated: all of ``fields`` and, if there are ``either``, one of them; ``categories`` () means all."""

    fields: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendRule:
    """New content (追加): ``restarts`` the handling period; ``opens_when_late``: a new ticket once it has ended."""

    restarts: bool = False
    opens_when_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRule:
    """The survey (满意度评价): its scale, which grades are unsatisfied, the grade of silence, who is not asked."""

    scale: tuple[str, ...]
    unsatisfied: tuple[str, ...]
    default: str | None = None
    excluded: tuple[str, ...] = ()
    grades_service: bool = False

    def __post_init__(self) -> None:
        for name in ("unsatisfied", "default"):
            value = getattr(self, name)
            for grade in (value,) if isinstance(value, str) else value or ():
                if grade not in self.scale:
                    raise ValueError(f"{name}: {grade} is not on the scale; expected one of {', '.join(self.scale)}")


class FollowUpAfter(Enum):
    """What calls for a follow-up (回访)."""

    CLOSING = "closing"
    UNSATISFIED = "unsatisfied"
    SECOND_UNSATISFIED = "second unsatisfied"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRule:
    """A follow-up: after what, and after how many failed ``attempts`` it ends; None: the text sets no number.

    ``sampled``: not everybody is called, but ``share`` of a hundred, drawn by lot.
    """

    after: FollowUpAfter
    attempts: int | None = None
    sampled: bool = False
    share: int | None = None

    def __post_init__(self) -> None:
        if self.share is not None and not (self.sampled and 1 <= self.share <= 100):
            raise ValueError("share: expected a number from 1 to 100, beside sampled")


class RedoStart(Enum):
    """What starts a redo (重办)."""

    GRADE = "grade"
    REQUEST = "request"
    HOTLINE = "hotline"


class RedoLength(Enum):
    """How long a redo may take, against the original period."""

    ORIGINAL = "original"
    HALF = "half"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedoRule:
    """A redo: what starts it, how often it can be, its period (``span`` if the text fixes one), whether it extends."""

    start: RedoStart
    length: RedoLength = RedoLength.ORIGINAL
    span: Span | None = None
    times: int | None = None
    extends: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionRule:
    """Supervision (督办): in which forms. ``tickets`` alike ``within`` a span make a burst."""

    forms: tuple[str, ...] = ()
    by_hand: bool = False
    tickets: int | None = None
    within: Span | None = None

    def __post_init__(self) -> None:
        if (self.tickets is None) != (self.within is None):
            raise ValueError("tickets and within: expected both or neither")
        if self.within is not None and self.within.unit not in (SpanUnit.HOURS, SpanUnit.MINUTES):
            raise ValueError("within: expected hours or minutes, because a burst knows no rest days")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergingRule:
    """How a line was merged (归并): what it keeps, and which ways calls and tickets pass."""

    keeps_number: bool
    keeps_seats: bool
    transfers: bool
    passes_tickets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRule:
    """Publication (公开): of what was wanted and what came of it, after the hotline has looked at it.

    ``by_default``: unless the petitioner or the unit objects; else only at the petitioner's wish.
    ``unit_fields``: what the unit's application to withhold it must state; () where it cannot apply.
    ``never_for`` names kinds of refusal that are never shown.
    """

    by_default: bool
    unit_fields: tuple[str, ...] = ()
    never_for: tuple[RefusalKind, ...] = ()


class ArchivePart(Enum):
    """What a hotline's archive holds of a case."""

    CALL_RECORD = "call_record"
    TICKET = "ticket"
    INSTRUCTIONS = "instructions"
    REPLIES = "replies"
    ANALYSES = "analyses"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRule:
    """The archive (归档): what is kept of a case, how long after its end it is sealed, and for how many years."""

    contents: tuple[ArchivePart, ...]
    after: Span
    years: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRule:
    """Submission to leaders (呈办): what the hotline's proposal states, and what the instruction that comes back."""

    fields: tuple[str, ...] = ()
    instruction_fields: tuple[str, ...] = ()
