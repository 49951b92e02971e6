"""The words of a regulation (规则用词): categories, urgencies, refusals, stages, periods, triggers of supervision."""

from __future__ import annotations

from enum import Enum

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


OVER = frozenset({Stage.ANSWERED, Stage.REFUSED, Stage.HANDED_OFF, Stage.CLOSED})
"""Stages in which nobody has to do anything for the matter."""


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
    ORDER = "order"


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
