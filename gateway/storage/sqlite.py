"""SQLite as we use it: WAL, synchronous=FULL, explicit transactions, and one name for all its ways to fail.

Only `create` makes a file. Everybody else finds the one that is there or fails with `Lost`: a connection to a file
that was deleted or moved would go on writing where nobody looks.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection

from gateway.domain.errors import OurMistake
from gateway.storage.database import kept, named
from gateway.storage.writer import Lost

_MISTAKES = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.NotSupportedError)


class _Connection(sqlite3.Connection):
    """A connection that knows on which file it was opened."""

    place: tuple[int, int]


class SqliteFile:
    """A database in the file at *path*; see `gateway.storage.database.Database`."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._path.name

    @property
    def anchored(self) -> Path:
        """The file itself."""
        return self._path

    @property
    def absence(self) -> float:
        """A file does not go and come by itself."""
        return 0.0

    def create(self) -> None:
        """Make the file when there is none and set it to WAL, which it remembers. Raises `Lost`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise Lost(f"{self.name}: {error}") from error

    def describe(self) -> str:
        """Say which file it is; there may be none before the first start. Raises `Lost` when it is no database."""
        if not self._path.exists():
            return f"SQLite {sqlite3.sqlite_version}, {self._path} (made at the first start)"
        engine = self.engine(writes=False, patience=1.0)
        with self.losses(), engine.begin() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")
        engine.dispose()
        return f"SQLite {sqlite3.sqlite_version}, {self._path}, {self._path.stat().st_size / 1024**2:.1f} MiB"

    def engine(self, *, writes: bool, patience: float, connections: int = 1) -> sa.Engine:
        """Return an engine on an existing file; a writing one begins with the write lock in hand."""

        def connect() -> _Connection:
            here = self._place(self._path)
            connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode={'rw' if writes else 'ro'}",
                uri=True,
                timeout=patience,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            connection.place = here
            connection.execute("PRAGMA synchronous=FULL")
            return connection

        engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=connect,
            hide_parameters=True,
            **({"poolclass": NullPool} if writes else kept(connections)),
        )

        @event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        @event.listens_for(engine, "checkout")
        def look(driver: _Connection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
            if driver.place != self._place(self._path):
                raise exc.DisconnectionError(f"{self.name} is another file now")

        return engine

    def losses(self) -> AbstractContextManager[None]:
        """Turn what SQLite says when it cannot work into `Lost`, and our own mistakes into `OurMistake`."""
        return named(self.name, sqlite3.Error, self._meaning)

    def watch(self, connection: sa.Connection) -> Callable[[], None]:
        """Return what raises `Lost` once the file or its write-ahead log was deleted, moved or replaced."""
        paths = (self._path, self._path.with_name(self._path.name + "-wal"))
        here = [self._place(path) for path in paths]

        def stay() -> None:
            if [self._place(path) for path in paths] != here:
                raise Lost(f"{self.name} is another file now")

        return stay

    def prove(self, connection: sa.Connection) -> None:
        """Rewrite the file's first page."""
        connection.exec_driver_sql("PRAGMA user_version=1")

    def _place(self, path: Path) -> tuple[int, int]:
        """Tell which file lies at *path* now. Raises `Lost` when there is none."""
        try:
            found = os.stat(path)
        except OSError as error:
            raise Lost(f"{path.name}: {error.strerror}") from error
        return found.st_dev, found.st_ino

    def _meaning(self, error: sqlite3.Error) -> Exception:
        return (OurMistake if isinstance(error, _MISTAKES) else Lost)(f"{self.name}: {error}")
