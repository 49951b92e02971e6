"""The writer's hold on a database: transactions, savepoints, the watch over what it is open on, and the anchor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy import exc

from gateway.domain.errors import OurMistake, Unavailable
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.ports.clock import Clock
from gateway.storage.anchor import read_anchor, write_anchor
from gateway.storage.chain import Anchor
from gateway.storage.database import Database, Hindered
from gateway.storage.location import Where, database_at
from gateway.storage.records import Values
from gateway.storage.transaction import SqlTransaction, entry_hash, last_entry, write_facts
from gateway.storage.writer import Lost

T = TypeVar("T")

log = structlog.get_logger(__name__)

ANCHOR_EVERY = 1.0
"""Seconds between two anchors at least: each costs two waits for the disk."""

TRIES = 3
"""How often a unit is run that a deadlock or a failed serialization undid."""

PAUSE = 0.2
"""Seconds between two attempts to reach a server that went away in the middle of a commit."""


class SqlSession:
    """What `GroupCommitWriter` drives, on the database at *where*, waiting up to *patience* seconds for another's lock.

    *on_loss* lets go of whatever else is open on it: SQLite begins afresh only when nobody has the file.
    """

    def __init__(
        self, where: Where, *, clock: Clock, patience: float, node: str = "", on_loss: Callable[[], None] = lambda: None
    ) -> None:
        self._database: Database = database_at(where)
        self._clock = clock
        self._node = node
        self._on_loss = on_loss
        self._engine = self._database.engine(writes=True, patience=patience)
        self._connection: sa.Connection | None = None
        self._stay: Callable[[], None] = lambda: None
        self._facts: list[Values] = []
        self._before = self._last = Anchor()
        self._durable: Anchor | None = None
        self._anchored: Anchor | None = None
        self._anchor_due = clock.monotonic()
        self.anchor_error = ""

    def begin(self) -> None:
        """Take the write to ourselves, opening the database when it is not open."""
        self._facts.clear()
        with self._losses():
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.begin()
                self._stay = self._database.watch(self._connection)
                self._last = self._resumed(self._connection)
            else:
                self._stay()
                self._connection.begin()
                self._last = last_entry(self._connection)
        self._before = self._last

    def run(self, work: Callable[[SqlTransaction], T]) -> T:
        """Run one unit in its own savepoint, again when a deadlock or a failed serialization undid it."""
        for _ in range(TRIES - 1):
            try:
                return self._run_once(work)
            except Hindered as error:
                if not error.passing:
                    raise
        return self._run_once(work)

    def commit(self) -> None:
        """Write the facts and wait for the disk, then make sure that it was our database we wrote to.

        A line that is cut in the middle of a commit does not tell whether it was made. Then the journal does.
        """
        try:
            with self._losses():
                connection = self._open_connection()
                write_facts(connection, self._facts)
                connection.commit()
            self._stay()
        except Lost:
            if not self._was_made():
                raise
        self._durable = self._last

    def tend(self) -> None:
        """See that the database is there and, after a loss, takes a write again; leave an anchor when one is due."""
        if self._connection is None:
            self.begin()
            with self._losses():
                self._database.prove(self._open_connection())
            self.commit()
        self._stay()
        if self._clock.monotonic() >= self._anchor_due:
            self._drop_anchor()

    def abandon(self) -> None:
        """Forget the connection; the database undoes what it had not committed."""
        self._on_loss()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(exc.SQLAlchemyError):
                connection.invalidate()
                connection.close()

    def close(self) -> None:
        """Leave the last anchor, and the database."""
        if self._connection is not None:
            self._drop_anchor()
        self.abandon()

    def _resumed(self, connection: sa.Connection) -> Anchor:
        """Return where the journal of a database just opened goes on: after a fact of doubt, if its end was another."""
        last = last_entry(connection)
        try:
            seen = self._durable or read_anchor(self._database.anchored)
        except OurMistake:
            return self._doubt(connection, last, "the anchor is unreadable", None)
        if seen is None and last.seq == 0:
            write_anchor(self._database.anchored, last)
            return last
        if seen is None:
            return self._doubt(connection, last, "the anchor is missing", None)
        if seen.seq > 0 and entry_hash(connection, seen.seq) != seen.hash:
            return self._doubt(connection, last, "the journal was cut or altered", seen)
        return last

    def _doubt(self, connection: sa.Connection, last: Anchor, reason: str, seen: Anchor | None) -> Anchor:
        log.error("journal.doubted", reason=reason)
        values: dict[str, Json] = {"reason": reason}
        if seen is not None:
            values |= {"seq": seen.seq, "hash": seen.hash}
        transaction = SqlTransaction(lambda: connection, last)
        transaction.append(Fact(kind="journal.doubted", at=self._clock.now(), values=values))
        self._facts += transaction.facts
        return transaction.last

    def _drop_anchor(self) -> None:
        if self._durable is None or self._durable == self._anchored:
            return
        self._anchor_due = self._clock.monotonic() + ANCHOR_EVERY
        try:
            write_anchor(self._database.anchored, self._durable)
        except Lost as lost:
            if not self.anchor_error:
                log.error("anchor.failed", reason=str(lost))
            self.anchor_error = str(lost)
            return
        self._anchored = self._durable
        self.anchor_error = ""

    def _was_made(self) -> bool:
        """Look, on another connection, for the last fact of the commit that failed; without one nobody can tell.

        Beginning there waits for the end of the old transaction, should the server still be at it.
        """
        self.abandon()
        deadline = time.monotonic() + self._database.absence
        while self._last != self._before:
            with suppress(Unavailable), self._losses(), self._engine.connect() as connection, connection.begin():
                return entry_hash(connection, self._last.seq) == self._last.hash
            if time.monotonic() >= deadline:
                break
            time.sleep(PAUSE)
        return False

    @contextmanager
    def _losses(self) -> Iterator[None]:
        """Where no unit runs, what would hinder one of them loses the transaction."""
        try:
            with self._database.losses():
                yield
        except Hindered as error:
            raise Lost(str(error)) from error

    def _run_once(self, work: Callable[[SqlTransaction], T]) -> T:
        """Set a savepoint if the unit needs one, by the bare driver: SQLAlchemy's costs as much as the unit itself."""
        connection = self._open_connection()
        driver: Any = connection.connection.driver_connection
        marked = False

        def mark() -> sa.Connection:
            nonlocal marked
            driver.execute("SAVEPOINT unit")
            marked = True
            return connection

        transaction = SqlTransaction(mark, self._last, self._node)
        with self._database.losses():
            try:
                result = work(transaction)
            except BaseException:
                if marked:
                    driver.execute("ROLLBACK TO unit")
                    driver.execute("RELEASE unit")
                raise
            if marked:
                driver.execute("RELEASE unit")
        self._facts += transaction.facts
        self._last = transaction.last
        return result

    def _open_connection(self) -> sa.Connection:
        if self._connection is None:
            raise Lost(f"{self._database.name} is not open")
        return self._connection
