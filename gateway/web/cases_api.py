"""Cases (案件): lists, files, every command of the closed loop, and what is to be told; for the hotline and its units.

A command names the revision at which its giver saw the case. Whoever comes second is told what changed (409
``conflict``); what the rules do not allow is denied with the article (409, the reason as ``code``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.domain.account import Account, AccountRole
from gateway.domain.casework import Actor, ActorKind, CaseQuery, CaseRecord, Channel, Message, Place
from gateway.domain.errors import Refused
from gateway.domain.profile import Profile
from gateway.domain.rules import Stage
from gateway.domain.ticket import TicketId
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import EVERYONE, RouteTable
from gateway.ports.memory import Transaction
from gateway.services import permissions
from gateway.services.case_file import CaseFile, CaseView, EventView
from gateway.services.casework import Changed, Done, UnknownUnit
from gateway.web.case_requests import SUMMARIES, CaseRequest, command_of, request_types
from gateway.web.context import ConsoleParts, Visit

case_routes = RouteTable()

PAGE = 200
_KINDS: Mapping[AccountRole, ActorKind] = {
    AccountRole.AGENT: ActorKind.AGENT,
    AccountRole.SUPERVISOR: ActorKind.SUPERVISOR,
    AccountRole.ADMINISTRATOR: ActorKind.SUPERVISOR,
    AccountRole.UNIT: ActorKind.UNIT,
}


class CaseListQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cases. ``due_before`` and ``overdue`` order by what is owed longest, else the newest come first.

    ``after`` is the ``next_after`` of the page before.
    """

    stage: Stage | None = None
    category: Annotated[str, Meta(max_length=32)] = ""
    unit: Annotated[str, Meta(max_length=64)] = ""
    overdue: bool = False
    due_before: datetime | None = None
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """Cases; ``next_after`` asks for the page behind, empty when there is none."""

    cases: list[CaseView]
    next_after: str


class CommandDone(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to: the case as it stands, what happened, and the new tickets that the rules opened."""

    case: CaseView
    events: list[EventView]
    opened: list[str]


class Conflicting(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever came second is told: the case as it stands, and what happened since he saw it."""

    case: CaseView
    changes: list[EventView]


class MessageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which messages; a unit sees its own."""

    channel: Channel = Channel.UNIT
    to: Annotated[str, Meta(max_length=64)] = ""
    case_id: Annotated[str, Meta(max_length=64)] = ""
    waiting: bool = True
    after: Annotated[str, Meta(max_length=400)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be told, or that was. ``attempts`` and ``error`` are those of a machine that sends it."""

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

    key: Annotated[str, Meta(min_length=1, max_length=400)]


@case_routes.declare("GET", "/api/cases", "案件列表：按环节、单位、类别、是否超期", roles=EVERYONE)
async def list_cases(visit: Visit, query: CaseListQuery) -> CasePage:
    """List cases; a unit's person those of his unit."""
    who, now = actor_of(visit.account), visit.parts.clock.now()
    due_before = query.due_before or (now if query.overdue else None)
    asked = CaseQuery(
        stage=query.stage,
        category=query.category,
        unit=who.unit if who.kind is ActorKind.UNIT else query.unit,
        due_before=due_before,
        after=place_of(query.after),
        limit=query.limit,
    )
    found = await visit.parts.cases.page(asked)
    last = found[-1] if len(found) == query.limit else None
    ordered = last and (last.handle_due if due_before is not None else last.case.received_at)
    return CasePage(
        cases=[visit.parts.case_files.view(record, now) for record in found],
        next_after=_spelled(ordered, last.id) if last and ordered else "",
    )


@case_routes.declare("GET", "/api/cases/{ticket_id}", "一件案件：时限及其依据、办理经过", roles=EVERYONE)
async def show_case(visit: Visit, ticket_id: str) -> CaseFile:
    """Show one case whole; that it was looked at is journalled."""
    record = await _find(visit, ticket_id)
    ticket = await visit.parts.store.ticket(record.id)
    if ticket is not None:
        visit.sees("ticket.viewed", ticket, "case")
    return await visit.parts.case_files.file(record, visit.parts.clock.now())


@case_routes.declare("GET", "/api/messages", "待告知与已告知的消息", roles=EVERYONE)
async def list_messages(visit: Visit, query: MessageQuery) -> MessagePage:
    """List what is to be told; a unit's person what his unit is told."""
    who = actor_of(visit.account)
    is_unit = who.kind is ActorKind.UNIT
    found = await visit.parts.cases.messages(
        Channel.UNIT if is_unit else query.channel,
        to=who.unit if is_unit else query.to,
        case_id=query.case_id,
        waiting=query.waiting,
        after=place_of(query.after),
        limit=query.limit,
    )
    last = found[-1] if len(found) == query.limit else None
    return MessagePage(
        messages=[_message_view(message) for message in found],
        next_after=_spelled(last.at, last.key) if last else "",
    )


@case_routes.declare("POST", "/api/messages/done", "消息已告知、已读", roles=EVERYONE, refusal="没有这条消息")
async def finish_message(visit: Visit, body: MessageChoice) -> MessageView:
    """Note that a message was told by telephone, or read."""
    who, now = actor_of(visit.account), visit.parts.clock.now()

    def work(tx: Transaction) -> Message:
        message = tx.cases.message(body.key)
        if message is None or (
            who.kind is ActorKind.UNIT and (message.channel, message.to) != (Channel.UNIT, who.unit)
        ):
            raise Refused(f"there is no message {body.key}")
        if message.done_at is None:
            message = replace(message, done_at=now)
            tx.cases.save_message(message)
        return message

    return _message_view(await visit.parts.store.commit(work))


def _declare(word: str, request: type[msgspec.Struct]) -> None:
    """Declare the route of one command."""

    async def carry_out(visit: Visit, ticket_id: str, body: Any) -> CommandDone:
        casework, who = visit.parts.casework, actor_of(visit.account)
        await visit.parts.ledger.settle(SETTLE_LIMIT)
        try:
            done = await casework.carry_out(TicketId(ticket_id), command_of(word, body), by=who, revision=body.revision)
        except Changed as changed:
            raise await conflict(visit.parts, TicketId(ticket_id), changed) from changed
        except Refused as refused:
            raise problem_of_refusal(refused) from refused
        if done.denials:
            raise denial(visit.parts, done)
        return done_view(visit.parts, done)

    carry_out.__name__ = f"case_{word}"
    carry_out.__doc__ = request.__doc__
    carry_out.__annotations__ = {"visit": Visit, "ticket_id": str, "body": request, "return": CommandDone}
    case_routes.declare("POST", f"/api/cases/{{ticket_id}}/{word}", SUMMARIES[word], roles=EVERYONE)(carry_out)


SETTLE_LIMIT = 2.0
"""Seconds that the end of a call gets to be written before a command on its ticket."""

for _word, _request in request_types(CaseRequest, "Case").items():
    _declare(_word, _request)


def actor_of(account: Account) -> Actor:
    """Return as whom a person acts."""
    return Actor(name=account.name, kind=_KINDS[account.role], unit=account.unit)


def place_of(text: str) -> Place | None:
    """Return the place that ``next_after`` names."""
    if not text:
        return None
    at, _, key = text.partition("~")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not key:
        raise Problem(422, "invalid", "字段 after 不正确", field="after")
    return Place(at=instant, id=key)


def done_view(parts: ConsoleParts, done: Done) -> CommandDone:
    """Show what a command came to."""
    assert done.record is not None
    files = parts.case_files
    return CommandDone(
        case=files.view(done.record, parts.clock.now()),
        events=files.said(done.record, done.facts),
        opened=list(done.opened),
    )


def denial(parts: ConsoleParts, done: Done) -> Problem:
    """Return the problem of a command that the rules do not allow: the first reason, and all of them with articles."""
    views = parts.case_files.denials(done.denials, _profile_of(parts, done.record))
    first = views[0]
    return Problem(409, first.why, "；".join(view.text for view in views), field=first.field, current=views)


def problem_of_refusal(refused: Refused) -> Problem:
    """Return the problem of a command that could not even be put before the casebook."""
    match refused:
        case UnknownUnit():
            return Problem(422, "invalid", "没有这个单位", field=refused.field, detail=str(refused))
        case permissions.Unseen():
            return not_found("没有这张工单")
        case permissions.NotYours():
            return Problem(403, "forbidden", "您的身份不能办理这一步", detail=str(refused))
        case _:
            return Problem(409, "refused", "这一步现在不能做", detail=str(refused))


async def conflict(parts: ConsoleParts, ticket_id: TicketId, changed: Changed) -> Problem:
    """Return the problem of whoever came second."""
    record = await parts.cases.case(ticket_id)
    current = None
    if record is not None:
        changes = await parts.case_files.changes(record, changed.seen)
        current = Conflicting(case=parts.case_files.view(record, parts.clock.now()), changes=changes)
    return Problem(409, "conflict", "刚刚有人办理过这张工单，请看过变化再决定", detail=str(changed), current=current)


async def _find(visit: Visit, ticket_id: str) -> CaseRecord:
    record = await visit.parts.cases.case(TicketId(ticket_id))
    if record is None or not permissions.sees(actor_of(visit.account), record):
        raise not_found("没有这件案件；工单还没有受理，或与本单位无关")
    return record


def _profile_of(parts: ConsoleParts, record: CaseRecord | None) -> Profile:
    return parts.casework.books.of(record).profile if record is not None else parts.profile


def _message_view(message: Message) -> MessageView:
    names = MessageView.__struct_fields__
    return MessageView(**{**{name: getattr(message, name) for name in names}, "values": dict(message.values)})


def _spelled(at: datetime, key: str) -> str:
    return f"{at.isoformat()}~{key}"
