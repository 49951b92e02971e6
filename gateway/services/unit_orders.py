"""Supervision of a unit as a whole (对单位的督办): for low rates, or an untended knowledge base (CF-18)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from gateway.domain.casework import Actor, ActorKind, Channel, Message
from gateway.domain.errors import Refused
from gateway.domain.events import Fact
from gateway.domain.register import Number, Paper, PaperState, Register
from gateway.domain.rules import SUPERVISE, Span, SpanUnit, Trigger
from gateway.ports.clock import Clock
from gateway.ports.memory import Store, Transaction
from gateway.services.books import Books

OF_UNITS = (Trigger.UNIT_RATES, Trigger.KNOWLEDGE, Trigger.LEADER, Trigger.OTHER)
"""What a unit as a whole is supervised for."""


class UnitOrders:
    """Orders to units, each with number, reason, articles and a day for the answer."""

    def __init__(self, store: Store, books: Books, clock: Clock, units: Container[str]) -> None:
        self._store = store
        self._books = books
        self._clock = clock
        self._units = units

    async def give(self, unit: str, trigger: Trigger, form: str, reason: str, days: int, *, by: Actor) -> Paper:
        """Give an order that is to be answered within *days* working days.

        Raises `Refused`: not a supervisor, no such unit, or nothing that the regulation knows.
        """
        if by.kind is not ActorKind.SUPERVISOR:
            raise Refused("only the hotline's supervisors give orders")
        if unit not in self._units:
            raise Refused(f"there is no unit {unit}")
        now = self._clock.now()
        book = self._books.at(now)
        rule = book.profile.ruling(SUPERVISE, trigger.value)
        if rule is None or trigger not in OF_UNITS or (rule.value.forms and form not in rule.value.forms):
            raise Refused(f"the regulation does not know {form} for {trigger.value}")
        if not reason.strip() or days < 1:
            raise Refused("an order states its reason and a day for the answer")
        due = book.deadline(Span(days, SpanUnit.WORKING_DAYS), now)

        def work(tx: Transaction) -> Paper:
            paper = Paper(
                register=Register.SUPERVISION,
                number=tx.registers.next_number(Register.SUPERVISION, now.astimezone(book.profile.zone).year),
                case_id="",
                unit=unit,
                state=PaperState.OPEN,
                opened_at=now,
                due=due,
                rows=rule.rows,
                values={"trigger": trigger.value, "form": form, "reason": reason},
            )
            tx.registers.save(paper)
            tx.cases.save_message(
                Message(
                    key=f"order:{paper.number}:{unit}",
                    channel=Channel.UNIT,
                    to=unit,
                    kind=form,
                    case_id="",
                    text=reason,
                    at=now,
                    due=now,
                    values={"number": str(paper.number), "rows": list(rule.rows), "due": due.isoformat()},
                )
            )
            tx.append(
                Fact(
                    kind="unit.ordered",
                    at=now,
                    values={"by": by.name, "unit": unit, "number": str(paper.number), "trigger": trigger.value},
                )
            )
            return paper

        return await self._store.commit(work)

    async def answer(self, paper: Paper, text: str, *, by: Actor) -> Paper:
        """Keep a unit's answer to an order. Raises `Refused`: not the unit's, of a single ticket, answered already."""
        if paper.case_id or paper.state is not PaperState.OPEN:
            raise Refused(f"order {paper.number} does not wait for an answer here")
        if by.kind is ActorKind.UNIT and by.unit != paper.unit:
            raise Refused(f"order {paper.number} is another unit's")
        if not text.strip():
            raise Refused("an answer says something")
        now = self._clock.now()
        values = {**paper.values, "answer": text}
        answered = replace(paper, state=PaperState.ANSWERED, closed_at=now, values=values)

        def work(tx: Transaction) -> Paper:
            tx.registers.save(answered)
            told = {"by": by.name, "unit": paper.unit, "number": str(paper.number)}
            tx.append(Fact(kind="unit.order_answered", at=now, values=told))
            return answered

        return await self._store.commit(work)


def number_of(text: str) -> Number:
    """Read a paper's number. Raises `Refused`."""
    try:
        return Number.parse(text)
    except ValueError as error:
        raise Refused(str(error)) from error
