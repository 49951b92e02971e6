"""Who is signed in, on the database (`gateway.ports.sign_ins`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

import sqlalchemy as sa

from gateway.domain.account import SignIn
from gateway.storage.schema import Instant, metadata
from gateway.storage.transaction import SqlTransaction

T = TypeVar("T")

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("ends", Instant, nullable=False, index=True),
)


class _Read(Protocol):
    """Runs a query on one moment of the database."""

    def __call__(self, query: Callable[[sa.Connection], T]) -> Awaitable[T]: ...


class _Commit(Protocol):
    """Runs work on the single writer."""

    def __call__(self, work: Callable[[SqlTransaction], T]) -> Awaitable[T]: ...


class SqlSignIns:
    """The table of sign-ins."""

    def __init__(self, read: _Read, commit: _Commit) -> None:
        self._read = read
        self._commit = commit

    async def sign_in(self, key: str) -> SignIn | None:
        """Return who is signed in under *key*, also when that is over."""
        query = sa.select(sign_ins).where(sign_ins.c.key == key)
        row = await self._read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else SignIn(**row._mapping)

    async def save_sign_in(self, sign_in: SignIn, now: datetime) -> None:
        """Keep a new one, and forget those that were over by *now*."""
        row = {"key": sign_in.key, "account": sign_in.account, "ends": sign_in.ends}
        await self._run(sa.delete(sign_ins).where(sign_ins.c.ends <= now), sa.insert(sign_ins).values(row))

    async def end_sign_in(self, key: str) -> None:
        """Forget one."""
        await self._run(sa.delete(sign_ins).where(sign_ins.c.key == key))

    async def end_sign_ins(self, account: str, *, kept: str = "") -> None:
        """Forget all of *account* but the one under the key *kept*."""
        await self._run(sa.delete(sign_ins).where(sign_ins.c.account == account, sign_ins.c.key != kept))

    async def _run(self, *statements: sa.Executable) -> None:
        def work(transaction: SqlTransaction) -> None:
            for statement in statements:
                transaction.run(statement)

        await self._commit(work)
