"""Networks that lose datagrams, both ways alike, by a seeded generator.

`Relay` stands in front of one address, for SIP or RTP, and rewrites nothing: every sender gets a socket of its own
towards the far side, so that what comes back finds its way. `LossyLine` is one SIP telephone's whole access to the
gateway, signalling and sound: like a carrier's border controller it puts itself into Contact and SDP, so that nothing
of the call goes around it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from typing import Self, cast

Address = tuple[str, int]


class Relay:
    """Carries datagrams between whoever sends to ``address`` and *far*, and drops the share *loss* of them."""

    def __init__(self, far: Address, *, loss: float = 0.1, seed: int = 1) -> None:
        self.far = far
        self.carried = 0
        self.dropped = 0
        self._loss = loss
        self._random = random.Random(seed)
        self._near = _Socket(self._from_near)
        self._ways: dict[Address, _Socket] = {}
        self._opening: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        """Where to send what is meant for the far side."""
        return self._near.address

    async def __aenter__(self) -> Self:
        await self._near.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in (self._near, *self._ways.values()):
            await each.close()

    def _passes(self) -> bool:
        lost = self._random.random() < self._loss
        self.dropped += lost
        self.carried += not lost
        return not lost

    def _from_near(self, octets: bytes, sender: Address) -> None:
        if not self._passes():
            return
        if sender in self._ways:
            self._ways[sender].send(octets, self.far)
        elif sender in self._opening:
            self._opening[sender].append(octets)
        else:
            self._opening[sender] = [octets]
            task = asyncio.get_running_loop().create_task(self._open_way(sender))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open_way(self, sender: Address) -> None:
        def back(octets: bytes, _: Address) -> None:
            if self._passes():
                self._near.send(octets, sender)

        way = _Socket(back)
        await way.open()
        self._ways[sender] = way
        for octets in self._opening.pop(sender):
            way.send(octets, self.far)


class LossyLine:
    """Carries the calls of one telephone at *telephone*, one at a time, and drops the share *loss* of all datagrams.

    The telephone calls ``near``; the gateway knows the telephone as ``far``. Where the ``gateway`` is, is set before
    anything is sent. Both sides must answer requests where these come from (RFC 3581).
    """

    def __init__(self, telephone: Address, *, loss: float = 0.1, seed: int = 1) -> None:
        self.gateway: Address = ("", 0)
        self.dropped = 0
        self.carried = 0
        self._telephone = telephone
        self._loss = loss
        self._random = random.Random(seed)
        self._sound_of: dict[str, Address] = {}
        self._near = _Socket(self._signal_from_telephone)
        self._far = _Socket(self._signal_from_gateway)
        self._near_sound = _Socket(lambda octets, _: self._pass_sound(octets, self._far_sound, "gateway"))
        self._far_sound = _Socket(lambda octets, _: self._pass_sound(octets, self._near_sound, "telephone"))

    @property
    def near(self) -> Address:
        """Where the telephone finds the gateway."""
        return self._near.address

    @property
    def far(self) -> Address:
        """Where the gateway finds the telephone."""
        return self._far.address

    async def __aenter__(self) -> Self:
        for each in self._sockets:
            await each.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self._sockets:
            await each.close()

    @property
    def _sockets(self) -> tuple[_Socket, ...]:
        return self._near, self._far, self._near_sound, self._far_sound

    def _passes(self) -> bool:
        lost = self._random.random() < self._loss
        self.dropped += lost
        self.carried += not lost
        return not lost

    def _signal_from_telephone(self, octets: bytes, _: Address) -> None:
        if self._passes():
            self._far.send(self._renamed(octets, "telephone", self._far, self._far_sound), self.gateway)

    def _signal_from_gateway(self, octets: bytes, _: Address) -> None:
        if self._passes():
            self._near.send(self._renamed(octets, "gateway", self._near, self._near_sound), self._telephone)

    def _pass_sound(self, octets: bytes, onward: _Socket, to: str) -> None:
        if to in self._sound_of and self._passes():
            onward.send(octets, self._sound_of[to])

    def _renamed(self, octets: bytes, sender: str, contact: _Socket, sound: _Socket) -> bytes:
        """Put the line's addresses where a message says how its *sender* is reached; ports here have five digits."""
        head, blank, body = octets.partition(b"\r\n\r\n")
        if found := re.search(rb"^m=audio (\d+) ", body, re.MULTILINE):
            self._sound_of[sender] = ("127.0.0.1", int(found[1]))
            renamed = re.sub(rb"^m=audio \d+ ", b"m=audio %d " % sound.address[1], body, flags=re.MULTILINE)
            assert len(renamed) == len(body)
            body = renamed
        head = re.sub(rb"(?im)^(contact:.*127\.0\.0\.1:)\d+", rb"\g<1>%d" % contact.address[1], head)
        return head + blank + body


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self.address: Address = ("", 0)

    async def open(self) -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    def send(self, octets: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(octets, address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr)
