"""The stores that owe the core the same: in memory, on SQLite, on PostgreSQL. A suite asks for `store`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from tests.fakes.store import MemoryStore, SetClock


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore | SqlStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    where: Path | PostgresDatabase = tmp_path / "store.sqlite3"
    if request.param == "postgresql":
        where = PostgresDatabase(request.getfixturevalue("postgresql_url"), anchored=tmp_path / "postgresql")
    async with SqlStore(where, clock=SetClock()) as kept:
        yield kept
