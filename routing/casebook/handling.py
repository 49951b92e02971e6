"""The middle of the loop, at the unit: sign, contact, return, extension, urge, append, reply, and its audit."""

from __future__ import annotations

from gateway.domain.case import (
    Append,
    AuditFail,
    AuditPass,
    Contact,
    Extend,
    ExtendAgree,
    ExtendRefuse,
    Period,
    PeriodState,
    Reply,
    Return,
    ReturnAgree,
    ReturnRefuse,
    Sign,
    Urge,
)
from gateway.domain.profile import Ruling
from gateway.domain.rules import (
    APPEND,
    AUDIT,
    CONTACT_AT_ONCE,
    DESIGNATION,
    EXTENSION,
    FILING,
    FOLLOW_UP,
    PERIOD,
    PROGRESS,
    REDO,
    REPLY,
    REPLY_BY_HOTLINE,
    RESULT,
    RETURN,
    SURVEY,
    URGE,
    ExtensionRule,
    FollowUpAfter,
    LateReturn,
    Moment,
    PeriodKind,
    Stage,
    Trigger,
)
from routing.casebook.draft import Denied, Draft, Rows, require, require_rule, rows_of
from routing.casebook.intake import Surroundings, to_unit
from routing.deadlines import working_days


def sign(draft: Draft, command: Sign, around: Surroundings) -> None:
    """The unit confirms that the matter is its own (签收)."""
    draft.enter(Stage.SIGNED)
    rule = draft.profile.ruling(RETURN)
    if rule is not None and rule.value.late is LateReturn.RED_CARD and _is_over(draft, PeriodKind.SIGN):
        draft.say("card", rule.rows, colour="red")
    draft.meet(PeriodKind.SIGN)
    if not draft.case.is_signed:
        draft.change(is_signed=True)
        draft.begin(Moment.SIGNED)
    if at_once := draft.profile.ruling(CONTACT_AT_ONCE):
        draft.tell("unit", "contact_at_once", at_once.rows)


def contact(draft: Draft, command: Contact, around: Surroundings) -> None:
    """The unit has contacted the petitioner (联系诉求人)."""
    period = draft.case.period(PeriodKind.CONTACT)
    draft.say("contacted", period.rows if period else ())
    draft.meet(PeriodKind.CONTACT)


# Returns


def ask_return(draft: Draft, command: Return, around: Surroundings) -> None:
    """The unit asks to give the ticket back (申请退单)."""
    rule = draft.demand(RETURN)
    designation = draft.profile.ruling(DESIGNATION)
    if draft.case.is_designated and designation is not None:
        raise Denied("not_allowed", designation.rows)
    if draft.case.is_return_refused:
        draft.supervise(Trigger.REFUSED_TO_ACCEPT)
        raise Denied("not_allowed", rule.rows)
    require(command, rule.value.fields, rule.rows)
    if _is_over(draft, PeriodKind.RETURN):
        if rule.value.late is LateReturn.DENIED:
            raise Denied("too_late", rule.rows)
        draft.say("card", rule.rows, colour="red")
    draft.change(before=draft.case.stage, pending_since=draft.now)
    draft.enter(Stage.RETURN_PENDING, rule.rows)
    draft.meet(PeriodKind.RETURN, PeriodKind.SIGN)
    if rule.value.pauses and (handle := draft.case.running(PeriodKind.HANDLE)):
        draft.reset(handle, state=PeriodState.PAUSED)


def agree_return(draft: Draft, command: ReturnAgree, around: Surroundings) -> None:
    """The hotline agrees; the next unit's periods begin (同意退单，另行转派)."""
    rule = draft.demand(RETURN)
    require(command, ("to",), rule.rows)
    designation = draft.profile.ruling(DESIGNATION) if command.designated else None
    to_unit(draft, command.to, (), is_designated=command.designated, because=rows_of(rule, designation))


def refuse_return(draft: Draft, command: ReturnRefuse, around: Surroundings) -> None:
    """The hotline does not agree; the unit goes on, with or without the time that the audit took."""
    rule = draft.demand(RETURN)
    require(command, rule.value.refusal_fields, rule.rows)
    resume(draft, rule.rows)
    draft.change(is_return_refused=True)
    draft.tell("unit", "return_refused", rule.rows, reason=command.reason)
    if rule.value.counts:
        draft.count("return", rule.rows)
    handle = draft.case.period(PeriodKind.HANDLE)
    if handle is not None and handle.state is PeriodState.PAUSED:
        paused = draft.case.pending_since or draft.now
        span, since = draft.reckoning.moved(handle.span, handle.since, paused, draft.now)
        draft.give(PeriodKind.HANDLE, span, since, rule.rows, original=handle.original)
    else:
        draft.restate(PeriodKind.HANDLE, rule.rows)


def resume(draft: Draft, rows: Rows) -> None:
    """Go back to the stage that a request interrupted."""
    stage = draft.case.before or Stage.DISPATCHED
    draft.enter(stage, rows)
    draft.change(before=None)


# Extensions


def extend(draft: Draft, command: Extend, around: Surroundings) -> None:
    """The unit asks for more time (申请延期)."""
    rule = draft.demand(EXTENSION)
    handle = draft.case.period(PeriodKind.HANDLE)
    if handle is None:
        raise Denied("not_allowed", rule.rows)
    redo = draft.profile.ruling(REDO)
    if draft.case.stage is Stage.REDO and redo is not None and not redo.value.extends:
        raise Denied("not_allowed", redo.rows)
    if draft.case.urgency in rule.value.never_for:
        raise Denied("not_allowed", rows_of(rule, draft.rule_for(PERIOD, PeriodKind.HANDLE.value)))
    require(command, rule.value.fields, rule.rows)
    most = most_days(draft, rule, handle)
    if most < 1:
        raise Denied("limit_reached", rule.rows)
    if draft.now > draft.reckoning.filing_limit(handle.due, rule.value.filing):
        raise Denied("too_late", rule.rows)
    days = most if command.days is None else command.days
    if not 1 <= days <= most:
        raise Denied("limit_reached", rule.rows)
    draft.change(before=draft.case.stage, asked_days=days)
    draft.enter(Stage.EXTENSION_PENDING, rule.rows, days=days)


def most_days(draft: Draft, rule: Ruling[ExtensionRule], handle: Period) -> int:
    """Return how many working days the next extension of *handle* may have; 0 if there can be none."""
    times, whole = rule.value.times, rule.value.whole
    if times is not None and draft.case.counted("extension") >= times:
        return 0
    if whole is not None:
        return working_days(whole) - working_days(handle.span)
    original = working_days(handle.original) or 1
    return original if times is not None else original - (working_days(handle.span) - working_days(handle.original))


def agree_extension(draft: Draft, command: ExtendAgree, around: Surroundings) -> None:
    """The extension is granted, and everybody concerned is told (同意延期)."""
    rule = draft.demand(EXTENSION)
    resume(draft, rule.rows)
    draft.count("extension", rule.rows)
    draft.lengthen(PeriodKind.HANDLE, draft.case.asked_days, rule.rows)
    for who in rule.value.tell:
        draft.tell(who, "extension", rule.rows)


def refuse_extension(draft: Draft, command: ExtendRefuse, around: Surroundings) -> None:
    """The extension is not granted; the unit goes on (不同意延期)."""
    rule = draft.demand(EXTENSION)
    require(command, rule.value.refusal_fields, rule.rows)
    resume(draft, rule.rows)
    draft.tell("unit", "extension_refused", rule.rows, reason=command.reason)
    draft.restate(PeriodKind.HANDLE, rule.rows)


# Urge and append


def urge(draft: Draft, command: Urge, around: Surroundings) -> None:
    """The petitioner urges: counted on the ticket, told to the unit, and how it stands to the petitioner (催办)."""
    rule, progress = draft.profile.ruling(URGE), draft.profile.ruling(PROGRESS)
    draft.count("urge", rows_of(rule))
    if draft.case.unit:
        draft.tell("unit", "urge", rows_of(rule))
    if progress is not None:
        draft.tell("petitioner", "progress", progress.rows)


def append(draft: Draft, command: Append, around: Surroundings) -> None:
    """The petitioner changes or adds content (追加): the period may start anew, or a new ticket be opened."""
    rule = draft.profile.ruling(APPEND)
    rows = rows_of(rule)
    is_closed = draft.case.stage in (Stage.CLOSED, Stage.ANSWERED)
    is_late = is_closed or _is_over(draft, PeriodKind.HANDLE)
    if is_closed or (is_late and rule is not None and rule.value.opens_when_late):
        draft.change(opened=draft.case.opened + 1)
        draft.say("open", rows, **{"as": f"{draft.case.id}+{draft.case.opened}"})
        return
    draft.say("appended", rows, text=command.text)
    if draft.case.unit:
        draft.tell("unit", "append", rows)
    if rule is None or not rule.value.restarts:
        return
    if draft.case.stage is Stage.ACCEPTED:
        draft.begin(Moment.ACCEPTED)
        return
    if draft.case.stage is Stage.REPLIED:
        resume(draft, rows)
    if handle := draft.case.period(PeriodKind.HANDLE):
        draft.give(PeriodKind.HANDLE, handle.original, draft.now, rows)


# Reply and audit


def reply(draft: Draft, command: Reply, around: Surroundings) -> None:
    """The unit reports what was done (办理反馈); what lacks a part that the regulation asks for is not taken."""
    rule, filing = draft.profile.ruling(REPLY), draft.profile.ruling(FILING)
    require_rule(command, rule, draft.case.category)
    require_rule(command, filing, draft.case.category)
    before = draft.case.before if draft.case.stage is Stage.EXTENSION_PENDING else draft.case.stage
    draft.change(before=before, replied_at=draft.now)
    draft.meet(PeriodKind.HANDLE, PeriodKind.CONTACT, PeriodKind.SIGN, PeriodKind.RETURN, PeriodKind.PHONE_UNIT)
    draft.enter(Stage.REPLIED, rows_of(rule))
    by_hotline = draft.profile.ruling(REPLY_BY_HOTLINE)
    if by_hotline is not None and not command.told_petitioner:
        draft.tell("petitioner", "result", by_hotline.rows)


def pass_audit(draft: Draft, command: AuditPass, around: Surroundings) -> None:
    """The hotline accepts the reply: the ticket is closed, the result sent, the petitioner asked (办结)."""
    draft.change(sent_back_in_row=0, before=None, grade="", is_unsatisfied=False, is_redo_requested=False)
    draft.enter(Stage.CLOSED)
    draft.begin(Moment.PASSED, since=draft.case.replied_at)
    if (result := draft.profile.ruling(RESULT)) is not None and draft.case.can_be_reached:
        draft.tell("petitioner", "result", result.rows)
        draft.meet(PeriodKind.REPLY_SMS)
    survey = draft.profile.ruling(SURVEY)
    if survey is not None and draft.case.can_be_reached and draft.case.category not in survey.value.excluded:
        draft.tell("petitioner", "survey", survey.rows, scale=list(survey.value.scale))
        draft.begin(Moment.CLOSED)
    follow_up = draft.profile.ruling(FOLLOW_UP)
    if follow_up is not None and follow_up.value.after is FollowUpAfter.CLOSING:
        draft.follow_up(follow_up)


def fail_audit(draft: Draft, command: AuditFail, around: Surroundings) -> None:
    """The hotline sends the reply back; the period goes on from the first receipt (退回继续办理)."""
    rule = draft.profile.ruling(AUDIT)
    require_rule(command, rule, draft.case.category)
    in_row = draft.case.sent_back_in_row + 1
    draft.change(sent_back_in_row=in_row)
    resume(draft, rows_of(rule))
    draft.count("sent_back", rows_of(rule))
    draft.tell("unit", "sent_back", rows_of(rule), reason=command.reason)
    draft.reopen(PeriodKind.HANDLE)
    draft.restate(PeriodKind.HANDLE, rows_of(rule))
    draft.supervise(Trigger.SENT_BACK)
    if in_row >= TWICE:
        draft.supervise(Trigger.SENT_BACK_TWICE)


TWICE = 2
"""How often in a row a reply is sent back before that is a matter of accountability."""


def _is_over(draft: Draft, kind: PeriodKind) -> bool:
    """Say whether the latest period of *kind* has ended, whatever became of it."""
    period = draft.case.period(kind)
    return period is not None and draft.now > period.due
