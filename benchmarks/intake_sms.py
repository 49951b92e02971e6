"""How many short messages a second a link takes, against a bare client of the same protocol that discards them.

    python -m benchmarks.intake_sms [--messages N] [--window N] [--json]

A centre of our own delivers N messages, always a window's worth of them unanswered, and stops the watch at the last
answer. Bare are aiosmpplib's own session with a hook that does nothing, and for CMPP, for which there is no library, a
loop that answers what it reads. Ours is the channel with an intake that commits to nothing: what the protocol, the
normalising and the bookkeeping cost. What a commit costs is measured with a whole node: `Blaster` is made for both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Literal, Self, cast

from aiosmpplib import ESME
from aiosmpplib.hook import AbstractHook
from aiosmpplib.protocol import SmppMessage

from config.settings import Settings
from config.sms import Cmpp, Smpp
from config.values import Secret
from gateway.sms_parts import sms_channels
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans

ROUNDS = 3
TEXT = "城北路的路灯已经坏了三个星期，请派人修理。".encode("utf-16-be")
Protocol = Literal["cmpp", "smpp"]


def cmpp_deliver(number: int) -> bytes:
    """Return a CMPP 3.0 DELIVER from a sender of its own; *number* is its sequence and its id."""
    body = struct.pack(
        ">Q21s10sBBB32sBBB", number, b"10612345", b"", 0, 0, 8, b"138%08d" % (number % 10**8), 0, 0, len(TEXT)
    )
    body += TEXT + bytes(20)
    return struct.pack(">III", 12 + len(body), 5, number) + body


def smpp_deliver(number: int) -> bytes:
    """Return a deliver_sm from a sender of its own; *number* is its sequence."""
    body = b"\0\1\1" + b"86138%08d" % (number % 10**8) + b"\0\0\0" + b"10659012345\0" + bytes(7)
    body += bytes((8, 0, len(TEXT))) + TEXT
    return struct.pack(">IIII", 16 + len(body), 5, 0, number) + body


@dataclass(frozen=True)
class Speech:
    """A protocol as the centre speaks it: its header, the answer to an opening, a delivery, and where answers lie."""

    header: int
    opening: int
    opened: Callable[[int], bytes]
    deliver: Callable[[int], bytes]
    status: slice
    sequence: slice


SPEECH: dict[Protocol, Speech] = {
    "cmpp": Speech(
        header=12,
        opening=0x01,
        opened=lambda sequence: struct.pack(">IIII16sB", 33, 0x80000001, sequence, 0, b"", 0x30),
        deliver=cmpp_deliver,
        status=slice(20, 24),
        sequence=slice(8, 12),
    ),
    "smpp": Speech(
        header=16,
        opening=0x09,
        opened=lambda sequence: struct.pack(">IIII", 18, 0x80000009, 0, sequence) + b"C\0",
        deliver=smpp_deliver,
        status=slice(8, 12),
        sequence=slice(12, 16),
    ),
}
DELIVER_RESP = 0x80000005


@dataclass
class Blaster:
    """A centre that delivers as fast as it is answered. Use as an async context manager; then ``port`` is known.

    *port* 0 lets the system choose. A message that is answered with a failure is delivered again, and what a client
    that was killed did not answer is delivered to the next one.
    """

    protocol: Protocol
    port: int = 0
    window: int = 16
    again: int = 0
    """Messages that were answered with a failure."""
    up: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._connection: _Connection | None = None
        self._next = 0
        self._last = 0
        self._waiting: set[int] = set()
        self._done = asyncio.Event()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self._connection is not None:
            self._connection.drop()

    async def blast(self, count: int) -> float:
        """Deliver *count* messages, and return after how many seconds the last was taken. Numbers are never reused."""
        await self.up.wait()
        assert self._connection is not None
        self._last = self._next + count
        self._done.clear()
        began = time.perf_counter()
        self._connection.deliver(self._take(self.window))
        await self._done.wait()
        return time.perf_counter() - began

    def connected(self, connection: _Connection) -> None:
        """A client has opened its session."""
        self._connection = connection
        connection.deliver(sorted(self._waiting))
        self.up.set()

    def answered(self, number: int, status: int) -> None:
        """One delivery was answered: deliver the next."""
        assert self._connection is not None
        if status:
            self.again += 1
            self._connection.deliver([number])
            return
        self._waiting.discard(number)
        self._connection.deliver(self._take(1))
        if not self._waiting:
            self._done.set()

    def _take(self, count: int) -> list[int]:
        first, self._next = self._next + 1, min(self._next + count, self._last)
        numbers = list(range(first, self._next + 1))
        self._waiting.update(numbers)
        return numbers


class _Connection(asyncio.Protocol):
    def __init__(self, blaster: Blaster) -> None:
        self._blaster = blaster
        self._speech = SPEECH[blaster.protocol]
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        at, speech = 0, self._speech
        while len(self._buffer) - at >= speech.header:
            length = int.from_bytes(self._buffer[at : at + 4])
            if len(self._buffer) - at < length:
                break
            unit = bytes(self._buffer[at : at + length])
            at += length
            command, sequence = int.from_bytes(unit[4:8]), int.from_bytes(unit[speech.sequence])
            if command == DELIVER_RESP:
                self._blaster.answered(sequence, int.from_bytes(unit[speech.status]))
            elif command == speech.opening:
                self._transport.write(speech.opened(sequence))
                self._blaster.connected(self)
        del self._buffer[:at]

    def deliver(self, numbers: list[int]) -> None:
        self._transport.write(b"".join(map(self._speech.deliver, numbers)))

    def drop(self) -> None:
        self._transport.abort()


class _Nothing(AbstractHook):  # type: ignore[misc]  # the library has no types
    """aiosmpplib's hook of a service that does nothing with what it is told."""

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        pass

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        pass

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        pass


@asynccontextmanager
async def bare_smpp(port: int) -> AsyncIterator[None]:
    """Let aiosmpplib's own session answer at *port*."""
    esme = ESME("127.0.0.1", port, "jiesu", "changeme", hook=_Nothing(), log_level=logging.CRITICAL)
    running = asyncio.create_task(esme.start())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def bare_cmpp(port: int) -> AsyncIterator[None]:
    """Answer every CMPP DELIVER at *port* with its id and a good result, and look at nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def answer() -> None:
        writer.write(struct.pack(">III6s16sBI", 39, 0x01, 1, b"901234", bytes(16), 0x30, 0))
        while True:
            length, command, sequence = struct.unpack(">III", await reader.readexactly(12))
            body = await reader.readexactly(length - 12)
            if command == 5:
                writer.write(struct.pack(">III8sI", 24, DELIVER_RESP, sequence, body[:8], 0))
                await writer.drain()

    running = asyncio.create_task(answer())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            await running
        writer.close()


@asynccontextmanager
async def ours(protocol: Protocol, port: int) -> AsyncIterator[None]:
    """Let the channel answer at *port*, with an intake in memory."""
    where = f"127.0.0.1:{port}"
    if protocol == "cmpp":
        link = Cmpp(name="bench", address=where, number="10612345", source="901234", secret=Secret("s"))
        settings = Settings(cmpp=(link,))
    else:
        smpp = Smpp(name="bench", address=where, number="10659012345", system_id="jiesu", password=Secret("changeme"))
        settings = Settings(smpp=(smpp,))
    (channel,) = sms_channels(settings, MemoryMeans().means)
    async with channel.running(MemoryIntake()):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Messages a second, and ours by bare; the middle of the rounds."""

    protocol: Protocol
    bare: float
    ours: float
    ratio: float


async def measured(
    protocol: Protocol, client: Callable[[int], AbstractAsyncContextManager[None]], messages: int, window: int
) -> float:
    """Return messages a second that *client* takes."""
    async with Blaster(protocol, window=window) as centre, client(centre.port):
        return messages / await centre.blast(messages)


async def compare(protocol: Protocol, messages: int, window: int) -> Result:
    """Measure bare and ours in turn, `ROUNDS` times."""
    bare: Callable[[int], AbstractAsyncContextManager[None]] = bare_cmpp if protocol == "cmpp" else bare_smpp
    rounds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        without = await measured(protocol, bare, messages, window)
        rounds.append((without, await measured(protocol, lambda port: ours(protocol, port), messages, window)))
    return Result(
        protocol=protocol,
        bare=statistics.median(each for each, _ in rounds),
        ours=statistics.median(each for _, each in rounds),
        ratio=statistics.median(mine / each for each, mine in rounds),
    )


async def main(messages: int, window: int, *, as_json: bool) -> None:
    """Compare both protocols and print."""
    protocols: tuple[Protocol, ...] = ("cmpp", "smpp")
    results = [await compare(protocol, messages, window) for protocol in protocols]
    if as_json:
        print(json.dumps([asdict(result) for result in results]))
        return
    for result in results:
        print(f"{result.protocol}: bare {result.bare:7.0f}/s  ours {result.ours:7.0f}/s  ratio {result.ratio:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="short messages a second")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.messages, arguments.window, as_json=arguments.json))
