"""Mail by the thousand: how fast a server takes it, ours and a bare aiosmtpd that discards what it is given.

    python -m benchmarks.intake_mail [--messages N] [--connections K] [--json]     ours without a store, and the sink
    python -m benchmarks.intake_mail sink PORT                                     the sink, in a process of its own

`blast` is what `benchmarks.intake` aims at a whole node: K connections, each bringing one message after the other, an
answer awaited for every command, as mail servers do. Servers run in processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from aiosmtpd.smtp import SMTP, Envelope, Session

TO = "12345@12345.example"
TEXT = "我住在和平路十二号，门前的路灯坏了三天，晚上走路很危险，请尽快派人来修。谢谢！\r\n" * 6
ROUNDS = 3


def message(number: int) -> bytes:
    """Return a letter as people write them, about a kilobyte; *number* makes its id."""
    return (
        f"From: =?utf-8?B?5p2O5Zub?= <citizen{number}@example.com>\r\nTo: <{TO}>\r\n"
        "Subject: =?utf-8?B?6Lev54Gv5Z2P5LqG?=\r\nDate: Sat, 21 Nov 2026 10:10:10 +0800\r\n"
        f"Message-ID: <{number}@mail.example.com>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{TEXT}\r\n.\r\n"
    ).encode()


async def blast(
    host: str, port: int, *, count: int, connections: int = 16, first: int = 0, to: str = TO
) -> tuple[float, list[float]]:
    """Bring *count* messages over *connections*; the seconds in all, and of each from MAIL to the last 250.

    Raises `AssertionError` for any answer but the expected one. Messages are numbered from *first*.
    """
    numbers = iter(range(first, first + count))
    each: list[float] = []

    async def bring() -> None:
        reader, writer = await asyncio.open_connection(host, port)

        async def say(octets: bytes, expected: bytes) -> None:
            writer.write(octets)
            while (line := await reader.readline())[3:4] != b" ":
                assert line[:3] == expected, line
            assert line[:3] == expected, line

        await say(b"", b"220")
        await say(b"EHLO mail.example.com\r\n", b"250")
        for number in numbers:
            octets = message(number)
            began = perf_counter()
            await say(b"MAIL FROM:<citizen%d@example.com>\r\n" % number, b"250")
            await say(b"RCPT TO:<%s>\r\n" % to.encode(), b"250")
            await say(b"DATA\r\n", b"354")
            await say(octets, b"250")
            each.append(perf_counter() - began)
        await say(b"QUIT\r\n", b"221")
        writer.close()

    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(bring())
    return perf_counter() - began, each


class Discard:
    """aiosmtpd's handler of a bare sink."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Forget the message."""
        return "250 OK"


async def sink(port: int) -> None:
    """Serve as the bare sink until killed; prints a line once it does."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Discard(), hostname="sink.invalid", loop=loop), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def ours(port: int) -> None:
    """Serve as our channel with an intake that keeps nothing, until killed."""
    from channels.mail.admission import Limits
    from gateway.telemetry import configure_logging
    from tests.fakes.intake import MemoryIntake
    from tests.fakes.mail import mail_channel, port_of, server

    configure_logging("info", "json")
    limits = Limits(connections=0, connections_of_peer=0, messages_of_peer=0)
    settings = server(listen=[("127.0.0.1", port)], limits=limits)
    async with mail_channel(MemoryIntake(), server=settings) as channel:
        print(port_of(channel), flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def served(kind: str) -> AsyncIterator[tuple[int, int]]:
    """Run ``sink`` or ``ours`` in a process; yields its port and its process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.intake_mail", kind, "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while not (line := await process.stdout.readline()).strip().isdigit():
            assert line, "the server has ended"
        reading = asyncio.ensure_future(_drained(process.stdout))
        yield int(line), process.pid
        reading.cancel()
    finally:
        process.kill()
        await process.wait()


async def _drained(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


async def compare(count: int, connections: int) -> dict[str, float]:
    """Measure both in turn, in rounds: messages a second and processor time of one, both of the middle round."""
    rates: dict[str, list[float]] = {"sink": [], "ours": []}
    costs: dict[str, list[float]] = {"sink": [], "ours": []}
    for turn in range(ROUNDS):
        for kind, measured in rates.items():
            async with served(kind) as (port, process):
                await blast("127.0.0.1", port, count=200, connections=connections, first=10**9)
                spent = processor_time(process)
                seconds, _ = await blast("127.0.0.1", port, count=count, connections=connections, first=turn * count)
                measured.append(count / seconds)
                costs[kind].append((processor_time(process) - spent) / count)
    ratios = [mine / bare for mine, bare in zip(rates["ours"], rates["sink"], strict=True)]
    return {
        "sink": round(statistics.median(rates["sink"])),
        "ours": round(statistics.median(rates["ours"])),
        "ratio": round(statistics.median(ratios), 2),
        "sink_us": round(statistics.median(costs["sink"]) * 1e6),
        "ours_us": round(statistics.median(costs["ours"]) * 1e6),
    }


def processor_time(process: int) -> float:
    """Return the seconds of processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=["sink", "ours"])
    parser.add_argument("port", nargs="?", type=int, default=0)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.kind:
        asyncio.run({"sink": sink, "ours": ours}[options.kind](options.port))
        return
    figures = asyncio.run(compare(options.messages, options.connections))
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"bare sink              {figures['sink']}/s, {figures['sink_us']} us of processor time a message")
        print(f"ours, nothing is kept  {figures['ours']}/s, {figures['ours_us']} us, ratio {figures['ratio']}")


if __name__ == "__main__":
    main()
