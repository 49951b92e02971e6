"""A shelf of cases (卷宗架) in memory: the casebook over many cases, in order of time. Virtual clock, no store.

It finds what other cases mean for one: an earlier case of the same petitioner and matter, a restricted telephone, a
burst of alike matters. Which rules hold for a case is decided by the instant at which it was received.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from gateway.domain.case import Accept, Case, CaseId, Command, Fact, Refuse
from gateway.domain.rules import SUPERVISE, PeriodKind, Stage, Trigger
from routing.casebook.book import Casebook
from routing.casebook.intake import BY_TELEPHONE, Surroundings
from routing.deadlines import elapsed

BookAt = Callable[[datetime], Casebook]


class Shelf:
    """The cases of one hotline; *book_at* gives the casebook for a case received at an instant."""

    def __init__(self, book_at: BookAt) -> None:
        self._book_at = book_at
        self.cases: dict[CaseId, Case] = {}

    def carry_out(self, case_id: CaseId, command: Command, now: datetime) -> list[Fact]:
        """Carry out *command*, after everything that the clock brought before *now*; return all that follows."""
        facts = self.elapse(now, inclusive=False)
        case = self.cases.get(case_id)
        book = self._book_at(case.received_at if case is not None else now)
        outcome = book.apply(case, case_id, command, now, self._surroundings(book, case_id, command, now))
        facts += outcome.facts
        if outcome.case is not None:
            self.cases[case_id] = outcome.case
        facts += self._opened(outcome.facts, now)
        return facts + self.elapse(now)

    def elapse(self, now: datetime, *, inclusive: bool = True) -> list[Fact]:
        """Let the clock run to *now* over all cases; return what it brought, in order of time."""
        facts: list[Fact] = []
        for case in list(self.cases.values()):
            outcome = self._book_at(case.received_at).elapse(case, now, inclusive=inclusive)
            self.cases[case.id] = outcome.case or case
            facts += outcome.facts
        return sorted(facts, key=lambda fact: fact.at)

    def _opened(self, facts: Iterable[Fact], now: datetime) -> list[Fact]:
        """Accept the new tickets that *facts* open (ZH-14b): the same matter, received now."""
        further: list[Fact] = []
        for fact in facts:
            if fact.name == "open":
                old = self.cases[fact.case]
                command = Accept(
                    category=old.category,
                    urgency=old.urgency,
                    petitioner=old.petitioner,
                    matter=old.matter,
                    contact_given=old.can_be_reached,
                    channel=BY_TELEPHONE[0] if old.is_by_telephone else "",
                )
                new = CaseId(fact.details["as"])
                outcome = self._book_at(now).apply(None, new, command, now)
                if outcome.case is not None:
                    self.cases[new] = outcome.case
                further += outcome.facts
        return further

    def _surroundings(self, book: Casebook, case_id: CaseId, command: Command, now: datetime) -> Surroundings:
        if not isinstance(command, Accept | Refuse):
            return Surroundings()
        known = self.cases.get(case_id)
        petitioner = command.petitioner or (known.petitioner if known else "")
        matter = command.matter or (known.matter if known else "")
        others = [case for case in self.cases.values() if case.id != case_id and case.stage is not Stage.REFUSED]
        return Surroundings(
            earlier=next(
                (
                    case
                    for case in reversed(others)
                    if petitioner and (case.petitioner, case.matter) == (petitioner, matter)
                ),
                None,
            ),
            restricted_until=self._restricted_until(petitioner, now),
            is_burst=self._is_burst(book, others, matter, now),
        )

    def _restricted_until(self, petitioner: str, now: datetime) -> datetime | None:
        ends = [
            period.due
            for case in self.cases.values()
            if petitioner and case.petitioner == petitioner and (period := case.running(PeriodKind.RESTRICT_UNTIL))
        ]
        return max((end for end in ends if end > now), default=None)

    def _is_burst(self, book: Casebook, others: Iterable[Case], matter: str, now: datetime) -> bool:
        rule = book.profile.ruling(SUPERVISE, Trigger.BURST.value)
        if rule is None or rule.value.tickets is None or rule.value.within is None or not matter:
            return False
        since = now - elapsed(rule.value.within)
        alike = 1 + sum(case.matter == matter and case.received_at >= since for case in others)
        return alike == rule.value.tickets
