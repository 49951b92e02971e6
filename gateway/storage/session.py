"""The writer's hold on a SQLite file: transactions, savepoints, the watch over the file, and the anchor."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy import exc

from gateway.domain.errors import OurMistake
from gateway.domain.events import Fact, Json
from gateway.ports import Clock
from gateway.storage.anchor import read_anchor, write_anchor
from gateway.storage.chain import Anchor
from gateway.storage.sqlite import engine_for, losses, place, wal_path
from gateway.storage.transaction import SqlTransaction, entry_hash, last_entry
from gateway.storage.writer import Lost

T = TypeVar("T")

log = structlog.get_logger(__name__)

ANCHOR_EVERY = 1.0
"""Seconds between two anchors at least: each costs two waits for the disk."""


class SqliteSession:
    """What `GroupCommitWriter` drives, on the file at *path*, waiting up to *patience* seconds for another's lock.

    *on_loss* lets go of whatever else holds the file open: SQLite begins afresh only when nobody does.
    """

    def __init__(
        self, path: Path, *, clock: Clock, patience: float, on_loss: Callable[[], None] = lambda: None
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_loss = on_loss
        self._engine = engine_for(path, writes=True, patience=patience)
        self._connection: sa.Connection | None = None
        self._place: tuple[tuple[int, int], ...] = ()
        self._last = Anchor()
        self._durable: Anchor | None = None
        self._anchored: Anchor | None = None
        self._anchor_due = clock.monotonic()
        self.anchor_error = ""

    def begin(self) -> None:
        """Take the write lock, opening the file when it is not open."""
        with losses(self._path):
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.begin()
                self._place = self._places()
                self._last = self._resumed(self._connection)
            else:
                self._stay()
                self._connection.begin()
                self._last = last_entry(self._connection)

    def run(self, work: Callable[[SqlTransaction], T]) -> T:
        """Run one unit in its own savepoint, set by the bare driver: SQLAlchemy's costs as much as the unit itself."""
        connection = self._open_connection()
        transaction = SqlTransaction(connection, self._last)
        with losses(self._path):
            driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
            driver.execute("SAVEPOINT unit")
            try:
                result = work(transaction)
            except BaseException:
                driver.execute("ROLLBACK TO unit")
                driver.execute("RELEASE unit")
                raise
            driver.execute("RELEASE unit")
        self._last = transaction.last
        return result

    def commit(self) -> None:
        """Wait for the disk, then make sure that it was our file we wrote to."""
        with losses(self._path):
            self._open_connection().commit()
        self._stay()
        self._durable = self._last

    def tend(self) -> None:
        """Look whether the file is there and, after a loss, takes a write again; leave an anchor when one is due."""
        if self._connection is None:
            self.begin()
            with losses(self._path):
                self._open_connection().exec_driver_sql("PRAGMA user_version=1")
            self.commit()
        self._stay()
        if self._clock.monotonic() >= self._anchor_due:
            self._drop_anchor()

    def abandon(self) -> None:
        """Forget the connection; SQLite undoes what it had not committed."""
        self._on_loss()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(exc.SQLAlchemyError):
                connection.invalidate()
                connection.close()

    def close(self) -> None:
        """Leave the last anchor and the file."""
        if self._connection is not None:
            self._drop_anchor()
        self.abandon()

    def _resumed(self, connection: sa.Connection) -> Anchor:
        """Return where the journal of a file just opened goes on: after a fact of doubt, if its end was another."""
        last = last_entry(connection)
        try:
            seen = self._durable or read_anchor(self._path)
        except OurMistake:
            return self._doubt(connection, last, "the anchor is unreadable", None)
        if seen is None and last.seq == 0:
            write_anchor(self._path, last)
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
        transaction = SqlTransaction(connection, last)
        transaction.append(Fact(kind="journal.doubted", at=self._clock.now(), values=values))
        return transaction.last

    def _drop_anchor(self) -> None:
        if self._durable is None or self._durable == self._anchored:
            return
        self._anchor_due = self._clock.monotonic() + ANCHOR_EVERY
        try:
            write_anchor(self._path, self._durable)
        except Lost as lost:
            if not self.anchor_error:
                log.error("anchor.failed", reason=str(lost))
            self.anchor_error = str(lost)
            return
        self._anchored = self._durable
        self.anchor_error = ""

    def _open_connection(self) -> sa.Connection:
        if self._connection is None:
            raise Lost(f"{self._path.name} is not open")
        return self._connection

    def _places(self) -> tuple[tuple[int, int], ...]:
        return place(self._path), place(wal_path(self._path))

    def _stay(self) -> None:
        """Raise `Lost` when the file was deleted, moved or replaced under our hands."""
        if self._places() != self._place:
            raise Lost(f"{self._path.name} is another file now")
