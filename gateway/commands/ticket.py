"""`jiesu ticket`: the closed loop on the command line, also while `jiesu run` serves.

`list` (found by words, narrowed, as a table), `show` and `recompute` are here; `gateway.commands.ticket_do` gives
commands, and `gateway.commands.ticket_inbox` lists what is to be told. Exit codes: 0 done; 1 denied, changed meanwhile,
not there; 2 wrong words, each named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from gateway.commands import ticket_do, ticket_inbox
from gateway.commands.common import add_config
from gateway.commands.ticket_place import TicketPlace, place_after, with_casework
from gateway.domain.casework import CaseQuery, CaseRecord
from gateway.domain.errors import OurMistake
from gateway.domain.rules import Stage
from gateway.domain.ticket import TicketId
from gateway.services.case_file import CaseFile
from gateway.services.case_messages import plain
from gateway.web.case_table import table_of
from routing.case_words import asked_words, terms_of


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="list cases, the newest first")
    listing.add_argument("--stage", choices=[stage.value for stage in Stage], metavar="STAGE", help="only this stage")
    listing.add_argument("--unit", default="", help="only those in which this unit has a part")
    listing.add_argument("--category", default="", help="only this category")
    listing.add_argument("--overdue", action="store_true", help="only those overdue, the longest overdue first")
    listing.add_argument("--search", default="", metavar="WORDS", help="only those that say all these words")
    listing.add_argument("--due-within", type=int, metavar="HOURS", help="only those due within so many hours")
    listing.add_argument("--limit", type=int, default=50, help="how many (default: 50)")
    listing.add_argument("--after", default="", metavar="PLACE", help="go on behind the last line's INSTANT~ID")
    listing.add_argument("--csv", action="store_true", help="as a table, with a line of headings")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    add_config(listing)
    listing.set_defaults(main=_list)

    showing = actions.add_parser("show", help="show one case: its periods, their clauses, its history")
    showing.add_argument("ticket", metavar="TICKET", help="the ticket's number")
    showing.add_argument("--json", action="store_true", help="the whole file as one JSON object")
    add_config(showing)
    showing.set_defaults(main=_show)

    recomputing = actions.add_parser("recompute", help="count provisional deadlines anew after a holiday notice")
    recomputing.add_argument("--json", action="store_true", help="one JSON object a line")
    add_config(recomputing)
    recomputing.set_defaults(main=_recompute)

    ticket_do.add_actions(actions)
    ticket_inbox.add_actions(actions)


def _list(arguments: argparse.Namespace) -> int:
    async def work(place: TicketPlace) -> int:
        now = place.clock.now()
        query = CaseQuery(
            stage=Stage(arguments.stage) if arguments.stage else None,
            unit=arguments.unit,
            category=arguments.category,
            due_before=_due_before(arguments, now),
            after=None if arguments.search else place_after(arguments.after),
            limit=arguments.limit,
        )
        views = [place.parts.files.view(record, now) for record in await _found(place, query, arguments)]
        if arguments.csv:
            print(table_of(views, place.units, place.parts.casework.books.at(now).profile.zone), end="")
            return 0
        for view in views:
            if arguments.json:
                print(msgspec.json.encode(view).decode())
                continue
            due = f"{view.handle_due.astimezone():%Y-%m-%d %H:%M}" if view.handle_due else "—"
            mark = {"yellow": "黄牌", "red": "红牌"}.get(view.card, "超期" if view.overdue else "")
            line = f"{view.id:<26} {view.stage_words:<8} {view.category_words:<4} {view.unit:<14} 至 {due}  {mark}"
            print(line.rstrip())
        return 0

    return with_casework(arguments, work)


def _show(arguments: argparse.Namespace) -> int:
    async def work(place: TicketPlace) -> int:
        file = await place.parts.files.latest(TicketId(arguments.ticket), place.clock.now())
        if file is None:
            print(f"there is no case of ticket {arguments.ticket}", file=sys.stderr)
            return 1
        print(msgspec.json.encode(file).decode() if arguments.json else _told(file))
        return 0

    return with_casework(arguments, work)


def _recompute(arguments: argparse.Namespace) -> int:
    async def work(place: TicketPlace) -> int:
        facts = await place.parts.recounting.recount()
        words, books = place.parts.casework.words, place.parts.casework.books
        profile = books.at(place.clock.now()).profile
        for fact in facts:
            if arguments.json:
                print(msgspec.json.encode({"ticket": fact.case, **plain(fact.details)}).decode())
            else:
                print(f"{fact.case}  {words.fact(fact, profile)}")
        print(f"{len(facts)} deadlines changed", file=sys.stderr)
        return 0

    return with_casework(arguments, work)


async def _found(place: TicketPlace, query: CaseQuery, arguments: argparse.Namespace) -> Sequence[CaseRecord]:
    if not arguments.search:
        return await place.store.cases.page(query)
    words = asked_words(arguments.search)
    if not terms_of(words):
        raise OurMistake(f"--search {arguments.search}: expected two neighbouring characters, or a number")
    below = int(arguments.after) if arguments.after.isdigit() else None
    hits = await place.store.cases.search(words, query, below)
    if hits.further is not None:
        print(f"go on with --after {hits.further}", file=sys.stderr)
    return hits.cases


def _due_before(arguments: argparse.Namespace, now: datetime) -> datetime | None:
    if arguments.due_within is not None:
        return now + timedelta(hours=arguments.due_within)
    return now if arguments.overdue else None


def _told(file: CaseFile) -> str:
    case = file.case
    head = [
        f"工单 {case.id}  {case.stage_words}  {case.category_words}  revision {case.revision}",
        f"规则 {case.profile}（{case.rules_of}）  承办 {'、'.join((case.unit, *case.assist)) or '—'}",
    ]
    periods = [
        f"  {period.words}  {period.span}  {_minute(period.since)} 至 {_minute(period.due)}  {period.state}"
        f"{'（暂定）' if period.provisional else ''}  {' '.join(c.obligation for c in period.citations)}"
        for period in file.periods
    ]
    events = [
        f"  {event.at.astimezone():%Y-%m-%d %H:%M:%S}  {event.text}  {' '.join(c.obligation for c in event.citations)}"
        for event in file.history
    ]
    return "\n".join([*head, "时限", *periods, "经过", *events])


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone():%Y-%m-%d %H:%M}"
