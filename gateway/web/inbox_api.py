"""The inbox (收件箱): what a unit, the hotline, petitioners and leaders are to be told, and what they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.domain.casework import ActorKind, Channel, Message
from gateway.domain.errors import Refused
from gateway.http_api.routes import EVERYONE, RouteTable
from gateway.ports.memory import Transaction
from gateway.web.case_asking import PAGE, actor_of, place_of, spelled
from gateway.web.context import Visit
from gateway.web.views import masked

inbox_routes = RouteTable()

COUNTED = 100
"""Waiting messages that are counted at most."""
_DESK = (Channel.HOTLINE, Channel.PETITIONER, Channel.LEADER)
Key = Annotated[str, Meta(min_length=1, max_length=400)]


class MessageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which messages: ``stuck`` those that were given up. A unit sees its own."""

    channel: Channel = Channel.UNIT
    to: Annotated[str, Meta(max_length=64)] = ""
    case_id: Annotated[str, Meta(max_length=64)] = ""
    waiting: bool = True
    stuck: bool = False
    after: Annotated[str, Meta(max_length=400)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be told, or that was; a petitioner's number in ``to`` is masked.

    ``attempts`` and ``error`` are those of a machine that sends it.
    """

    key: str
    channel: Channel
    to: str
    kind: str
    case_id: str
    text: str
    at: datetime
    done_at: datetime | None
    given_up: bool
    attempts: int
    error: str
    values: dict[str, Any]


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, the newest first."""

    messages: list[MessageView]
    next_after: str


class MessageChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message."""

    key: Key


class MessageChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some messages."""

    keys: Annotated[list[Key], Meta(min_length=1, max_length=PAGE)]


class InboxCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages wait in each inbox that the visitor has; `COUNTED` stands for as many or more."""

    waiting: dict[str, int]


@inbox_routes.declare("GET", "/api/messages", "待告知与已告知的消息", roles=EVERYONE)
async def list_messages(visit: Visit, query: MessageQuery) -> MessagePage:
    """List what is to be told; a unit's person what his unit is told."""
    who = actor_of(visit.account)
    is_unit = who.kind is ActorKind.UNIT
    found = await visit.parts.cases.messages(
        Channel.UNIT if is_unit else query.channel,
        to=who.unit if is_unit else query.to,
        case_id=query.case_id,
        waiting=query.waiting and not query.stuck,
        stuck=query.stuck,
        after=place_of(query.after),
        limit=query.limit,
    )
    last = found[-1] if len(found) == query.limit else None
    return MessagePage(
        messages=[_message_view(message) for message in found],
        next_after=spelled(last.at, last.key) if last else "",
    )


@inbox_routes.declare("GET", "/api/inbox", "收件箱里各有多少条未处理", roles=EVERYONE)
async def count_messages(visit: Visit) -> InboxCounts:
    """Count what waits: for a unit's person what his unit is told, for the hotline's people what the desk has to do."""
    who, cases = actor_of(visit.account), visit.parts.cases
    if who.kind is ActorKind.UNIT:
        return InboxCounts(waiting={"unit": await cases.count_waiting(Channel.UNIT, to=who.unit, most=COUNTED)})
    counted = {channel.value: await cases.count_waiting(channel, most=COUNTED) for channel in _DESK}
    return InboxCounts(waiting=counted)


@inbox_routes.declare("POST", "/api/messages/done", "消息已告知、已读", roles=EVERYONE, refusal="没有这条消息")
async def finish_message(visit: Visit, body: MessageChoice) -> MessageView:
    """Note that a message was told by telephone, or read."""
    return (await _finish(visit, [body.key]))[0]


@inbox_routes.declare("POST", "/api/messages/all-done", "这些消息都已读", roles=EVERYONE, refusal="没有这条消息")
async def finish_messages(visit: Visit, body: MessageChoices) -> list[MessageView]:
    """Note that several messages were told or read, all of them or, if one is not there, none."""
    return await _finish(visit, body.keys)


async def _finish(visit: Visit, keys: list[str]) -> list[MessageView]:
    who, now = actor_of(visit.account), visit.parts.clock.now()

    def finished(tx: Transaction, key: str) -> Message:
        message = tx.cases.message(key)
        if message is None or (
            who.kind is ActorKind.UNIT and (message.channel, message.to) != (Channel.UNIT, who.unit)
        ):
            raise Refused(f"there is no message {key}")
        if message.done_at is None:
            message = replace(message, done_at=now)
            tx.cases.save_message(message)
        return message

    done = await visit.parts.store.commit(lambda tx: [finished(tx, key) for key in dict.fromkeys(keys)])
    return [_message_view(message) for message in done]


def _message_view(message: Message) -> MessageView:
    names = MessageView.__struct_fields__
    shown = {name: getattr(message, name) for name in names} | {"values": dict(message.values)}
    if message.channel is Channel.PETITIONER:
        shown["to"] = masked(message.to)
    return MessageView(**shown)
