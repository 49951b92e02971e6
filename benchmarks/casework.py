"""What casework costs with many open tickets: the clock's sweep, one command, a page of a list, a full-text search.

    python -m benchmarks.casework [--cases N ...] [--database sqlite|postgresql|both] [--folder DIR] [--json]

For each N a store is filled with N open cases of ten units (`benchmarks.many_cases`). Then everything is measured
through the services, as the gateway calls them: a command is one durable unit of work, with its journal entries and
messages. The stores take turns, run by run, so that what else the machine does falls on all of them alike; the middle
of the runs is reported. The growth ratio compares the largest store with the smallest; the goal for commands and pages
is below 1.5. PostgreSQL is a private server with its settings as they come, fsync included.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from benchmarks.many_cases import DISPATCHED, PROFILE, QUIET, SWEPT, UNITS, fill, text_of
from gateway import casework_parts
from gateway.domain.case import Accept, Urge
from gateway.domain.casework import Actor, ActorKind, CaseQuery, Channel, Message, Place
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.rules import Stage
from gateway.domain.ticket import Elements, Ticket, TicketId, TicketState
from gateway.services.books import Books
from gateway.services.case_clock import CaseClock
from gateway.services.casework import Casework
from gateway.services.feed import Feed
from gateway.storage.location import Where
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from routing.case_words import asked_words
from scripts.peers import is_installed
from tests.peers.postgresql import Cluster

SWEPT_AT_ONCE = 25
CARDS = datetime(2026, 3, 10, 17, tzinfo=UTC)
"""After the early cases' yellow card, before anything of the others."""
SUPERVISOR = Actor(name="benchmark", kind=ActorKind.SUPERVISOR)


@dataclass
class BenchClock:
    """A calendar that stands where it was put, and a real stop-watch."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.at

    def monotonic(self) -> float:
        """Return the stop-watch's seconds."""
        return time.monotonic()


@dataclass
class Desk:
    """Casework over one store, as the gateway has it."""

    count: int
    store: SqlStore
    casework: Casework
    case_clock: CaseClock
    clock: BenchClock
    chance: random.Random
    fresh: itertools.count[int] = field(default_factory=itertools.count)

    def some(self) -> TicketId:
        """Return some case."""
        return TicketId(f"case-{self.chance.randrange(self.count):08}")

    async def urge(self) -> object:
        """Give one command."""
        return await self.casework.carry_out(self.some(), Urge(), by=SUPERVISOR)

    async def accept(self) -> object:
        """Take a new matter, which is found by its words at once; its ticket is written with it."""
        number = next(self.fresh)
        summary, place = text_of(10_000_000 + number)
        ticket = Ticket(
            id=TicketId(f"new-{number:08}"),
            contact_id=ContactId(f"new-{number:08}"),
            channel=ChannelKind.TELEPHONE,
            call_id=None,
            caller=f"09{number:09}",
            received_at=self.clock.at + timedelta(seconds=number),
            ended_at=self.clock.at,
            state=TicketState.TAKEN,
            category="help",
            summary=summary,
            elements=Elements(place=place),
        )
        await self.store.commit(lambda tx: tx.save_ticket(ticket))
        return await self.casework.carry_out(ticket.id, Accept(category="help", matter="x"), by=SUPERVISOR)

    async def write(self) -> object:
        """Write one small thing durably: what a command costs at least on this disk."""
        return await self.store.commit(lambda tx: tx.cases.save_message(_note()))

    async def sweep(self) -> object:
        """Let the clock bring what it has for `SWEPT_AT_ONCE` cases."""
        count, _ = await self.store.commit(lambda tx: self.casework.sweep(tx, self.clock.at, SWEPT_AT_ONCE))
        if count != SWEPT_AT_ONCE:
            raise SystemExit(f"{count} cases were due instead of {SWEPT_AT_ONCE}")
        return count


async def _opened(stack: AsyncExitStack, where: Where, count: int, books: Books) -> Desk:
    clock = BenchClock(QUIET)
    store = await stack.enter_async_context(SqlStore(where, clock=clock))
    casework = Casework(store=store, books=books, feed=Feed(), clock=clock, units=UNITS, words=casework_parts.words())
    case_clock = CaseClock(casework, store, store.cases, clock)
    await case_clock.catch_up()
    return Desk(count, store, casework, case_clock, clock, random.Random(7))


async def measure(places: Mapping[int, Where], times: int) -> dict[int, dict[str, float]]:
    """Return the middle of what each thing costs in milliseconds, by size; the sizes take turns, run by run."""
    results: dict[int, dict[str, float]] = {count: {} for count in places}
    books = casework_parts.books(PROFILE)
    async with AsyncExitStack() as stack:
        desks = [await _opened(stack, where, count, books) for count, where in places.items()]
        for name, act in _acts().items():
            for count, took in (await _in_turn(desks, act, times)).items():
                results[count][name] = took
        for desk in desks:
            desk.clock.at = CARDS
        for count, took in (await _in_turn(desks, Desk.sweep, SWEPT // SWEPT_AT_ONCE)).items():
            results[count]["sweep: each case that was due"] = took / SWEPT_AT_ONCE
    return results


async def _in_turn(desks: list[Desk], act: Callable[[Desk], Awaitable[object]], times: int) -> dict[int, float]:
    took: dict[int, list[float]] = {desk.count: [] for desk in desks}
    for _ in range(times):
        for desk in desks:
            began = time.perf_counter()
            await act(desk)
            took[desk.count].append((time.perf_counter() - began) * 1000)
    return {count: statistics.median(runs) for count, runs in took.items()}


def _acts() -> dict[str, Callable[[Desk], Awaitable[object]]]:
    middle = Place(at=DISPATCHED + timedelta(milliseconds=5000), id="case-00005000")
    owed = DISPATCHED + timedelta(days=60)
    queries = {
        "page: newest": CaseQuery(),
        "page: newest, from the middle": CaseQuery(after=middle),
        "page: one stage": CaseQuery(stage=Stage.SIGNED),
        "page: one unit": CaseQuery(unit=UNITS[3]),
        "page: one unit, one stage": CaseQuery(unit=UNITS[3], stage=Stage.SIGNED),
        "page: owed longest": CaseQuery(due_before=owed),
        "page: owed longest, one unit": CaseQuery(due_before=owed, unit=UNITS[3]),
    }
    searches = {
        "search: a word that a tenth has": CaseQuery(),
        "search: the same, one unit": CaseQuery(unit=UNITS[3]),
    }
    return {
        "disk: one small durable write": Desk.write,
        "command: urge": Desk.urge,
        "command: accept, with its ticket": Desk.accept,
        "case by its number": lambda desk: desk.store.cases.case(desk.some()),
        **{name: partial(_page, query=query) for name, query in queries.items()},
        **{name: partial(_search, query=query, text="路灯不亮") for name, query in searches.items()},
        "search: two words, one of them rare": partial(_search, query=CaseQuery(), text="路灯 龙凤"),
        "search: one place": _search_place,
        "search: two common words that never meet": partial(_search, query=CaseQuery(), text="路灯 暖气"),
        "search: nothing has it": partial(_search, query=CaseQuery(), text="路灯 望远镜"),
        "sweep: nothing due": lambda desk: desk.case_clock.catch_up(),
    }


def _page(desk: Desk, *, query: CaseQuery) -> Awaitable[object]:
    return desk.store.cases.page(query)


def _search(desk: Desk, *, query: CaseQuery, text: str) -> Awaitable[object]:
    return desk.store.cases.search(asked_words(text), query)


def _search_place(desk: Desk) -> Awaitable[object]:
    return desk.store.cases.search(asked_words(text_of(desk.chance.randrange(desk.count))[1]), CaseQuery())


def _note() -> Message:
    return Message(key="note", channel=Channel.LEADER, to="", kind="note", case_id="", text="", at=QUIET, due=QUIET)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="what casework costs with many open tickets")
    parser.add_argument("--cases", type=int, nargs="+", default=[10_000, 100_000], metavar="N")
    parser.add_argument("--times", type=int, default=200, help="runs of each thing; the middle is reported")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    sizes = sorted(options.cases)
    if sizes[0] < SWEPT:
        parser.error(f"--cases: at least {SWEPT}")
    wanted = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    if "postgresql" in wanted and not is_installed("postgresql"):
        wanted.remove("postgresql")
        print("PostgreSQL is not installed and not measured", file=sys.stderr)
    for database in wanted:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder, ExitStack() as stack:
            os.chmod(folder, 0o755)  # the server may be another user's
            places = _places(database, Path(folder), sizes, stack)
            results = asyncio.run(measure(places, options.times))
        report(database, sizes, results, as_json=options.json)


def _places(database: str, folder: Path, sizes: list[int], stack: ExitStack) -> dict[int, Where]:
    """Return a filled store of each size."""
    book = casework_parts.books(PROFILE).on(PROFILE, DISPATCHED.date())
    cluster = stack.enter_context(Cluster(durable=True, under=folder)) if database == "postgresql" else None
    places: dict[int, Where] = {}
    for size in sizes:
        began = time.monotonic()
        if cluster is None:
            places[size] = folder / f"{size}.sqlite"
        else:
            places[size] = PostgresDatabase(cluster.url(cluster.make()), anchored=folder / f"{size}")
        fill(places[size], book, size)
        print(f"{database}: {size:,} cases in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return places


def report(database: str, sizes: list[int], results: dict[int, dict[str, float]], *, as_json: bool) -> None:
    """Print the middles, in milliseconds, and how they grow from the smallest store to the largest."""
    names = list(results[sizes[0]])
    growth = {name: results[sizes[-1]][name] / results[sizes[0]][name] for name in names}
    load = os.getloadavg()[0]
    if as_json:
        milliseconds = {str(size): {name: round(took, 3) for name, took in results[size].items()} for size in sizes}
        told = {name: round(ratio, 2) for name, ratio in growth.items()}
        head = {"benchmark": "casework", "database": database, "cases": sizes, "load": round(load, 1)}
        print(json.dumps(head | {"milliseconds": milliseconds, "growth": told}))
        return
    print(f"{database}, load {load:.1f}; milliseconds, middle of the runs")
    print(f"{'':42}" + "".join(f"{size:>12,}" for size in sizes) + f"{'growth':>10}")
    for name in names:
        figures = "".join(f"{results[size][name]:12.2f}" for size in sizes)
        print(f"{name:42}{figures}{growth[name]:10.2f}")


if __name__ == "__main__":
    main()
