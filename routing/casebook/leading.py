"""Above the unit (督促): leaders who instruct (呈办), orders (督办单), designation after a dispute, the unit above."""

from __future__ import annotations

from gateway.domain.case import Designate, Endorse, Instruct, Order, OrderReply, Submit
from gateway.domain.rules import (
    DESIGNATION,
    ONWARD,
    SUBMISSION,
    SUPERVISE,
    PeriodKind,
    Span,
    SpanUnit,
    Stage,
)
from routing.casebook.draft import Denied, Draft, require, rows_of
from routing.casebook.intake import Surroundings, to_unit


def submit(draft: Draft, command: Submit, around: Surroundings) -> None:
    """The hotline lays the matter before a leader, with what it proposes (呈办)."""
    rule = draft.demand(SUBMISSION)
    if draft.case.is_submitted:
        raise Denied("limit_reached", rule.rows)
    require(command, rule.value.fields, rule.rows)
    draft.change(is_submitted=True)
    draft.say("submitted", rule.rows, leader=command.leader, opinion=command.opinion)
    draft.tell("leader", "submission", rule.rows)


def instruct(draft: Draft, command: Instruct, around: Surroundings) -> None:
    """The leader's instruction has come back: the unit that has the case, or will have it, acts on it (批示)."""
    rule = draft.demand(SUBMISSION)
    if not draft.case.is_submitted:
        raise Denied("not_allowed", rule.rows)
    require(command, rule.value.instruction_fields, rule.rows)
    draft.change(is_submitted=False, is_instructed=True)
    draft.say("instructed", rule.rows, leader=command.leader, text=command.text)
    draft.tell("unit" if draft.case.unit else "hotline", "leaders_instruction", rule.rows)


def order(draft: Draft, command: Order, around: Surroundings) -> None:
    """The hotline orders the unit to act, in a form that the regulation names for the occasion."""
    rule = draft.profile.ruling(SUPERVISE, command.trigger.value)
    if rule is None:
        known = [ruling for key, ruling in draft.profile.rules.items() if key.startswith(f"{SUPERVISE.name}.")]
        raise Denied("not_allowed", rows_of(*known))
    require(command, ("form", "reason"), rule.rows)
    if rule.value.forms and command.form not in rule.value.forms:
        raise Denied("not_allowed", rule.rows)
    draft.count("order", rule.rows)
    number = draft.case.counted("order")
    draft.say("ordered", rule.rows, trigger=command.trigger.value, form=command.form, n=number, reason=command.reason)
    answered_by = {}
    if command.days is not None:
        draft.give(PeriodKind.ORDER, Span(command.days, SpanUnit.WORKING_DAYS), draft.now, rule.rows)
        if (period := draft.case.running(PeriodKind.ORDER)) is not None:
            answered_by = {"due": period.due}
    draft.tell("unit", command.form, rule.rows, reason=command.reason, **answered_by)


def reply_to_order(draft: Draft, command: OrderReply, around: Surroundings) -> None:
    """The unit answers the latest order; late is better than never."""
    period = draft.case.period(PeriodKind.ORDER)
    if not draft.case.counted("order"):
        raise Denied("not_allowed")
    rows = period.rows if period else ()
    require(command, ("text",), rows)
    draft.meet(PeriodKind.ORDER)
    draft.say("order_answered", rows, n=draft.case.counted("order"), text=command.text)
    draft.tell("hotline", "order_answered", rows)


def designate(draft: Draft, command: Designate, around: Surroundings) -> None:
    """A dispute is settled: the unit so named has it and may not return it (指定承办)."""
    rule = draft.demand(DESIGNATION)
    require(command, ("to", "decided_by", "reason"), rule.rows)
    draft.say("designated", rule.rows, to=command.to, decided_by=command.decided_by, reason=command.reason)
    to_unit(draft, command.to, command.assist, is_designated=True, because=rule.rows)


def endorse(draft: Draft, command: Endorse, around: Surroundings) -> None:
    """The unit above has audited what its own unit reported."""
    rule = draft.demand(ONWARD)
    if draft.case.stage is not Stage.REPLIED:
        raise draft.wrong_stage()
    draft.say("endorsed", rule.rows)
    draft.tell("hotline", "endorsed", rule.rows)
