"""The kinds of rule (规则种类): the name of each in a profile, the type of its value, what may follow the name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.domain.rules.spans import ClosingTime, Span
from gateway.domain.rules.values import (
    AppendRule,
    ArchiveRule,
    CardsRule,
    ExtensionRule,
    FieldsRule,
    FollowUpRule,
    MergingRule,
    PeriodRule,
    PublicationRule,
    RedoRule,
    RefusalRule,
    ReturnRule,
    SubmissionRule,
    SupervisionRule,
    SurveyRule,
)
from gateway.domain.rules.words import CATEGORIES, PeriodKind, RefusalKind, Stage, Trigger, Urgency

V = TypeVar("V")


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
OFFICE_HOURS = Kind("office_hours", tuple[str, ...])
"""When units' offices are open on working days, as ``08:30-12:00``, in order."""
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
SECRECY = Kind("reply.secrecy", bool)
REPLY_BY_HOTLINE = Kind("reply.by_hotline", bool)
RESULT = Kind("audit.tell_result", bool)
AUDIT = Kind("audit.failure", FieldsRule)
SURVEY = Kind("survey", SurveyRule)
FOLLOW_UP = Kind("follow_up", FollowUpRule)
REDO = Kind("redo", RedoRule)
APPEAL = Kind("appeal", FieldsRule)
SUPERVISE = Kind("supervise", SupervisionRule, (_values(Trigger),))
SUBMISSION = Kind("submission", SubmissionRule)
PUBLICATION = Kind("publication", PublicationRule)
ARCHIVE = Kind("archive", ArchiveRule)
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
    "linkage": ("call_transfer", "guide_to_dial", "from_emergency_lines", "emergency_phone"),
    "utilities": ("ticket", "transfer", "authority_report"),
    "merged_numbers": ("voice_prompt",),
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
    OFFICE_HOURS,
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
    SECRECY,
    REPLY_BY_HOTLINE,
    RESULT,
    AUDIT,
    SURVEY,
    FOLLOW_UP,
    REDO,
    APPEAL,
    SUPERVISE,
    SUBMISSION,
    PUBLICATION,
    ARCHIVE,
    PROGRESS,
    ALERT,
    MERGING,
    NOTICE,
    FRESHNESS,
    DUTY,
)
"""Every kind of rule beside those of the emergency, which the running gateway reads by itself."""
