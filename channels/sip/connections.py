"""All sockets of one endpoint (RFC 3261 18): UDP, and the TCP and TLS connections that carry SIP messages.

Shell. A connection is used in both directions and again for later requests to the same far end (RFC 5923).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import cast

import structlog

from channels.sip.datagrams import UdpFlow, UdpListener
from channels.sip.flow import Flow as Flow
from channels.sip.flow import Receive
from channels.sip.message import StreamParser
from channels.sip.target import ListenAddress as ListenAddress
from channels.sip.target import Target as Target
from channels.sip.tls import Tls
from gateway.domain.errors import OurMistake

CONNECT_LIMIT = 5.0
CLOSE_LIMIT = 1.0
SILENCE_LIMIT = 30.0
MOST_CONNECTIONS = 1024
MOST_PER_HOST = 256
MOST_OF_A_STRANGER = 8
MOST_OF_STRANGERS = 256
MOST_UNSENT = 1024 * 1024

log = structlog.get_logger(__name__)


class Unlistened(OurMistake):
    """Nothing of ours listens on the transport and address family that would be needed."""


class _Connection(asyncio.Protocol):
    """One TCP or TLS connection, whoever opened it; messages wait while it is being made."""

    reliable = True

    def __init__(self, owner: Connections, local: ListenAddress, target: Target | None = None) -> None:
        self._owner = owner
        self._parser = StreamParser()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._silence: asyncio.TimerHandle | None = None
        self.local = local
        self.target = target or Target(local.transport, "", 0)
        self.is_open = True
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = transport.get_extra_info("peername")[:2]
        self.target = Target(self.local.transport, host, port, self.target.name)
        if not self._owner.admit(self):
            self._transport.abort()
            return
        for octets in self._waiting:
            self._transport.write(octets)
        self._waiting.clear()
        self._silence = asyncio.get_running_loop().call_later(SILENCE_LIMIT, self.abort)

    def data_received(self, data: bytes) -> None:
        if not self._owner.hears(self.target.host):
            self.abort()
            return
        for item in self._parser.feed(data):
            self._heard()
            self._owner.receive(item, self)
        if self._parser.broken and self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        self.lose()

    def send(self, octets: bytes) -> None:
        """Write one message, or keep it until the connection stands; a peer that does not read is cut off."""
        if not self.is_open:
            return
        if self._transport is None:
            self._waiting.append(octets)
        elif self._transport.get_write_buffer_size() > MOST_UNSENT:
            self._transport.abort()
        else:
            self._transport.write(octets)

    def lose(self) -> None:
        """The connection is gone, or never came to be."""
        self._heard()
        if self.is_open:
            self.is_open = False
            self._waiting.clear()
            self._owner.forget(self)

    def close(self) -> None:
        """Close after what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _heard(self) -> None:
        """A message came; only connections that never carry any are cut off."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    async def wait_closed(self) -> None:
        """Wait until the socket is closed; a connection that was never made has none."""
        if self._transport is not None:
            await self.closed.wait()


class Connections:
    """All sockets of one endpoint. ``receive`` gets every message, ``lost`` every flow that has ended.

    ``hears`` is asked before anything from a host is read at all; hosts that ``knows`` denies share a few places.
    """

    def __init__(
        self,
        *,
        receive: Receive,
        lost: Callable[[Flow], None],
        hears: Callable[[str], bool] = lambda host: True,
        knows: Callable[[str], bool] = lambda host: True,
        tls: Tls | None = None,
    ) -> None:
        self.receive = receive
        self.hears = hears
        self._knows = knows
        self._lost = lost
        self._tls = tls
        self._client_context: ssl.SSLContext | None = None
        self._udp: list[UdpListener] = []
        self._servers: list[tuple[ListenAddress, asyncio.Server]] = []
        self._connections: dict[Target, _Connection] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def addresses(self) -> tuple[ListenAddress, ...]:
        """Where we listen, with the ports we were given."""
        return (*(listener.local for listener in self._udp), *(address for address, _ in self._servers))

    @property
    def count(self) -> int:
        """How many connections stand or are being made."""
        return len(self._connections)

    async def open(self, listen: Sequence[ListenAddress]) -> None:
        """Bind every address; OSError when one is taken, and then none stays bound."""
        try:
            for address in listen:
                await self._listen(address)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every socket and wait for it; what a TCP peer does not take in CLOSE_LIMIT is lost."""
        self._closing = True
        connections = list(self._connections.values())
        for listener in self._udp:
            listener.close()
        for _, server in self._servers:
            server.close()
        for connection in connections:
            connection.close()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        await asyncio.gather(*(listener.closed.wait() for listener in self._udp))
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await asyncio.gather(*(connection.wait_closed() for connection in connections))
        except TimeoutError:
            for connection in connections:
                connection.abort()
        await asyncio.gather(*(server.wait_closed() for _, server in self._servers))

    def flow_to(self, target: Target) -> Flow:
        """Return the way to *target*, over TCP by the connection that stands or a new one; may raise Unlistened."""
        local = self.listener_for(target)
        if target.transport == "udp":
            listener = next(listener for listener in self._udp if listener.local == local)
            return UdpFlow(listener, target)
        known = self._connections.get(target)
        if known is not None and known.is_open:
            return known
        connection = _Connection(self, local, target)
        self._connections[target] = connection
        task = asyncio.get_running_loop().create_task(self._connect(connection), name=f"sip connect {target}")
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return connection

    def is_connected(self, target: Target) -> bool:
        """Whether a connection to or from *target* stands or is being made."""
        known = self._connections.get(target)
        return known is not None and known.is_open

    def admit(self, connection: _Connection) -> bool:
        """Enter a connection that has been made; False when there are too many, in all or from that host."""
        host = connection.target.host
        of_host = sum(known.host == host for known in self._connections)
        is_full = len(self._connections) >= MOST_CONNECTIONS or of_host >= MOST_PER_HOST
        if not self._knows(host):
            strangers = sum(not self._knows(known.host) for known in self._connections)
            is_full = is_full or of_host >= MOST_OF_A_STRANGER or strangers >= MOST_OF_STRANGERS
        if self._closing or is_full:
            log.warning("sip.connection_not_admitted", peer=str(connection.target), of_this_host=of_host)
            return False
        self._connections[connection.target] = connection
        return True

    def forget(self, connection: _Connection) -> None:
        """Take out a connection that is gone, and tell."""
        if self._connections.get(connection.target) is connection:
            del self._connections[connection.target]
        self._lost(connection)

    def listener_for(self, target: Target) -> ListenAddress:
        """Return the listener of ours that messages to *target* belong to; raise Unlistened if there is none.

        Of several it is the one on the interface that leads there.
        """
        fitting = [
            address
            for address in self.addresses
            if address.transport == target.transport and (":" in address.host) == (":" in target.host)
        ]
        if not fitting:
            raise Unlistened(f"no {target.transport} listener for {target.host}")
        if len(fitting) == 1:
            return fitting[0]
        interface = _interface_towards(target)
        best = (address for address in fitting if address.host == interface or ip_address(address.host).is_unspecified)
        return next(best, fitting[0])

    async def _listen(self, address: ListenAddress) -> None:
        loop = asyncio.get_running_loop()
        if address.transport == "udp":
            _, listener = await loop.create_datagram_endpoint(
                lambda: UdpListener(self.receive, self.hears), local_addr=(address.host, address.port)
            )
            self._udp.append(listener)
            return
        if address.transport not in ("tcp", "tls"):
            raise Unlistened(f"{address.transport} is no transport we know")
        context = self._server_context() if address.transport == "tls" else None
        bound = Target(address.transport, address.host, address.port)
        server = await loop.create_server(
            lambda: _Connection(self, bound),
            address.host,
            address.port,
            ssl=context,
            ssl_handshake_timeout=CONNECT_LIMIT if context else None,
        )
        host, port = server.sockets[0].getsockname()[:2]
        bound = Target(address.transport, host, port)
        self._servers.append((bound, server))

    def _server_context(self) -> ssl.SSLContext:
        if self._tls is None:
            raise Unlistened("a TLS listener needs a certificate")
        self._client_context = self._tls.client()
        return self._tls.server()

    async def _connect(self, connection: _Connection) -> None:
        target = connection.target
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    target.host,
                    target.port,
                    ssl=self._client_context if target.transport == "tls" else None,
                    server_hostname=(target.name or target.host) if target.transport == "tls" else None,
                )
        except OSError as error:  # TimeoutError is one
            log.info("sip.connection_refused", peer=str(target), error=type(error).__name__)
            connection.lose()


def host_towards(local: ListenAddress, target: Target) -> str:
    """Return the address by which *target* can reach the listener *local*, also when it listens on all addresses."""
    return (_interface_towards(target) or local.host) if ip_address(local.host).is_unspecified else local.host


def _interface_towards(target: Target) -> str | None:
    """Ask the routing table, without sending anything, by which address of ours a packet to *target* would leave."""
    family = socket.AF_INET6 if ":" in target.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target.host, target.port or 5060))
        except OSError:
            return None
        return str(probe.getsockname()[0])
