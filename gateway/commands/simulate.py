"""`jiesu simulate`: a scenario through a city's regulation on a virtual clock; no database, no network.

One JSON object a line comes out for every fact, in order of time. A denied command is a result: exit 0. Exit 2 when the
scenario or the profile cannot be read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from config import calendars, phrases
from config.profiles import ProfileFile, find, read_file
from config.reading import FieldError, read
from config.scenario import Line, read_scenario
from gateway.commands import month_view
from gateway.domain.case import Fact
from gateway.domain.errors import OurMistake
from routing.casebook import Casebook, Shelf
from routing.working_time import Calendar

CALENDARS = Path(calendars.__file__).parent / "calendars"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "scenario", type=Path, metavar="SCENARIO.jsonl", help="one JSON object a line, in order of time"
    )
    parser.add_argument("--profile", required=True, help="a shipped profile (see `jiesu profile lint`) or a .toml file")
    parser.add_argument("--until", metavar="INSTANT", help="let the clock run on to this instant")
    parser.add_argument("--explain", action="store_true", help="say each fact in Chinese, with the article's words")
    parser.add_argument("--calendar", action="store_true", help="draw the deadlines as month views instead")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the facts."""
    file = read_file(find(arguments.profile))
    lines = read_scenario(arguments.scenario)
    calendar = calendars.load(CALENDARS)
    facts = list(run(file, calendar, lines, until_of(arguments.until)))
    if arguments.calendar:
        month_view.show(facts, calendar, file.zone)
        return 0
    for fact in facts:
        line = printed(fact, file.zone)
        if arguments.explain:
            line["explain"] = explained(fact, file)
        print(json.dumps(line, ensure_ascii=False))
    return 0


def explained(fact: Fact, file: ProfileFile) -> str:
    """Return *fact* as a Chinese sentence, with the words of the articles it rests on."""
    sentence = phrases.fact_sentence(fact, file.zone)
    citations = [citation for row in fact.rows if (citation := file.citation(row)) is not None]
    return f"{sentence}。依据{phrases.quoted(citations)}" if citations else f"{sentence}。"


def run(file: ProfileFile, calendar: Calendar, lines: tuple[Line, ...], until: datetime | None) -> Iterator[Fact]:
    """Yield the facts of a scenario, in order of time; what is later than *until* does not happen."""
    shelf = Shelf(book_at(file, calendar))
    for line in lines:
        if until is not None and line.at > until:
            break
        yield from (
            shelf.elapse(line.at) if line.command is None else shelf.carry_out(line.ticket, line.command, line.at)
        )
    if until is not None:
        yield from shelf.elapse(until)


def book_at(file: ProfileFile, calendar: Calendar) -> Callable[[datetime], Casebook]:
    """Return what gives the casebook of the rules in force at an instant."""
    books: dict[object, Casebook] = {}

    def at(instant: datetime) -> Casebook:
        day = instant.astimezone(file.zone).date()
        if day not in books:
            books[day] = Casebook(file.on(day), calendar)
        return books[day]

    return at


def printed(fact: Fact, zone: tzinfo) -> dict[str, Any]:
    """Return *fact* as the line that is printed has it."""
    line = {"at": fact.at, "ticket": fact.case, "fact": fact.name, "cite": list(fact.rows), **fact.details}
    return {key: _instant(value, zone) if isinstance(value, datetime) else value for key, value in line.items()}


def _instant(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def until_of(text: str | None) -> datetime | None:
    """Return the instant that ``--until`` names. Raises `OurMistake`."""
    if text is None:
        return None
    try:
        return read(datetime, text)
    except FieldError as error:
        raise OurMistake(f"--until {text}: {error}") from error
