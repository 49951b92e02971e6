"""UDP sockets that carry SIP messages (RFC 3261 18): a datagram is a message. Shell."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import structlog

from channels.sip.flow import Receive
from channels.sip.message import BadMessage, parse
from channels.sip.target import ListenAddress, Target

RECEIVE_BUFFER = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UdpFlow:
    """Datagrams between one of our sockets and one far end."""

    listener: UdpListener
    target: Target
    reliable: bool = False

    @property
    def local(self) -> ListenAddress:
        """The listener's address."""
        return self.listener.local

    @property
    def is_open(self) -> bool:
        """A datagram can always be tried."""
        return True

    def send(self, octets: bytes) -> None:
        """Send one datagram, of whatever size: carriers' SBCs take fragments, few take a switch to TCP."""
        self.listener.send(octets, (self.target.host, self.target.port))


class UdpListener(asyncio.DatagramProtocol):
    """One socket of ours; *receive* gets every message from hosts that it *hears*."""

    def __init__(self, receive: Receive, hears: Callable[[str], bool]) -> None:
        self._receive = receive
        self._hears = hears
        self._transport: asyncio.DatagramTransport | None = None
        self.local = Target("udp", "", 0)
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the bound socket, with as much room for a burst as the kernel grants."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        udp = transport.get_extra_info("socket")
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        granted = udp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        if granted < RECEIVE_BUFFER:
            log.info("sip.receive_buffer_limited", granted=granted, wanted=RECEIVE_BUFFER, limit="net.core.rmem_max")
        host, port = transport.get_extra_info("sockname")[:2]
        self.local = Target("udp", host, port)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Read one datagram; keep-alives are no messages."""
        if not self._hears(addr[0]):
            return
        flow = UdpFlow(self, Target("udp", addr[0], addr[1]))
        try:
            message = parse(data)
        except BadMessage as bad:
            self._receive(bad, flow)
        else:
            if message is not None:
                self._receive(message, flow)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.closed.set()

    def error_received(self, exc: Exception) -> None:
        """A far end said by ICMP that nobody listens there; its transaction's timers will find out."""
        log.info("sip.datagram_refused", error=type(exc).__name__)

    def send(self, octets: bytes, address: tuple[str, int]) -> None:
        """Send one datagram to a host and port."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(octets, address)

    def close(self) -> None:
        """Close the socket; ``closed`` says when that is done."""
        if self._transport is not None:
            self._transport.close()
