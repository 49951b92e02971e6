"""A name server on the loopback with a zone of the test's making; it can also be silent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], list[str]]
"""(name, record type) to the records' text."""


class NameServer(asyncio.DatagramProtocol):
    """Answers from *zone*, with NXDOMAIN for every other name; counts what it is asked."""

    def __init__(self, zone: Zone) -> None:
        self.zone = dict(zone)
        self.is_silent = False
        self.asked = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()
        await self._closed.wait()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.is_silent or self._transport is None:
            return
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = str(question.name).rstrip("."), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        records = self.zone.get((name, kind))
        if records:
            response.answer.append(dns.rrset.from_text(question.name, 1, "IN", kind, *records))
        elif not any(known == name for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(response.to_wire(), addr)
