"""Kinds of rule (规则) that a regulation can have, each with the shape of its value. No city is known here.

A profile's rule names its kind by a key such as ``period.handle.urgent``: the kind ``period``, then what it is about,
then the category or urgency that it is for. A rule without the last part holds for all that have none of their own.

One file, though a long one: it is the whole vocabulary of a profile, and whoever writes one looks here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from enum import Enum
from typing import Any, Generic, TypeVar

V = TypeVar("V")

CATEGORIES = ("consultation", "help", "complaint", "report", "suggestion", "praise", "correction")


class Urgency(Enum):
    """How pressing a matter is (紧急程度)."""

    NORMAL = "normal"
    URGENT = "urgent"
    SUDDEN = "sudden"
    UTILITY = "utility"
    SIMPLE = "simple"


class RefusalKind(Enum):
    """Why a matter is not taken (不予受理)."""

    STATUTORY = "statutory"
    PETITION_CHANNEL = "petition_channel"
    SECRET = "secret"
    PRIVACY = "privacy"
    OUT_OF_SCOPE = "out_of_scope"
    PUBLIC_ORDER = "public_order"
    REPEAT = "repeat"
    INSUBSTANTIAL = "insubstantial"
    OTHER_ORGAN = "other_organ"
    INCOMPLETE = "incomplete"
    NO_REAL_NAME = "no_real_name"
    EMERGENCY = "emergency"


class Stage(Enum):
    """Where a case stands in the closed loop (环节)."""

    ACCEPTED = "accepted"
    ANSWERED = "answered"
    REFUSED = "refused"
    HANDED_OFF = "handed_off"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    RETURN_PENDING = "return_pending"
    EXTENSION_PENDING = "extension_pending"
    REPLIED = "replied"
    CLOSED = "closed"
    REDO = "redo"


class PeriodKind(Enum):
    """What a period (时限) is for."""

    DISPATCH = "dispatch"
    SIGN = "sign"
    RETURN = "return"
    CONTACT = "contact"
    HANDLE = "handle"
    REPLY_SMS = "reply_sms"
    SURVEY = "survey"
    APPEAL = "appeal"
    PHONE_UNIT = "phone_unit"
    RESTRICT_UNTIL = "restrict_until"


class Trigger(Enum):
    """What calls for supervision (督办)."""

    OVERDUE = "overdue"
    NEAR_DUE = "near_due"
    REDO_UNSATISFIED = "redo_unsatisfied"
    SENT_BACK = "sent_back"
    SENT_BACK_TWICE = "sent_back_twice"
    REFUSED_TO_ACCEPT = "refused_to_accept"
    BURST = "burst"
    SEVERAL_UNITS = "several_units"
    RULED_UNDONE = "ruled_undone"
    LEADER = "leader"
    MASS_RISK = "mass_risk"
    UNIT_RATES = "unit_rates"
    KNOWLEDGE = "knowledge"
    MAJOR = "major"
    FALSE_REPLY = "false_reply"
    DRAGGING = "dragging"
    LEAK = "leak"
    RETALIATION = "retaliation"
    OTHER = "other"


class SpanUnit(Enum):
    """What a span counts: whole days after the day of receipt, or hours and minutes by the clock."""

    WORKING_DAYS = "working days"
    NATURAL_DAYS = "natural days"
    HOURS = "hours"
    MINUTES = "minutes"
    SAME_DAY = "same day"


_SPAN = re.compile(r"([1-9][0-9]{0,3}) (working day|natural day|hour|minute)s?")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time with its unit; the same day (当日) has no number of its own."""

    count: int
    unit: SpanUnit

    @classmethod
    def parse(cls, text: object) -> Span:
        """Read ``5 working days``, ``1 working day``, ``30 natural days``, ``24 hours``, ``same day``. `ValueError`."""
        if text == SpanUnit.SAME_DAY.value:
            return cls(0, SpanUnit.SAME_DAY)
        match = _SPAN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(
                'expected a number and its unit: "5 working days", "30 natural days", "24 hours", "30 minutes" '
                'or "same day"'
            )
        return cls(int(match[1]), SpanUnit(match[2] + "s"))

    def __str__(self) -> str:
        unit = str(self.unit.value)
        if self.unit is SpanUnit.SAME_DAY:
            return unit
        return f"{self.count} {unit.removesuffix('s') if self.count == 1 else unit}"


_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


@dataclass(frozen=True, slots=True)
class ClosingTime:
    """The end of a working day (下班时间); ``at`` None is 24:00."""

    at: time | None

    @classmethod
    def parse(cls, text: object) -> ClosingTime:
        """Read ``17:30`` or ``24:00``. Raises `ValueError`."""
        match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
        if match is None or text == "00:00":
            raise ValueError('expected a closing time such as "17:30", or "24:00"')
        return cls(time(int(match[1]), int(match[2])) if match[1] else None)

    def __str__(self) -> str:
        return f"{self.at:%H:%M}" if self.at else "24:00"


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
    """

    filing: Filing
    times: int | None = None
    whole: Span | None = None
    fields: tuple[str, ...] = ()
    refusal_fields: tuple[str, ...] = ()
    tell: tuple[str, ...] = ("petitioner",)
    never_for: tuple[Urgency, ...] = ()


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

    ``sampled``: not everybody is called.
    """

    after: FollowUpAfter
    attempts: int | None = None
    sampled: bool = False


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


@dataclass(frozen=True, slots=True)
class Kind(Generic[V]):
    """A kind of rule: its name, the type of its value, and what may stand behind the name in a key."""

    name: str
    type: type[V]
    parts: tuple[tuple[str, ...], ...] = ()

    def key(self, *parts: str) -> str:
        """Return the key of one rule of this kind."""
        return ".".join((self.name, *parts))


def _values(kind: type[Enum]) -> tuple[str, ...]:
    return tuple(str(member.value) for member in kind)


FOR = ("", *CATEGORIES, *(urgency for urgency in _values(Urgency) if urgency != "normal"))
"""What the last part of a period's key may be."""

CATEGORY = Kind("category", str, (CATEGORIES,))
STAGE = Kind("stage", str, (_values(Stage), FOR))
SIX_ELEMENTS = Kind("record.six_elements", bool)
ACCEPT = Kind("accept.fields", FieldsRule)
ANSWER = Kind("answer", tuple[str, ...])
REFUSE = Kind("refuse", RefusalRule, (_values(RefusalKind),))
DAY_END = Kind("day_end", ClosingTime)
PERIOD = Kind("period", PeriodRule, (_values(PeriodKind), FOR))
LEAD_UNIT = Kind("dispatch.lead_unit", bool)
DUTY_PHONE = Kind("dispatch.duty_phone", tuple[Urgency, ...])
ONWARD = Kind("dispatch.onward", bool)
DESIGNATION = Kind("dispatch.designation", bool)
STRICTER_LAW = Kind("dispatch.stricter_law", bool)
CONTACT_AT_ONCE = Kind("sign.contact_at_once", bool)
RETURN = Kind("return", ReturnRule)
EXTENSION = Kind("extension", ExtensionRule)
CARDS = Kind("cards", CardsRule)
URGE = Kind("urge", bool)
APPEND = Kind("append", AppendRule)
REPLY = Kind("reply.fields", FieldsRule)
FILING = Kind("reply.filing", FieldsRule)
REPLY_BY_HOTLINE = Kind("reply.by_hotline", bool)
RESULT = Kind("audit.tell_result", bool)
AUDIT = Kind("audit.failure", FieldsRule)
SURVEY = Kind("survey", SurveyRule)
FOLLOW_UP = Kind("follow_up", FollowUpRule)
REDO = Kind("redo", RedoRule)
APPEAL = Kind("appeal", FieldsRule)
SUPERVISE = Kind("supervise", SupervisionRule, (_values(Trigger),))
PROGRESS = Kind("progress", bool)
ALERT = Kind("alert", bool)
MERGING = Kind("merging", MergingRule, (("whole", "double_number", "sub_centre"),))
NOTICE = Kind("notice", Span, (("knowledge_check", "duty_roster", "construction"),))
FRESHNESS = Kind("knowledge.freshness", Span)
"""How long an article of the knowledge base may go unconfirmed."""

DUTIES = {
    "channels": ("telephone", "sms", "mail", "wechat", "website", "app", "mailbox", "self_service", "text", "voice"),
    "hours": ("around_the_clock",),
    "tiers": ("region", "city", "county", "park", "department", "utility", "station", "township"),
    "station": ("not_for_the_public",),
    "territory": ("territory_first", "competence"),
    "three_way_call": ("office_hours", "direct_transfer"),
    "leaders": ("submit", "instruction"),
    "linkage": ("call_transfer", "guide_to_dial", "from_emergency_lines", "emergency_phone"),
    "utilities": ("ticket", "transfer", "authority_report"),
    "merged_numbers": ("voice_prompt",),
    "publication": ("published", "petitioner_may_withhold", "unit_may_ask", "handler_masked"),
    "archive": ("call_record", "ticket", "instructions", "replies", "analyses"),
    "knowledge": ("owner", "contents", "freshness", "check_tickets", "shared", "self_service"),
    "rates": ("response", "resolution", "satisfaction", "timeliness", "knowledge", "ranking"),
    "reports": ("weekly", "monthly", "quarterly", "yearly", "special"),
    "picture": ("live", "hot_spots", "bursts", "briefs"),
    "privacy": ("access_control", "access_record", "need_to_know"),
    "interface": ("standard", "tickets_both_ways", "push_in_full", "regional"),
    "judgement": ("appeals_answered",),
}
DUTY = Kind("duty", tuple[str, ...], (tuple(DUTIES),))
"""Duties of the platform around the casebook; `DUTIES` has the words that each may use."""

KINDS: tuple[Kind[Any], ...] = (
    CATEGORY,
    STAGE,
    SIX_ELEMENTS,
    ACCEPT,
    ANSWER,
    REFUSE,
    DAY_END,
    PERIOD,
    LEAD_UNIT,
    DUTY_PHONE,
    ONWARD,
    DESIGNATION,
    STRICTER_LAW,
    CONTACT_AT_ONCE,
    RETURN,
    EXTENSION,
    CARDS,
    URGE,
    APPEND,
    REPLY,
    FILING,
    REPLY_BY_HOTLINE,
    RESULT,
    AUDIT,
    SURVEY,
    FOLLOW_UP,
    REDO,
    APPEAL,
    SUPERVISE,
    PROGRESS,
    ALERT,
    MERGING,
    NOTICE,
    FRESHNESS,
    DUTY,
)
"""Every kind of rule beside those of the emergency, which the running gateway reads by itself."""
