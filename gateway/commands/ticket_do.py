"""`jiesu ticket do`, `commands` and `options`: any command of the casebook, what each states, what a case allows now.

Everything that is wrong with a command is said at once, a line for each field, exit 2; what the rules deny is said with
the article, and what others changed meanwhile with their names, exit 1. Nothing of such a command is done.
"""

from __future__ import annotations

import argparse
import difflib
import getpass
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, get_origin, get_type_hints

import msgspec

from config import phrases
from config.reading import FieldError, read, spelled
from gateway.commands.common import add_config
from gateway.commands.ticket_place import TicketPlace, with_casework
from gateway.domain.case import COMMANDS, Command
from gateway.domain.casework import Actor, ActorKind
from gateway.domain.errors import Refused
from gateway.domain.rules import Span
from gateway.domain.ticket import TicketId
from gateway.services.case_file import DenialView
from gateway.services.casework import Changed, Done, UnknownUnit
from gateway.web.case_forms import CaseForm, forms_for
from gateway.web.case_requests import SUMMARIES, UNASKED


def add_actions(actions: Any) -> None:
    """Declare the actions."""
    doing = actions.add_parser("do", help="give a command")
    doing.add_argument("ticket", metavar="TICKET", help="the ticket's number")
    doing.add_argument("do", choices=list(COMMANDS), metavar="COMMAND", help="see `jiesu ticket commands`")
    doing.add_argument("fields", nargs="*", metavar="NAME=VALUE", help="what the command states, such as to=water")
    doing.add_argument("--revision", type=int, help="do it only if nobody changed the case after this revision")
    doing.add_argument("--by", default="", metavar="NAME", help="who the journal says did it (default: your login)")
    doing.add_argument("--json", action="store_true", help="the outcome as one JSON object, whatever it is")
    add_config(doing)
    doing.set_defaults(main=_do)

    telling = actions.add_parser("commands", help="list the commands with what each states")
    telling.add_argument("do", nargs="?", choices=list(COMMANDS), metavar="COMMAND", help="only this one")
    telling.add_argument("--json", action="store_true", help="one JSON object a line")
    telling.set_defaults(main=_commands)

    offering = actions.add_parser("options", help="what can be done with a ticket now, and under which article")
    offering.add_argument("ticket", metavar="TICKET", help="the ticket's number")
    offering.add_argument("--json", action="store_true", help="one JSON object a line")
    add_config(offering)
    offering.set_defaults(main=_options)


def _do(arguments: argparse.Namespace) -> int:
    command, wrong = _command(arguments.do, arguments.fields)
    if command is None:
        return _wrong(arguments, wrong)
    by = Actor(name=arguments.by or f"{getpass.getuser()} (jiesu ticket)", kind=ActorKind.SUPERVISOR)

    async def work(place: TicketPlace) -> int:
        ticket_id = TicketId(arguments.ticket)
        try:
            done = await place.parts.casework.carry_out(ticket_id, command, by=by, revision=arguments.revision)
        except UnknownUnit as unknown:
            near = difflib.get_close_matches(str(unknown).rpartition(" ")[2], place.units, n=1)
            advice = f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(place.units)}"
            return _wrong(arguments, [(unknown.field, f"{unknown}{advice}")])
        except Changed as changed:
            return await _changed(place, arguments, ticket_id, changed)
        except Refused as refused:
            if arguments.json:
                print(_json({"done": False, "refused": str(refused)}))
                return 1
            raise
        return _denied(place, arguments, done) if done.denials else _told(place, arguments, done)

    return with_casework(arguments, work)


def _told(place: TicketPlace, arguments: argparse.Namespace, done: Done) -> int:
    assert done.record is not None
    events = place.parts.files.said(done.record, done.facts)
    if arguments.json:
        opened = list(done.opened)
        print(_json({"done": True, "revision": done.record.revision, "events": events, "opened": opened}))
        return 0
    for event in events:
        print(f"{event.text}  {' '.join(c.obligation for c in event.citations)}".rstrip())
    print(f"revision {done.record.revision}" + "".join(f", opened {opened}" for opened in done.opened))
    return 0


def _denied(place: TicketPlace, arguments: argparse.Namespace, done: Done) -> int:
    books = place.parts.casework.books
    book = books.of(done.record) if done.record else books.at(place.clock.now())
    denials = place.parts.files.denials(done.denials, book.profile)
    if arguments.json:
        print(_json({"done": False, "denials": denials}))
    for denial in () if arguments.json else denials:
        print(_spelled(denial), file=sys.stderr)
    return 1


async def _changed(place: TicketPlace, arguments: argparse.Namespace, ticket_id: TicketId, changed: Changed) -> int:
    record = await place.store.cases.case(ticket_id)
    changes = await place.parts.files.changes(record, changed.seen) if record else []
    if arguments.json:
        print(_json({"done": False, "conflict": {"revision": changed.revision, "changes": changes}}))
        return 1
    print(f"jiesu: {changed}", file=sys.stderr)
    for change in changes:
        print(f"  {change.at.astimezone():%Y-%m-%d %H:%M:%S}  {change.text}", file=sys.stderr)
    return 1


def _wrong(arguments: argparse.Namespace, wrong: list[tuple[str, str]]) -> int:
    if arguments.json:
        print(_json({"done": False, "wrong": [{"field": field, "message": text} for field, text in wrong]}))
        return 2
    for field, text in wrong:
        print(f"jiesu: {arguments.do}: {f'{field}: ' if field else ''}{text}", file=sys.stderr)
    return 2


def _command(word: str, texts: list[str]) -> tuple[Command | None, list[tuple[str, str]]]:
    """Return the command that the words ask for, or None and all that is wrong with them, field by field."""
    kind = COMMANDS[word]
    hints = _hints(kind)
    content: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            wrong.append(("", f"{text}: expected NAME=VALUE, such as to=water"))
        elif name in content:
            wrong.append((name, "is given twice"))
        elif name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            known = f"expected one of {', '.join(hints)}" if hints else f"{word} states nothing"
            wrong.append((name, f"unknown key; {f'did you mean {near[0]}?' if near else known}"))
        else:
            content[name] = _value(hints[name], value)
    for field in fields(kind):
        if field.name not in content:
            if field.default is MISSING:
                wrong.append((field.name, "is missing"))
            continue
        try:
            content[field.name] = read(hints[field.name], content[field.name])
        except FieldError as error:
            wrong.append((spelled((field.name, *error.field)), str(error)))
    return (None, wrong) if wrong else (kind(**content), [])


def _value(hint: Any, text: str) -> Any:
    if hint is bool:
        return {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}.get(text, text)
    if hint == int | None:
        return int(text) if text.isascii() and text.isdigit() else text
    return text.split(",") if get_origin(hint) is tuple else text


def _hints(kind: type[Command]) -> Mapping[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind).items() if name not in UNASKED}


def _commands(arguments: argparse.Namespace) -> int:
    for word, kind in COMMANDS.items():
        if arguments.do not in (None, word):
            continue
        stated = list(_stated(kind))
        if arguments.json:
            print(_json({"do": word, "words": SUMMARIES[word], "fields": stated}))
            continue
        print(f"{word:<19} {SUMMARIES[word]}")
        for field in stated:
            print(f"    {field['name']:<18} {field['type']}{', needed' if field['needed'] else ''}")
    return 0


def _stated(kind: type[Command]) -> Iterator[dict[str, Any]]:
    hints = _hints(kind)
    for field in fields(kind):
        if field.name in hints:
            yield {"name": field.name, "type": _typed(hints[field.name]), "needed": field.default is MISSING}


def _typed(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(str(member.value) for member in hint)
    if hint == Span | None:
        return "a span, such as 2 working days"
    known = {bool: "true or false", int | None: "a whole number", tuple[str, ...]: "a list, separated by commas"}
    return known.get(hint, "a text")


def _options(arguments: argparse.Namespace) -> int:
    async def work(place: TicketPlace) -> int:
        ticket_id = TicketId(arguments.ticket)
        record, ticket = await place.store.cases.case(ticket_id), await place.store.ticket(ticket_id)
        if record is None and ticket is None:
            print(f"there is no ticket {ticket_id}", file=sys.stderr)
            return 1
        books = place.parts.casework.books
        book = books.of(record) if record else books.at(place.clock.now())
        who = Actor(name="options", kind=ActorKind.SUPERVISOR)
        for form in forms_for(who, record, book.profile, phrases.word, ticket.category if ticket else ""):
            print(_json(form) if arguments.json else _offered(form))
        return 0

    return with_casework(arguments, work)


def _offered(form: CaseForm) -> str:
    marks = {(True, True): "*", (True, False): "*", (False, True): "+", (False, False): ""}
    stated = " ".join(f"{field.name}{marks[field.needed, field.asked]}" for field in form.fields)
    return f"{form.do:<19} {form.words}  {' '.join(c.obligation for c in form.citations)}  {stated}".rstrip()


def _spelled(denial: DenialView) -> str:
    return "\n".join(
        [denial.text, *(f"  {c.obligation} {c.document}{c.article}：“{c.words}”" for c in denial.citations)]
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
