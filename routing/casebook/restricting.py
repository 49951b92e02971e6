"""Restricted callers (限制使用热线): who harassed the hotline, until when, and what he says against it."""

from __future__ import annotations

from gateway.domain.case import PeriodState, Restrict, RestrictionAppeal, RestrictionLift, RestrictionUphold
from gateway.domain.profile import Ruling
from gateway.domain.rules import PERIOD, PeriodKind, PeriodRule
from routing.casebook.draft import Denied, Draft, require
from routing.casebook.intake import Surroundings


def restrict(draft: Draft, command: Restrict, around: Surroundings) -> None:
    """The hotline restricts the telephone of a case's petitioner, for as long as the regulation says."""
    rule = _rule(draft)
    require(command, ("reason",), rule.rows)
    if not draft.case.petitioner:
        raise Denied("missing:petitioner", rule.rows)
    draft.give(PeriodKind.RESTRICT_UNTIL, rule.value.span, draft.now, rule.rows)
    draft.change(is_restriction_appealed=False)
    period = draft.case.running(PeriodKind.RESTRICT_UNTIL)
    assert period is not None
    draft.tell("petitioner", "restriction", rule.rows, reason=command.reason, until=period.due)


def appeal(draft: Draft, command: RestrictionAppeal, around: Surroundings) -> None:
    """The petitioner objects."""
    rule = _running(draft)
    require(command, ("text",), rule.rows)
    if draft.case.is_restriction_appealed:
        raise Denied("limit_reached", rule.rows)
    draft.change(is_restriction_appealed=True)
    draft.say("restriction_appealed", rule.rows, text=command.text)
    draft.tell("hotline", "restriction_appeal", rule.rows)


def lift(draft: Draft, command: RestrictionLift, around: Surroundings) -> None:
    """The restriction ends before its day."""
    rule = _running(draft)
    require(command, ("reason",), rule.rows)
    period = draft.case.running(PeriodKind.RESTRICT_UNTIL)
    assert period is not None
    draft.reset(period, state=PeriodState.LIFTED)
    draft.change(is_restriction_appealed=False)
    draft.say("due", rule.rows, kind=PeriodKind.RESTRICT_UNTIL.value, due=None)
    draft.tell("petitioner", "restriction_lifted", rule.rows, reason=command.reason)


def uphold(draft: Draft, command: RestrictionUphold, around: Surroundings) -> None:
    """The restriction stays; whoever objected is told why."""
    rule = _running(draft)
    if not draft.case.is_restriction_appealed:
        raise Denied("not_allowed", rule.rows)
    require(command, ("reason",), rule.rows)
    draft.change(is_restriction_appealed=False)
    draft.tell("petitioner", "restriction_upheld", rule.rows, reason=command.reason)


def _rule(draft: Draft) -> Ruling[PeriodRule]:
    rule = draft.profile.ruling(PERIOD, PeriodKind.RESTRICT_UNTIL.value)
    if rule is None:
        raise Denied("not_allowed")
    return rule


def _running(draft: Draft) -> Ruling[PeriodRule]:
    rule = _rule(draft)
    if draft.case.running(PeriodKind.RESTRICT_UNTIL) is None:
        raise Denied("not_allowed", rule.rows)
    return rule
