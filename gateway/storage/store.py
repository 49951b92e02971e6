"""`SqlStore`: what remembers (`gateway.ports.memory`), on SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import sqlalchemy as sa

from gateway.domain.account import Account
from gateway.domain.call import CallId
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable
from gateway.domain.events import Entry
from gateway.domain.ticket import Ticket, TicketId
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.clock import Clock
from gateway.ports.memory import CallLeg, Transaction
from gateway.storage.cases import SqlCases
from gateway.storage.correspondence import SqlCorrespondence
from gateway.storage.journal import read_entries
from gateway.storage.knowledge import SqlKnowledgeBase
from gateway.storage.location import Where, database_at
from gateway.storage.migrate import migrate
from gateway.storage.records import account_from, gap_from, leg_from, ticket_from, utterance_from
from gateway.storage.registers import SqlRegisters
from gateway.storage.schema import accounts, gaps, legs, tickets, utterances
from gateway.storage.session import SqlSession
from gateway.storage.sign_ins import SqlSignIns
from gateway.storage.transaction import SqlTransaction, find_ticket
from gateway.storage.writer import RETRY_AFTER, GroupCommitWriter, WriterStatus

T = TypeVar("T")

READERS = 4
"""Threads that read, each with a connection of its own."""

READS_WAITING = 200
"""Reads that may wait for one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """How the store fares, for the health page: ``ok``, or what is wrong in ``error``."""

    ok: bool
    error: str
    writer: WriterStatus


class SqlStore:
    """The store on the database at *where*, made or upgraded on entering the block.

    *node* is the name that no other node on it has. *patience* is how long, in seconds, a write waits for a lock that
    another process holds; *queue_limit* how many units of work may wait. Entering raises `Unavailable` when the
    database cannot be opened; once inside, every method does while that is so, and works again when it is over.
    """

    def __init__(
        self, where: Where, *, clock: Clock, node: str = "", patience: float = 2.0, queue_limit: int = 1000
    ) -> None:
        self._database = database_at(where)
        self._node = node
        self._patience = patience
        self._reader = self._database.engine(writes=False, patience=patience, connections=READERS)
        self._session = SqlSession(
            self._database, clock=clock, patience=patience, node=node, on_loss=self._reader.dispose
        )
        self._writer: GroupCommitWriter[SqlTransaction] = GroupCommitWriter(self._session, queue_limit=queue_limit)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="store reader")
        self._reads = 0
        self._closed = False
        self.cases = SqlCases(self._read)
        self.correspondence = SqlCorrespondence(self._read)
        self.knowledge = SqlKnowledgeBase(self._read)
        self.registers = SqlRegisters(self._read)
        self.sign_ins = SqlSignIns(self._read, self._writer.commit)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(migrate, self._database, patience=self._patience)
        self._writer.start()
        try:
            await self._writer.commit(lambda transaction: None)
        except BaseException:
            await self._writer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        await self._writer.close()
        await asyncio.to_thread(self._threads.shutdown)
        self._reader.dispose()

    @property
    def status(self) -> StoreStatus:
        """How the store fares at this moment."""
        writer = self._writer.status
        error = writer.error or self._session.anchor_error
        return StoreStatus(ok=not error, error=error, writer=writer)

    async def commit(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* on the single writer and return its result once it is durable.

        *work* runs in the writer's thread; what it raises undoes its writes only and is raised here.
        """
        return await self._writer.commit(work)

    async def ticket(self, ticket_id: TicketId) -> Ticket | None:
        """Return one ticket."""
        return await self._read(lambda connection: find_ticket(connection, ticket_id))

    async def tickets(self, *, limit: int = 50, before: datetime | None = None, search: str = "") -> Sequence[Ticket]:
        """Return the newest tickets first: received before *before*, id or caller's number containing *search*."""
        query = sa.select(tickets).order_by(tickets.c.received_at.desc(), tickets.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tickets.c.received_at < before)
        if search:
            query = query.where(
                tickets.c.id.contains(search, autoescape=True) | tickets.c.caller.contains(search, autoescape=True)
            )
        return await self._read(lambda connection: [ticket_from(row) for row in connection.execute(query)])

    async def tickets_about(
        self, matter: str, since: datetime, until: datetime, *, limit: int = 500
    ) -> Sequence[Ticket]:
        """Return the tickets of *matter* received from *since* to *until*, the newest first."""
        query = (
            sa.select(tickets)
            .where(tickets.c.received_at.between(since, until), tickets.c.matter == matter)
            .order_by(tickets.c.received_at.desc(), tickets.c.id.desc())
            .limit(limit)
        )
        return await self._read(lambda connection: [ticket_from(row) for row in connection.execute(query)])

    async def unfinished_calls(self) -> Sequence[Ticket]:
        """Return the telephone tickets of this node whose call has no end, the oldest first."""
        query = (
            sa.select(tickets)
            .where(tickets.c.channel == ChannelKind.TELEPHONE.value, tickets.c.ended_at.is_(None))
            .where(tickets.c.node.in_([self._node, ""]))
            .order_by(tickets.c.received_at, tickets.c.id)
        )
        return await self._read(lambda connection: [ticket_from(row) for row in connection.execute(query)])

    async def transcript(self, call_id: CallId) -> Sequence[Utterance | Gap]:
        """Return what was said in a call, by start time."""
        said = sa.select(utterances).where(utterances.c.call_id == call_id)
        unheard = sa.select(gaps).where(gaps.c.call_id == call_id)

        def read(connection: sa.Connection) -> Sequence[Utterance | Gap]:
            found: list[Utterance | Gap] = [utterance_from(row) for row in connection.execute(said)]
            found += [gap_from(row) for row in connection.execute(unheard)]
            return sorted(found, key=lambda stretch: (stretch.start, stretch.end, stretch.leg_id))

        return await self._read(read)

    async def legs(self, call_id: CallId) -> Sequence[CallLeg]:
        """Return the legs of a call, by start time."""
        query = sa.select(legs).where(legs.c.call_id == call_id).order_by(legs.c.started, legs.c.leg_id)
        return await self._read(lambda connection: [leg_from(row) for row in connection.execute(query)])

    async def entries(
        self,
        *,
        call_id: CallId | None = None,
        ticket_id: TicketId | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
    ) -> Sequence[Entry]:
        """Return journal entries; with both a call and a ticket, those that belong to both."""
        return await self._read(
            lambda connection: read_entries(
                connection, call_id=call_id, ticket_id=ticket_id, after=after, before=before, limit=limit
            )
        )

    async def account(self, name: str) -> Account | None:
        """Return the account of that name."""
        query = sa.select(accounts).where(accounts.c.name == name)
        return next(iter(await self._accounts(query)), None)

    async def accounts(self) -> Sequence[Account]:
        """Return all accounts by name."""
        return await self._accounts(sa.select(accounts).order_by(accounts.c.name))

    async def save_account(self, account: Account) -> None:
        """Insert or replace an account, durably."""
        await self._writer.commit(lambda transaction: transaction.save_account(account))

    async def _accounts(self, query: sa.Select[tuple[str, ...]]) -> Sequence[Account]:
        return await self._read(lambda connection: [account_from(row) for row in connection.execute(query)])

    async def _read(self, query: Callable[[sa.Connection], T]) -> T:
        """Run *query* on one moment of the database, in a reading thread."""
        if self._closed:
            raise Unavailable("the store is closed")
        if self._reads >= READERS + READS_WAITING:
            raise Unavailable(f"{self._reads} reads wait already", retry_after=RETRY_AFTER)
        self._reads += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read_now, query)
        finally:
            self._reads -= 1

    def _read_now(self, query: Callable[[sa.Connection], T]) -> T:
        with self._database.losses(), self._reader.connect() as connection, connection.begin():
            return query(connection)
