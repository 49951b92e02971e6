"""Tallies (统计): figures of many cases, one case after another. Pure; the reports' arithmetic and nothing else."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo

from gateway.domain.case import Case, Period, PeriodState
from gateway.domain.profile import Profile
from gateway.domain.report import ClauseFigures, HardCase, MatterFigures, UnitFigures
from gateway.domain.rules import SUPERVISE, SURVEY, PeriodKind, Stage, Trigger
from routing.deadlines import elapsed

LOW = 0.8
"""A rate below which a unit is called low; no regulation gives a number, this one is ours."""
MANY_OVERDUE = 3
"""How many overdue tickets are many, likewise."""
LAST = 3
"""How many units at the end of the ranking are named (CF-21)."""
HOT = 20
"""Matters that a report lists."""
_RESPONSES = (PeriodKind.SIGN, PeriodKind.CONTACT)


@dataclass(slots=True)
class Tally:
    """The figures so far. Cases come in order of receipt, the newest first."""

    zone: tzinfo
    received: int = 0
    by_stage: Counter[str] = field(default_factory=Counter)
    by_category: Counter[str] = field(default_factory=Counter)
    by_day: Counter[date] = field(default_factory=Counter)
    triggers: Counter[str] = field(default_factory=Counter)
    matters: Counter[str] = field(default_factory=Counter)
    units: dict[str, UnitFigures] = field(default_factory=dict)
    clauses: dict[tuple[str, PeriodKind], ClauseFigures] = field(default_factory=dict)
    hard: list[HardCase] = field(default_factory=list)
    bursts: set[str] = field(default_factory=set)
    _lately: dict[str, deque[datetime]] = field(default_factory=dict)

    def add(self, case: Case, profile: Profile) -> None:
        """Count one case, which stands under *profile*."""
        self.received += 1
        self.by_stage[case.stage.value] += 1
        self.by_category[case.category] += 1
        self.by_day[case.received_at.astimezone(self.zone).date()] += 1
        self.triggers.update(trigger.value for trigger in case.supervised)
        if case.matter:
            self.matters[case.matter] += 1
            self._look_for_burst(case, profile)
        for period in case.periods:
            self._add_period(period)
        if case.unit:
            known = self.units.get(case.unit, UnitFigures(unit=case.unit))
            self.units[case.unit] = with_case(known, case, profile)
        if why := tuple(_why_hard(case)):
            self.hard.append(HardCase(id=case.id, unit=case.unit, matter=case.matter, why=why))

    def hot(self, before: Counter[str]) -> tuple[MatterFigures, ...]:
        """Return the matters that came most often, and all bursts, beside how often they came in the days before."""
        named = dict.fromkeys((*(matter for matter, _ in self.matters.most_common(HOT)), *sorted(self.bursts)))
        return tuple(
            MatterFigures(
                matter=matter, tickets=self.matters[matter], before=before[matter], is_burst=matter in self.bursts
            )
            for matter in named
        )

    def _add_period(self, period: Period) -> None:
        if period.state not in (PeriodState.MET, PeriodState.MISSED) or not period.rows:
            return
        key = (period.rows[0], period.kind)
        known = self.clauses.get(key, ClauseFigures(row=key[0], kind=key[1]))
        self.clauses[key] = replace(
            known,
            given=known.given + 1,
            met=known.met + (period.state is PeriodState.MET),
            missed=known.missed + (period.state is PeriodState.MISSED),
        )

    def _look_for_burst(self, case: Case, profile: Profile) -> None:
        rule = profile.ruling(SUPERVISE, Trigger.BURST.value)
        if rule is None or rule.value.tickets is None or rule.value.within is None:
            return
        lately = self._lately.setdefault(case.matter, deque())
        lately.append(case.received_at)
        while lately[0] - case.received_at > elapsed(rule.value.within):
            lately.popleft()
        if len(lately) >= rule.value.tickets:
            self.bursts.add(case.matter)


def with_case(figures: UnitFigures, case: Case, profile: Profile) -> UnitFigures:
    """Return a unit's figures with one more case."""
    handled = [period.state for period in case.periods if period.kind is PeriodKind.HANDLE]
    is_overdue = PeriodState.MISSED in handled
    timeliness = figures.timeliness
    if is_overdue or PeriodState.MET in handled:
        timeliness = timeliness.plus(not is_overdue)
    survey = profile.ruling(SURVEY)
    is_unsatisfied = survey is not None and case.grade in survey.value.unsatisfied
    is_closed = case.stage is Stage.CLOSED
    satisfaction = figures.satisfaction
    if case.grade and not case.is_grade_excused:
        satisfaction = satisfaction.plus(not is_unsatisfied)
    late = any(period.kind in _RESPONSES and period.state is PeriodState.MISSED for period in case.periods)
    return replace(
        figures,
        tickets=figures.tickets + 1,
        closed=figures.closed + is_closed,
        overdue=figures.overdue + is_overdue,
        returns=figures.returns + case.counted("return"),
        redos=figures.redos + case.counted("redo"),
        orders=figures.orders + case.counted("order"),
        response=figures.response.plus((case.is_signed or case.replied_at is not None) and not late),
        timeliness=timeliness,
        resolution=figures.resolution.plus(not is_unsatisfied) if is_closed else figures.resolution,
        satisfaction=satisfaction,
    )


def ranked(units: Iterable[UnitFigures], rates: Iterable[str]) -> tuple[UnitFigures, ...]:
    """Return the units with score and rank by the mean of *rates*, the best first; equal scores share a rank."""
    named = [rate for rate in rates if rate in UnitFigures.__dataclass_fields__]
    scored = [replace(figures, score=_score(figures, named)) for figures in units]
    scored.sort(key=lambda each: (each.score is None, -(each.score or 0.0), each.unit))
    result: list[UnitFigures] = []
    for place, each in enumerate(scored, start=1):
        is_equal = bool(result) and result[-1].score == each.score
        rank = result[-1].rank if is_equal else place
        result.append(replace(each, rank=rank if each.score is not None else None))
    return tuple(result)


def last_of(units: Iterable[UnitFigures]) -> frozenset[str]:
    """Return the last three of a ranking; nobody is last among three or fewer."""
    placed = [figures.unit for figures in units if figures.rank is not None]
    return frozenset(placed[-LAST:]) if len(placed) > LAST else frozenset()


def called_for(figures: UnitFigures, profile: Profile, rates: Iterable[str]) -> tuple[str, ...]:
    """Return the triggers of supervision that a unit's figures give, as far as the regulation knows them."""
    named = [
        getattr(figures, rate) for rate in rates if rate in UnitFigures.__dataclass_fields__ and rate != "knowledge"
    ]
    is_low = any(rate.share is not None and rate.share < LOW for rate in named)
    triggers: Mapping[Trigger, bool] = {
        Trigger.UNIT_RATES: is_low or figures.overdue >= MANY_OVERDUE,
        Trigger.KNOWLEDGE: figures.knowledge.part < figures.knowledge.whole,
    }
    return tuple(
        trigger.value for trigger, holds in triggers.items() if holds and profile.ruling(SUPERVISE, trigger.value)
    )


def _score(figures: UnitFigures, rates: list[str]) -> float | None:
    shares = [share for rate in rates if (share := getattr(figures, rate).share) is not None]
    return round(100 * sum(shares) / len(shares), 2) if shares else None


def _why_hard(case: Case) -> Iterable[str]:
    if Trigger.REDO_UNSATISFIED in case.supervised:
        yield Trigger.REDO_UNSATISFIED.value
    if case.counted("redo") > 1:
        yield "redo"
    if case.counted("order"):
        yield "order"
    if Trigger.RULED_UNDONE in case.supervised:
        yield Trigger.RULED_UNDONE.value
    if case.assist and any(p.kind is PeriodKind.HANDLE and p.state is PeriodState.MISSED for p in case.periods):
        yield Trigger.DRAGGING.value
