"""At the unit (办理): it signs and contacts the petitioner, who meanwhile urges or adds."""

from __future__ import annotations

from gateway.domain.case import Append, Contact, Sign, Urge
from gateway.domain.rules import APPEND, CONTACT_AT_ONCE, PROGRESS, RETURN, URGE, LateReturn, Moment, PeriodKind, Stage
from routing.casebook.draft import Draft, rows_of
from routing.casebook.intake import Surroundings


def sign(draft: Draft, command: Sign, around: Surroundings) -> None:
    """The unit confirms that the matter is its own (签收)."""
    draft.enter(Stage.SIGNED)
    rule = draft.profile.ruling(RETURN)
    if rule is not None and rule.value.late is LateReturn.RED_CARD and draft.is_over(PeriodKind.SIGN):
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
    is_late = is_closed or draft.is_over(PeriodKind.HANDLE)
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
        draft.resume(rows)
    if handle := draft.case.period(PeriodKind.HANDLE):
        draft.give(PeriodKind.HANDLE, handle.original, draft.now, rows)
