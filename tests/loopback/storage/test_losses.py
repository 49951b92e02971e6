"""Real losses: a file that is locked, moved, replaced or full, and the store that works again when it is back."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.errors import Unavailable
from gateway.domain.events import Entry, Fact
from gateway.storage.anchor import anchor_path
from gateway.storage.chain import Verdict
from gateway.storage.journal import verify
from gateway.storage.migrate import migrate
from gateway.storage.session import SqlSession
from gateway.storage.store import READERS, READS_WAITING, SqlStore
from gateway.storage.writer import Lost
from tests.fakes.store import SetClock

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hot line #1.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    async with SqlStore(path, clock=SetClock(), patience=0.01) as opened:
        yield opened


def back_up(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


async def append(store: SqlStore, number: int = 0) -> Entry:
    fact = Fact(kind="call.offered", at=datetime(2026, 11, 21, tzinfo=UTC), values={"n": number})
    return await store.commit(lambda tx: tx.append(fact))


async def test_another_process_holding_the_lock_is_unavailable_until_it_lets_go(store: SqlStore, path: Path) -> None:
    await append(store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(Unavailable, match="locked") as refusal:
        await append(store)
    assert refusal.value.retry_after is not None
    assert not store.status.ok
    assert "locked" in store.status.error
    assert len(await store.entries()) == 1, "who only reads does not wait for a writer"

    other.execute("ROLLBACK")
    other.close()
    assert (await append(store)).seq == 2
    assert store.status.ok


async def test_a_file_moved_away_is_unavailable_until_it_is_back(store: SqlStore, path: Path) -> None:
    await append(store)
    away = path.with_suffix(".away")
    os.rename(path, away)

    with pytest.raises(Unavailable):
        await append(store)
    with pytest.raises(Unavailable):
        await append(store)
    with pytest.raises(Unavailable):
        await store.entries()
    assert path.name not in os.listdir(path.parent), "an empty database in its place would hide the loss"

    os.rename(away, path)
    assert (await append(store)).seq == 2
    assert len(await store.entries()) == 2
    assert verify(path).ok


async def test_a_file_that_was_deleted_takes_no_more_units(store: SqlStore, path: Path) -> None:
    await append(store)
    os.unlink(path)

    with pytest.raises(Unavailable):
        await append(store)
    assert not store.status.ok


async def test_a_log_deleted_under_an_open_database_loses_nothing_acknowledged(store: SqlStore, path: Path) -> None:
    await append(store)
    assert len(await store.entries()) == 1
    os.unlink(f"{path}-wal")

    with suppress(Unavailable):  # unless the writer has looked after its file in between
        await append(store)
    last = await append(store)

    assert [entry.seq for entry in await store.entries()] == list(range(1, last.seq + 1))
    assert verify(path).ok


async def test_an_older_copy_put_in_its_place_is_doubted_in_its_own_journal(path: Path) -> None:
    copy = path.with_suffix(".copy")
    async with SqlStore(path, clock=SetClock()) as store:
        await append(store)
        back_up(path, copy)
        seen = await append(store)
    os.replace(copy, path)

    assert verify(path).reason == "cut at the end: the anchor has seen entry 2"
    async with SqlStore(path, clock=SetClock()) as store:
        assert (await append(store)).seq == 3
        doubt = (await store.entries())[1].fact
    assert doubt.kind == "journal.doubted"
    assert (doubt.values["seq"], doubt.values["hash"]) == (seen.seq, seen.hash)


@pytest.mark.parametrize("anchor", [None, "{}", "no json", '{"seq":"x","hash":1}'])
async def test_a_missing_or_spoilt_anchor_is_doubted_once(path: Path, anchor: str | None) -> None:
    async with SqlStore(path, clock=SetClock()) as store:
        await append(store)
    file = anchor_path(path)
    file.unlink() if anchor is None else file.write_text(anchor)

    assert verify(path).reason
    for _ in range(2):
        async with SqlStore(path, clock=SetClock()) as store:
            assert [entry.fact.kind for entry in await store.entries()] == ["call.offered", "journal.doubted"]
    assert verify(path) == Verdict(entries=2, ok=True)


async def test_an_anchor_that_cannot_be_written_is_told_and_stops_no_call(path: Path) -> None:
    clock = SetClock()
    async with SqlStore(path, clock=clock) as store:
        await append(store)
    obstacle = f"{anchor_path(path)}.new"
    os.mkdir(obstacle)

    async with SqlStore(path, clock=clock) as store:
        await append(store)
        assert "anchor" in store.status.error
        os.rmdir(obstacle)
        clock.seconds += 2.0
        await append(store)
        await append(store)
        assert store.status.ok
    assert verify(path) == Verdict(entries=4, ok=True)


async def test_a_file_that_is_no_database_is_unavailable(path: Path) -> None:
    path.write_text("this is no database, but long enough to be taken for one. " * 100)  # noqa: ASYNC240

    with pytest.raises(Unavailable):
        async with SqlStore(path, clock=SetClock()):
            pass


async def test_a_store_cannot_be_entered_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable):
        async with SqlStore(tmp_path / "file" / "store.sqlite3", clock=SetClock()):
            pass


async def test_a_store_that_cannot_leave_its_first_anchor_is_not_entered(path: Path) -> None:
    os.mkdir(f"{anchor_path(path)}.new")

    with pytest.raises(Unavailable, match="anchor"):
        async with SqlStore(path, clock=SetClock()):
            pass


async def test_too_many_reads_are_pushed_back(store: SqlStore) -> None:
    most = READERS + READS_WAITING

    outcomes = await asyncio.gather(*(store.accounts() for _ in range(most + 3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes[most:]] == [Unavailable] * 3
    assert outcomes[:most] == [[]] * most
    assert await store.accounts() == []


def test_another_file_in_its_place_is_not_written_to(path: Path) -> None:
    migrate(path)
    copy = path.with_suffix(".copy")
    back_up(path, copy)
    session = SqlSession(path, clock=SetClock(), patience=1.0)
    session.begin()
    session.commit()
    os.replace(copy, path)

    with pytest.raises(Lost, match="another file"):
        session.begin()
    session.abandon()


async def test_a_closed_store_is_unavailable(path: Path) -> None:
    async with SqlStore(path, clock=SetClock()) as store:
        await append(store)

    with pytest.raises(Unavailable):
        await append(store)
    with pytest.raises(Unavailable):
        await store.entries()


async def test_units_in_flight_at_closing_are_written(path: Path) -> None:
    async with SqlStore(path, clock=SetClock()) as store:
        units = [asyncio.create_task(append(store, number)) for number in range(100)]
        await asyncio.sleep(0)

    assert [entry.seq for entry in await asyncio.gather(*units)] == list(range(1, 101))
    assert verify(path).entries == 100


FULL_DISK = """
import asyncio, resource, sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.storage.anchor import anchor_path
from gateway.storage.chain import Verdict
from gateway.storage.journal import verify
from gateway.storage.migrate import migrate
from gateway.storage.session import SqlSession
from gateway.storage.store import READERS, READS_WAITING, SqlStore
from gateway.storage.writer import Lost
from tests.fakes.store import SetClock

async def main(path):
    async with SqlStore(path, clock=SetClock()) as store:
        def append(size):
            fact = Fact(kind="call.offered", at=datetime.now(UTC), values={"text": "x" * size})
            return store.commit(lambda tx: tx.append(fact))

        await append(1)
        limit = max(file.stat().st_size for file in path.parent.iterdir()) + 8192
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        kept, outcomes = 1, await asyncio.gather(*(append(20_000) for _ in range(100)), return_exceptions=True)
        kept += sum(not isinstance(outcome, Exception) for outcome in outcomes)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert refused and all(type(outcome) is Unavailable for outcome in refused), refused
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await append(1000)
        assert store.status.ok, store.status
        assert len(await store.entries()) == kept + 1
    assert verify(path).ok and verify(path).entries == kept + 1

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_is_unavailable_and_nothing_acknowledged_is_lost(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL_DISK, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr[-3000:]


async def test_a_copy_made_while_it_runs_can_be_opened(store: SqlStore, path: Path, tmp_path: Path) -> None:
    await append(store)
    copy = tmp_path / "copy.sqlite3"
    back_up(path, copy)
    shutil.copy(f"{path}.anchor", f"{copy}.anchor")

    assert verify(copy).entries == 1
