"""The archive (归档): a case that is over, and that nobody can reopen any more, is sealed."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.case import Archive, Case
from gateway.domain.rules import ARCHIVE, PeriodKind
from routing.casebook.draft import Denied, Draft
from routing.casebook.intake import Surroundings
from routing.deadlines import Reckoning

_PENDING = (PeriodKind.SURVEY, PeriodKind.APPEAL, PeriodKind.ORDER, PeriodKind.REPLY_SMS)


def archive(draft: Draft, command: Archive, around: Surroundings) -> None:
    """Seal the case: from now on it only opens new ones."""
    rule, case = draft.demand(ARCHIVE), draft.case
    if any(case.running(kind) for kind in _PENDING) or case.is_redo_requested or case.is_appealed:
        raise Denied("not_allowed", rule.rows)
    over_at = case.over_at or case.received_at
    if draft.now < draft.reckoning.deadline(rule.value.after, over_at).at:
        raise Denied("too_early", rule.rows)
    draft.change(archived_at=draft.now, is_followed_up=False)
    years = rule.value.years
    kept = {"keep_until": _years_on(draft.reckoning, draft.now, years)} if years is not None else {}
    draft.say("archived", rule.rows, contents=[part.value for part in rule.value.contents], **kept)


def is_sealed(case: Case | None) -> bool:
    """Say whether the case is in the archive."""
    return case is not None and case.archived_at is not None


def _years_on(reckoning: Reckoning, at: datetime, years: int) -> datetime:
    """Return the end of the last day of the *years*-th calendar year after the one in which the case was archived."""
    local = at.astimezone(reckoning.zone)
    return local.replace(year=local.year + years + 1, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
