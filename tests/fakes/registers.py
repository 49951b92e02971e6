"""Registers in memory, part of `tests.fakes.store.MemoryStore`. They pass the store's contract suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.domain.register import Number, Paper, PaperQuery, Register
from gateway.storage.chain import canonical


@dataclass
class RegisterMemory:
    """What is remembered, and at once the writes of a unit of work."""

    papers: dict[tuple[Register, Number], Paper] = field(default_factory=dict)

    def copy(self) -> RegisterMemory:
        return RegisterMemory(dict(self.papers))

    def next_number(self, register: Register, year: int) -> Number:
        last = max((n.seq for kept, n in self.papers if (kept, n.year) == (register, year)), default=0)
        return Number(year, last + 1)

    def latest(self, register: Register, case_id: str) -> Paper | None:
        return next(iter(self.asked(PaperQuery(register=register, case_id=case_id, limit=1))), None)

    def save(self, paper: Paper) -> None:
        canonical(msgspec.to_builtins(paper.values))
        self.papers[paper.register, paper.number] = paper

    def asked(self, query: PaperQuery) -> list[Paper]:
        found = [
            paper
            for paper in self.papers.values()
            if paper.register is query.register
            and query.state in (None, paper.state)
            and query.case_id in ("", paper.case_id)
            and query.unit in ("", paper.unit)
            and (query.after is None or _order(paper) < (query.after.year, query.after.seq))
        ]
        return sorted(found, key=_order, reverse=True)[: query.limit]


class MemoryRegisters:
    """`gateway.ports.registers.Registers` over what `reach` gives."""

    def __init__(self, reach: Callable[[], Awaitable[RegisterMemory]]) -> None:
        self._reach = reach

    async def paper(self, register: Register, number: Number) -> Paper | None:
        return (await self._reach()).papers.get((register, number))

    async def page(self, query: PaperQuery) -> Sequence[Paper]:
        return (await self._reach()).asked(query)


def _order(paper: Paper) -> tuple[int, int]:
    return paper.number.year, paper.number.seq
