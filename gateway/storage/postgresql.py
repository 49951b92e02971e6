"""PostgreSQL as we use it: one advisory lock on the end of the journal, so that the nodes append in turn.

A group of units takes the lock with its first statement and holds it until its commit; whoever gets it then sees all
that was committed before (READ COMMITTED). So writes of all nodes come one after another, as those of one node do on
SQLite. A node that stops in the middle loses its transaction, and the others go on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.datetime import TimestamptzLoader
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection

from gateway.domain.errors import OurMistake, Refused
from gateway.storage.database import Hindered, kept, named
from gateway.storage.writer import Lost

JOURNAL_LOCK = 0x6A69657375
"""The key of the advisory lock on the end of the journal."""

HOLDING_LIMIT = 5.0
"""Seconds a node may be silent within a transaction, and so keep the others waiting, before the server ends it."""

RECOVERY_LIMIT = 10.0
"""Seconds to wait for a server that was lost in the middle of a commit, before its outcome is called unknown."""

OLDEST_VERSION = 130000
"""The oldest server we have the statements for, as `server_version_num` counts."""

_LINE: dict[str, Any] = {
    "application_name": "jiesu",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How a line is watched, in libpq's words; what the URL says comes first."""

_BEGIN_WRITING = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({JOURNAL_LOCK})"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_SETTINGS = """
    SELECT pg_is_in_recovery(), set_config('TimeZone', 'UTC', false), set_config('lock_timeout', %s, false),
        set_config('idle_in_transaction_session_timeout', %s, false),
        set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)
"""
_PROOF = "CREATE TEMPORARY TABLE jiesu_proof ON COMMIT DROP AS SELECT 1 AS proof"

_LOST = ("08", "25006", "25P03", "28", "3D000", "42501", "53", "55", "57", "58", "F0", "XX")
"""SQLSTATEs, or their classes, of a server that cannot serve us now: PostgreSQL's appendix A."""
_PASSING = ("40001", "40P01")
"""A serialization failure and a deadlock: the same again may well succeed."""
_LOCKED = "55P03"


class _Instant(TimestamptzLoader):
    """Reads an instant; one beyond what Python knows stays text, for `verify` to find."""

    def load(self, data: bytes | bytearray | memoryview) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class PostgresDatabase:
    """The database at a ``postgresql://`` *url* of libpq; see `gateway.storage.database.Database`.

    *anchored* is where this node keeps its anchor: each node has one of its own. Raises `OurMistake` for another URL.
    """

    def __init__(self, url: str, *, anchored: Path) -> None:
        if not url.startswith(("postgresql://", "postgres://")):
            raise OurMistake("not a PostgreSQL URL: it begins with postgresql://")
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:  # whose words quote the URL, and so a password
            raise OurMistake("not a PostgreSQL URL that libpq understands") from None
        self._conninfo = make_conninfo(url, **{key: value for key, value in _LINE.items() if key not in given})
        self._name = f"PostgreSQL {given.get('dbname') or ''} at {given.get('host') or 'this machine'}"
        self._anchored = anchored

    @property
    def name(self) -> str:
        """What messages call it; never holds a password."""
        return self._name

    @property
    def anchored(self) -> Path:
        """This node's own place for the anchor."""
        return self._anchored

    @property
    def absence(self) -> float:
        """As long as a server takes to start again after a crash."""
        return RECOVERY_LIMIT

    def create(self) -> None:
        """Make the folder of the anchor; the database is its administrator's to make. See `Database.create`."""
        with self.losses(), self._connect(writes=True) as connection:
            self._refuse_unfit(connection)
        try:
            self._anchored.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Lost(f"{self._anchored.parent.name}: {error.strerror}") from error

    def describe(self) -> str:
        """Ask the server what it is. Raises `Lost` when it takes no writes, `Refused` when its commits do not last."""
        with self.losses(), self._connect(writes=True) as connection:
            self._refuse_unfit(connection)
            if connection.execute("SHOW fsync").fetchone() != ("on",):
                raise Refused(f"{self.name}: fsync is off, so what it has acknowledged can be lost")
            with connection.transaction():
                connection.execute(_PROOF)
            found = connection.execute("SELECT pg_database_size(current_database()) / 1024.0 ^ 2").fetchone()
            version = connection.info.parameter_status("server_version")
        size = float(found[0]) if found else 0.0
        return f"{self.name}, version {version}, {size:.1f} MiB"

    def engine(self, *, writes: bool, patience: float, connections: int = 1) -> sa.Engine:
        """Return an engine; a writing one begins with the end of the journal in hand."""

        def connect() -> psycopg.Connection[Any]:
            return self._connect(writes=writes, patience=patience)

        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=connect,
            use_native_hstore=False,
            hide_parameters=True,
            **({"poolclass": NullPool} if writes else kept(connections)),
        )

        @event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            driver: Any = connection.connection.driver_connection
            driver.execute(_BEGIN_WRITING if writes else _BEGIN_READING)

        @event.listens_for(engine, "checkout")
        def listen(driver: psycopg.Connection[Any], entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
            try:
                driver.pgconn.consume_input()
            except psycopg.OperationalError as error:
                raise exc.DisconnectionError from error

        return engine

    def losses(self) -> AbstractContextManager[None]:
        """Turn what the server and the line to it say into `Lost`, `Hindered` or `OurMistake`."""
        return named(self.name, psycopg.Error, self._meaning)

    def watch(self, connection: sa.Connection) -> Callable[[], None]:
        """Return what raises `Lost` once the server has ended the connection, as far as this machine has heard."""
        driver: Any = connection.connection.driver_connection

        def stay() -> None:
            try:
                driver.pgconn.consume_input()  # takes what has arrived, and the end when that is all there is
            except psycopg.OperationalError as error:
                raise Lost(f"{self.name}: {_words(error)}") from error

        return stay

    def prove(self, connection: sa.Connection) -> None:
        """Let the server make a file of one page, which it drops at the commit."""
        connection.exec_driver_sql(_PROOF)

    def _refuse_unfit(self, connection: psycopg.Connection[Any]) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if connection.info.server_version < OLDEST_VERSION or encoding != "UTF8":
            raise Refused(f"{self.name}: needs PostgreSQL {OLDEST_VERSION // 10000} or later, encoding UTF8")

    def _connect(self, *, writes: bool, patience: float = 2.0) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._conninfo, autocommit=True)
        connection.adapters.register_loader("timestamptz", _Instant)
        try:
            settings = connection.execute(_SETTINGS, [f"{math.ceil(patience * 1000)}ms", f"{HOLDING_LIMIT:.0f}s"])
            if writes and settings.fetchall()[0][0]:
                raise Lost(f"{self.name}: is a standby, which is read-only")
        except BaseException:
            connection.close()
            raise
        return connection

    def _meaning(self, error: psycopg.Error) -> Exception:
        state = error.sqlstate or ""
        words = f"{self.name}: {_words(error)}"
        if state in _PASSING or state == _LOCKED:
            return Hindered(words, passing=state in _PASSING)
        if state.startswith(_LOST) or (not state and isinstance(error, psycopg.OperationalError)):
            return Lost(words)
        return OurMistake(words)


def _words(error: psycopg.Error) -> str:
    """Return what went wrong in one line, without the details: they quote rows."""
    return (error.diag.message_primary or str(error)).partition("\n")[0]
