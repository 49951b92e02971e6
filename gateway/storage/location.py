"""Which database a path, a URL or a node's configuration speaks of."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from gateway.domain.errors import OurMistake
from gateway.storage.database import Database
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.sqlite import SqliteFile

Where: TypeAlias = str | Path | Database
"""A database, or a SQLite file by its path or ``sqlite:///`` URL."""


def database_at(where: Where) -> Database:
    """Return the database that *where* speaks of. Raises `OurMistake` for a URL that is no SQLite file's."""
    if isinstance(where, Path):
        return SqliteFile(where)
    if not isinstance(where, str):
        return where
    if "://" not in where:
        return SqliteFile(Path(where))
    url = sa.make_url(where)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise OurMistake(f"{url.render_as_string()} is no SQLite file")
    return SqliteFile(Path(url.database))


def database_of_node(data: Path, url: str) -> Database:
    """Return the database of a node that keeps its files in *data*: at *url*, or in *data* when that is empty.

    On PostgreSQL the node's own anchor is ``postgresql.anchor`` in *data*. Raises `OurMistake` for another URL.
    """
    return PostgresDatabase(url, anchored=data / "postgresql") if url else SqliteFile(data / "jiesu.sqlite")
