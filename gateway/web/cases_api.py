"""Cases (案件): lists, search, files, the forms of what may be done, and lists as a table to take away.

For the hotline and its units; the commands are in `gateway.web.case_commands_api`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.domain.casework import Actor, ActorKind, CaseQuery, CaseRecord
from gateway.domain.rules import Stage
from gateway.domain.ticket import TicketId
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import EVERYONE, RouteTable
from gateway.services import permissions
from gateway.services.case_file import CaseFile, CaseView
from gateway.web.case_asking import PAGE, actor_of, place_of, spelled
from gateway.web.case_commands_api import profile_of
from gateway.web.case_forms import CaseForm, forms_for
from gateway.web.case_table import table_of
from gateway.web.context import Visit
from routing.case_words import asked_words, terms_of

case_routes = RouteTable()

MOST_TAKEN = 5000
"""Rows of a table that is taken away at most."""
Line = Annotated[str, Meta(max_length=64)]


class CaseFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cases. ``due_before`` and ``overdue`` order by what is owed longest, else the newest come first.

    ``q`` finds those that say all its words, the newest first.
    """

    q: Annotated[str, Meta(max_length=200)] = ""
    stage: Stage | None = None
    category: Annotated[str, Meta(max_length=32)] = ""
    unit: Line = ""
    overdue: bool = False
    due_before: datetime | None = None


class CaseListQuery(CaseFilter, frozen=True, kw_only=True):
    """A page of them: ``after`` is the ``next_after`` of the page before."""

    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """Cases; ``next_after`` asks for the page behind, empty when there is none."""

    cases: list[CaseView]
    next_after: str


class CaseForms(msgspec.Struct, frozen=True, kw_only=True):
    """What the visitor may do with a case at this revision; 0 for a ticket that is none yet."""

    revision: int
    forms: list[CaseForm]


@case_routes.declare("GET", "/api/cases", "案件列表：按内容全文检索，按环节、单位、类别、期限", roles=EVERYONE)
async def list_cases(visit: Visit, query: CaseListQuery) -> CasePage:
    """List cases; a unit's person those of his unit."""
    found, further = await _page(visit, query, query.after, query.limit)
    now = visit.parts.clock.now()
    return CasePage(cases=[visit.parts.case_files.view(record, now) for record in found], next_after=further)


@case_routes.declare("GET", "/api/cases.csv", "案件列表导出为表格（CSV，最多五千件）", roles=EVERYONE, limit=60.0)
async def take_table(visit: Visit, query: CaseFilter) -> web.Response:
    """Give the same list as a table; that it was taken away is journalled."""
    rows: list[CaseView] = []
    after = ""
    while len(rows) < MOST_TAKEN:
        found, after = await _page(visit, query, after, min(PAGE, MOST_TAKEN - len(rows)))
        now = visit.parts.clock.now()
        rows += [visit.parts.case_files.view(record, now) for record in found]
        if not after:
            break
    visit.tell("cases.exported", count=len(rows))
    names = {unit.id: unit.name for unit in visit.parts.units.values()}
    return web.Response(
        body=table_of(rows, names, visit.parts.profile.zone).encode("utf-8-sig"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="cases.csv"', "Cache-Control": "no-store"},
    )


@case_routes.declare("GET", "/api/cases/{ticket_id}", "一件案件：时限及其依据、办理经过", roles=EVERYONE)
async def show_case(visit: Visit, ticket_id: str) -> CaseFile:
    """Show one case whole; that it was looked at is journalled."""
    record = await _find(visit, ticket_id)
    ticket = await visit.parts.store.ticket(record.id)
    if ticket is not None:
        visit.sees("ticket.viewed", ticket, "case")
    return await visit.parts.case_files.file(record, visit.parts.clock.now())


@case_routes.declare("GET", "/api/cases/{ticket_id}/forms", "这张工单现在可以怎样办理，各依据哪一条", roles=EVERYONE)
async def show_forms(visit: Visit, ticket_id: str) -> CaseForms:
    """Say what the visitor may do with a case, or with a ticket that nobody has taken yet."""
    who, parts = actor_of(visit.account), visit.parts
    record = await parts.cases.case(TicketId(ticket_id))
    ticket = await parts.store.ticket(TicketId(ticket_id)) if record is None else None
    if not permissions.sees(who, record) or (record is None and ticket is None):
        raise not_found("没有这张工单，或与本单位无关")
    forms = forms_for(
        who, record, profile_of(parts, record), parts.casework.words.word, ticket.category if ticket else ""
    )
    return CaseForms(revision=record.revision if record else 0, forms=forms)


async def _page(visit: Visit, asked: CaseFilter, after: str, limit: int) -> tuple[Sequence[CaseRecord], str]:
    """Return a page of what is asked for, and where the next one goes on."""
    who = actor_of(visit.account)
    due_before = asked.due_before or (visit.parts.clock.now() if asked.overdue else None)
    query = CaseQuery(
        stage=asked.stage,
        category=asked.category,
        unit=_unit_of(who, asked.unit),
        due_before=due_before,
        after=None if asked.q else place_of(after),
        limit=limit,
    )
    if asked.q:
        words = asked_words(asked.q)
        if not terms_of(words):
            raise Problem(422, "invalid", "请输入至少两个相连的汉字，或完整的编号、号码", field="q")
        hits = await visit.parts.cases.search(words, query, _number(after))
        return hits.cases, "" if hits.further is None else str(hits.further)
    found = await visit.parts.cases.page(query)
    last = found[-1] if len(found) == limit else None
    ordered = last and (last.handle_due if due_before is not None else last.case.received_at)
    return found, spelled(ordered, last.id) if last and ordered else ""


def _unit_of(who: Actor, asked: str) -> str:
    return who.unit if who.kind is ActorKind.UNIT else asked


def _number(after: str) -> int | None:
    if not after:
        return None
    if not (after.isascii() and after.isdigit() and len(after) < 18):
        raise Problem(422, "invalid", "字段 after 不正确", field="after")
    return int(after)


async def _find(visit: Visit, ticket_id: str) -> CaseRecord:
    record = await visit.parts.cases.case(TicketId(ticket_id))
    if record is None or not permissions.sees(actor_of(visit.account), record):
        raise not_found("没有这件案件；工单还没有受理，或与本单位无关")
    return record
