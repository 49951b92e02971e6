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

from gateway.ports import Clock
from gateway.storage.anchor import write_anchor
from gateway.storage.chain import Anchor
from gateway.storage.sqlite import engine_for, losses, place, wal_path
from gateway.storage.transaction import SqlTransaction, last_entry
from gateway.storage.writer import Lost

T = TypeVar("T")

log = structlog.get_logger(__name__)

ANCHOR_EVERY = 1.0
"""Seconds between two anchors at least: each costs two waits for the disk."""


class SqliteSession:
    """What `GroupCommitWriter` drives, on the file at *path*, waiting up to *patience* seconds for another's lock."""

    def __init__(self, path: Path, *, clock: Clock, patience: float) -> None:
        self._path = path
        self._clock = clock
        self._engine = engine_for(path, writes=True, patience=patience)
        self._connection: sa.Connection | None = None
        self._place: tuple[tuple[int, int], ...] = ()
        self._last = Anchor()
        self._durable = Anchor()
        self._anchored = Anchor()
        self._anchor_due = clock.monotonic()
        self.anchor_error = ""

    def begin(self) -> None:
        """Take the write lock, opening the file when it is not open."""
        with losses(self._path):
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.begin()
                self._last = self._durable = last_entry(self._connection)
                self._place = self._places()
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
        """Look whether the file is there, after a loss whether it takes a write, and leave an anchor when one is due."""
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

    def _drop_anchor(self) -> None:
        if self._durable == self._anchored:
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
