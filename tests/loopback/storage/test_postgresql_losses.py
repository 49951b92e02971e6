"""Real losses of a server: stopped, crashed, full, reading only, or cut off in the middle of a commit."""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.errors import Unavailable
from gateway.domain.events import Entry, Fact
from gateway.storage.chain import Verdict
from gateway.storage.journal import verify
from gateway.storage.migrate import migrate
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from tests.fakes.store import SetClock
from tests.peers.postgresql import Cluster

pytestmark = pytest.mark.peer("postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of our own: these tests stop it and crash it."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def database(server: Cluster, tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(server.url(server.make()), anchored=tmp_path / "postgresql")


async def append(store: SqlStore, number: int = 0, text: str = "") -> Entry:
    fact = Fact(kind="call.offered", at=datetime(2026, 11, 21, tzinfo=UTC), values={"n": number, "text": text})
    return await store.commit(lambda tx: tx.append(fact))


async def append_at_last(store: SqlStore, number: int = 0) -> Entry:
    """Try as the ledger does, until the store takes it."""
    while True:
        with suppress(Unavailable):
            return await append(store, number)


async def until(claim: Callable[[], bool]) -> None:
    """Let the store's own threads come to it."""
    while not claim():
        await asyncio.to_thread(threading.Event().wait, 0.01)


def is_well(store: SqlStore) -> bool:
    return store.status.ok


async def numbers(store: SqlStore) -> list[object]:
    return [entry.fact.values["n"] for entry in await store.entries()]


async def test_a_stopped_server_is_unavailable_until_it_is_back(server: Cluster, database: PostgresDatabase) -> None:
    async with SqlStore(database, clock=SetClock()) as store:
        await append(store)
        assert await numbers(store) == [0]
        server.stop()

        for _ in range(2):
            with pytest.raises(Unavailable) as refusal:
                await append(store, 1)
            with pytest.raises(Unavailable):
                await store.entries()
        assert refusal.value.retry_after is not None
        assert not is_well(store)

        server.start()
        await append_at_last(store, 2)
        assert await numbers(store) == [0, 2]
        assert is_well(store)
    assert verify(database) == Verdict(entries=2, ok=True)


async def test_an_idle_store_finds_out_by_itself_that_the_server_went_and_came(
    server: Cluster, database: PostgresDatabase
) -> None:
    async with SqlStore(database, clock=SetClock()) as store:
        await append(store)
        server.stop()
        await until(lambda: not is_well(store))
        server.start()
        await until(lambda: is_well(store))

        assert (await append(store, 1)).seq == 2


async def test_a_session_that_the_administrator_ends_costs_nothing_acknowledged(
    server: Cluster, database: PostgresDatabase
) -> None:
    async with SqlStore(database, clock=SetClock()) as store:
        kept = [(await append(store)).seq]
        await store.entries()
        with server.connect() as administrator:
            for number in range(1, 20):
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'jiesu' AND datname <> 'postgres'"
                )
                with suppress(Unavailable):
                    kept.append((await append(store, number)).seq)
                with suppress(Unavailable):
                    await store.entries()
        await append_at_last(store, 99)

        assert set(kept) <= {entry.seq for entry in await store.entries()}
    assert verify(database).ok


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT, signal.SIGINT])
async def test_a_server_that_dies_among_writes_has_what_was_acknowledged_and_nothing_else(
    server: Cluster, database: PostgresDatabase, how: signal.Signals
) -> None:
    counter, acknowledged = itertools.count(), dict[int, Entry]()
    enough, over = asyncio.Event(), asyncio.Event()

    async def send(store: SqlStore) -> None:
        while not over.is_set():
            number = next(counter)
            with suppress(Unavailable):
                acknowledged[number] = await append(store, number)
            if len(acknowledged) == 200:
                enough.set()

    async with SqlStore(database, clock=SetClock()) as store:
        senders = [asyncio.create_task(send(store)) for _ in range(20)]
        await enough.wait()
        await asyncio.to_thread(server.stop, how)
        await asyncio.to_thread(server.start)
        acknowledged[-1] = await append_at_last(store, -1)
        over.set()
        await asyncio.gather(*senders)
        kept = await store.entries(limit=10**6)

    assert {entry.fact.values["n"]: entry for entry in kept} == acknowledged, "neither more nor less"
    assert verify(database) == Verdict(entries=len(kept), ok=True)


def test_a_server_that_keeps_its_word_is_described(tmp_path: Path) -> None:
    with Cluster(durable=True) as server:
        database = PostgresDatabase(server.url(server.make()), anchored=tmp_path / "postgresql")

        assert re.fullmatch(r"PostgreSQL jiesu_0 at 127\.0\.0\.1, version .+, [\d.]+ MiB", database.describe())


async def test_a_server_that_only_reads_is_unavailable_until_it_leads(
    server: Cluster, database: PostgresDatabase, tmp_path: Path
) -> None:
    async with SqlStore(database, clock=SetClock()) as store:
        await append(store)
        with Cluster(standby_of=server) as standby:
            name = database.name.split()[1]
            follower = PostgresDatabase(standby.url(name), anchored=tmp_path / "postgresql")
            with pytest.raises(Unavailable, match="read-only"):
                async with SqlStore(follower, clock=SetClock()):
                    pass

            with standby.connect() as administrator:
                administrator.execute("SELECT pg_promote()")
            async with SqlStore(follower, clock=SetClock()) as promoted:
                assert (await append(promoted, 1)).seq == 2
                with standby.connect() as owner:
                    owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
                assert (await append(promoted, 2)).seq == 3, "we ask for a transaction that writes"


async def test_a_full_disk_is_unavailable_and_nothing_acknowledged_is_lost(
    server: Cluster, database: PostgresDatabase
) -> None:
    """The limit is on each file of the server, above the largest it has."""
    migrate(database)
    server.stop()
    server.start(largest_file=1 << 20)
    incompressible = "".join(chr(0x4E00 + number * 7919 % 20000) for number in range(10_000))
    async with SqlStore(database, clock=SetClock()) as store:
        outcomes = [
            outcome
            for _ in range(10)
            for outcome in await asyncio.gather(
                *(append(store, 1, incompressible) for _ in range(10)), return_exceptions=True
            )
        ]
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        kept = [outcome for outcome in outcomes if isinstance(outcome, Entry)]
        assert refused
        assert {type(outcome) for outcome in refused} == {Unavailable}
        assert [entry.seq for entry in await store.entries()] == [entry.seq for entry in kept]

        server.stop()
        server.start()
        await append_at_last(store)
    assert verify(database) == Verdict(entries=len(kept) + 1, ok=True)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_line_cut_in_the_middle_of_a_commit_tells_the_truth_in_the_end(
    server: Cluster, database: PostgresDatabase, tmp_path: Path, arrives: bool
) -> None:
    """The commit reaches the server and its answer is lost, or it never gets there."""
    name = database.name.split()[1]
    with Line(server.port) as line:
        ours = PostgresDatabase(
            f"postgresql://postgres@127.0.0.1:{line.port}/{name}", anchored=tmp_path / "ours" / "postgresql"
        )
        async with SqlStore(ours, clock=SetClock()) as store:
            await append(store)
            line.cut_commit(arrives=arrives)
            if arrives:
                assert (await append(store, 1)).seq == 2
            else:
                with pytest.raises(Unavailable):
                    await append(store, 1)
            await append_at_last(store, 2)

            assert await numbers(store) == ([0, 1, 2] if arrives else [0, 2])
        assert verify(ours).ok


class Line:
    """A line to the server at *port* that can be cut in the middle of a commit."""

    def __init__(self, port: int) -> None:
        self._far = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cut: bool | None = None
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Line:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            _close(end)
        for thread in self._threads:
            thread.join()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def cut_commit(self, *, arrives: bool) -> None:
        """Cut the next connection that commits: behind its commit, or before it."""
        self._cut = arrives

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._far))
                self._sockets += (near, far)
                for source, target, outward in ((near, far, True), (far, near, False)):
                    thread = threading.Thread(target=self._carry, args=(source, target, outward), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _carry(self, source: socket.socket, target: socket.socket, outward: bool) -> None:
        with suppress(OSError):
            while octets := source.recv(65536):
                if outward and self._cut is not None and b"COMMIT\0" in octets:
                    arrives, self._cut = self._cut, None
                    _close(source)
                    if arrives:
                        target.sendall(octets)
                    break
                target.sendall(octets)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
