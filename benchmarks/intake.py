"""Contacts a second that a written channel takes and has on the disk, against a bare server that throws them away.

    python -m benchmarks.intake [--contacts N] [--connections K] [--kill-run N] [--channel NAME] [--json]

For each channel the same peer sends the same messages to a whole node of ours and to a bare server of the same
library (`benchmarks.intake_node`), each in a process of its own, in turns and in rounds; the middle of the rounds is
reported, of the ratios too. Beside it stands how many units of work a second the store's group commit takes on this
disk when nothing else is to be done. Then the run with kills: contacts by webhook while the node is killed three
times with SIGKILL, the peer sending again whatever was not acknowledged; afterwards they are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from benchmarks import intake_mail, intake_webhook
from benchmarks.intake_sms import Blaster
from benchmarks.store import SystemClock, fact
from gateway.ports.memory import Transaction
from gateway.storage.store import SqlStore

ROUNDS = 3
HOUSE = Path(__file__).parent.parent
KILLS = 3
SETTINGS = {
    "webhook": f"""
[public]
listen = "127.0.0.1:{{port}}"
[[inlet]]
name = "portal"
channel = "sms"
secret = "{intake_webhook.SECRET}"
""",
    "mail": f"""
[mail]
addresses = ["{intake_mail.TO}"]
listen = ["127.0.0.1:{{port}}"]
checks = false
max_connections = 0
max_connections_of_peer = 0
max_messages_of_peer = 0
""",
    "smpp": """
[[smpp]]
name = "centre"
address = "127.0.0.1:{port}"
number = "12345"
system_id = "jiesu"
password = "changeme"
""",
    "cmpp": """
[[cmpp]]
name = "centre"
address = "127.0.0.1:{port}"
number = "12345"
source = "901234"
secret = "changeme"
""",
}
"""The lines of a node's file that open each channel."""

Blast = Callable[[int, int], Awaitable[float]]
"""Sends so many messages, numbered from a first one; returns contacts a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One channel: contacts a second by ours and by the bare server, and ours over the bare one."""

    channel: str
    ours: float
    bare: float
    ratio: float


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `benchmarks.intake_node` until the block ends; inside, it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.intake_node", *arguments, cwd=HOUSE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        if not await process.stdout.readline():  # a line says that it serves
            raise SystemExit(f"{arguments[0]} has ended before it served")
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def settings_file(channel: str, folder: Path, port: int) -> Path:
    """Write a node's settings."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "gateway.toml"
    file.write_text(f"[written]\nsender_limit = false\n{SETTINGS[channel].format(port=port)}", encoding="utf-8")
    return file


@asynccontextmanager
async def target(channel: str, server: Literal["node", "bare"], folder: Path, connections: int) -> AsyncIterator[Blast]:
    """Let a server stand, and give what aims at it."""
    async with AsyncExitStack() as stack:
        port = free_port()
        blaster = None
        if channel in ("smpp", "cmpp"):
            blaster = await stack.enter_async_context(Blaster(channel, port, window=connections))  # type: ignore[arg-type]
        arguments = ("node", str(settings_file(channel, folder, port))) if server == "node" else (channel, str(port))
        await stack.enter_async_context(serving(*arguments))

        async def blast(count: int, first: int) -> float:
            if blaster is not None:
                return count / await blaster.blast(count)
            if channel == "mail":
                return (
                    count
                    / (await intake_mail.blast("127.0.0.1", port, count=count, connections=connections, first=first))[0]
                )
            return count / await intake_webhook.blast(
                "127.0.0.1", port, count=count, connections=connections, first=first
            )

        yield blast


async def measure(channel: str, folder: Path, contacts: int, connections: int) -> Result:
    """Measure one channel."""
    ours: list[float] = []
    bare: list[float] = []
    async with (
        target(channel, "node", folder / channel, connections) as node,
        target(channel, "bare", folder, connections) as sink,
    ):
        for number in range(ROUNDS + 1):
            mine, other = await node(contacts, number * contacts), await sink(contacts, number * contacts)
            if number:  # the first is to warm up
                ours.append(mine)
                bare.append(other)
    return Result(
        channel=channel,
        ours=round(statistics.median(ours), 1),
        bare=round(statistics.median(bare), 1),
        ratio=round(statistics.median(mine / other for mine, other in zip(ours, bare, strict=True)), 3),
    )


async def group_commit(folder: Path, units: int, connections: int) -> float:
    """Return the units of work a second that the store takes from that many senders at once."""
    numbers = itertools.count()

    def append(tx: Transaction) -> None:
        tx.append(fact(next(numbers)))

    async with SqlStore(folder / "raw.sqlite", clock=SystemClock()) as store:
        left = iter(range(units))

        async def send() -> None:
            for _ in left:
                await store.commit(append)

        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(connections)))
        return round(units / (time.perf_counter() - began), 1)


async def kill_run(folder: Path, contacts: int, connections: int) -> dict[str, int]:
    """Send contacts while the node is killed three times; return what is there afterwards."""
    port = free_port()
    file = settings_file("webhook", folder / "killed", port)
    database = file.parent / "var" / "jiesu.sqlite"
    sending = asyncio.create_task(
        intake_webhook.blast("127.0.0.1", port, count=contacts, connections=connections, until_taken=True)
    )
    for kill in range(KILLS + 1):
        async with serving("node", str(file)) as node:
            if kill == KILLS:
                await sending
                break
            await asyncio.to_thread(_wait_for, database, contacts * (kill + 1) // (KILLS + 1))
            os.kill(node.pid, signal.SIGKILL)
    with sqlite3.connect(database) as found:
        (kept,) = found.execute("SELECT count(*) FROM contacts").fetchone()
        (different,) = found.execute("SELECT count(DISTINCT external_id) FROM contacts").fetchone()
        (tickets,) = found.execute("SELECT count(*) FROM tickets").fetchone()
    return {
        "sent": contacts,
        "kills": KILLS,
        "lost": contacts - different,
        "twice": kept - different,
        "tickets": tickets,
    }


def _wait_for(database: Path, contacts: int) -> None:
    while _counted(database) < contacts:
        time.sleep(0.05)


def _counted(database: Path) -> int:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5) as found:
            return int(found.execute("SELECT count(*) FROM contacts").fetchone()[0])
    except sqlite3.Error:
        return 0


async def run(given: argparse.Namespace) -> None:
    """Measure and print; exit 1 when a contact was lost or kept twice."""
    with tempfile.TemporaryDirectory(prefix="jiesu-intake-") as name:
        folder = Path(name)
        raw = await group_commit(folder, given.contacts, given.connections)
        channels = given.channel or list(SETTINGS)
        results = [await measure(channel, folder, given.contacts, given.connections) for channel in channels]
        killed = await kill_run(folder, given.kill_run, given.connections) if given.kill_run else {}
    if given.json:
        print(json.dumps({"group_commit": raw, "channels": [asdict(each) for each in results], "killed": killed}))
    else:
        print(f"group commit alone: {raw:.0f} units/s")
        for each in results:
            print(f"{each.channel:8} ours {each.ours:8.1f}/s  bare {each.bare:8.1f}/s  ratio {each.ratio:.2f}")
        if killed:
            print("with kills:", ", ".join(f"{name} {value}" for name, value in killed.items()))
    if killed and (killed["lost"] or killed["twice"] or killed["tickets"] != killed["sent"]):
        raise SystemExit(1)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=2000, help="messages of a round (2000)")
    parser.add_argument("--connections", type=int, default=32, help="how many are on their way at once (32)")
    parser.add_argument(
        "--kill-run", type=int, default=10_000, help="contacts sent while it is killed, 0 for none (10000)"
    )
    parser.add_argument("--channel", choices=list(SETTINGS), action="append", help="only these")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
