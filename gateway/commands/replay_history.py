"""`jiesu replay-history`: a city's past tickets through its rules: how many would have been late, by unit and clause.

Each ticket goes by itself through the casebook of the day on which it was received: accepted, dispatched, signed for
and replied to when the file says so. What was returned, extended or done again is not in such files, nor considered.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from config import calendars, phrases
from config.history import Past, read_history
from config.profiles import find, read_file
from gateway.commands.simulate import CALENDARS, book_at, until_of
from gateway.domain.case import Accept, Case, CaseId, Command, Dispatch, Period, PeriodState, Reply, Sign
from gateway.domain.rules import PeriodKind
from routing.casebook import Casebook

KEPT_BY_UNIT = (PeriodKind.SIGN, PeriodKind.HANDLE)
KEPT_BY_HOTLINE = (PeriodKind.DISPATCH, PeriodKind.PHONE_UNIT)
HOTLINE = "12345"
_ANY = "-"
"""Stands in a replayed reply for what the file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many tickets had to keep a period under some clauses, and how many did not."""

    unit: str
    kind: str
    cite: tuple[str, ...]
    tickets: int
    late: int


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("history", type=Path, metavar="FILE.csv", help="one ticket a line; see docs/simulate.md")
    parser.add_argument("--profile", required=True, help="a shipped profile (see `jiesu profile lint`) or a .toml file")
    parser.add_argument("--until", metavar="INSTANT", help="what is open then is counted if late (default: now)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Print the tallies, the latest units first."""
    file = read_file(find(arguments.profile))
    until = until_of(arguments.until) or datetime.now(file.zone)
    books = book_at(file, calendars.load(CALENDARS))
    tallies = tally(books, read_history(arguments.history, file.zone), until)
    if arguments.json:
        for each in tallies:
            print(json.dumps(asdict(each), ensure_ascii=False))
    else:
        Console().print(_table(tallies))
    return 0


def tally(books: Callable[[datetime], Casebook], history: Iterable[Past], until: datetime) -> list[Tally]:
    """Return who kept which clause how often, the most often late first."""
    given: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    late: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for past in history:
        for period in replayed(books(past.received_at), past, until):
            who = past.unit if period.kind in KEPT_BY_UNIT else HOTLINE
            key = (who, period.kind.value, period.rows)
            given[key] += 1
            late[key] += period.state is PeriodState.MISSED
    return [
        Tally(unit=unit, kind=kind, cite=rows, tickets=given[unit, kind, rows], late=late[unit, kind, rows])
        for unit, kind, rows in sorted(given, key=lambda key: (-late[key], key))
    ]


def replayed(book: Casebook, past: Past, until: datetime) -> Iterator[Period]:
    """Yield the periods of *past* that stood to the end and of which the file tells whether they were kept.

    There are none if the city does not take such a matter.
    """
    case: Case | None = None
    for at, command in _commands(past):
        if at > until:
            break
        if case is not None:
            case = book.elapse(case, at, inclusive=False).case
        case = book.apply(case, CaseId(past.unit), command, at).case
    if case is not None:
        case = book.elapse(case, until).case
    told_of = {*KEPT_BY_UNIT, *KEPT_BY_HOTLINE} - ({PeriodKind.SIGN} if past.signed_at is None else set())
    for period in case.periods if case is not None else ():
        if period.kind in told_of and period.state is not PeriodState.REPLACED:
            yield period


def _commands(past: Past) -> list[tuple[datetime, Command]]:
    commands: list[tuple[datetime, Command]] = [
        (past.received_at, Accept(category=past.category, urgency=past.urgency)),
        (past.dispatched_at, Dispatch(to=past.unit)),
    ]
    if past.signed_at is not None:
        commands.append((past.signed_at, Sign()))
    if past.replied_at is not None:
        commands.append((past.replied_at, _REPLY))
    return sorted(commands, key=lambda each: each[0])


_REPLY = Reply(
    unit=_ANY,
    handler=_ANY,
    approver=_ANY,
    telephone=_ANY,
    result=_ANY,
    basis=_ANY,
    handled_at=_ANY,
    told_petitioner=True,
    case_number=_ANY,
)


def _table(tallies: list[Tally]) -> Table:
    table = Table("承办单位", "时限", "依据")
    for title in ("工单", "超期", "超期率"):
        table.add_column(title, justify="right")
    for each in tallies:
        rate = f"{each.late / each.tickets:.1%}"
        cells = (each.unit, phrases.word(each.kind), "、".join(each.cite), str(each.tickets), str(each.late), rate)
        table.add_row(*cells)
    return table
