"""The end of the loop: grade, follow-up, redo, appeal, and supervision by hand."""

from __future__ import annotations

from gateway.domain.case import (
    Appeal,
    AppealAnswer,
    FollowUp,
    FollowUpFailed,
    Grade,
    Period,
    PeriodState,
    RedoAgree,
    RedoRefuse,
    RedoRequest,
    Supervise,
)
from gateway.domain.profile import Ruling
from gateway.domain.rules import (
    APPEAL,
    DUTY,
    FOLLOW_UP,
    PERIOD,
    PUBLICATION,
    REDO,
    SUPERVISE,
    SURVEY,
    FollowUpAfter,
    Moment,
    PeriodKind,
    RedoRule,
    RedoStart,
    Stage,
    Trigger,
)
from routing.casebook.draft import Denied, Draft, Rows, require, rows_of
from routing.casebook.intake import Surroundings
from routing.casebook.publishing import take_back
from routing.deadlines import of_length


def grade(draft: Draft, command: Grade, around: Surroundings) -> None:
    """The petitioner grades (评价)."""
    survey = draft.demand(SURVEY)
    if draft.case.category in survey.value.excluded:
        raise Denied("not_allowed", survey.rows)
    if draft.case.grade:
        period = draft.case.period(PeriodKind.SURVEY)
        is_late = period is not None and period.state is PeriodState.MISSED
        raise Denied("too_late" if is_late else "limit_reached", survey.rows)
    if command.grade not in survey.value.scale:
        raise Denied("not_allowed", survey.rows)
    service = {}
    if command.service:
        if not survey.value.grades_service or command.service not in survey.value.scale:
            raise Denied("not_allowed", survey.rows)
        service = {"service": command.service}
    draft.meet(PeriodKind.SURVEY)
    settle_grade(draft, command.grade, "petitioner", survey.rows, **service)


def settle_grade(draft: Draft, word: str, by: str, rows: Rows, **details: str) -> None:
    """Write a grade down and begin what it calls for."""
    survey, redo = draft.profile.ruling(SURVEY), draft.profile.ruling(REDO)
    is_unsatisfied = survey is not None and word in survey.value.unsatisfied and draft.case.stage is Stage.CLOSED
    second = draft.case.counted("redo") > 0
    can_redo = redo_is_left(draft, redo)
    draft.change(grade=word, is_unsatisfied=is_unsatisfied, is_followed_up=False)
    stands = rows_of(redo) if second else ()
    draft.say("grade", (*rows, *stands), grade=word, final=not (is_unsatisfied and can_redo), by=by, **details)
    if not is_unsatisfied:
        return
    draft.begin(Moment.UNSATISFIED)
    if second:
        draft.supervise(Trigger.REDO_UNSATISFIED)
    follow_up = draft.profile.ruling(FOLLOW_UP)
    called_for = (FollowUpAfter.UNSATISFIED, *((FollowUpAfter.SECOND_UNSATISFIED,) if second else ()))
    if follow_up is not None and follow_up.value.after in called_for:
        draft.follow_up(follow_up)
    if redo is not None and redo.value.start is RedoStart.GRADE and can_redo:
        send_back(draft, redo)


def follow_up_failed(draft: Draft, command: FollowUpFailed, around: Surroundings) -> None:
    """The petitioner could not be reached (回访未接通)."""
    rule = draft.demand(FOLLOW_UP)
    if not draft.case.is_followed_up:
        ended = draft.case.counted("follow_up") > 0
        raise Denied("limit_reached" if ended else "not_allowed", rule.rows)
    draft.count("follow_up", rule.rows)
    if draft.case.counted("follow_up") == rule.value.attempts:
        draft.change(is_followed_up=False)
        draft.say("follow_up_ended", rule.rows)


def redo_is_left(draft: Draft, redo: Ruling[RedoRule] | None) -> bool:
    """Say whether the case may be done again once more."""
    return redo is not None and (redo.value.times is None or draft.case.counted("redo") < redo.value.times)


def request_redo(draft: Draft, command: RedoRequest, around: Surroundings) -> None:
    """The petitioner wants it done again (要求重办)."""
    redo = _redo_of_unsatisfied(draft)
    draft.change(is_redo_requested=True)
    draft.tell("hotline", "redo_request", redo.rows)


def agree_redo(draft: Draft, command: RedoAgree, around: Surroundings) -> None:
    """The hotline sends the case back to be done again (同意重办)."""
    redo = _redo_of_unsatisfied(draft)
    if redo.value.start is RedoStart.REQUEST and not draft.case.is_redo_requested:
        raise Denied("not_allowed", redo.rows)
    send_back(draft, redo)


def refuse_redo(draft: Draft, command: RedoRefuse, around: Surroundings) -> None:
    """The hotline does not send it back; the petitioner is told (不同意重办)."""
    redo = draft.demand(REDO)
    if not draft.case.is_redo_requested:
        raise Denied("not_allowed", redo.rows)
    draft.change(is_redo_requested=False)
    draft.tell("petitioner", "redo_refused", redo.rows)


def send_back(draft: Draft, redo: Ruling[RedoRule]) -> None:
    """Start a redo with the period that the rule gives it."""
    draft.change(is_redo_requested=False, is_followed_up=False, counts={**draft.case.counts, "extension": 0})
    take_back(draft, rows_of(draft.profile.ruling(PUBLICATION)))
    draft.enter(Stage.REDO, redo.rows)
    draft.count("redo", redo.rows)
    draft.tell("unit", "redo", redo.rows)
    if handle := draft.rule_for(PERIOD, PeriodKind.HANDLE.value):
        span = redo.value.span or of_length(handle.value.span, redo.value.length)
        draft.give(PeriodKind.HANDLE, span, draft.now, redo.rows)
    draft.supervise(Trigger.SENT_BACK)


def appeal(draft: Draft, command: Appeal, around: Surroundings) -> None:
    """The unit contests the grade (申诉)."""
    rule = draft.demand(APPEAL)
    period: Period | None = draft.case.period(PeriodKind.APPEAL)
    asks_for_period = draft.profile.ruling(PERIOD, PeriodKind.APPEAL.value) is not None
    if asks_for_period and period is None:
        raise Denied("not_allowed", rule.rows)
    require(command, rule.value.fields, rule.rows)
    if period is not None and draft.now > period.due:
        raise Denied("too_late", rule.rows)
    draft.meet(PeriodKind.APPEAL)
    draft.change(is_appealed=True)
    draft.say("appealed", rule.rows)
    draft.tell("hotline", "appeal", rule.rows)


def answer_appeal(draft: Draft, command: AppealAnswer, around: Surroundings) -> None:
    """The hotline has looked into the appeal: a granted one frees the unit from the grade (申诉核实反馈)."""
    rule = draft.demand(APPEAL)
    if not draft.case.is_appealed:
        raise Denied("not_allowed", rule.rows)
    require(command, ("reason",), rule.rows)
    rows = rows_of(rule, draft.profile.ruling(DUTY, "judgement"))
    draft.change(is_appealed=False, is_grade_excused=command.granted)
    draft.say("appeal_answered", rows, granted=command.granted, reason=command.reason)
    draft.tell("unit", "appeal_answered", rows, reason=command.reason)


def follow_up(draft: Draft, command: FollowUp, around: Surroundings) -> None:
    """The petitioner was reached (回访): a reply that does not tell the truth is a matter of accountability."""
    rule = draft.demand(FOLLOW_UP)
    require(command, ("outcome",), rule.rows)
    draft.change(is_followed_up=False)
    draft.say("followed_up", rule.rows, outcome=command.outcome, as_reported=command.as_reported)
    if not command.as_reported:
        draft.supervise(Trigger.FALSE_REPLY)


def supervise(draft: Draft, command: Supervise, around: Surroundings) -> None:
    """The hotline puts a case under supervision by hand (督办)."""
    rule = draft.profile.ruling(SUPERVISE, command.trigger.value)
    if rule is None or not rule.value.by_hand:
        raise Denied("not_allowed", rows_of(rule))
    draft.supervise(command.trigger)


def _redo_of_unsatisfied(draft: Draft) -> Ruling[RedoRule]:
    redo = draft.demand(REDO)
    if not redo_is_left(draft, redo):
        raise Denied("limit_reached", redo.rows)
    if not draft.case.is_unsatisfied:
        raise Denied("not_allowed", redo.rows)
    return redo
