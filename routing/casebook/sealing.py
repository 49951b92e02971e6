"""The archive (归档): a case that is over, and that nobody can reopen any more, is sealed."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.case import Archive, Case, Publication
from gateway.domain.profile import Ruling
from gateway.domain.rules import ARCHIVE, ArchiveRule, PeriodKind
from routing.casebook.draft import Denied, Draft
from routing.casebook.intake import Surroundings
from routing.deadlines import Reckoning

_PENDING = (PeriodKind.SURVEY, PeriodKind.APPEAL, PeriodKind.ORDER, PeriodKind.REPLY_SMS)


def archive(draft: Draft, command: Archive, around: Surroundings) -> None:
    """Seal the case: from now on it only opens new ones."""
    rule = draft.demand(ARCHIVE)
    if _waits(draft.case):
        raise Denied("not_allowed", rule.rows)
    if draft.now < _ripe_at(draft, rule):
        raise Denied("too_early", rule.rows)
    seal(draft)


def due(draft: Draft) -> datetime | None:
    """Return when the case goes into the archive by itself; None while it cannot."""
    rule, case = draft.profile.ruling(ARCHIVE), draft.case
    if rule is None or case.archived_at is not None or case.over_at is None or _waits(case):
        return None
    ends = [period.due for period in case.periods if period.kind in _PENDING]
    return max((_ripe_at(draft, rule), *ends))


def seal(draft: Draft) -> None:
    """Put the case into the archive."""
    rule = draft.demand(ARCHIVE)
    draft.change(archived_at=draft.now, is_followed_up=False)
    years = rule.value.years
    kept = {"keep_until": _years_on(draft.reckoning, draft.now, years)} if years is not None else {}
    draft.say("archived", rule.rows, contents=[part.value for part in rule.value.contents], **kept)


def _waits(case: Case) -> bool:
    pending = any(case.running(kind) for kind in _PENDING)
    return pending or case.is_redo_requested or case.is_appealed or case.publication is Publication.ASKED


def _ripe_at(draft: Draft, rule: Ruling[ArchiveRule]) -> datetime:
    return draft.reckoning.deadline(rule.value.after, draft.case.over_at or draft.case.received_at).at


def is_sealed(case: Case | None) -> bool:
    """Say whether the case is in the archive."""
    return case is not None and case.archived_at is not None


def _years_on(reckoning: Reckoning, at: datetime, years: int) -> datetime:
    """Return the end of the last day of the *years*-th calendar year after the one in which the case was archived."""
    local = at.astimezone(reckoning.zone)
    return local.replace(year=local.year + years + 1, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
