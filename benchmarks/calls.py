"""Calls a second, set up and torn down: this gateway, its signalling alone, and Asterisk in the same run; SIPp calls.

    python -m benchmarks.calls [--rates 50 100 200 400] [--seconds 10] [--asterisk FOLDER]
                               [--only signalling node] [--profile FILE] [--json]

Each call is INVITE, 200 with a description, ACK, BYE, 200; nobody speaks. ``signalling`` is our SIP user agent in a
process of its own, which does what Asterisk's ``Answer`` does and keeps nothing. ``node`` is the whole gateway: for
each call it opens a port and a recording, greets, writes a ticket, a case and a chained journal durably, and ends it.
CPU is that of all processes of what is measured, from /proc, until the last call has been written down; the time from
INVITE to 200 is the caller's. ``--profile`` runs the signalling, and it alone, under cProfile. SIPp has the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import asterisk
from channels.sip.offer_answer import answer
from channels.sip.session import Session
from channels.sip.target import ListenAddress, Target
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from tests.peers.baresip import free_ports
from tests.peers.gateway import GatewayProcess, configuration, until
from tests.peers.sipp import PARTS, Lamp

SETTLE_LIMIT = 120.0
"""Seconds the last call may take to be written down."""
_SCENARIO = """<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="calls">
  <send retrans="500" start_rtd="1"><![CDATA[
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      @dialog@
      CSeq: 1 INVITE
      @sdp@
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true" rtd="1"/>
  <send><![CDATA[
      ACK [next_url] SIP/2.0
      @dialog@
      CSeq: 1 ACK
      Content-Length: 0

  ]]></send>
  <send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      @dialog@
      CSeq: 2 BYE
      Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run came to; times in milliseconds."""

    what: str
    rate: int
    calls: int
    failed: int
    lasted: float
    cpu_per_call: float
    answered_p50: float
    answered_p99: float


@dataclass(frozen=True, slots=True)
class Called:
    """What SIPp calls: the root of its processes, where it listens, and how SIPp must come."""

    what: str
    pid: int
    target: str
    port: int
    service: str = "12345"
    gateway: GatewayProcess | None = None


async def measure(called: Called, rate: int, seconds: float, folder: Path) -> Figures:
    """Let SIPp make *rate* calls a second for *seconds*."""
    calls = round(rate * seconds)
    (folder / "calls.xml").write_text(_written_out(), encoding="utf-8")
    command = ["sipp", called.target, "-sf", "calls.xml", "-s", called.service, "-i", "127.0.0.1"]
    command += ["-p", str(called.port), "-mp", "24000", "-key", "caller", "13800000000", "-nostdin"]
    command += ["-m", str(calls), "-r", str(rate), "-timeout", f"{3 * seconds + 40:g}s", "-trace_rtt", "-rtt_freq", "1"]
    command += ["-trace_stat", "-fd", "1"]
    before, began = _cpu(called.pid), time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await process.wait()
    lasted = time.monotonic() - began
    if called.gateway is not None:
        await _settled(called.gateway)
    used = _cpu(called.pid) - before
    times = _times(folder)
    return Figures(
        what=called.what,
        rate=rate,
        calls=calls,
        failed=calls - _successful(folder),
        lasted=lasted,
        cpu_per_call=1000 * used / calls,
        answered_p50=_quantile(times, 0.5),
        answered_p99=_quantile(times, 0.99),
    )


def _written_out() -> str:
    text = _SCENARIO
    for name, part in PARTS.items():
        text = text.replace(f"@{name}@", part)
    return text


async def _settled(gateway: GatewayProcess) -> None:
    """Wait until no call is live, asking seldom: what asking costs is counted as the gateway's."""

    async def idle() -> bool:
        await asyncio.sleep(0.5)
        return b"jiesu_calls_live 0.0" in await gateway.octets("/metrics")

    await until("no live call", idle, limit=SETTLE_LIMIT)


def _times(folder: Path) -> list[float]:
    """Return the milliseconds from INVITE to 200 that SIPp wrote down, in order of size."""
    found: list[float] = []
    for path in folder.glob("calls_*_rtt.csv"):
        rows = path.read_text(encoding="utf-8").splitlines()[1:]
        found += [float(row.split(";")[1]) for row in rows if row.count(";") >= 2]
    return sorted(found)


def _successful(folder: Path) -> int:
    """Return how many calls went as written, by SIPp's last line."""
    for path in folder.glob("calls_*_.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        if rows:
            return int(rows[-1]["SuccessfulCall(C)"])
    return 0


def _quantile(values: list[float], part: float) -> float:
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def _cpu(root: int) -> float:
    """Return the CPU seconds of *root* and of everything below it."""
    parents: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            continue

    def is_below(pid: int) -> bool:
        while pid in parents and pid != root:
            pid = parents[pid][0]
        return pid == root

    return sum(used for pid, (_, used) in parents.items() if is_below(pid))


# -- what is measured ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def node(folder: Path) -> AsyncIterator[Called]:
    """Have a whole gateway in service."""
    (port,) = free_ports(1)
    config = configuration(
        folder,
        sip={
            "listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"],
            "max_calls": 10_000,
            "trunk_check_interval": "1h",
            "trunk_check_limit": "20s",
        },
        trunk=[{"name": "carrier", "address": f"127.0.0.1:{port}"}],
    )
    async with AsyncExitStack() as stack:
        lamp = await stack.enter_async_context(Lamp(port))
        gateway = await stack.enter_async_context(GatewayProcess(config))
        await lamp.asked.wait()
        await lamp.__aexit__()
        yield Called("jiesu, whole node", gateway.pid, gateway.sip, port, gateway=gateway)


@asynccontextmanager
async def signalling(profile: str) -> AsyncIterator[Called]:
    """Have our user agent alone in service, in a process of its own."""
    (port,) = free_ports(1)
    profiling = ["-m", "cProfile", "-o", profile] if profile else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *profiling, "-m", "benchmarks.calls", "--serve", str(port)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        listening = (await process.stdout.readline()).decode().strip()
        yield Called("jiesu, signalling", process.pid, f"127.0.0.1:{listening}", port)
    finally:
        process.stdin.close()
        await process.wait()


async def serve(carrier: int) -> None:
    """Answer every call of the carrier at that port of 127.0.0.1, until standard input ends."""
    trunk = Trunk(name="carrier", target=Target("udp", "127.0.0.1", carrier), sources=("127.0.0.1",))
    settings = UserAgentSettings(listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=[trunk])

    async def take(session: Session) -> None:
        if session.remote_offer is None:
            return await session.reject(488)
        description, _ = answer(session.remote_offer, address="127.0.0.1", port=20000, session_id=1)
        await session.answer(description)
        async for _ in session.events():
            pass

    async with UserAgent(settings, take) as agent:
        print(agent.addresses[0].port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


def _line(figures: Figures) -> str:
    return (
        f"{figures.rate:6}  {figures.what:18} {figures.calls:6}  {figures.failed:6}  {figures.lasted:6.1f}  "
        f"{figures.cpu_per_call:8.2f}  {figures.answered_p50:8.1f}  {figures.answered_p99:8.1f}"
    )


async def run(chosen: argparse.Namespace) -> None:
    """Print a line a run, and the ratios."""

    def say(line: str) -> None:
        if not chosen.json:
            print(line, flush=True)

    load = os.getloadavg()[0]
    say(f"{os.cpu_count()} cores, load {load:.1f} before; seconds, ms of CPU a call, ms from INVITE to 200")
    say("calls/s  what                calls  failed    took  CPU/call       p50       p99")
    runs: list[Figures] = []
    for rate in chosen.rates:
        if "signalling" in chosen.only:
            async with signalling(chosen.profile) as called:
                runs.append(await _measured(called, rate, chosen.seconds))
                say(_line(runs[-1]))
        if "node" in chosen.only and not chosen.profile:
            with tempfile.TemporaryDirectory() as folder:
                async with node(Path(folder)) as called:
                    runs.append(await _measured(called, rate, chosen.seconds))
                    say(_line(runs[-1]))
        if chosen.asterisk:
            try:
                asterisk.install(chosen.asterisk)
            except asterisk.NotToBeHad as missing:
                say(f"{rate:6}  Asterisk: {missing}")
                continue
            with asterisk.running(chosen.asterisk) as pid:
                await asyncio.to_thread(asterisk.wait)
                called = Called("Asterisk", pid, asterisk.TARGET, free_ports(1)[0], service="80000")
                theirs = await _measured(called, rate, chosen.seconds)
            say(_line(theirs))
            for ours in runs:
                if ours.rate == rate and ours.what != theirs.what:
                    say(f"{rate:6}  {ours.what} takes {ours.cpu_per_call / theirs.cpu_per_call:.1f} times its CPU")
            runs.append(theirs)
    if chosen.json:
        print(json.dumps({"cores": os.cpu_count(), "load": load, "runs": [asdict(each) for each in runs]}, indent=1))


async def _measured(called: Called, rate: int, seconds: float) -> Figures:
    with tempfile.TemporaryDirectory() as warm_up, tempfile.TemporaryDirectory() as folder:
        await measure(called, min(rate, 20), 1.0, Path(warm_up))
        return await measure(called, rate, seconds, Path(folder))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--asterisk", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", choices=["signalling", "node"], default=["signalling", "node"])
    parser.add_argument("--profile", default="", metavar="FILE", help="cProfile's figures of the signalling")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.serve) if chosen.serve else run(chosen))


if __name__ == "__main__":
    main()
