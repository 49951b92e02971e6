"""The commands of the closed loop over HTTP (案件办理), and how their refusals are told.

A command names the revision at which its giver saw the case. Whoever comes second is told who changed what (409
``conflict``); what the rules do not allow is denied with the article (409, the reason as ``code``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.domain.casework import CaseRecord
from gateway.domain.errors import Refused
from gateway.domain.profile import Profile
from gateway.domain.ticket import TicketId
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import EVERYONE, RouteTable
from gateway.services import permissions
from gateway.services.case_file import CaseView, EventView
from gateway.services.casework import Changed, Done, UnknownUnit
from gateway.web.case_asking import actor_of
from gateway.web.case_requests import SUMMARIES, CaseRequest, command_of, request_types
from gateway.web.context import ConsoleParts, Visit

command_routes = RouteTable()


class CommandDone(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to: the case as it stands, what happened, and the new tickets that the rules opened."""

    case: CaseView
    events: list[EventView]
    opened: list[str]


class Conflicting(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever came second is told: the case as it stands, and what happened since he saw it."""

    case: CaseView
    changes: list[EventView]


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
    command_routes.declare("POST", f"/api/cases/{{ticket_id}}/{word}", SUMMARIES[word], roles=EVERYONE)(carry_out)


SETTLE_LIMIT = 2.0
"""Seconds that the end of a call gets to be written before a command on its ticket."""

for _word, _request in request_types(CaseRequest, "Case").items():
    _declare(_word, _request)


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
    views = parts.case_files.denials(done.denials, profile_of(parts, done.record))
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
    current, who = None, "已被修改"
    if record is not None:
        changes = await parts.case_files.changes(record, changed.seen)
        names = dict.fromkeys(str(each.details["by"]) for each in changes if each.name == "commanded")
        who = f"已被{'、'.join(names)}修改" if names else who
        current = Conflicting(case=parts.case_files.view(record, parts.clock.now()), changes=changes)
    return Problem(409, "conflict", f"这张工单{who}，请看过变化再决定", detail=str(changed), current=current)


def profile_of(parts: ConsoleParts, record: CaseRecord | None) -> Profile:
    """Return the rules that hold for a case, or for one to come."""
    return parts.casework.books.of(record).profile if record is not None else parts.profile
