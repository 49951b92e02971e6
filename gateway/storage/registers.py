"""Registers on the database (`gateway.ports.registers`): one table for all of them, read in order of its numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from gateway.domain.register import Number, Paper, PaperQuery, PaperState, Register
from gateway.storage.schema import CanonicalJson, Instant, metadata

T_co = TypeVar("T_co", covariant=True)

papers = sa.Table(
    "papers",
    metadata,
    sa.Column("register", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("due", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("rows", CanonicalJson, nullable=False),
    sa.Column("values", CanonicalJson, nullable=False),
)

INDEXES = (
    sa.Index("ix_papers_case_id", papers.c.case_id, papers.c.register, papers.c.year, papers.c.seq),
    sa.Index("ix_papers_state", papers.c.register, papers.c.state, papers.c.year, papers.c.seq),
    sa.Index("ix_papers_unit", papers.c.register, papers.c.unit, papers.c.year, papers.c.seq),
)


class SqlRegisterWrites:
    """What one unit of work does to the registers."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def next_number(self, register: Register, year: int) -> Number:
        """Return the number after the last of *year*."""
        query = sa.select(sa.func.max(papers.c.seq)).where(papers.c.register == register.value, papers.c.year == year)
        return Number(year, (self._connection.scalar(query) or 0) + 1)

    def latest(self, register: Register, case_id: str) -> Paper | None:
        """Return the newest paper of a case."""
        row = self._connection.execute(_page(PaperQuery(register=register, case_id=case_id, limit=1))).one_or_none()
        return None if row is None else _paper_from(row)

    def save(self, paper: Paper) -> None:
        """Insert or replace a paper."""
        row = _row(paper)
        if self._connection.execute(sa.update(papers).where(*_is(paper.register, paper.number)).values(row)).rowcount:
            return
        self._connection.execute(sa.insert(papers), row)


class _Read(Protocol):
    """Runs a query on one moment of the database."""

    def __call__(self, query: Callable[[sa.Connection], T_co]) -> Awaitable[T_co]: ...


class SqlRegisters:
    """What is read of the registers."""

    def __init__(self, read: _Read) -> None:
        self._read = read

    async def paper(self, register: Register, number: Number) -> Paper | None:
        """Return one paper."""
        query = sa.select(papers).where(*_is(register, number))

        def read(connection: sa.Connection) -> Paper | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else _paper_from(row)

        return await self._read(read)

    async def page(self, query: PaperQuery) -> Sequence[Paper]:
        """Return the papers that *query* asks for, the newest number first."""
        statement = _page(query)
        return await self._read(lambda connection: [_paper_from(row) for row in connection.execute(statement)])


def _page(query: PaperQuery) -> sa.Select[Any]:
    statement = sa.select(papers).where(papers.c.register == query.register.value)
    if query.state is not None:
        statement = statement.where(papers.c.state == query.state.value)
    if query.case_id:
        statement = statement.where(papers.c.case_id == query.case_id)
    if query.unit:
        statement = statement.where(papers.c.unit == query.unit)
    if query.after is not None:
        place = sa.tuple_(sa.literal(query.after.year), sa.literal(query.after.seq))
        statement = statement.where(sa.tuple_(papers.c.year, papers.c.seq) < place)
    return statement.order_by(papers.c.year.desc(), papers.c.seq.desc()).limit(query.limit)


def _is(register: Register, number: Number) -> tuple[sa.ColumnElement[bool], ...]:
    return (papers.c.register == register.value, papers.c.year == number.year, papers.c.seq == number.seq)


def _row(paper: Paper) -> dict[str, Any]:
    return {
        "register": paper.register.value,
        "year": paper.number.year,
        "seq": paper.number.seq,
        "case_id": paper.case_id,
        "unit": paper.unit,
        "state": paper.state.value,
        "opened_at": paper.opened_at,
        "due": paper.due,
        "closed_at": paper.closed_at,
        "rows": list(paper.rows),
        "values": dict(paper.values),
    }


def _paper_from(row: sa.Row[Any]) -> Paper:
    kept = dict(row._mapping)
    return Paper(
        register=Register(kept.pop("register")),
        number=Number(kept.pop("year"), kept.pop("seq")),
        state=PaperState(kept.pop("state")),
        rows=tuple(kept.pop("rows")),
        **kept,
    )
