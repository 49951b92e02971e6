"""`jiesu ticket inbox` and `told`: what units, the desk, petitioners and leaders are to be told, and that they were."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

import msgspec

from gateway.commands.common import add_config
from gateway.commands.ticket_place import TicketPlace, place_after, with_casework
from gateway.domain.casework import Channel, Message
from gateway.domain.errors import Refused
from gateway.ports.memory import Transaction


def add_actions(actions: Any) -> None:
    """Declare the actions."""
    inbox = actions.add_parser("inbox", help="list what is to be told, the newest first")
    channels = [channel.value for channel in Channel]
    inbox.add_argument("--channel", choices=channels, default="hotline", metavar="CHANNEL", help=", ".join(channels))
    inbox.add_argument("--to", default="", metavar="ID", help="only to this unit or partner")
    inbox.add_argument("--ticket", default="", help="only about this ticket")
    inbox.add_argument("--all", action="store_true", help="also what was told or read")
    inbox.add_argument("--limit", type=int, default=50, help="how many (default: 50)")
    inbox.add_argument("--after", default="", metavar="PLACE", help="go on behind the last line's INSTANT~KEY")
    inbox.add_argument("--json", action="store_true", help="one JSON object a line")
    add_config(inbox)
    inbox.set_defaults(main=_inbox)

    told = actions.add_parser("told", help="note that messages were told or read; all of them or none")
    told.add_argument("keys", nargs="+", metavar="KEY", help="the key of a message")
    add_config(told)
    told.set_defaults(main=_told)


def _inbox(arguments: argparse.Namespace) -> int:
    async def work(place: TicketPlace) -> int:
        found = await place.store.cases.messages(
            Channel(arguments.channel),
            to=arguments.to,
            case_id=arguments.ticket,
            waiting=not arguments.all,
            after=place_after(arguments.after),
            limit=arguments.limit,
        )
        for message in found:
            print(msgspec.json.encode(message).decode() if arguments.json else _line(message))
        return 0

    return with_casework(arguments, work)


def _line(message: Message) -> str:
    state = "已办" if message.done_at else "未送达" if message.given_up else "未办"
    return f"{message.at.astimezone():%Y-%m-%d %H:%M}  {state}  {message.to}  {message.text}\n    {message.key}"


def _told(arguments: argparse.Namespace) -> int:
    async def work(place: TicketPlace) -> int:
        now = place.clock.now()

        def finish(tx: Transaction) -> None:
            for key in dict.fromkeys(arguments.keys):
                message = tx.cases.message(key)
                if message is None:
                    raise Refused(f"there is no message {key}")
                if message.done_at is None:
                    tx.cases.save_message(replace(message, done_at=now))

        await place.store.commit(finish)
        print(f"{len(set(arguments.keys))} told", file=sys.stderr)
        return 0

    return with_casework(arguments, work)
