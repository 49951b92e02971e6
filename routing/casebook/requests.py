"""What a unit asks of the hotline, and the hotline decides: to give a ticket back (退单), to have more time (延期)."""

from __future__ import annotations

from gateway.domain.case import (
    Extend,
    ExtendAgree,
    ExtendRefuse,
    Period,
    PeriodState,
    Return,
    ReturnAgree,
    ReturnRefuse,
)
from gateway.domain.profile import Ruling
from gateway.domain.rules import (
    DESIGNATION,
    EXTENSION,
    PERIOD,
    REDO,
    RETURN,
    ExtensionRule,
    LateReturn,
    PeriodKind,
    Stage,
    Trigger,
)
from routing.casebook.draft import Denied, Draft, require, rows_of
from routing.casebook.intake import Surroundings, to_unit
from routing.deadlines import working_days


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
    if draft.is_over(PeriodKind.RETURN):
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
    draft.resume(rule.rows)
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
    if most < 1 and not (rule.value.longer_if_signed and command.signed_by and command.days):
        raise Denied("limit_reached", rule.rows)
    if draft.now > draft.reckoning.filing_limit(handle.due, rule.value.filing):
        raise Denied("too_late", rule.rows)
    days = most if command.days is None else command.days
    is_signed = rule.value.longer_if_signed and bool(command.signed_by)
    if not days >= 1 or (days > most and not is_signed):
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
    draft.resume(rule.rows)
    draft.count("extension", rule.rows)
    draft.lengthen(PeriodKind.HANDLE, draft.case.asked_days, rule.rows)
    for who in rule.value.tell:
        draft.tell(who, "extension", rule.rows)


def refuse_extension(draft: Draft, command: ExtendRefuse, around: Surroundings) -> None:
    """The extension is not granted; the unit goes on (不同意延期)."""
    rule = draft.demand(EXTENSION)
    require(command, rule.value.refusal_fields, rule.rows)
    draft.resume(rule.rows)
    draft.tell("unit", "extension_refused", rule.rows, reason=command.reason)
    draft.restate(PeriodKind.HANDLE, rule.rows)
