"""What casework costs with many open tickets: the clock's sweep, one command, a page of a list.

    python -m benchmarks.casework [--cases N ...] [--folder DIR] [--json]

For each N a store is filled with N open cases (ten units, three stages, received over a fortnight) by the same casebook
that serves live tickets. Then everything is measured through the services, as the gateway calls them: a command is one
durable unit of work, with its journal entries and messages. The stores take turns, run by run, so that what else the
machine does falls on all of them alike; the middle of the runs is reported. The growth ratio compares the largest
store with the smallest; the goal for commands and pages is below 1.5.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog

from gateway import casework_parts
from gateway.domain.case import Accept, Case, CaseId, Command, Dispatch, Sign, Urge
from gateway.domain.casework import Actor, ActorKind, CaseQuery, CaseRecord, Channel, Message, Place
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.rules import Stage
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.services.books import Books
from gateway.services.case_clock import CaseClock
from gateway.services.casework import Casework
from gateway.services.feed import Feed
from gateway.storage.case_schema import case_units
from gateway.storage.case_schema import cases as case_table
from gateway.storage.cases import case_row
from gateway.storage.migrate import migrate
from gateway.storage.records import ticket_row
from gateway.storage.schema import tickets as ticket_table
from gateway.storage.store import SqlStore
from routing.casebook import Casebook

PROFILE = "zhuhai-2023"
UNITS = tuple(f"unit{number}" for number in range(10))
DISPATCHED = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""When most cases came: a Monday at nine in Beijing. Their yellow card shows a fortnight later."""
EARLY = datetime(2026, 2, 25, 1, tzinfo=UTC)
"""When those came whose deadlines the sweep meets first."""
SWEPT = 500
"""Cases that the measured sweeps find due, whatever N is."""
SWEPT_AT_ONCE = 25
QUIET = datetime(2026, 3, 6, 4, tzinfo=UTC)
CARDS = datetime(2026, 3, 10, 17, tzinfo=UTC)
"""After the early cases' yellow card, before anything of the others."""
CHUNK = 10_000
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


def _case(book: Casebook, received: datetime, unit: str, stage: Stage) -> Case:
    """Return an open case as the casebook makes it."""
    case_id, case = CaseId("template"), None
    commands: list[Command] = [Accept(category="help", petitioner="0", matter="0"), Dispatch(to=unit)]
    commands += [Sign()] if stage is Stage.SIGNED else []
    for command in commands[: 1 if stage is Stage.ACCEPTED else None]:
        case = book.apply(case, case_id, command, received).case
    assert case is not None
    return case


def _records(book: Casebook, count: int) -> Iterator[CaseRecord]:
    day = DISPATCHED.date()
    early = _case(book, EARLY, UNITS[0], Stage.SIGNED)
    open_cases = [
        _case(book, DISPATCHED, unit, stage) for unit in UNITS for stage in (Stage.SIGNED, Stage.SIGNED, Stage.SIGNED)
    ]
    for number in range(count):
        case = (
            early if number % (count // SWEPT) == 0 and number // (count // SWEPT) < SWEPT else open_cases[number % 30]
        )
        received = case.received_at + timedelta(milliseconds=number)
        case = replace(
            case,
            id=CaseId(f"case-{number:08}"),
            received_at=received,
            petitioner=f"0{number % 50_000:010}",
            matter=f"matter {number % 400}",
        )
        yield CaseRecord(case=case, profile=PROFILE, rules_of=day, changed_at=received, next_due=book.due(case))


def _ticket(record: CaseRecord) -> Ticket:
    return Ticket(
        id=record.id,
        contact_id=ContactId(record.id),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller=record.case.petitioner,
        received_at=record.case.received_at,
        ended_at=record.case.received_at,
        state=TicketState.TAKEN,
        category=record.case.category,
        unit=record.case.unit,
    )


def fill(path: Path, book: Casebook, count: int) -> None:
    """Make a store with *count* open cases."""
    migrate(path)
    engine = sa.create_engine(f"sqlite:///{path}")
    chunk: list[CaseRecord] = []

    def write(connection: sa.Connection) -> None:
        connection.execute(sa.insert(case_table), [case_row(record) for record in chunk])
        connection.execute(sa.insert(ticket_table), [ticket_row(_ticket(record)) for record in chunk])
        connection.execute(
            sa.insert(case_units),
            [
                {
                    "unit": record.case.unit,
                    "case_id": record.id,
                    "stage": record.case.stage.value,
                    "received_at": record.case.received_at,
                    "handle_due": record.handle_due,
                }
                for record in chunk
            ],
        )

    with engine.begin() as connection:
        for record in _records(book, count):
            chunk.append(record)
            if len(chunk) == CHUNK:
                write(connection)
                chunk.clear()
        if chunk:
            write(connection)
    engine.dispose()


@dataclass
class Desk:
    """Casework over one store, as the gateway has it."""

    count: int
    store: SqlStore
    casework: Casework
    case_clock: CaseClock
    clock: BenchClock
    chance: random.Random

    def some(self) -> TicketId:
        """Return some case."""
        return TicketId(f"case-{self.chance.randrange(self.count):08}")

    async def urge(self) -> object:
        """Give one command."""
        return await self.casework.carry_out(self.some(), Urge(), by=SUPERVISOR)

    async def write(self) -> object:
        """Write one small thing durably: what a command costs at least on this disk."""
        return await self.store.commit(lambda tx: tx.cases.save_message(_note()))

    async def sweep(self) -> object:
        """Let the clock bring what it has for `SWEPT_AT_ONCE` cases."""
        count, _ = await self.store.commit(lambda tx: self.casework.sweep(tx, self.clock.at, SWEPT_AT_ONCE))
        if count != SWEPT_AT_ONCE:
            raise SystemExit(f"{count} cases were due instead of {SWEPT_AT_ONCE}")
        return count


async def _opened(stack: AsyncExitStack, path: Path, count: int, books: Books) -> Desk:
    clock = BenchClock(QUIET)
    store = await stack.enter_async_context(SqlStore(path, clock=clock))
    casework = Casework(store=store, books=books, feed=Feed(), clock=clock, units=UNITS, words=casework_parts.words())
    case_clock = CaseClock(casework, store, store.cases, clock)
    await case_clock.catch_up()
    return Desk(count, store, casework, case_clock, clock, random.Random(7))


async def measure(paths: Mapping[int, Path], times: int) -> dict[int, dict[str, float]]:
    """Return the middle of what each thing costs in milliseconds, by size; the sizes take turns, run by run."""
    results: dict[int, dict[str, float]] = {count: {} for count in paths}
    books = casework_parts.books(PROFILE)
    async with AsyncExitStack() as stack:
        desks = [await _opened(stack, path, count, books) for count, path in paths.items()]
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
    return {
        "disk: one small durable write": Desk.write,
        "command: urge": Desk.urge,
        "case by its number": lambda desk: desk.store.cases.case(desk.some()),
        **{name: partial(_page, query=query) for name, query in queries.items()},
        "sweep: nothing due": lambda desk: desk.case_clock.catch_up(),
    }


def _page(desk: Desk, *, query: CaseQuery) -> Awaitable[object]:
    return desk.store.cases.page(query)


def _note() -> Message:
    return Message(key="note", channel=Channel.LEADER, to="", kind="note", case_id="", text="", at=QUIET, due=QUIET)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="what casework costs with many open tickets")
    parser.add_argument("--cases", type=int, nargs="+", default=[10_000, 100_000], metavar="N")
    parser.add_argument("--times", type=int, default=200, help="runs of each thing; the middle is reported")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: the temporary one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    sizes = sorted(options.cases)
    if sizes[0] < SWEPT:
        parser.error(f"--cases: at least {SWEPT}")
    book = casework_parts.books(PROFILE).on(PROFILE, DISPATCHED.date())
    paths: dict[int, Path] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.sqlite"
            fill(path, book, size)
            paths[size] = path
        results = asyncio.run(measure(paths, options.times))
    report(sizes, results, as_json=options.json)


def report(sizes: list[int], results: dict[int, dict[str, float]], *, as_json: bool) -> None:
    """Print the middles, in milliseconds, and how they grow from the smallest store to the largest."""
    names = list(results[sizes[0]])
    growth = {name: results[sizes[-1]][name] / results[sizes[0]][name] for name in names}
    if as_json:
        milliseconds = {str(size): {name: round(took, 3) for name, took in results[size].items()} for size in sizes}
        told = {name: round(ratio, 2) for name, ratio in growth.items()}
        print(json.dumps({"benchmark": "casework", "cases": sizes, "milliseconds": milliseconds, "growth": told}))
        return
    print(f"{'milliseconds, middle of the runs':36}" + "".join(f"{size:>12,}" for size in sizes) + f"{'growth':>10}")
    for name in names:
        figures = "".join(f"{results[size][name]:12.2f}" for size in sizes)
        print(f"{name:36}{figures}{growth[name]:10.2f}")


if __name__ == "__main__":
    main()
