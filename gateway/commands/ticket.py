"""`jiesu ticket list`, `show`, `do`, `recompute`: the closed loop on the command line, also while `jiesu run` serves.

`do` gives any command of the casebook, its fields as ``name=value`` (a list separated by commas). What the rules deny
is said with the article, exit 1; a field that is wrong is named, exit 2.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_origin, get_type_hints

import msgspec

from config.reading import FieldError, read, spelled
from gateway.app import SystemClock
from gateway.casework_parts import CaseworkParts, open_casework
from gateway.commands.common import add_config, database_of, settings_of
from gateway.domain.case import COMMANDS, Command
from gateway.domain.casework import Actor, ActorKind, CaseQuery, Place
from gateway.domain.errors import OurMistake
from gateway.domain.rules import Stage
from gateway.domain.ticket import TicketId
from gateway.services.case_file import CaseFile, DenialView
from gateway.services.case_messages import plain
from gateway.services.feed import Feed
from gateway.storage.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What an action works on."""

    store: SqlStore
    parts: CaseworkParts
    clock: SystemClock


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="list cases, the newest first")
    listing.add_argument("--stage", choices=[stage.value for stage in Stage], metavar="STAGE", help="only this stage")
    listing.add_argument("--unit", default="", help="only those in which this unit has a part")
    listing.add_argument("--category", default="", help="only this category")
    listing.add_argument("--overdue", action="store_true", help="only those overdue, the longest overdue first")
    listing.add_argument("--limit", type=int, default=50, help="how many (default: 50)")
    listing.add_argument("--after", default="", metavar="PLACE", help="go on behind the last line's INSTANT~ID")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    add_config(listing)
    listing.set_defaults(main=_list)

    showing = actions.add_parser("show", help="show one case: its periods, their clauses, its history")
    showing.add_argument("ticket", metavar="TICKET", help="the ticket's number")
    showing.add_argument("--json", action="store_true", help="the whole file as one JSON object")
    add_config(showing)
    showing.set_defaults(main=_show)

    doing = actions.add_parser("do", help="give a command")
    doing.add_argument("ticket", metavar="TICKET", help="the ticket's number")
    doing.add_argument("do", choices=list(COMMANDS), metavar="COMMAND", help=", ".join(COMMANDS))
    doing.add_argument("fields", nargs="*", metavar="NAME=VALUE", help="what the command states, such as to=water")
    doing.add_argument("--revision", type=int, help="do it only if nobody changed the case after this revision")
    doing.add_argument("--by", default="", metavar="NAME", help="who the journal says did it (default: your login)")
    add_config(doing)
    doing.set_defaults(main=_do)

    recomputing = actions.add_parser("recompute", help="count provisional deadlines anew after a holiday notice")
    recomputing.add_argument("--json", action="store_true", help="one JSON object a line")
    add_config(recomputing)
    recomputing.set_defaults(main=_recompute)


def _list(arguments: argparse.Namespace) -> int:
    async def work(place: _Place) -> int:
        now = place.clock.now()
        query = CaseQuery(
            stage=Stage(arguments.stage) if arguments.stage else None,
            unit=arguments.unit,
            category=arguments.category,
            due_before=now if arguments.overdue else None,
            after=_place(arguments.after),
            limit=arguments.limit,
        )
        for record in await place.store.cases.page(query):
            view = place.parts.files.view(record, now)
            if arguments.json:
                print(msgspec.json.encode(view).decode())
                continue
            due = f"{view.handle_due.astimezone():%Y-%m-%d %H:%M}" if view.handle_due else "—"
            mark = {"yellow": "黄牌", "red": "红牌"}.get(view.card, "超期" if view.overdue else "")
            line = f"{view.id:<26} {view.stage_words:<8} {view.category_words:<4} {view.unit:<14} 至 {due}  {mark}"
            print(line.rstrip())
        return 0

    return _with_casework(arguments, work)


def _show(arguments: argparse.Namespace) -> int:
    async def work(place: _Place) -> int:
        file = await place.parts.files.latest(TicketId(arguments.ticket), place.clock.now())
        if file is None:
            print(f"there is no case of ticket {arguments.ticket}", file=sys.stderr)
            return 1
        print(msgspec.json.encode(file).decode() if arguments.json else _told(file))
        return 0

    return _with_casework(arguments, work)


def _do(arguments: argparse.Namespace) -> int:
    command = _command(arguments.do, arguments.fields)
    by = Actor(name=arguments.by or f"{getpass.getuser()} (jiesu ticket)", kind=ActorKind.SUPERVISOR)

    async def work(place: _Place) -> int:
        casework = place.parts.casework
        done = await casework.carry_out(TicketId(arguments.ticket), command, by=by, revision=arguments.revision)
        if done.denials:
            book = casework.books.of(done.record) if done.record else casework.books.at(place.clock.now())
            for denial in place.parts.files.denials(done.denials, book.profile):
                print(_denied(denial), file=sys.stderr)
            return 1
        assert done.record is not None
        for event in place.parts.files.said(done.record, done.facts):
            print(f"{event.text}  {' '.join(c.obligation for c in event.citations)}".rstrip())
        print(f"revision {done.record.revision}" + "".join(f", opened {opened}" for opened in done.opened))
        return 0

    return _with_casework(arguments, work)


def _recompute(arguments: argparse.Namespace) -> int:
    async def work(place: _Place) -> int:
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

    return _with_casework(arguments, work)


def _command(word: str, texts: list[str]) -> Command:
    """Return the command that the words ask for. Raises `OurMistake`, one line that names the field."""
    kind = COMMANDS[word]
    hints = get_type_hints(kind)
    content: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise OurMistake(f"{text}: expected NAME=VALUE, such as to=water")
        content[name] = _value(hints.get(name), value)
    try:
        return read(kind, content)
    except FieldError as error:
        raise OurMistake(f"{word}: {spelled(error.field)}: {error}") from error


def _value(hint: Any, text: str) -> Any:
    if hint is bool:
        return {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}.get(text, text)
    if hint == int | None:
        return int(text) if text.isascii() and text.isdigit() else text
    return text.split(",") if get_origin(hint) is tuple else text


def _place(text: str) -> Place | None:
    if not text:
        return None
    at, _, key = text.partition("~")
    try:
        return Place(at=read(datetime, at), id=key)
    except FieldError as error:
        raise OurMistake(
            f"--after {text}: expected INSTANT~ID, such as 2026-03-02T09:00:00+08:00~20260302-000001"
        ) from error


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


def _denied(denial: DenialView) -> str:
    return "\n".join(
        [denial.text, *(f"  {c.obligation} {c.document}{c.article}：“{c.words}”" for c in denial.citations)]
    )


def _with_casework(arguments: argparse.Namespace, work: Callable[[_Place], Awaitable[int]]) -> int:
    settings = settings_of(arguments)

    async def run() -> int:
        clock = SystemClock()
        async with SqlStore(database_of(settings), clock=clock) as store:
            return await work(_Place(store=store, parts=open_casework(settings, store, clock, Feed()), clock=clock))

    return asyncio.run(run())
