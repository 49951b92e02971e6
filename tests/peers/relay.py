"""A UDP relay that loses datagrams: it stands in front of one address, for SIP or RTP, and rewrites nothing.

Every sender gets a socket of its own towards the far side, so that what comes back finds its way. Losses are
drawn from a seeded generator, in both directions alike.
"""

from __future__ import annotations

import asyncio
import random
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
