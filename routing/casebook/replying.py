"""The result (答复): the unit reports it, the hotline audits it, closes the ticket or sends it back."""

from __future__ import annotations

from gateway.domain.case import AuditFail, AuditPass, Reply
from gateway.domain.rules import (
    AUDIT,
    FILING,
    FOLLOW_UP,
    REPLY,
    REPLY_BY_HOTLINE,
    RESULT,
    SECRECY,
    SURVEY,
    FollowUpAfter,
    Moment,
    PeriodKind,
    Stage,
    Trigger,
)
from routing.casebook.draft import Draft, require, require_rule, rows_of
from routing.casebook.intake import Surroundings

TWICE = 2
"""How often in a row a reply is sent back before that is a matter of accountability."""


def reply(draft: Draft, command: Reply, around: Surroundings) -> None:
    """The unit reports what was done (办理反馈); what lacks a part that the regulation asks for is not taken."""
    rule, filing = draft.profile.ruling(REPLY), draft.profile.ruling(FILING)
    require_rule(command, rule, draft.case.category)
    require_rule(command, filing, draft.case.category)
    secrecy = draft.profile.ruling(SECRECY)
    if secrecy is not None and around.is_live:
        require(command, ("secrecy_checked_by",), secrecy.rows)
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
    if draft.case.can_be_reached:
        _tell_and_ask(draft, around)


def _tell_and_ask(draft: Draft, around: Surroundings) -> None:
    """Send the result to the petitioner, who is then asked for a grade."""
    draft.begin(Moment.PASSED, since=draft.case.replied_at)
    if (result := draft.profile.ruling(RESULT)) is not None:
        draft.tell("petitioner", "result", result.rows)
        draft.meet(PeriodKind.REPLY_SMS)
    survey, follow_up = draft.profile.ruling(SURVEY), draft.profile.ruling(FOLLOW_UP)
    if survey is not None and draft.case.category not in survey.value.excluded:
        draft.tell("petitioner", "survey", survey.rows, scale=list(survey.value.scale))
        draft.begin(Moment.CLOSED)
    if follow_up is not None and follow_up.value.after is FollowUpAfter.CLOSING:
        draft.follow_up(follow_up, is_drawn=around.is_drawn)


def fail_audit(draft: Draft, command: AuditFail, around: Surroundings) -> None:
    """The hotline sends the reply back; the period goes on from the first receipt (退回继续办理)."""
    rule = draft.profile.ruling(AUDIT)
    require_rule(command, rule, draft.case.category)
    in_row = draft.case.sent_back_in_row + 1
    draft.change(sent_back_in_row=in_row)
    draft.resume(rows_of(rule))
    draft.count("sent_back", rows_of(rule))
    draft.tell("unit", "sent_back", rows_of(rule), reason=command.reason)
    draft.reopen(PeriodKind.HANDLE)
    draft.restate(PeriodKind.HANDLE, rows_of(rule))
    draft.supervise(Trigger.SENT_BACK)
    if in_row >= TWICE:
        draft.supervise(Trigger.SENT_BACK_TWICE)
