"""The live messages' WebSocket (实时通道): a snapshot, then every change in order, to each page that watches.

A watcher is subscribed before its snapshot is taken, and the snapshot is taken without a pause: nothing falls between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import structlog
from aiohttp import WSCloseCode, web

from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.services.desk import Agent
from gateway.services.feed import Dropped, FeedItem, Said, Subscription, TicketChanged
from gateway.services.race import first_of
from gateway.web.context import ConsoleParts, Visit
from gateway.web.messages import (
    LAGGED,
    SIGNED_OUT,
    AgentsTold,
    AnyMessage,
    CallOver,
    CallTold,
    FactTold,
    SaidTold,
    Snapshot,
    SystemTold,
    SystemView,
    TicketTold,
)
from gateway.web.problems import Problem
from gateway.web.routes import RouteTable
from gateway.web.views import SAID_ALREADY, agent_views, call_view, fact_view, live_call_view, said_view, ticket_view

log = structlog.get_logger(__name__)

WATCHERS = 200
"""Live pages at once on this node."""
HEARTBEAT = 20.0
SEND_LIMIT = 10.0
CLOSE_LIMIT = 2.0
"""Seconds for a page to say goodbye."""
PULSE = 1.0
"""Seconds between looks at what no fact announces: the agents, and how the gateway fares."""
OK = "ok"

live_routes = RouteTable()
_encoder = msgspec.json.Encoder()


@live_routes.declare("GET", "/api/live", "实时消息：先是全貌，然后是每个变化（WebSocket）", limit=None)
async def watch_live(visit: Visit) -> web.WebSocketResponse:
    """Tell one page what happens, until it goes."""
    pages = visit.context.live_pages
    if len(pages) >= WATCHERS:
        raise Problem(503, "too_many_pages", "同时打开的页面太多，请稍后再试", retry_after=30.0)
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, timeout=CLOSE_LIMIT, max_msg_size=1024, compress=False)
    await socket.prepare(visit.request)
    pages.add(socket)
    try:
        with visit.parts.feed.watch() as subscription:
            snapshot = snapshot_of(visit.parts)
            await _send(socket, snapshot)
            await first_of(
                None,
                gone=_until_gone(socket),
                told=_tell(socket, visit.parts, subscription),
                checked=_check(socket, visit),
            )
    except (TimeoutError, ConnectionError):
        log.info("page.lost")
    finally:
        pages.discard(socket)
    return socket


def snapshot_of(parts: ConsoleParts) -> Snapshot:
    """Return everything as it stands."""
    return Snapshot(
        calls=[live_call_view(call) for call in parts.switchboard.calls.values()],
        agents=agent_views(parts.desk.agents, parts.clock.monotonic()),
        system=system_view(parts),
    )


def system_view(parts: ConsoleParts) -> SystemView:
    """Return how the gateway fares."""
    model = parts.model()
    return SystemView(
        model=model.name,
        model_kind=model.kind,
        model_words=model.words_zh,
        listening=parts.listening(),
        ledger_behind=parts.ledger.behind if parts.ledger.is_behind else 0,
        calls_live=len(parts.switchboard.calls),
        waiting=parts.desk.queue_length,
        degraded={name: state for name, state in parts.health().items() if state != OK},
        versions=dict(parts.versions),
    )


def messages_for(item: FeedItem, parts: ConsoleParts) -> Iterator[AnyMessage]:
    """Yield what a page is told of *item*; the words themselves come as `Said`, so their facts are left out."""
    match item:
        case Said():
            yield SaidTold(call_id=item.call_id, said=said_view(item))
        case TicketChanged():
            yield TicketTold(ticket=ticket_view(item.ticket))
        case Fact(call_id=str(call_id)):
            call = parts.switchboard.calls.get(CallId(call_id))
            if item.kind == "call.ended":
                yield CallOver(call_id=call_id, ending=str(item.values.get("reason", "")))
            elif call is not None:
                yield CallTold(call=call_view(call))
            if item.kind != SAID_ALREADY:
                yield FactTold(fact=fact_view(item))


async def _tell(socket: web.WebSocketResponse, parts: ConsoleParts, subscription: Subscription) -> None:
    async for item in subscription:
        if isinstance(item, Dropped):
            await socket.close(code=LAGGED, message=b"lagged")
            return
        for message in messages_for(item, parts):
            await _send(socket, message)


async def _check(socket: web.WebSocketResponse, visit: Visit) -> None:
    """Tell of agents and system when they changed; close the page's channel when its session is over."""
    parts = visit.parts
    agents, system = _essence(parts.desk.agents), system_view(parts)
    while True:
        await asyncio.sleep(PULSE)
        if not visit.context.sessions.is_open(visit.signed_in, parts.clock.monotonic()):
            await socket.close(code=SIGNED_OUT, message=b"signed out")
            return
        if _essence(parts.desk.agents) != agents:
            agents = _essence(parts.desk.agents)
            await _send(socket, AgentsTold(agents=agent_views(parts.desk.agents, parts.clock.monotonic())))
        if system_view(parts) != system:
            system = system_view(parts)
            await _send(socket, SystemTold(system=system))


def _essence(agents: tuple[Agent, ...]) -> list[tuple[str, str, str | None]]:
    return [(agent.id, agent.presence.value, agent.call_id) for agent in agents]


async def _until_gone(socket: web.WebSocketResponse) -> None:
    """Read, and ignore, what the page sends."""
    async for _ in socket:
        pass


async def _send(socket: web.WebSocketResponse, message: AnyMessage) -> None:
    async with asyncio.timeout(SEND_LIMIT):
        await socket.send_str(_encoder.encode(message).decode())


async def close_pages(pages: set[web.WebSocketResponse]) -> None:
    """Send every page away, because the console stops; takes `CLOSE_LIMIT` at most."""
    closing = [page.close(code=WSCloseCode.GOING_AWAY, message=b"stopping") for page in pages]
    await asyncio.gather(*closing, return_exceptions=True)
