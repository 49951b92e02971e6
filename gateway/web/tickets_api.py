"""Tickets, and listening to their calls again (工单, 录音). Lists mask callers' numbers, a ticket's detail does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.domain.call import CallId, Role
from gateway.domain.errors import Conflict
from gateway.domain.ticket import Ticket, TicketId
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import RouteTable
from gateway.ports.memory import CallLeg
from gateway.services.recordings import Recording, recording_of
from gateway.web.call_views import (
    GapView,
    RecordedLegView,
    UtteranceView,
    heard_view,
    recorded_leg_view,
)
from gateway.web.context import Visit
from gateway.web.views import (
    FactView,
    TicketView,
    entry_view,
    ticket_view,
)

ticket_routes = RouteTable()

PAGE = 200
ENTRIES = 5000
"""Journal entries shown with one ticket."""
PIECE = 256 * 1024
"""Octets of sound read at a time."""
WRITE_LIMIT = 20.0
"""Seconds a listener may take for one piece."""
DISK_LIMIT = 10.0
SETTLE_LIMIT = 2.0
P = ParamSpec("P")
T = TypeVar("T")
_readers = ThreadPoolExecutor(4, thread_name_prefix="recordings")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class TicketQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which tickets: those received before an instant, whose id or caller's number contains *search*."""

    before: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50
    search: Annotated[str, Meta(max_length=40)] = ""


class TicketPage(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets, the newest first; ``next_before`` asks for older ones, None when there are none."""

    tickets: list[TicketView]
    next_before: datetime | None


class TicketDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with all that belongs to it."""

    ticket: TicketView
    transcript: list[UtteranceView | GapView]
    legs: list[RecordedLegView]
    entries: list[FactView]
    live: bool


class TicketEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New values of fields, and the revision at which they were seen."""

    revision: Annotated[int, Meta(ge=1)]
    values: Annotated[dict[str, Annotated[str, Meta(max_length=4000)]], Meta(min_length=1, max_length=20)]


class SoundQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose recording: the leg's, or the call's own, which is the citizen's."""

    leg: str = ""


@ticket_routes.declare("GET", "/api/tickets", "工单列表，可按工单号或来电号码查找")
async def list_tickets(visit: Visit, query: TicketQuery) -> TicketPage:
    """List tickets."""
    found = await visit.parts.store.tickets(limit=query.limit, before=query.before, search=query.search)
    is_last = len(found) < query.limit
    return TicketPage(
        tickets=[ticket_view(ticket) for ticket in found],
        next_before=None if is_last else found[-1].received_at,
    )


@ticket_routes.declare("GET", "/api/tickets/{ticket_id}", "一张工单：转写、话路、日志、决定及依据")
async def show_ticket(visit: Visit, ticket_id: str) -> TicketDetail:
    """Show one ticket whole; that it was looked at is journalled."""
    ticket = await _find(visit, ticket_id)
    visit.sees("ticket.viewed", ticket)
    store, call_id = visit.parts.store, ticket.call_id
    legs = await store.legs(call_id) if call_id else []
    roles = {leg.leg_id: leg.role.value for leg in legs}
    said = await store.transcript(call_id) if call_id else []
    entries = await store.entries(ticket_id=ticket.id, limit=ENTRIES)
    recorded = {found.leg.leg_id for found in await _on_disk(_recordings_of, visit, legs)}
    return TicketDetail(
        ticket=ticket_view(ticket, whole_number=True),
        transcript=[heard_view(roles.get(heard.leg_id, ""), heard) for heard in said],
        legs=[recorded_leg_view(leg, recorded=leg.leg_id in recorded) for leg in legs],
        entries=[entry_view(entry) for entry in entries],
        live=call_id in visit.parts.switchboard.calls,
    )


@ticket_routes.declare("PATCH", "/api/tickets/{ticket_id}", "修改工单", refusal="这个字段不能修改")
async def edit_ticket(visit: Visit, ticket_id: str, body: TicketEdit) -> TicketView:
    """Write fields; a field somebody else has written meanwhile is a conflict, told with the ticket as it stands."""
    await visit.parts.ledger.settle(SETTLE_LIMIT)
    before = await _find(visit, ticket_id)
    try:
        ticket = await visit.parts.editor.edit(before.id, body.values, revision=body.revision, by=visit.account.name)
    except Conflict as conflict:
        current = ticket_view(await _find(visit, ticket_id), whole_number=True)
        raise Problem(
            409,
            "conflict",
            "刚刚有人改过同一处，请核对后再保存",
            detail=str(conflict),
            current=current,
        ) from conflict
    call = visit.parts.switchboard.calls.get(CallId(ticket.call_id or ""))
    if call is not None:
        call.record.edited(body.values)
    return ticket_view(ticket, whole_number=True)


@ticket_routes.declare(
    "GET",
    "/api/tickets/{ticket_id}/audio",
    "通话录音（左声道为该方，右声道为其所听；WAV 或 Opus，可分段取）",
    limit=None,
    refusal="录音文件无法读取",
)
async def play_recording(visit: Visit, ticket_id: str, query: SoundQuery) -> web.StreamResponse:
    """Send one recording, or the part of it that is asked for (RFC 9110 14); journalled as heard."""
    ticket = await _find(visit, ticket_id)
    legs = await visit.parts.store.legs(ticket.call_id) if ticket.call_id else []
    wanted = [leg for leg in legs if query.leg in ("", leg.leg_id)]
    found = await _on_disk(_recordings_of, visit, wanted)
    if not found:
        raise not_found("这张工单没有可以播放的录音")
    visit.sees("recording.played", ticket, query.leg)
    return await _send(visit.request, found[0])


async def _find(visit: Visit, ticket_id: str) -> Ticket:
    ticket = await visit.parts.store.ticket(TicketId(ticket_id))
    if ticket is None:
        raise not_found("没有这张工单")
    return ticket


async def _on_disk(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Run *work* in the readers' own threads, so that a slow disk holds up listeners only."""
    async with asyncio.timeout(DISK_LIMIT):
        return await asyncio.get_running_loop().run_in_executor(_readers, partial(work, *args, **named))


def _recordings_of(visit: Visit, legs: Sequence[CallLeg]) -> list[Recording]:
    """Find those legs' recordings that are there, the citizen's first; blocks on the disk."""
    first = sorted(legs, key=lambda leg: (leg.role is not Role.CITIZEN, leg.started))
    return [found for leg in first if (found := recording_of(leg, visit.parts.recordings)) is not None]


async def _send(request: web.Request, recording: Recording) -> web.StreamResponse:
    """Send the range asked for, piece by piece; a listener who stops reading is left alone."""
    start, stop = _range(request.headers.get("Range", ""), recording.size)
    response = web.StreamResponse(status=200 if (start, stop) == (0, recording.size) else 206)
    response.content_type = recording.media_type
    response.content_length = stop - start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-store"
    if response.status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{recording.size}"
    await response.prepare(request)
    for position in range(start, stop, PIECE):
        piece = await _on_disk(recording.read, position, min(stop, position + PIECE))
        async with asyncio.timeout(WRITE_LIMIT):
            await response.write(piece)
    await response.write_eof()
    return response


def _range(header: str, size: int) -> tuple[int, int]:
    """Return [start, stop) that a Range header asks for; anything but one range of octets is all (RFC 9110 14.2)."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    if start >= stop:
        raise Problem(416, "range", "超出录音长度", headers={"Content-Range": f"bytes */{size}"})
    return start, stop
