"""What the clock alone brings (到时): cards, supervision of what is overdue, a grade by default, a missed period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from gateway.domain.case import Period, PeriodState
from gateway.domain.rules import ALERT, CARDS, RETURN, SURVEY, PeriodKind, Trigger
from routing.casebook import sealing
from routing.casebook.draft import Draft, rows_of
from routing.casebook.judging import settle_grade

_MERELY_ENDS = (PeriodKind.APPEAL, PeriodKind.RESTRICT_UNTIL)


class Event(NamedTuple):
    """The next thing that the clock brings to a period: its yellow card, or its end; without a period, the archive."""

    at: datetime
    is_warning: bool
    period: Period | None


def next_event(draft: Draft) -> Event | None:
    """Return what the clock brings to the case next; of two at one instant the warning first."""
    return min(_events(draft), key=lambda event: (event.at, not event.is_warning), default=None)


def _events(draft: Draft) -> Iterator[Event]:
    cards = draft.profile.ruling(CARDS)
    for period in draft.case.periods:
        if period.state is PeriodState.RUNNING:
            if cards is not None and period.kind is PeriodKind.HANDLE and not period.warned:
                shows = draft.reckoning.yellow_from(period.due, cards.value.yellow)
                yield Event(max(shows, period.live_from), True, period)
            yield Event(max(period.due, period.live_from), False, period)
    if draft.seals and (sealed_at := sealing.due(draft)) is not None:
        yield Event(sealed_at, False, None)


def bring(draft: Draft, event: Event) -> None:
    """Let *event* happen. `draft.now` is its instant."""
    period = event.period
    if period is None:
        sealing.seal(draft)
        return
    if event.is_warning:
        cards = draft.profile.ruling(CARDS)
        draft.reset(period, warned=True)
        draft.say("card", rows_of(cards), colour="yellow")
        draft.supervise(Trigger.NEAR_DUE)
        return
    draft.reset(period, state=PeriodState.MISSED)
    match period.kind:
        case PeriodKind.HANDLE:
            _overdue(draft, period)
        case PeriodKind.SURVEY:
            survey = draft.profile.ruling(SURVEY)
            if survey is not None and survey.value.default is not None:
                settle_grade(draft, survey.value.default, "default", survey.rows)
        case PeriodKind.RETURN:
            rule = draft.profile.ruling(RETURN)
            if rule is not None and rule.value.deems_accepted:
                draft.say("deemed_accepted", rule.rows)
        case kind if kind not in _MERELY_ENDS:
            _missed(draft, period)


def _overdue(draft: Draft, period: Period) -> None:
    cards = draft.profile.ruling(CARDS)
    if cards is not None:
        draft.say("card", cards.rows, colour="red")
    draft.supervise(Trigger.OVERDUE, always=rows_of(cards) or period.rows)
    if draft.case.is_designated:
        draft.supervise(Trigger.RULED_UNDONE)
    _missed(draft, period)


def _missed(draft: Draft, period: Period) -> None:
    rows = tuple(dict.fromkeys((*period.rows, *rows_of(draft.profile.ruling(ALERT)))))
    draft.say("missed", rows, kind=period.kind.value)
