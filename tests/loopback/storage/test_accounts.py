from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.storage.accounts import Account
from gateway.storage.store import SqliteStore
from tests.fakes.store import SetClock

AGENT = Account(
    name="agent1", password_hash="$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", role="agent", name_zh="坐席一"
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path / "store.sqlite3", clock=SetClock()) as opened:
        yield opened


async def test_an_account_is_found_by_its_name_alone(store: SqliteStore) -> None:
    await store.save_account(AGENT)

    assert await store.account("agent1") == AGENT
    assert await store.account("AGENT1") is None
    assert await store.account("") is None


async def test_an_account_saved_again_is_replaced(store: SqliteStore) -> None:
    changed = replace(AGENT, role="supervisor", name_zh="班长")
    await store.save_account(AGENT)
    await store.save_account(changed)

    assert await store.accounts() == [changed]


async def test_accounts_come_by_name(store: SqliteStore) -> None:
    for name in ("c", "a", "b"):
        await store.save_account(replace(AGENT, name=name))

    assert [account.name for account in await store.accounts()] == ["a", "b", "c"]
