"""The live messages' WebSocket (实时通道): a snapshot, then every change in order, to each page that watches.

A watcher is subscribed before its snapshot is taken, and the snapshot is taken without a pause: nothing falls between.
A page follows one call at a time; when it chooses another it is given a fresh snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import structlog
from aiohttp import WSCloseCode, web

from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.http_api.problems import Problem
from gateway.http_api.routes import RouteTable
from gateway.services.desk import Agent
from gateway.services.feed import CallChanged, Dropped, FeedItem, Said, Subscription, TicketChanged
from gateway.services.race import first_of
from gateway.web.call_views import (
    SAID_ALREADY,
    agent_views,
    call_view,
    live_call_view,
    said_view,
)
from gateway.web.context import ConsoleParts, Visit
from gateway.web.messages import (
    LAGGED,
    SIGNED_OUT,
    AgentsTold,
    AnyMessage,
    CallHead,
    CallOver,
    CallTold,
    FactTold,
    Follow,
    SaidTold,
    Snapshot,
    SystemTold,
    SystemView,
    TicketTold,
    TrunkView,
)
from gateway.web.views import fact_view, ticket_view

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
    page = _Page(visit, socket)
    try:
        await first_of(None, gone=page.listen(), told=page.tell(), checked=page.check())
    except (TimeoutError, ConnectionError):
        log.info("page.lost")
    finally:
        pages.discard(socket)
    return socket


def snapshot_of(parts: ConsoleParts, followed: str) -> Snapshot:
    """Return everything as it stands, with the words and facts of the *followed* call."""
    calls = parts.switchboard.calls
    return Snapshot(
        calls=[CallHead(call=call_view(call), ticket=ticket_view(call.record.ticket)) for call in calls.values()],
        followed=live_call_view(calls[CallId(followed)]) if followed in calls else None,
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
        trunks=[
            TrunkView(
                name=trunk.name,
                status=trunk.status,
                since=trunk.since,
                answer=trunk.answer,
                answered_at=trunk.answered_at,
            )
            for trunk in parts.trunks()
        ],
        versions=dict(parts.versions),
    )


def messages_for(item: FeedItem, parts: ConsoleParts, followed: str) -> Iterator[AnyMessage]:
    """Yield what a page that follows one call is told of *item*.

    What is said, and every single fact, belongs to the followed call alone: other citizens' words are not spread, and
    two hundred pages do not cost two hundred times every word.
    """
    match item:
        case Said(call_id=call_id) if call_id == followed:
            yield SaidTold(call_id=call_id, said=said_view(item))
        case TicketChanged():
            yield TicketTold(ticket=ticket_view(item.ticket))
        case CallChanged(call_id=call_id) if call_id in parts.switchboard.calls:
            yield CallTold(call=call_view(parts.switchboard.calls[call_id]))
        case Fact(call_id=str(call_id)) if item.kind != SAID_ALREADY:
            call = parts.switchboard.calls.get(CallId(call_id))
            if item.kind == "call.ended":
                yield CallOver(call_id=call_id, ending=str(item.values.get("reason", "")))
            elif call is not None:
                yield CallTold(call=call_view(call))
            if call_id == followed:
                yield FactTold(fact=fact_view(item))


class _Page:
    """One page that watches, and the call it follows."""

    def __init__(self, visit: Visit, socket: web.WebSocketResponse) -> None:
        self._visit = visit
        self._parts = visit.parts
        self._socket = socket
        self._followed = ""
        self._asked = asyncio.Event()

    async def listen(self) -> None:
        """Take in what the page sends, until it goes: which call it follows."""
        async for message in self._socket:
            try:
                follow = msgspec.json.decode(message.data, type=Follow)
            except (msgspec.MsgspecError, TypeError):
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
                return
            self._followed = follow.call_id
            self._asked.set()

    async def tell(self) -> None:
        """Tell a snapshot and then every change; a fresh snapshot when the page follows another call."""
        while True:
            self._asked.clear()
            with self._parts.feed.watch() as subscription:
                await self._send(snapshot_of(self._parts, self._followed))
                if await first_of(None, asked=self._asked.wait(), told=self._pass_on(subscription)) == "told":
                    return

    async def check(self) -> None:
        """Tell of agents and system when they changed; close the channel when the page's session is over."""
        parts, context = self._parts, self._visit.context
        agents, system = _essence(parts.desk.agents), system_view(parts)
        while True:
            await asyncio.sleep(PULSE)
            if not await context.still_signed_in(self._visit.request):
                await self._socket.close(code=SIGNED_OUT, message=b"signed out")
                return
            if _essence(parts.desk.agents) != agents:
                agents = _essence(parts.desk.agents)
                await self._send(AgentsTold(agents=agent_views(parts.desk.agents, parts.clock.monotonic())))
            if system_view(parts) != system:
                system = system_view(parts)
                await self._send(SystemTold(system=system))

    async def _pass_on(self, subscription: Subscription) -> None:
        async for item in subscription:
            if isinstance(item, Dropped):
                await self._socket.close(code=LAGGED, message=b"lagged")
                return
            for message in messages_for(item, self._parts, self._followed):
                await self._send(message)

    async def _send(self, message: AnyMessage) -> None:
        async with asyncio.timeout(SEND_LIMIT):
            await self._socket.send_str(_encoder.encode(message).decode())


def _essence(agents: tuple[Agent, ...]) -> list[tuple[str, str, str | None]]:
    return [(agent.id, agent.presence.value, agent.call_id) for agent in agents]


async def close_pages(pages: set[web.WebSocketResponse]) -> None:
    """Send every page away, because the console stops; takes `CLOSE_LIMIT` at most."""
    closing = [page.close(code=WSCloseCode.GOING_AWAY, message=b"stopping") for page in pages]
    await asyncio.gather(*closing, return_exceptions=True)
