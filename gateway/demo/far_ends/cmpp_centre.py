"""A small CMPP 2.0/3.0 gateway (ISMG) for demonstration and tests, written from the protocol's text alone.

It shares no code with the client that it meets: layouts are `struct` formats, checks are its own. It lets in one
service, keeps what is submitted, delivers what it is told to, and can be told to fail in the ways that gateways do.

    python -m gateway.demo.far_ends.cmpp_centre [--port 7890] [--version 3] [--from 13800138000] [--to 10612345]

is one to try a node with: every line that you write is a short message to it, in parts if it is long; what the node
sends is printed, and reported as delivered.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import struct
import sys
from dataclasses import dataclass, field
from typing import Self

CONNECT, TERMINATE, SUBMIT, DELIVER, ACTIVE_TEST = 1, 2, 4, 5, 8
RESP = 0x80000000

SUBMIT_LAYOUT = {
    2: struct.Struct(">QBBBB10sB21sBBB6s2s6s17s17s21sB21sB"),
    3: struct.Struct(">QBBBB10sB32sBBBB6s2s6s17s17s21sB32sBB"),
}
DELIVER_LAYOUT = {
    2: struct.Struct(">Q21s10sBBB21sBB"),
    3: struct.Struct(">Q21s10sBBB32sBBB"),
}
REPORT_LAYOUT = {2: struct.Struct(">Q7s10s10s21sI"), 3: struct.Struct(">Q7s10s10s32sI")}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message that the service submitted."""

    message_id: int
    sender: str
    terminal: str
    coding: int
    has_header: bool
    total: int
    number: int
    wants_receipt: bool
    service_id: str
    content: bytes

    @property
    def text(self) -> str:
        """The words of this part."""
        words = self.content[6:] if self.has_header else self.content
        return words.decode({8: "utf-16-be", 15: "gbk"}.get(self.coding, "ascii"), "replace")


@dataclass(kw_only=True)
class CmppCentre:
    """Use as an async context manager; inside the block ``port`` says where it listens."""

    major: int = 3
    source: str = "901234"
    secret: str = "shared"
    submit_results: list[int] = field(default_factory=list)
    """Results for the next messages; then 0."""
    is_mute: bool = False
    """Answers nothing, as if it hung."""
    port: int = 0

    def __post_init__(self) -> None:
        self.connections = 0
        self.sent: asyncio.Queue[Sent] = asyncio.Queue()
        self.asked_for_life = asyncio.Queue[int]()
        self.left = asyncio.Event()
        self.bound = asyncio.Event()
        self.deliver_results: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self.lost: asyncio.Queue[int] = asyncio.Queue()
        self._next_id = 0x0A1B2C3D00000000
        self._next_sequence = 0x40000000
        self._writers: set[asyncio.StreamWriter] = set()
        self._waiting: dict[int, asyncio.Future[int]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        await self.drop()

    async def drop(self) -> None:
        """Drop every connection, as a gateway that restarts does."""
        self.bound.clear()
        for writer in list(self._writers):
            writer.transport.abort()
        self._nobody_answers()

    async def until_up(self) -> None:
        """Wait until the service is connected and has understood that it is."""
        await self.bound.wait()
        await self.ask(ACTIVE_TEST, b"")

    def new_id(self) -> int:
        """Return the id of the next message."""
        self._next_id += 1
        return self._next_id

    async def deliver(
        self,
        content: bytes,
        *,
        sender: str = "13800138000",
        to: str = "10612345",
        coding: int = 8,
        has_header: bool = False,
        is_receipt: bool = False,
        message_id: int | None = None,
    ) -> int:
        """Deliver one unit and return the result that the service answers."""
        body = self.deliver_body(
            content,
            sender=sender,
            to=to,
            coding=coding,
            has_header=has_header,
            is_receipt=is_receipt,
            message_id=message_id,
        )
        return await self.ask(DELIVER, body)

    def deliver_body(
        self,
        content: bytes,
        *,
        sender: str = "13800138000",
        to: str = "10612345",
        coding: int = 8,
        has_header: bool = False,
        is_receipt: bool = False,
        message_id: int | None = None,
    ) -> bytes:
        """Return the body of a DELIVER."""
        known = self.new_id() if message_id is None else message_id
        numbers = [known, to.encode(), b"", 0, int(has_header), coding, sender.encode()]
        if self.major == 3:
            numbers.append(0)
        layout = DELIVER_LAYOUT[self.major]
        return layout.pack(*numbers, int(is_receipt), len(content)) + content + bytes(20 if self.major == 3 else 8)

    async def report(self, message_id: int, state: bytes, terminal: str = "13800138000") -> int:
        """Deliver a receipt for *message_id*."""
        content = REPORT_LAYOUT[self.major].pack(message_id, state, b"2611220900", b"2611220901", terminal.encode(), 7)
        return await self.ask(DELIVER, self.deliver_body(content, coding=0, is_receipt=True))

    async def ask(self, command: int, body: bytes) -> int:
        """Send a request to the service and return the result of its answer."""
        self._next_sequence += 1
        sequence = self._next_sequence
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = answer
        self.send(command, sequence, body)
        try:
            return await answer
        finally:
            del self._waiting[sequence]

    def send(self, command: int, sequence: int, body: bytes) -> None:
        """Send a PDU to the service."""
        self.send_raw(struct.pack(">III", 12 + len(body), command, sequence) + body)

    def send_raw(self, octets: bytes) -> None:
        """Send octets to the service, whatever they are. Raises `ConnectionError` when nobody is connected."""
        if not self._writers:
            raise ConnectionError("nobody is connected")
        (writer,) = self._writers
        writer.write(octets)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                length, command, sequence = struct.unpack(">III", await reader.readexactly(12))
                body = await reader.readexactly(length - 12)
                if not self.is_mute:
                    self._hear(command, sequence, body, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            if not self._writers:
                self.bound.clear()
                self._nobody_answers()
            self.lost.put_nowait(self.connections)
            writer.close()

    def _hear(self, command: int, sequence: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        def say(answer: bytes) -> None:
            writer.write(struct.pack(">III", 12 + len(answer), command | RESP, sequence) + answer)

        match command:
            case 1:
                status, answer = self._connect(body)
                say(answer)
                if status == 0:
                    self.bound.set()
            case 2:
                self.left.set()
                say(b"")
            case 4:
                say(self._submit(body))
            case 8:
                self.asked_for_life.put_nowait(sequence)
                say(b"\0")
            case _ if command == DELIVER | RESP:
                message_id, result = struct.unpack(">QI" if self.major == 3 else ">QB", body)
                self.deliver_results.put_nowait((message_id, result))
                self._answered(sequence, result)
            case _ if command & RESP:
                self._answered(sequence, 0)

    def _nobody_answers(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the service is gone"))

    def _answered(self, sequence: int, result: int) -> None:
        waiting = self._waiting.get(sequence)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def _connect(self, body: bytes) -> tuple[int, bytes]:
        source, authenticator, version, timestamp = struct.unpack(">6s16sBI", body)
        name = source.rstrip(b"\0")
        proof = hashlib.md5(name + b"\0" * 9 + self.secret.encode() + f"{timestamp:010d}".encode()).digest()
        if version >> 4 > self.major:
            status = 4
        elif name != self.source.encode():
            status = 2
        else:
            status = 0 if proof == authenticator else 3
        shown = struct.pack(">I" if self.major == 3 else ">B", status)
        ours = hashlib.md5(shown + authenticator + self.secret.encode()).digest()
        return status, shown + ours + bytes((self.major << 4,))

    def _submit(self, body: bytes) -> bytes:
        layout = SUBMIT_LAYOUT[self.major]
        fields = layout.unpack_from(body)
        tail = 20 if self.major == 3 else 8
        content = body[layout.size : layout.size + fields[-1]]
        assert len(body) == layout.size + len(content) + tail, "a SUBMIT of another length than it says"
        result = self.submit_results.pop(0) if self.submit_results else 0
        message_id = 0 if result else self.new_id()
        if not result:
            shift = 1 if self.major == 3 else 0
            self.sent.put_nowait(
                Sent(
                    message_id=message_id,
                    total=fields[1],
                    number=fields[2],
                    wants_receipt=bool(fields[3]),
                    service_id=_text(fields[5]),
                    has_header=bool(fields[9 + shift]),
                    coding=fields[10 + shift],
                    sender=_text(fields[16 + shift]),
                    terminal=_text(fields[18 + shift]),
                    content=content,
                )
            )
        return struct.pack(">QI" if self.major == 3 else ">QB", message_id, result)


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii")


def cut(text: str, reference: int) -> list[bytes]:
    """Return *text* as a handset sends it, in UCS-2: one content, or several with a header."""
    octets = text.encode("utf-16-be")
    if len(octets) <= 140:
        return [octets]
    parts = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    return [bytes((5, 0, 3, reference & 0xFF, len(parts), place)) + part for place, part in enumerate(parts, 1)]


async def show(centre: CmppCentre) -> None:
    """Print what the service submits, and report it as delivered."""
    while True:
        sent = await centre.sent.get()
        print(f"{sent.sender} -> {sent.terminal} [{sent.number}/{sent.total}] {sent.text}", flush=True)
        await centre.report(sent.message_id, b"DELIVRD", sent.terminal)


async def converse(given: argparse.Namespace) -> None:
    """Be a gateway until the input ends."""
    centre = CmppCentre(major=given.version, source=given.source, secret=given.secret, port=given.port)
    async with centre:
        print(f"CMPP {given.version}.0 at 127.0.0.1:{centre.port}; source {given.source!r}, secret {given.secret!r}")
        showing = asyncio.create_task(show(centre))
        reference = 0
        while line := (await asyncio.to_thread(sys.stdin.readline)).rstrip("\n"):
            reference += 1
            await centre.bound.wait()
            contents = cut(line, reference)
            results = [
                await centre.deliver(content, sender=given.sender, to=given.to, has_header=len(contents) > 1)
                for content in contents
            ]
            print(f"answered {results}", flush=True)
        showing.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a CMPP gateway to try a node with")
    parser.add_argument("--port", type=int, default=7890)
    parser.add_argument("--version", type=int, choices=(2, 3), default=3)
    parser.add_argument("--source", default="901234")
    parser.add_argument("--secret", default="change-me")
    parser.add_argument("--from", dest="sender", default="13800138000")
    parser.add_argument("--to", default="10612345")
    asyncio.run(converse(parser.parse_args()))
