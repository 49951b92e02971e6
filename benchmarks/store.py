"""How many durable units of work a second the store takes, against the bare driver with a commit each.

    python -m benchmarks.store [--units N] [--folder DIR] [--json]

A unit is one journal fact: numbered, hashed, chained, and on the disk before its sender goes on. The bare driver
inserts the same rows, ready made, by the ``sqlite3`` module, WAL and synchronous=FULL, one commit each: what a program
gets that does nothing else. All cases run in turn, in rounds, in one process on one disk, so that the ratios mean
something where the absolute numbers do not; the middle of the rounds is reported, of the ratios too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.ports import Transaction
from gateway.storage.chain import Anchor, link
from gateway.storage.journal import verify
from gateway.storage.migrate import migrate
from gateway.storage.store import SqlStore

ROUNDS = 5
INSERT = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """Return the current instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the stop-watch's seconds."""
        return time.monotonic()


def _fact(number: int) -> Fact:
    return Fact(
        kind="element.heard",
        at=datetime(2026, 11, 21, 2, 0, 0, number % 1_000_000, UTC),
        call_id=CallId(f"call-{number % 50}"),
        offset=number / 50,
        values={"field": "place", "words": "中山路与解放路路口", "utterance": number},
    )


def bare(path: Path, units: int) -> float:
    """Return units per second of the bare driver."""
    migrate(path)
    rows = []
    last = Anchor()
    for number in range(units):
        made = link(_fact(number), last)
        last = Anchor(seq=made.seq, hash=made.hash)
        rows.append(
            (made.seq, made.at, made.kind, made.call, made.ticket, made.offset, made.values, made.previous, made.hash)
        )
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    began = time.perf_counter()
    for row in rows:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(INSERT, row)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return units / took


def grouped(path: Path, units: int, waiters: int) -> float:
    """Return units per second of the store with *waiters* senders, each of whom waits for its unit."""

    async def run() -> float:
        async with SqlStore(path, clock=SystemClock()) as store:
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
    verdict = verify(path)
    if not verdict.ok or verdict.entries != units:
        raise SystemExit(f"the journal does not hold: {verdict}")
    return rate


def _unit(number: int) -> Callable[[Transaction], None]:
    def work(transaction: Transaction) -> None:
        transaction.append(_fact(number))

    return work


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Units per second of one case, and how many times that of the bare driver; the middle of the rounds."""

    case: str
    per_second: float
    ratio: float


def measure(folder: Path, units: int) -> list[Result]:
    """Measure every case in every round; a ratio compares two neighbours in time."""
    cases: dict[str, Callable[[Path], float]] = {
        "bare sqlite3, one commit each": lambda path: bare(path, units),
        "store, 1 waiter": lambda path: grouped(path, units, 1),
        "store, 50 waiters": lambda path: grouped(path, units, 50),
    }
    rounds = [
        [case(folder / f"{turn}-{number}.sqlite3") for number, case in enumerate(cases.values())]
        for turn in range(ROUNDS)
    ]
    return [
        Result(
            case=name,
            per_second=round(statistics.median(rates[number] for rates in rounds)),
            ratio=round(statistics.median(rates[number] / rates[0] for rates in rounds), 2),
        )
        for number, name in enumerate(cases)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="durable units of work a second")
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        results = measure(Path(folder), options.units)
    if options.json:
        cases = [asdict(result) for result in results]
        print(json.dumps({"benchmark": "store", "units": options.units, "rounds": ROUNDS, "cases": cases}))
        return
    for result in results:
        print(f"{result.case:32} {result.per_second:9.0f} units/s   x {result.ratio:.2f}")


if __name__ == "__main__":
    main()
