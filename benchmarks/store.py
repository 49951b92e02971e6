"""How many durable units of work a second the store takes, against the bare driver with a commit each.

    python -m benchmarks.store [--units N] [--folder DIR] [--json]

A unit is one journal fact: numbered, hashed, chained, and on the disk before its sender goes on. A bare driver inserts
the same rows, ready made, one commit each: what a program gets that does nothing else. Bare are the ``sqlite3`` module
(WAL, synchronous=FULL), and psycopg on a PostgreSQL of our own (its defaults, so a commit waits for the disk), which is
measured where its programs are installed. All cases run in turn, in rounds, on one disk, so that the ratios mean
something where the absolute numbers do not; the middle of the rounds is reported, of the ratios too.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.ports.memory import Transaction
from gateway.storage.chain import Anchor, Record, link
from gateway.storage.journal import verify
from gateway.storage.location import Where
from gateway.storage.migrate import migrate
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from scripts.peers import is_installed
from tests.peers.postgresql import Cluster

ROUNDS = 5
Cases = dict[str, Callable[[int], float]]
"""How each case measures a number of units; the first is the bare driver."""


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """Return the current instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the stop-watch's seconds."""
        return time.monotonic()


def fact(number: int) -> Fact:
    """Return one like those of a call."""
    return Fact(
        kind="element.heard",
        at=datetime(2026, 11, 21, 2, 0, 0, number % 1_000_000, UTC),
        call_id=CallId(f"call-{number % 50}"),
        offset=number / 50,
        values={"field": "place", "words": "中山路与解放路路口", "utterance": number},
    )


def made(units: int) -> Iterator[Record]:
    """Link *units* facts as the store would."""
    last = Anchor()
    for number in range(units):
        record = link(fact(number), last)
        last = Anchor(seq=record.seq, hash=record.hash)
        yield record


def bare_sqlite(where: Path, units: int) -> float:
    """Return units per second of the module sqlite3."""
    migrate(where)
    rows = [astuple(record) for record in made(units)]
    with closing(sqlite3.connect(where, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        began = time.perf_counter()
        for row in rows:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * 9)})", row)
            connection.execute("COMMIT")
        return units / (time.perf_counter() - began)


def bare_postgresql(where: PostgresDatabase, url: str, units: int) -> float:
    """Return units per second of psycopg, each statement a transaction of its own: one journey to the server."""
    migrate(where)
    rows = [astuple(replace(record, at=datetime.fromisoformat(record.at))) for record in made(units)]  # type: ignore[arg-type]
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.perf_counter()
        for row in rows:
            connection.execute(f"INSERT INTO journal VALUES ({', '.join(['%s'] * 9)})", row)
        return units / (time.perf_counter() - began)


def grouped(where: Where, units: int, waiters: int) -> float:
    """Return units per second of the store with *waiters* senders, each of whom waits for its unit."""

    async def run() -> float:
        async with SqlStore(where, clock=SystemClock()) as store:
            numbers = iter(range(units))

            async def send() -> None:
                for number in numbers:
                    await store.commit(_unit(number))

            began = time.perf_counter()
            async with asyncio.TaskGroup() as senders:
                for _ in range(waiters):
                    senders.create_task(send())
            return units / (time.perf_counter() - began)

    rate = asyncio.run(run())
    verdict = verify(where)
    if not verdict.ok or verdict.entries != units:
        raise SystemExit(f"the journal does not hold: {verdict}")
    return rate


def _unit(number: int) -> Callable[[Transaction], None]:
    def work(transaction: Transaction) -> None:
        transaction.append(fact(number))

    return work


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Units per second of one case, and how many times that of its bare driver; the middle of the rounds."""

    case: str
    per_second: float
    ratio: float


def measure(folder: Path, units: int) -> list[Result]:
    """Measure every case in every round; a ratio compares neighbours in time."""
    numbers = itertools.count()
    with ExitStack() as stack:
        engines = [_sqlite(folder, numbers)]
        if is_installed("postgresql"):
            engines.append(_postgresql(folder, stack.enter_context(Cluster(durable=True, under=folder))))
        results = []
        for engine in engines:
            rounds = [[case(units) for case in engine.values()] for _ in range(ROUNDS)]
            results += [
                Result(
                    case=name,
                    per_second=round(statistics.median(rates[number] for rates in rounds)),
                    ratio=round(statistics.median(rates[number] / rates[0] for rates in rounds), 2),
                )
                for number, name in enumerate(engine)
            ]
        return results


def _sqlite(folder: Path, numbers: Iterator[int]) -> Cases:
    def fresh() -> Path:
        return folder / f"{next(numbers)}.sqlite3"

    return {
        "bare sqlite3, one commit each": lambda units: bare_sqlite(fresh(), units),
        "SQLite store, 1 waiter": lambda units: grouped(fresh(), units, 1),
        "SQLite store, 50 waiters": lambda units: grouped(fresh(), units, 50),
    }


def _postgresql(folder: Path, cluster: Cluster) -> Cases:
    def fresh() -> tuple[PostgresDatabase, str]:
        url = cluster.url(name := cluster.make())
        return PostgresDatabase(url, anchored=folder / name), url

    return {
        "bare psycopg, one commit each": lambda units: bare_postgresql(*fresh(), units),
        "PostgreSQL store, 1 waiter": lambda units: grouped(fresh()[0], units, 1),
        "PostgreSQL store, 50 waiters": lambda units: grouped(fresh()[0], units, 50),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="durable units of work a second")
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as another user where we are root
        results = measure(Path(folder), options.units)
    if options.json:
        cases = [asdict(result) for result in results]
        print(json.dumps({"benchmark": "store", "units": options.units, "rounds": ROUNDS, "cases": cases}))
        return
    for result in results:
        print(f"{result.case:32} {result.per_second:9.0f} units/s   x {result.ratio:.2f}")


if __name__ == "__main__":
    main()
