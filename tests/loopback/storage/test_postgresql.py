"""Several nodes on one PostgreSQL: one chain, one winner, and strangers' locks."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway import cli
from gateway.domain.call import CallId
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.errors import Conflict, OurMistake, Refused, Unavailable
from gateway.domain.events import Entry, Fact
from gateway.domain.ticket import Ticket, TicketId
from gateway.ports.memory import Transaction
from gateway.storage import postgresql as postgresql_module
from gateway.storage.anchor import anchor_path
from gateway.storage.chain import Verdict
from gateway.storage.journal import show, verify
from gateway.storage.migrate import migrate
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.schema import metadata
from gateway.storage.store import SqlStore
from gateway.storage.writer import Lost
from tests.fakes.store import SetClock
from tests.peers.postgresql import Cluster

pytestmark = pytest.mark.peer("postgresql")

PAGE = Path(__file__).resolve().parents[3] / "docs" / "journal.md"
COLUMNS = 'at, kind, call, ticket, "offset", "values", previous, hash'
TICKET = Ticket(
    id=TicketId("20261121-000001"),
    contact_id=ContactId("contact-1"),
    channel=ChannelKind.TELEPHONE,
    call_id=CallId("call-1"),
    caller="01000000001",
    received_at=datetime(2026, 11, 21, 4, tzinfo=UTC),
)
OTHER = replace(TICKET, id=TicketId("20261121-000002"))


@pytest.fixture
def here(postgresql_url: str, tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(postgresql_url, anchored=tmp_path / "here" / "postgresql")


@pytest.fixture
def there(postgresql_url: str, tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(postgresql_url, anchored=tmp_path / "there" / "postgresql")


@pytest.fixture
async def store(here: PostgresDatabase) -> AsyncIterator[SqlStore]:
    async with SqlStore(here, clock=SetClock(), patience=0.2) as opened:
        yield opened


async def append(store: SqlStore, number: int) -> Entry:
    fact = Fact(
        kind="leg.answered",
        at=datetime(2026, 11, 21, 2, 3, 4, number, tzinfo=UTC),
        call_id=CallId(f"call-{number % 2}"),
        offset=number / 3,
        values={"n": number, "备注": "“话”"},
    )
    return await store.commit(lambda tx: tx.append(fact))


async def save(store: SqlStore, ticket: Ticket) -> None:
    await store.commit(lambda tx: tx.save_ticket(ticket))


def administrator(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url)


async def test_two_nodes_write_one_chain_without_holes(here: PostgresDatabase, there: PostgresDatabase) -> None:
    async def write(node: SqlStore, numbers: range) -> list[Entry]:
        async def send(part: range) -> list[Entry]:
            return [await append(node, number) for number in part]

        written = await asyncio.gather(*(send(numbers[start::20]) for start in range(20)))
        return [entry for part in written for entry in part]

    async with SqlStore(here, clock=SetClock()) as one, SqlStore(there, clock=SetClock()) as two:
        ours, theirs = await asyncio.gather(write(one, range(2000)), write(two, range(2000, 4000)))

    assert sorted(entry.seq for entry in (*ours, *theirs)) == list(range(1, 4001))
    turns = [seq in {entry.seq for entry in ours} for seq in range(1, 4001)]
    assert sum(a != b for a, b in itertools.pairwise(turns)) > 10, "they took turns"
    for node in (here, there):
        assert verify(node) == Verdict(entries=4000, ok=True)


async def test_of_two_nodes_that_change_the_same_revision_one_wins(store: SqlStore, there: PostgresDatabase) -> None:
    async with SqlStore(there, clock=SetClock()) as other:
        await save(store, TICKET)
        changes = [replace(TICKET, revision=2, unit=unit) for unit in ("lighting", "roads")]

        outcomes = await asyncio.gather(save(store, changes[0]), save(other, changes[1]), return_exceptions=True)

        assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict]
        assert await other.ticket(TICKET.id) == changes[outcomes.index(None)]


async def test_a_node_that_starts_leaves_the_live_calls_of_another_alone(
    here: PostgresDatabase, there: PostgresDatabase
) -> None:
    async with SqlStore(here, clock=SetClock(), node="a") as one, SqlStore(there, clock=SetClock(), node="b") as two:
        await save(one, TICKET)
        await save(two, OTHER)
        await save(two, replace(TICKET, revision=2))

        assert await one.unfinished_calls() == [replace(TICKET, revision=2)]
        assert await two.unfinished_calls() == [OTHER]


async def test_a_change_that_a_stranger_makes_meanwhile_is_a_conflict(store: SqlStore, postgresql_url: str) -> None:
    await save(store, TICKET)
    with administrator(postgresql_url) as stranger:
        stranger.execute("UPDATE tickets SET revision = 2, unit = 'roads'")
        ours = asyncio.create_task(save(store, replace(TICKET, revision=2, unit="lighting")))
        await waits_for_a_lock(postgresql_url)
        stranger.commit()

    with pytest.raises(Conflict):
        await ours
    kept = await store.ticket(TICKET.id)
    assert kept is not None
    assert kept.unit == "roads"


async def test_a_row_that_a_stranger_holds_hinders_its_own_unit_alone(store: SqlStore, postgresql_url: str) -> None:
    await save(store, TICKET)
    with administrator(postgresql_url) as stranger:
        stranger.execute("UPDATE tickets SET unit = 'roads'")
        hindered, *others = await asyncio.gather(
            save(store, replace(TICKET, revision=2)),
            *(append(store, number) for number in range(10)),
            return_exceptions=True,
        )
        stranger.rollback()

    assert isinstance(hindered, Unavailable)
    assert hindered.retry_after is not None
    assert await store.entries() == others
    await save(store, replace(TICKET, revision=2))
    assert store.status.ok


async def test_a_unit_that_a_deadlock_undid_is_run_again(store: SqlStore, postgresql_url: str) -> None:
    for ticket in (TICKET, OTHER):
        await save(store, ticket)
    runs, holds_one = [], threading.Event()

    def work(tx: Transaction) -> None:
        runs.append(tx)
        tx.save_ticket(replace(TICKET, revision=2))
        holds_one.set()
        tx.save_ticket(replace(OTHER, revision=2))

    with administrator(postgresql_url) as stranger:
        stranger.execute("SET deadlock_timeout = '1min'")
        stranger.execute("UPDATE tickets SET unit = 'roads' WHERE id = %s", [OTHER.id])
        ours = asyncio.create_task(store.commit(work))
        await asyncio.to_thread(holds_one.wait)
        await asyncio.to_thread(stranger.execute, "UPDATE tickets SET unit = 'roads' WHERE id = %s", [TICKET.id])
        stranger.commit()
    await ours

    assert len(runs) == 2
    for ticket in (TICKET, OTHER):
        assert await store.ticket(ticket.id) == replace(ticket, revision=2)


async def test_a_node_that_freezes_within_a_transaction_holds_the_others_up_only_so_long(
    store: SqlStore, there: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_module, "HOLDING_LIMIT", 1.0)
    frozen = there.engine(writes=True, patience=1.0).connect()
    frozen.begin()

    refusals = 0
    while True:
        try:
            await append(store, 1)
            break
        except Unavailable:
            refusals += 1

    assert refusals > 0
    with pytest.raises(Lost, match="idle-in-transaction"), there.losses():
        frozen.exec_driver_sql("SELECT 1")
    frozen.invalidate()
    frozen.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET kind = 'x.y' WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 5",
        "DELETE FROM journal",
        "TRUNCATE journal",
        f"INSERT INTO journal SELECT 2, {COLUMNS} FROM journal LIMIT 1 ON CONFLICT (seq) DO UPDATE SET kind = 'x.y'",
        f"INSERT INTO journal SELECT 9, {COLUMNS} FROM journal LIMIT 1",
        f"INSERT INTO journal SELECT 0, {COLUMNS} FROM journal LIMIT 1",
    ],
)
async def test_the_database_refuses_to_change_what_is_written(
    store: SqlStore, here: PostgresDatabase, postgresql_url: str, statement: str
) -> None:
    for number in range(5):
        await append(store, number)

    with administrator(postgresql_url) as stranger, pytest.raises(psycopg.errors.IntegrityError, match="the journal"):
        stranger.execute(statement)
    assert verify(here).ok


@pytest.mark.parametrize(
    ("statement", "first_bad", "reason"),
    [
        ("UPDATE journal SET kind = 'leg.ended' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET at = 'infinity' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET at = at + interval '1 microsecond' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET \"values\" = '' WHERE seq = 3", 3, "altered"),
        ("UPDATE journal SET \"offset\" = 'NaN' WHERE seq = 1", 1, "altered"),
        ("UPDATE journal SET seq = 99 WHERE seq = 3", 3, "missing"),
        ("DELETE FROM journal WHERE seq = 2", 2, "missing"),
        ("DELETE FROM journal WHERE seq >= 4", 4, "cut at the end"),
        ("TRUNCATE journal", 1, "cut at the end"),
    ],
)
async def test_tampering_shows(
    here: PostgresDatabase, postgresql_url: str, statement: str, first_bad: int, reason: str
) -> None:
    async with SqlStore(here, clock=SetClock()) as store:
        for number in range(5):
            await append(store, number)
    with administrator(postgresql_url) as owner:
        owner.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        owner.execute(statement.encode())

    verdict = verify(here)

    assert (verdict.ok, verdict.first_bad) == (False, first_bad)
    assert verdict.reason.startswith(reason)


async def test_a_node_that_finds_less_than_it_wrote_says_so_in_the_journal(
    here: PostgresDatabase, there: PostgresDatabase, postgresql_url: str
) -> None:
    async with SqlStore(here, clock=SetClock()) as store:
        entries = [await append(store, number) for number in range(5)]
    with administrator(postgresql_url) as owner:
        owner.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        owner.execute("DELETE FROM journal WHERE seq >= 4")
        owner.execute("ALTER TABLE journal ENABLE TRIGGER USER")

    async with SqlStore(here, clock=SetClock()) as store:
        doubt = (await store.entries())[-1].fact

    assert (doubt.kind, doubt.values["seq"]) == ("journal.doubted", 5)
    assert doubt.values["hash"] == entries[-1].hash
    async with SqlStore(there, clock=SetClock()) as store:
        assert (await store.entries())[-1].fact.values == {"reason": "the anchor is missing"}, "a node that is new here"


async def test_a_dump_made_while_a_node_writes_holds_with_the_anchor_copied_before_it(
    store: SqlStore, here: PostgresDatabase, postgresql: Cluster, tmp_path: Path
) -> None:
    for number in range(5):
        await append(store, number)
    copied = tmp_path / "copied"
    shutil.copy(anchor_path(here.anchored), anchor_path(copied))
    dumping = asyncio.create_task(asyncio.to_thread(postgresql.dump, here.name.split()[1], tmp_path / "dump"))
    number = 5
    while not dumping.done():
        await append(store, number)
        number += 1
    await dumping

    restored = postgresql.restore(tmp_path / "dump")
    verdict = verify(PostgresDatabase(postgresql.url(restored), anchored=copied))
    assert verdict.ok, verdict.reason
    assert 5 <= verdict.entries <= number
    with administrator(postgresql.url(restored)) as owner, pytest.raises(psycopg.errors.IntegrityError):
        owner.execute("DELETE FROM journal")
    postgresql.drop(restored)


async def test_verify_and_show_work_while_nodes_write(store: SqlStore, here: PostgresDatabase) -> None:
    for number in range(20):
        await append(store, number)
        assert verify(here) == Verdict(entries=number + 1, ok=True)
    entries = await store.entries()

    assert show(here, CallId("call-1")) == entries[1::2]


async def test_the_twenty_lines_of_the_page_agree_with_their_other_beginning(
    store: SqlStore, postgresql_url: str
) -> None:
    for number in range(5):
        await append(store, number)
    page = PAGE.read_text(encoding="utf-8")
    script = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    beginning, spelling = re.findall(r"`(psycopg\.connect\(.*?\))`|`(entry\[\"at\"\] = .*?)`", page)
    script = re.sub(r"(?m)^import .*$", "import hashlib, json, sys, psycopg\nfrom datetime import UTC", script)
    script = re.sub(r"(?m)^database = .*\n.*$", f"database = {beginning[0]}", script)
    script = script.replace("    text = ", f"    {spelling[1]}\n    text = ")

    command = [sys.executable, "-c", script, postgresql_url]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("5 entries hold\n", "")


async def test_the_command_verifies_the_journal_of_a_url(
    postgresql_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with SqlStore(PostgresDatabase(postgresql_url, anchored=tmp_path / "postgresql"), clock=SetClock()) as store:
        for number in range(3):
            await append(store, number)
    settings = tmp_path / "gateway.toml"
    settings.write_text(f'[node]\ndata = "{tmp_path}"\ndatabase = "{postgresql_url}"\n', encoding="utf-8")

    assert cli.main(["journal", "verify", "--config", str(settings)]) == 0
    assert capsys.readouterr().out == "3 entries, unbroken\n"
    with administrator(postgresql_url) as owner:
        owner.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        owner.execute("DELETE FROM journal WHERE seq = 3")
    assert cli.main(["journal", "verify", "--config", str(settings)]) == 1
    assert "cut at the end: the anchor has seen entry 3" in capsys.readouterr().out


def test_nodes_that_start_at_once_make_one_schema(postgresql: Cluster, tmp_path: Path) -> None:
    name = postgresql.make()
    databases = [PostgresDatabase(postgresql.url(name), anchored=tmp_path / str(number)) for number in range(4)]
    failures: list[Exception] = []

    def start(database: PostgresDatabase) -> None:
        try:
            migrate(database)
        except Exception as failure:
            failures.append(failure)

    starters = [threading.Thread(target=start, args=(database,)) for database in databases]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert failures == []
    with administrator(postgresql.url(name)) as owner:
        assert owner.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    postgresql.drop(name)


def test_the_migrations_make_the_schema_the_code_speaks_of(here: PostgresDatabase) -> None:
    engine = here.engine(writes=False, patience=1.0)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(here: PostgresDatabase, postgresql_url: str) -> None:
    with administrator(postgresql_url) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(Refused, match="another version"):
        migrate(here)


def test_a_database_in_another_encoding_is_refused(postgresql: Cluster, tmp_path: Path) -> None:
    with postgresql.connect() as owner:
        owner.execute("CREATE DATABASE jiesu_ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")

    with pytest.raises(Refused, match="UTF8"):
        migrate(PostgresDatabase(postgresql.url("jiesu_ascii"), anchored=tmp_path / "postgresql"))


def test_a_server_that_may_lose_its_commits_is_told(here: PostgresDatabase) -> None:
    with pytest.raises(Refused, match="fsync is off"):
        here.describe()


def test_a_commit_waits_for_the_disk_whatever_the_server_would_do(here: PostgresDatabase, postgresql_url: str) -> None:
    with administrator(postgresql_url) as owner:
        owner.execute(f"ALTER DATABASE {owner.info.dbname} SET synchronous_commit = off".encode())

    with here.engine(writes=True, patience=1.0).connect() as connection:
        assert connection.scalar(sa.text("SHOW synchronous_commit")) == "on"


@pytest.mark.parametrize(
    "url", ["postgresql://jiesu:secret@[", "sqlite:///x", "jiesu", "postgresql://db/jiesu?sslmodus=on"]
)
def test_what_is_no_url_of_postgresql_is_our_mistake(url: str, tmp_path: Path) -> None:
    with pytest.raises(OurMistake, match="PostgreSQL URL") as refusal:
        PostgresDatabase(url, anchored=tmp_path / "postgresql")
    assert "secret" not in str(refusal.value)


def test_no_message_tells_the_password(tmp_path: Path) -> None:
    database = PostgresDatabase("postgresql://jiesu:secret@127.0.0.1:1/jiesu", anchored=tmp_path / "postgresql")

    with pytest.raises(Unavailable) as refusal:
        migrate(database)
    assert "127.0.0.1" in str(refusal.value)
    assert "secret" not in f"{refusal.value} {database.name}"


async def waits_for_a_lock(url: str) -> None:
    """Return once somebody in the database waits for a lock."""
    with psycopg.connect(url, autocommit=True) as observer:
        waiting = (0,)
        while waiting == (0,):
            found = await asyncio.to_thread(
                observer.execute,
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
            waiting = found.fetchone() or (0,)
