"""How the gateway fares, what ids mean, the journal, and the two doors for machines: health and metrics (系统)."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.domain.call import CallId
from gateway.domain.ticket import TicketId
from gateway.http_api.problems import Problem
from gateway.http_api.routes import EVERYONE, SUPERVISORS, RouteTable
from gateway.services.tickets import EDITABLE
from gateway.web.context import Visit
from gateway.web.live import OK, system_view
from gateway.web.messages import SystemView
from gateway.web.views import FactView, entry_view

system_routes = RouteTable()

VITAL = ("sip", "media")
"""Components without which no call can be taken."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Chinese names of ids, and the rules' document."""

    city: str
    document: str
    categories: dict[str, str]
    matters: dict[str, str]
    units: dict[str, str]
    lines: dict[str, str]
    merged: dict[str, str]
    supervisors: dict[str, str]
    prompts: dict[str, str]
    editable: list[str]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether calls can be taken, and each component's state: ``ok``, or what is wrong with it."""

    taking_calls: bool
    components: dict[str, str]


LAST = 2**62
"""Above every journal entry's number."""


class JournalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which entries: those numbered below *before*, of one call or ticket or of all."""

    before: Annotated[int, Meta(ge=1)] = LAST
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    call_id: str | None = None
    ticket_id: str | None = None


class JournalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, the newest first; ``next_before`` asks for older ones, None when there are none."""

    entries: list[FactView]
    next_before: int | None


@system_routes.declare("GET", "/api/system", "系统状态")
async def show_system(visit: Visit) -> SystemView:
    """Say how the gateway fares."""
    return system_view(visit.parts)


@system_routes.declare("GET", "/api/catalogue", "各种编号的中文名称", roles=EVERYONE)
async def show_catalogue(visit: Visit) -> Catalogue:
    """Give the names of ids."""
    parts = visit.parts
    return Catalogue(
        city=parts.profile.name,
        document=parts.profile.document,
        categories=dict(parts.profile.categories),
        matters=dict(parts.matters),
        units={unit.id: unit.name for unit in parts.units.values()},
        lines=dict(parts.lines),
        merged=dict(parts.merged),
        supervisors=dict(parts.supervisors),
        prompts=dict(parts.prompts),
        editable=list(EDITABLE),
    )


@system_routes.declare("GET", "/api/journal", "全程日志", roles=SUPERVISORS)
async def show_journal(visit: Visit, query: JournalQuery) -> JournalPage:
    """Page through the journal."""
    entries = await visit.parts.store.entries(
        call_id=CallId(query.call_id) if query.call_id else None,
        ticket_id=TicketId(query.ticket_id) if query.ticket_id else None,
        before=query.before,
        limit=query.limit,
    )
    is_last = len(entries) < query.limit
    return JournalPage(
        entries=[entry_view(entry) for entry in entries], next_before=None if is_last else entries[-1].seq
    )


@system_routes.declare("GET", "/api/openapi.json", "接口说明（OpenAPI 3.1）")
async def describe(visit: Visit) -> dict[str, Any]:
    """Describe this interface."""
    return visit.context.description


@system_routes.declare("GET", "/healthz", "能否接听来电", roles=frozenset())
async def show_health(visit: Visit) -> web.Response:
    """Say whether calls can be taken: 200, or 503; what is degraded besides is listed either way."""
    components = dict(visit.parts.health())
    taking = all(components.get(name, OK) == OK for name in VITAL)
    body = msgspec.json.encode(Health(taking_calls=taking, components=components))
    return web.Response(status=200 if taking else 503, body=body, content_type="application/json")


@system_routes.declare("GET", "/metrics", "Prometheus 指标", roles=frozenset())
async def show_metrics(visit: Visit) -> web.Response:
    """Give the metrics to this machine, or to whoever has the token."""
    if not _may_measure(visit):
        raise Problem(403, "forbidden", "指标只向本机或持有令牌者提供")
    return web.Response(body=generate_latest(visit.parts.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _may_measure(visit: Visit) -> bool:
    token = visit.context.metrics_token
    given = visit.request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    is_forwarded = any(name in visit.request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))
    return bool(visit.address) and ipaddress.ip_address(visit.address).is_loopback and not is_forwarded
