from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from gateway.domain.errors import Refused, Unavailable
from gateway.storage.migrate import migrate
from gateway.storage.schema import metadata
from gateway.storage.sqlite import SqliteFile


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    home = os.getcwd()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.chdir(elsewhere)
    yield tmp_path / "new" / "store.sqlite3"
    os.chdir(home)


def versions(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


def test_the_migrations_make_the_schema_the_code_speaks_of(path: Path) -> None:
    migrate(path)

    engine = SqliteFile(path).engine(writes=False, patience=1.0)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_fresh_database_is_in_wal_and_a_second_call_changes_nothing(path: Path) -> None:
    migrate(f"sqlite:///{path}")
    first = versions(path)
    migrate(path)

    assert versions(path) == first
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_two_that_start_at_once_make_one_database(path: Path) -> None:
    starters = [threading.Thread(target=migrate, args=(path,)) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert len(versions(path)) == 1


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    migrate(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(Refused, match="another version"):
        migrate(path)


def test_a_locked_database_is_unavailable_and_left_as_it_was(path: Path) -> None:
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable):
            migrate(path, patience=0.01)

    migrate(path)


def test_the_schema_can_be_said_in_postgresql_too() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    said = {table.name: str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables}

    assert "seq BIGINT NOT NULL" in said["journal"]
    assert "at TIMESTAMP WITH TIME ZONE NOT NULL" in said["journal"]
    assert "started DOUBLE PRECISION NOT NULL" in said["utterances"]
