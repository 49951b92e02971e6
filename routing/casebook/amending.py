"""Corrections (变更类别、事项): what a matter was taken for turns out to be something else, and its periods with it."""

from __future__ import annotations

from gateway.domain.case import Amend, PeriodState
from gateway.domain.rules import CATEGORY, PERIOD, PeriodKind, Stage
from routing.casebook.draft import Denied, Draft, Rows
from routing.casebook.intake import Surroundings
from routing.deadlines import working_days

_BY_CATEGORY = (PeriodKind.DISPATCH, PeriodKind.SIGN, PeriodKind.RETURN, PeriodKind.CONTACT, PeriodKind.HANDLE)
"""Periods whose length may hang on the category."""


def amend(draft: Draft, command: Amend, around: Surroundings) -> None:
    """Correct category or matter; running periods are those of the right category, from the same instant on."""
    category = command.category or draft.case.category
    ruling = draft.profile.ruling(CATEGORY, category)
    if ruling is None:
        raise Denied("not_allowed", tuple({row.obligation: row for row in draft.profile.category_citations.values()}))
    was = draft.case.category
    draft.change(category=category, matter=command.matter or draft.case.matter)
    draft.say("amended", ruling.rows, was=was, category=category, matter=draft.case.matter)
    if category != was and draft.case.stage is not Stage.REDO:
        for kind in _BY_CATEGORY:
            _give_anew(draft, kind, ruling.rows)


def _give_anew(draft: Draft, kind: PeriodKind, because: Rows) -> None:
    period = draft.case.running(kind)
    if period is None:
        return
    ruling = draft.rule_for(PERIOD, kind.value)
    if ruling is None:
        draft.reset(period, state=PeriodState.LIFTED)
        draft.say("due", because, kind=kind.value, due=None)
    elif (ruling.value.span, ruling.rows) != (period.original, period.rows):
        extended = working_days(period.span) - working_days(period.original)
        draft.give(kind, ruling.value.span, period.since, ruling.rows)
        if extended > 0 and kind is PeriodKind.HANDLE:
            draft.lengthen(kind, extended, ruling.rows)
