"""A draft (草稿): a case as it will be once a command or the clock has done its work, and the facts said on the way.

The moves write into it; nobody else does. A move that finds the command forbidden raises `Denied`: the case then stays
as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from gateway.domain.case import Case, Command, Fact, Period, PeriodState
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import (
    DUTY_PHONE,
    OVER,
    PERIOD,
    STAGE,
    SUPERVISE,
    FieldsRule,
    FollowUpRule,
    Kind,
    Moment,
    PeriodKind,
    PeriodRule,
    Span,
    Stage,
    Trigger,
    Urgency,
)
from routing.deadlines import Reckoning, longer

V = TypeVar("V")

Rows = tuple[str, ...]


class Denied(Exception):
    """A command is not allowed; `whys` are its short reasons and `rows` the obligations that forbid it."""

    def __init__(self, why: str, rows: Rows = (), *more: str) -> None:
        super().__init__(why)
        self.whys = (why, *more)
        self.rows = rows


def rows_of(*rulings: Ruling[Any] | None) -> Rows:
    """Return the obligations behind *rulings*, each once, in order."""
    return tuple(dict.fromkeys(row for ruling in rulings if ruling is not None for row in ruling.rows))


@dataclass(slots=True)
class Draft:
    """A case being changed at one moment under one profile."""

    case: Case
    profile: Profile
    reckoning: Reckoning
    now: datetime
    facts: list[Fact]
    seals: bool = False

    def change(self, **fields: Any) -> None:
        """Change fields of the case."""
        self.case = replace(self.case, **fields)

    def say(self, name: str, rows: Rows, **details: Any) -> None:
        """Add a fact, true from now on."""
        self.facts.append(Fact(at=self.now, case=self.case.id, name=name, rows=rows, details=details))

    def tell(self, who: str, what: str, rows: Rows, **details: Any) -> None:
        """Say that somebody is told something."""
        self.say("tell", rows, who=who, what=what, **details)

    def count(self, what: str, rows: Rows) -> None:
        """Count one more *what* on the case."""
        n = self.case.counted(what) + 1
        self.change(counts={**self.case.counts, what: n})
        self.say("count", rows, what=what, n=n)

    def enter(self, stage: Stage, because: Rows = (), **details: Any) -> None:
        """Enter *stage*, on the rows of *because* and those about the stage."""
        self.change(stage=stage, over_at=self.now if stage in OVER else None)
        rows = tuple(dict.fromkeys((*because, *rows_of(self.rule_for(STAGE, stage.value)))))
        self.say("stage", rows, stage=stage.value, **details)

    def resume(self, because: Rows) -> None:
        """Go back to the stage that a request or a reply interrupted."""
        self.enter(self.case.before or Stage.DISPATCHED, because)
        self.change(before=None)

    def supervise(self, trigger: Trigger, *, always: Rows | None = None) -> None:
        """Raise supervision if the regulation names *trigger*; with *always* in any case, then on those rows."""
        ruling = self.profile.ruling(SUPERVISE, trigger.value)
        if ruling is not None or always is not None:
            self.change(supervised=(*self.case.supervised, trigger))
        if ruling is not None:
            forms = {"forms": list(ruling.value.forms)} if ruling.value.forms else {}
            self.say("supervise", ruling.rows, trigger=trigger.value, **forms)
        elif always is not None:
            self.say("supervise", always, trigger=trigger.value)

    def rule_for(self, kind: Kind[V], *parts: str) -> Ruling[V] | None:
        """Return the rule that holds for this case's urgency, else for its category, else for every case."""
        for last in (self.case.urgency.value, self.case.category):
            if last and (ruling := self.profile.ruling(kind, *parts, last)):
                return ruling
        return self.profile.ruling(kind, *parts)

    def demand(self, kind: Kind[V]) -> Ruling[V]:
        """Return the rule of *kind*. Raises `Denied`: the regulation does not know of such a thing."""
        ruling = self.profile.ruling(kind)
        if ruling is None:
            raise Denied("not_allowed")
        return ruling

    def wrong_stage(self) -> Denied:
        """Return the denial of what cannot be done where the case stands."""
        return Denied("wrong_stage", rows_of(self.rule_for(STAGE, self.case.stage.value)))

    def begin(self, moment: Moment, since: datetime | None = None) -> None:
        """Give the case every period that runs from *moment*, or is set anew at it, *since* then or now."""
        for kind in PeriodKind:
            ruling: Ruling[PeriodRule] | None = self.rule_for(PERIOD, kind.value)
            if ruling is not None and moment in (ruling.value.runs_from, ruling.value.renewed):
                self.give(kind, ruling.value.span, since or self.now, ruling.rows)

    def give(self, kind: PeriodKind, span: Span, since: datetime, rows: Rows, *, original: Span | None = None) -> None:
        """Give the case a period; an earlier one of the kind that runs is replaced."""
        end = self.reckoning.deadline(span, since)
        self.drop(kind)
        period = Period(
            kind=kind,
            span=span,
            original=original or span,
            since=since,
            live_from=self.now,
            due=end.at,
            provisional=end.provisional,
            rows=rows,
        )
        self.change(periods=(*self.case.periods, period))
        self._say_due(period, rows)

    def is_over(self, kind: PeriodKind) -> bool:
        """Say whether the latest period of *kind* has ended, whatever became of it."""
        period = self.case.period(kind)
        return period is not None and self.now > period.due

    def meet(self, *kinds: PeriodKind) -> None:
        """What these periods were for has happened."""
        self._settle(set(kinds), PeriodState.MET)

    def lift(self, rows: Rows) -> None:
        """Lift every running period: nothing is asked of anybody any more."""
        for kind in PeriodKind:
            if self.case.running(kind) is not None:
                self._settle({kind}, PeriodState.LIFTED)
                self.say("due", rows, kind=kind.value, due=None)

    def drop(self, *kinds: PeriodKind) -> None:
        """Others take the place of these periods, or none."""
        self._settle(set(kinds), PeriodState.REPLACED)

    def lengthen(self, kind: PeriodKind, days: int, rows: Rows) -> None:
        """Extend the latest period of *kind*, which there must be, by working days counted from the same instant."""
        *_, period = (each for each in self.case.periods if each.kind is kind)
        self.give(kind, longer(period.span, days), period.since, rows, original=period.original)

    def reopen(self, kind: PeriodKind) -> None:
        """Let a period that was met go on: it was not, after all."""
        period = self.case.period(kind)
        if period is not None and period.state is PeriodState.MET:
            self.reset(period, state=PeriodState.RUNNING, live_from=self.now)

    def recount(self) -> None:
        """Count every provisional period that is not over anew, and say which of them ends at another instant.

        One that does is replaced: the case keeps what it was told before.
        """
        for period in self.case.periods:
            if not (period.provisional and period.state in (PeriodState.RUNNING, PeriodState.PAUSED)):
                continue
            end = self.reckoning.deadline(period.span, period.since)
            if end.at == period.due:
                self.reset(period, provisional=end.provisional)
                continue
            self.reset(period, state=PeriodState.REPLACED)
            counted = replace(period, due=end.at, provisional=end.provisional, live_from=self.now)
            self.change(periods=(*self.case.periods, counted))
            self._say_due(counted, period.rows, was=period.due, because="calendar")

    def restate(self, kind: PeriodKind, rows: Rows) -> None:
        """Say once more until when a period goes on that somebody may believe to be over."""
        if (period := self.case.period(kind)) is not None:
            self._say_due(period, rows)

    def reset(self, period: Period, **fields: Any) -> Period:
        """Put *period*, changed, in its own place and return it."""
        changed = replace(period, **fields)
        self.change(periods=tuple(changed if each is period else each for each in self.case.periods))
        return changed

    def _settle(self, kinds: set[PeriodKind], state: PeriodState) -> None:
        live = (PeriodState.RUNNING, PeriodState.PAUSED)
        self.change(
            periods=tuple(
                replace(each, state=state) if each.kind in kinds and each.state in live else each
                for each in self.case.periods
            )
        )

    def _say_due(self, period: Period, rows: Rows, **more: Any) -> None:
        if period.provisional:
            more["provisional"] = True
        self.say("due", rows, kind=period.kind.value, due=period.due, span=str(period.span), **more)

    def follow_up(self, ruling: Ruling[FollowUpRule], *, is_drawn: bool = False) -> None:
        """Begin to follow the case up; of a sampled follow-up the hotline is told if the lot fell on the case."""
        self.change(is_followed_up=True, counts={**self.case.counts, "follow_up": 0})
        if is_drawn or not ruling.value.sampled:
            self.tell("hotline", "follow_up", ruling.rows)

    def telephone_unit(self) -> None:
        """Have the unit's duty phone rung if the case is pressing enough."""
        ruling = self.profile.ruling(DUTY_PHONE)
        if ruling is not None and self.case.urgency is not Urgency.NORMAL and self.case.urgency in ruling.value:
            self.tell("unit", "duty_phone", ruling.rows)


def require(command: Command, fields: Iterable[str], rows: Rows) -> None:
    """Raise `Denied` with everything among *fields* that *command* does not state."""
    if missing := [f"missing:{name}" for name in fields if not getattr(command, name)]:
        raise Denied(missing[0], rows, *missing[1:])


def require_rule(command: Command, ruling: Ruling[FieldsRule] | None, category: str) -> None:
    """Raise `Denied` unless *command* states what a rule about fields asks of *category*."""
    if ruling is None or (ruling.value.categories and category not in ruling.value.categories):
        return
    require(command, ruling.value.fields, ruling.rows)
    either = ruling.value.either
    if either and not any(getattr(command, name) for name in either):
        raise Denied(f"missing:{either[0]}", ruling.rows)
