"""SQLite as we use it: WAL, synchronous=FULL, explicit transactions, and one name for all its ways to fail.

Only `create` makes a file. Everybody else finds the one that is there or fails with `Lost`: a connection to a file
that was deleted or moved would go on writing where nobody looks.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool, QueuePool

from gateway.domain.errors import Conflict, OurMistake
from gateway.storage.writer import Lost


def database_path(where: str | Path) -> Path:
    """Return the file that *where*, a path or a ``sqlite:///`` URL, speaks of. Raises `OurMistake` for another kind."""
    if isinstance(where, Path) or "://" not in where:
        return Path(where).resolve()
    url = sa.make_url(where)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise OurMistake(f"{url.render_as_string()} is no SQLite file")
    return Path(url.database).resolve()


def create(path: Path) -> None:
    """Make the file when there is none and set it to WAL, which it remembers. Raises `Lost`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise Lost(f"{path.name}: {error}") from error


def engine_for(path: Path, *, writes: bool, patience: float, connections: int = 1) -> sa.Engine:
    """Return an engine on an existing file; *patience* is how long, in seconds, it waits for another's lock.

    A writing engine opens its transactions with the write lock in hand and keeps no pool; a reading engine cannot write
    and keeps up to *connections*. Neither puts the values of a row, which are people's words, into its errors.
    """

    def connect() -> sqlite3.Connection:
        mode = "rw" if writes else "ro"
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}", uri=True, timeout=patience, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    if writes:
        engine = sa.create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    else:
        engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            hide_parameters=True,
        )

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def wal_path(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of the database at *path*."""
    return path.with_name(path.name + "-wal")


def place(path: Path) -> tuple[int, int]:
    """Tell which file lies at *path* now, so that a change of it shows. Raises `Lost` when there is none."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise Lost(f"{path.name}: {error.strerror}") from error
    return found.st_dev, found.st_ino


@contextmanager
def losses(path: Path) -> Iterator[None]:
    """Turn what SQLite says when it cannot work into `Lost`, and our own mistakes into `OurMistake`."""
    try:
        yield
    except sqlite3.Error as error:
        raise Lost(f"{path.name}: {error}") from error
    except UnicodeEncodeError as error:
        raise OurMistake(f"{path.name}: a text that UTF-8 cannot carry") from error
    except exc.StatementError as error:
        cause: Any = error.orig
        if isinstance(cause, OurMistake | Conflict):
            raise cause from error
        if _means_loss(error):
            raise Lost(f"{path.name}: {cause}") from error
        raise OurMistake(f"{path.name}: {cause}") from error


def _means_loss(error: exc.StatementError) -> bool:
    mistakes = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)
    return isinstance(error, exc.DatabaseError) and not isinstance(error, mistakes)
