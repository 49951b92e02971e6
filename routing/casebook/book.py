"""The casebook (案卷): the closed loop of one profile as a pure state machine: commands in, facts out, time given.

The same machine serves live tickets and `jiesu simulate`. A case is a value, so two who act on it at once cannot tear
it: whoever stores the outcome second finds the revision changed. Facts that the clock brings come from `elapse`; `due`
says when it is worth calling next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.case import COMMANDS, Case, CaseId, Command, Fact
from gateway.domain.profile import Profile
from gateway.domain.rules import ARCHIVE, DAY_END, STAGE, Span, Stage
from routing.casebook import clock, publishing
from routing.casebook.draft import Denied, Draft, Rows, rows_of
from routing.casebook.intake import ALONE, Surroundings
from routing.casebook.moves import MOVES, UNSEALED
from routing.casebook.sealing import is_sealed
from routing.deadlines import Reckoning
from routing.working_time import Calendar

_WORDS = {kind: word for word, kind in COMMANDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a case, and the facts of it in order of time; ``case`` is None if there is still none."""

    case: Case | None
    facts: tuple[Fact, ...]
    is_denied: bool = False


class Casebook:
    """The rules of *profile*, counted on *calendar*.

    With *seals* the clock itself puts into the archive what has been over for long enough; otherwise people do.
    """

    def __init__(self, profile: Profile, calendar: Calendar, *, seals: bool = False) -> None:
        self.profile = profile
        self._seals = seals
        day_end = profile.ruling(DAY_END)
        self._reckoning = Reckoning(
            calendar=calendar, zone=profile.zone, day_end=day_end.value.at if day_end is not None else None
        )

    def apply(
        self, case: Case | None, case_id: CaseId, command: Command, now: datetime, around: Surroundings = ALONE
    ) -> Outcome:
        """Carry out *command* on *case*, None for a new one, at *now*. A denied command changes nothing.

        The clock must have been let run up to *now* before (`elapse`).
        """
        move, word = MOVES[type(command)], _WORDS[type(command)]
        if not (move.opens if case is None else case.stage in move.stages):
            rows = rows_of(self.profile.ruling(STAGE, case.stage.value)) if case is not None else ()
            return Outcome(case=case, facts=_denials(case_id, now, word, ("wrong_stage",), rows), is_denied=True)
        if is_sealed(case) and type(command) not in UNSEALED:
            rows = rows_of(self.profile.ruling(ARCHIVE))
            return Outcome(case=case, facts=_denials(case_id, now, word, ("sealed",), rows), is_denied=True)
        draft = self._draft(case or Case(id=case_id, stage=Stage.ACCEPTED, received_at=now), now)
        try:
            move.carry_out(draft, command, around)
        except Denied as denied:
            facts = (*draft.facts, *_denials(case_id, now, word, denied.whys, denied.rows))
            return Outcome(case=case, facts=facts, is_denied=True)
        return Outcome(case=draft.case, facts=tuple(draft.facts))

    def due(self, case: Case) -> datetime | None:
        """Return the next instant at which the clock alone brings facts; None if it never does."""
        event = clock.next_event(self._draft(case, case.received_at))
        return event.at if event is not None else None

    def elapse(self, case: Case, now: datetime, *, inclusive: bool = True) -> Outcome:
        """Let the clock run to *now*, which counts as passed if *inclusive*."""
        facts: list[Fact] = []
        while (event := clock.next_event(self._draft(case, now))) is not None:
            if event.at > now or (event.at == now and not inclusive):
                break
            draft = self._draft(case, event.at)
            clock.bring(draft, event)
            case = draft.case
            facts += draft.facts
        return Outcome(case=case, facts=tuple(facts))

    def recount(self, case: Case, now: datetime) -> Outcome:
        """Count the provisional periods of *case* anew, because this book's calendar has learnt of a notice."""
        draft = self._draft(case, now)
        draft.recount()
        return Outcome(case=draft.case, facts=tuple(draft.facts))

    def deadline(self, span: Span, since: datetime) -> datetime:
        """Return when *span* ends that begins with *since*."""
        return self._reckoning.deadline(span, since).at

    def may_be_published(self, case: Case) -> bool:
        """Say whether nobody who may object to showing *case* to the public has done so."""
        return publishing.may_be_published(self._draft(case, case.received_at))

    def _draft(self, case: Case, now: datetime) -> Draft:
        return Draft(case=case, profile=self.profile, reckoning=self._reckoning, now=now, facts=[], seals=self._seals)


def _denials(case: CaseId, now: datetime, word: str, whys: Iterable[str], rows: Rows) -> tuple[Fact, ...]:
    return tuple(Fact(at=now, case=case, name="denied", rows=rows, details={"do": word, "why": why}) for why in whys)
