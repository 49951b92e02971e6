"""The transaction layer on real sockets (RFC 3261 17, 18): transactions matched, timers kept, answers routed.

Shell over the pure machines of ``client_transaction`` and ``server_transaction``; one timer is armed for all
of them. What the requests mean is its ``Handler``'s business. Callbacks are called on the event loop, never
concurrently; none may block. Nothing a peer sends makes it raise.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Protocol, Self

import structlog

from channels.sip.agenda import Agenda, Alarm
from channels.sip.client_transaction import InviteClient, NonInviteClient
from channels.sip.connections import Connections, Flow, Unlistened, host_towards
from channels.sip.exchange import Exchange, IncomingRequest, OutgoingRequest, new_tag
from channels.sip.message import BadMessage, Message, Request, Response, make_response
from channels.sip.server_transaction import InviteServer, NonInviteServer
from channels.sip.target import ListenAddress, Target, default_port
from channels.sip.tls import Tls
from channels.sip.transaction import (
    MAGIC_COOKIE,
    Action,
    Finished,
    Send,
    Timers,
    client_key,
    server_key,
)
from channels.sip.uri import Uri, Via

MOST_TRANSACTIONS = 50_000

log = structlog.get_logger(__name__)


class Handler(Protocol):
    """The transaction user: what an endpoint asks of whoever understands the requests."""

    def hears(self, host: str) -> bool:
        """Whether anything from this host is to be read."""
        ...

    def knows(self, host: str) -> bool:
        """Whether this host is no stranger: strangers may hold few connections."""
        ...

    def admits(self, request: Request, source: Target) -> bool:
        """Whether *source* may talk to us with this request; if not, it hears nothing."""
        ...

    def on_request(self, incoming: IncomingRequest) -> None:
        """A new request, neither ACK nor CANCEL; it must be responded to, now or later."""
        ...

    def on_cancel(self, invite: IncomingRequest) -> None:
        """The peer wants this INVITE, not yet finally answered, cancelled; the CANCEL itself is answered already."""
        ...

    def on_ack(self, ack: Request) -> None:
        """An ACK for a 2xx."""
        ...


class Endpoint:
    """SIP over the given listeners; an async context manager.

    *advertise* is the host we name in Via and Contact instead of the address a message leaves by.
    """

    def __init__(
        self,
        listen: Sequence[ListenAddress],
        *,
        handler: Handler,
        advertise: str | None = None,
        user_agent: str = "jiesu",
        timers: Timers | None = None,
        tls: Tls | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.handler = handler
        self.timers = timers or Timers()
        self.now = clock
        self._listen = tuple(listen)
        self._advertise = advertise
        self._user_agent = user_agent
        self._connections = Connections(
            receive=self._receive, lost=self._lose, hears=handler.hears, knows=handler.knows, tls=tls
        )
        self._clients: dict[Hashable, OutgoingRequest] = {}
        self._servers: dict[Hashable, IncomingRequest] = {}
        self._agenda: Agenda[Exchange | Alarm] = Agenda()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._is_closed = False
        self._stateless_tag = new_tag()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self._connections.open(self._listen)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._is_closed = None, True
        await self._connections.close()

    @property
    def addresses(self) -> tuple[ListenAddress, ...]:
        """Where we listen, with the ports we were given."""
        return self._connections.addresses

    @property
    def transactions(self) -> int:
        """How many transactions are remembered."""
        return len(self._clients) + len(self._servers)

    @property
    def deadlines(self) -> int:
        """How many deadlines are waited for."""
        return len(self._agenda)

    @property
    def connections(self) -> int:
        """How many TCP connections stand or are being made."""
        return self._connections.count

    def take_ack(self, ack: Request) -> None:
        """Pass on an ACK for a 2xx."""
        self.handler.on_ack(ack)

    async def wait_idle(self) -> None:
        """Wait until no transaction is left."""
        await self._idle.wait()

    def request(self, request: Request, target: Target, on_response: Callable[[Response], None]) -> OutgoingRequest:
        """Send a request, with a Via of ours on top, and follow it; raise Unlistened when no listener fits *target*."""
        flow = self._connections.flow_to(target)
        request.headers.prepend("Via", str(self._new_via(flow)))
        return self.send_on(flow, request, on_response)

    async def ask(self, request: Request, target: Target) -> tuple[Response, bool]:
        """Send a request (not an INVITE); return the final response, and whether the peer gave it (else: silence)."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response) -> None:
            if response.status >= 200 and not answered.done():
                answered.set_result(response)

        outgoing = self.request(request, target, take)
        return await answered, not outgoing.failed

    def send_on(self, flow: Flow, request: Request, on_response: Callable[[Response], None]) -> OutgoingRequest:
        """Send a request that has its Via already (a CANCEL has its INVITE's)."""
        request.headers.set("User-Agent", self._user_agent)
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        outgoing = OutgoingRequest(self, kind(request, reliable=flow.reliable, timers=self.timers), flow, on_response)
        self._clients[outgoing.key] = outgoing
        self._idle.clear()
        self.carry_out(outgoing, outgoing.machine.start(self.now()))
        return outgoing

    def send_ack(self, ack: Request, target: Target) -> None:
        """Send the ACK for a 2xx: a transaction of its own that nothing answers (RFC 3261 13.2.2.4)."""
        flow = self._connections.flow_to(target)
        if "Via" not in ack.headers:
            ack.headers.prepend("Via", str(self._new_via(flow)))
        flow.send(ack.encode())

    def local_uri(self, target: Target, user: str | None = None, *, is_secure: bool = False) -> Uri:
        """Where a peer at *target* reaches us: what a Contact says; *is_secure* makes it a ``sips:`` URI (RFC 5630)."""
        local = self._connections.listener_for(target)
        is_secure = is_secure and local.transport == "tls"
        params: dict[str, str | None] = {} if local.transport == "udp" or is_secure else {"transport": local.transport}
        return Uri(
            scheme="sips" if is_secure else "sip",
            user=user,
            host=self._advertise or host_towards(local, target),
            port=local.port,
            params=params,
        )

    def is_connected(self, target: Target) -> bool:
        """Whether a connection to or from *target* stands; never true of UDP."""
        return self._connections.is_connected(target)

    def can_reach(self, target: Target) -> bool:
        """Whether something of ours listens on the transport and address family of *target*."""
        try:
            self._connections.listener_for(target)
        except Unlistened:
            return False
        return True

    def call_at(self, at: float, call: Callable[[], None]) -> Alarm:
        """Have *call* called at the instant *at* of our clock."""
        alarm = Alarm(at, call)
        self._agenda.note(alarm)
        self._arm()
        return alarm

    def call_off(self, alarm: Alarm) -> None:
        """Have it not called after all."""
        alarm.cancel()
        self._agenda.note(alarm)

    # What the exchanges use

    def carry_out(self, exchange: Exchange, actions: list[Action]) -> None:
        """Do what a machine asked for, and note when it wants to be looked at again."""
        for action in actions:
            if isinstance(action, Send):
                self._send(exchange, action.message)
            elif isinstance(action, Finished):
                self._forget(exchange)
            else:
                self._guard(exchange, action)
        self._agenda.note(exchange)
        self._arm()

    def _guard(self, exchange: Exchange, action: Action) -> None:
        try:
            exchange.take(action)
        except Exception:
            log.exception("sip.handler_failed", action=type(action).__name__)

    def _send(self, exchange: Exchange, message: Message) -> None:
        if not exchange.flow.is_open and isinstance(message, Response):
            exchange.flow = self._way_back(message, exchange.flow)
        exchange.flow.send(message.encode())

    def _forget(self, exchange: Exchange) -> None:
        if isinstance(exchange, OutgoingRequest):
            self._clients.pop(exchange.key, None)
        elif isinstance(exchange, IncomingRequest):
            self._servers.pop(exchange.key, None)
        if not self._clients and not self._servers:
            self._idle.set()

    # Timers

    def _arm(self) -> None:
        deadline = self._agenda.next_deadline()
        if deadline == self._armed_for or self._is_closed:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_for = deadline
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, deadline - self.now()), self._tick)

    def _tick(self) -> None:
        self._timer, self._armed_for = None, None
        now = self.now()
        for due in self._agenda.take_due(now):
            try:
                due.fire(now)
            except Exception:
                log.exception("sip.timer_failed")
        self._arm()

    # Messages in

    def _receive(self, item: Message | BadMessage, flow: Flow) -> None:
        try:
            if isinstance(item, Request):
                self._receive_request(item, flow)
            elif isinstance(item, Response):
                self._receive_response(item)
            else:
                self._refuse(item, flow)
        except Exception:
            log.exception("sip.message_failed", peer=str(flow.target))

    def _receive_response(self, response: Response) -> None:
        outgoing = self._clients.get(client_key(response))
        if outgoing is not None:
            self.carry_out(outgoing, outgoing.machine.receive(response, self.now()))

    def _receive_request(self, request: Request, source: Flow) -> None:
        stamp_via(request, source.target)
        known = self._servers.get(server_key(request))
        if known is not None:
            self.carry_out(known, known.machine.receive(request, self.now()))
        elif request.method == "ACK":
            self.handler.on_ack(request)
        elif request.method == "CANCEL":
            self._cancel(request, source)
        elif self.transactions < MOST_TRANSACTIONS and self.handler.admits(request, source.target):
            self._serve(request, source)

    def _serve(self, request: Request, source: Flow) -> None:
        incoming = self._begin(request, source)
        try:
            self.handler.on_request(incoming)
        except Exception:
            log.exception("sip.request_failed", method=request.method)
            incoming.respond(make_response(request, 500, to_tag=incoming.tag))
        if request.method == "INVITE" and not incoming.has_responded:  # what is refused at once needs no 100
            incoming.respond(make_response(request, 100))

    def _cancel(self, request: Request, source: Flow) -> None:
        invite = self._servers.get(server_key(request, "INVITE"))
        if invite is None:
            if self.handler.admits(request, source.target):
                self._begin(request, source).respond(make_response(request, 481, to_tag=new_tag()))
            return
        self._begin(request, source).respond(make_response(request, 200, to_tag=invite.tag))
        if not invite.is_answered:
            self.handler.on_cancel(invite)

    def _begin(self, request: Request, source: Flow) -> IncomingRequest:
        flow = self._reply_flow(request, source)
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        incoming = IncomingRequest(self, kind(request, reliable=flow.reliable, timers=self.timers), flow, source)
        self._servers[incoming.key] = incoming
        self._idle.clear()
        return incoming

    def _refuse(self, bad: BadMessage, source: Flow) -> None:
        """Answer a malformed request without keeping anything, if it can be answered and its sender may talk to us."""
        if bad.status is None or bad.request is None or bad.request.method == "ACK":
            return
        try:
            stamp_via(bad.request, source.target)
            flow = self._reply_flow(bad.request, source)
            octets = make_response(bad.request, bad.status, bad.reason, to_tag=self._stateless_tag).encode()
            admitted = self.handler.admits(bad.request, source.target)
        except ValueError:
            return
        if admitted:
            flow.send(octets)

    # Ways

    def _new_via(self, flow: Flow) -> Via:
        host = self._advertise or host_towards(flow.local, flow.target)
        params: dict[str, str | None] = {"branch": MAGIC_COOKIE + secrets.token_hex(8), "rport": None}
        return Via(transport=flow.target.transport.upper(), host=host, port=flow.local.port, params=params)

    def _reply_flow(self, request: Request, source: Flow) -> Flow:
        """Where responses go (RFC 3261 18.2.2, RFC 3581): the same connection, or the source, or the port of Via."""
        via = request.via
        if source.reliable or "rport" in via.params:
            return source
        return self._connections.flow_to(replace(source.target, port=via.port or default_port(source.target.transport)))

    def _way_back(self, response: Response, lost: Flow) -> Flow:
        """Where a response goes whose connection is gone: to the port the peer listens on."""
        return self._connections.flow_to(
            replace(lost.target, port=response.via.port or default_port(lost.target.transport))
        )

    def _lose(self, flow: Flow) -> None:
        for outgoing in [o for o in self._clients.values() if o.flow is flow]:
            if not outgoing.is_answered:
                self.carry_out(outgoing, outgoing.machine.transport_failed())


def stamp_via(request: Request, source: Target) -> None:
    """Note in the topmost Via where the request really came from (RFC 3261 18.2.1, RFC 3581 4)."""
    first, *rest = request.headers.all("Via")
    via = Via.parse(first)
    params = dict(via.params)
    params["received"] = source.host
    if "rport" in params:
        params["rport"] = str(source.port)
    request.headers.set("Via", str(replace(via, params=params)))
    for value in rest:
        request.headers.add("Via", value)
