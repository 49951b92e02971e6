"""`jiesu report`: figures of a week, a month, a quarter, a year or any days, per unit, clause and matter."""

from __future__ import annotations

import argparse
import asyncio
from functools import partial

import msgspec

from gateway.casework_parts import open_casework
from gateway.city_parts import SystemClock, open_library
from gateway.commands.common import add_config, database_of, settings_of
from gateway.domain.errors import OurMistake
from gateway.domain.report import Days
from gateway.services.feed import Feed
from gateway.services.report_words import brief
from gateway.services.reports import Reporter
from gateway.services.unit_records import records_of_units
from gateway.storage.store import SqlStore


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("days", metavar="DAYS", help="2026-W10, 2026-03, 2026-Q1, 2026 or 2026-03-01..2026-03-15")
    parser.add_argument("--unit", default="", help="only the cases in which this unit has a part")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the report: Markdown in Chinese, or JSON."""
    try:
        days = Days.parse(arguments.days)
    except ValueError as error:
        raise OurMistake(str(error)) from error
    settings = settings_of(arguments)

    async def run() -> int:
        clock = SystemClock()
        async with SqlStore(database_of(settings), clock=clock) as store:
            parts = open_casework(settings, store, clock, Feed())
            librarian = open_library(settings, store, clock)
            reporter = Reporter(store.cases, parts.casework.books, clock, partial(records_of_units, librarian, clock))
            report = await reporter.report(days, arguments.unit)
            if arguments.json:
                print(msgspec.json.encode(msgspec.to_builtins(report, str_keys=True)).decode())
                return 0
            names = {unit.id: unit.name for unit in settings.unit}
            profile = parts.casework.books.at(clock.now()).profile
            print(brief(report, profile.name, parts.casework.words.word, lambda unit: names.get(unit, unit)), end="")
            return 0

    return asyncio.run(run())
