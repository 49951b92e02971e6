"""The journal in its file: it only grows, strangers can check it while it runs, and tampering shows."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.call import CallId
from gateway.domain.errors import OurMistake, Unavailable
from gateway.domain.events import Entry, Fact
from gateway.storage.anchor import anchor_path, read_anchor
from gateway.storage.chain import Verdict
from gateway.storage.journal import show, verify
from gateway.storage.migrate import migrate
from gateway.storage.session import SqlSession
from gateway.storage.store import SqlStore
from tests.fakes.store import SetClock

PAGE = Path(__file__).resolve().parents[3] / "docs" / "journal.md"
COLUMNS = 'seq, at, kind, call, ticket, "offset", "values", previous, hash'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    async with SqlStore(path, clock=SetClock()) as opened:
        for number in range(5):
            await append(opened, number)
        yield opened


async def append(store: SqlStore, number: int) -> Entry:
    fact = Fact(
        kind="leg.answered",
        at=datetime(2026, 11, 21, 2, 3, number, tzinfo=UTC),
        call_id=CallId(f"call-{number % 2}"),
        offset=number / 3,
        values={"n": number, "备注": "“话”"},
    )
    return await store.commit(lambda tx: tx.append(fact))


def tamper(path: Path, *statements: str) -> None:
    """Change the journal as one who owns the file can: the triggers are dropped first."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for trigger in ("journal_refuses_update", "journal_refuses_delete", "journal_refuses_holes"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)


async def test_verify_and_show_work_while_the_gateway_runs(store: SqlStore, path: Path) -> None:
    entries = await store.entries()

    assert (verify(path).ok, verify(path).entries) == (True, 5)
    assert verify(f"sqlite:///{path}").entries == 5
    assert show(path, CallId("call-1")) == [entries[1], entries[3]]
    assert show(path, CallId("call-9")) == []


async def test_verify_sees_one_moment_of_a_growing_journal(store: SqlStore, path: Path) -> None:
    for number in range(5, 30):
        await append(store, number)
        verdict = verify(path)
        assert (verdict.ok, verdict.entries) == (True, number + 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET kind = 'x.y' WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 5",
        "DELETE FROM journal",
        f"INSERT OR REPLACE INTO journal SELECT {COLUMNS} FROM journal WHERE seq = 2",
        'INSERT INTO journal SELECT 9, at, kind, call, ticket, "offset", "values", previous, hash FROM journal LIMIT 1',
        'INSERT INTO journal SELECT 0, at, kind, call, ticket, "offset", "values", previous, hash FROM journal LIMIT 1',
    ],
)
async def test_the_database_refuses_to_change_what_is_written(store: SqlStore, path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="the journal"):
        connection.execute(statement)
    assert verify(path).ok


@pytest.mark.parametrize(
    ("statement", "first_bad", "reason"),
    [
        ("UPDATE journal SET kind = 'leg.ended' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET at = 'yesterday' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET \"values\" = x'ff' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET \"offset\" = 'long ago' WHERE seq = 1", 1, "altered"),
        ("UPDATE journal SET seq = 99 WHERE seq = 3", 3, "missing"),
        ("DELETE FROM journal WHERE seq = 2", 2, "missing"),
        ("DELETE FROM journal WHERE seq = 1", 1, "missing"),
        ("DELETE FROM journal WHERE seq >= 4", 4, "cut at the end"),
        ("DELETE FROM journal", 1, "cut at the end"),
    ],
)
async def test_tampering_shows(path: Path, statement: str, first_bad: int, reason: str) -> None:
    async with SqlStore(path, clock=SetClock()) as store:
        for number in range(5):
            await append(store, number)
    tamper(path, statement)

    verdict = verify(path)

    assert (verdict.ok, verdict.first_bad) == (False, first_bad)
    assert verdict.reason.startswith(reason)


def test_the_anchor_follows_at_most_once_a_second_and_at_the_close(path: Path) -> None:
    migrate(path)
    clock = SetClock()
    session = SqlSession(path, clock=clock, patience=1.0)

    def write() -> int:
        session.begin()
        entry = session.run(lambda tx: tx.append(Fact(kind="call.offered", at=clock.now())))
        session.commit()
        session.tend()
        return entry.seq

    def anchored() -> int:
        anchor = read_anchor(path)
        assert anchor is not None
        return anchor.seq

    assert (write(), anchored()) == (1, 1)
    clock.seconds += 0.9
    assert (write(), anchored()) == (2, 1)
    clock.seconds += 0.2
    assert (write(), anchored()) == (3, 3)
    clock.seconds += 0.2
    assert (write(), anchored()) == (4, 3)
    session.close()
    assert anchored() == 4


async def test_a_journal_without_its_anchor_holds_but_says_so(store: SqlStore, path: Path) -> None:
    anchor_path(path).unlink()

    assert verify(path) == Verdict(entries=5, ok=True, reason="no anchor: a cut at the end would not show")


async def test_the_twenty_lines_of_the_page_agree(store: SqlStore, path: Path) -> None:
    script = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert len(script.splitlines()) <= 20

    def stranger() -> str:
        return subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True).stdout

    assert stranger() == "5 entries hold\n"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER journal_refuses_update")
        connection.execute("UPDATE journal SET kind = 'leg.ended' WHERE seq = 3")
    assert stranger() == "entry 3 does not hold\n"


def test_a_journal_that_is_not_there_is_unavailable(path: Path) -> None:
    with pytest.raises(Unavailable):
        verify(path)
    with pytest.raises(Unavailable):
        show(path, CallId("call-1"))
    assert not path.exists()


def test_another_kind_of_database_is_our_mistake() -> None:
    with pytest.raises(OurMistake):
        verify("mysql://localhost/jiesu")
