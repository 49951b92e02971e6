"""Hours of telephone traffic in minutes: 5 calls a second of every kind, and whether anything is left behind.

    python -m benchmarks.soak [--minutes 30] [--json]

A whole gateway; SIPp is the carrier, an emergency line that passes matters on, two emergency desks and a unit;
`jiesu phone answer` is the agents. The flows of `FLOWS` run at the same time, each at its rate. Citizens who stay are
handed to 119, whose first number is busy, to 110, whose desk gives them back by REFER, or are transferred to a unit by
an agent. At the end every call must have gone as its scenario says, every hand-off have been joined, the journal hold,
nothing have failed in the log, and memory, descriptors and tasks be where they were after the warm-up. Exit code
1 when one of that is not so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.announcements import DEFAULT_FOLDER
from gateway.domain.errors import GatewayError
from tests.peers.baresip import free_ports
from tests.peers.ear import save
from tests.peers.gateway import ROOT, GatewayProcess, Json, configuration, jiesu, until
from tests.peers.sipp import Lamp, Sipp

FLOWS = {
    "answered": 2.2,
    "held_and_resumed": 0.6,
    "late_offer": 0.4,
    "cancel_crosses_answer": 0.3,
    "no_common_codec": 0.3,
    "bad_description": 0.2,
    "wrong_number": 0.2,
    "refers_elsewhere": 0.2,
    "passed_on": 0.2,
    "to_119": 0.2,
    "to_110": 0.1,
    "to_unit": 0.1,
}
"""Calls a second of each kind, 5 in all; the last three are steered by `_Steering`."""
STEERED = {"to_119": "12369", "to_110": "12315", "to_unit": "12328"}
"""The merged numbers that their citizens dial, by which they are told apart."""
POLICE = "127.0.0.3"
AGENTS = ("8001", "8002", "8003")
SAMPLE_EVERY = 5.0
WARM_UP = 0.2
"""Part of the time after which nothing may grow any more."""
MORE_MEMORY = 0.10
MORE_OF_ANYTHING = 40
"""How much larger than after the warm-up the last tenth may be: a share of memory, a count of descriptors and tasks."""
_STAYS_FOR = 3.0
_STEP_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway's processes at one moment: megabytes, counts."""

    at: float
    memory: float
    descriptors: int
    tasks: int
    live: int


class _Steering:
    """What agents and a supervisor would do at the console for citizens who stay."""

    def __init__(self, gateway: GatewayProcess, tasks: asyncio.TaskGroup) -> None:
        self.done: Counter[str] = Counter()
        self._gateway = gateway
        self._tasks = tasks
        self._live: dict[str, Json] = {}
        self._known: set[str] = set()

    async def run(self) -> None:
        """Look after every new call of a steered number."""
        while True:
            calls = await self._gateway.calls()
            self._live = {live["call"]["id"]: live for live in calls}
            for live in calls:
                call_id, dialled = live["call"]["id"], _dialled(live)
                if live["call"]["answered"] and dialled in STEERED.values() and call_id not in self._known:
                    self._known.add(call_id)
                    self._tasks.create_task(self._steer(call_id, dialled), name=f"steer {call_id}")
            await asyncio.sleep(0.3)

    async def _steer(self, call_id: str, dialled: str) -> None:
        flow = next(name for name, number in STEERED.items() if number == dialled)
        try:
            self.done[await (self._to_unit(call_id) if flow == "to_unit" else self._to_desk(call_id, flow[-3:]))] += 1
        except (AssertionError, GatewayError) as failure:
            self.done[f"{flow} failed: {str(failure).splitlines()[0][:80]}"] += 1
        finally:
            await self._gateway.post(f"/api/calls/{call_id}/finish")

    async def _to_desk(self, call_id: str, line: str) -> str:
        for _ in ("suspect", "confirm"):
            await self._gateway.post(f"/api/calls/{call_id}/hand-offs", {"line": line})
        await self._told(call_id, "handoff.desk_joined")
        if line == "110":
            await self._told(call_id, "handoff.desk_returned")
            return "given back by REFER"
        await asyncio.sleep(_STAYS_FOR)
        return "joined with 119 after a busy number"

    async def _to_unit(self, call_id: str) -> str:
        async def has_agent() -> bool:
            live = self._live.get(call_id)
            return live is not None and any(leg["role"] == "agent" and leg["joined"] for leg in live["call"]["legs"])

        await until("an agent", has_agent, limit=_STEP_LIMIT)
        await self._gateway.post(f"/api/calls/{call_id}/transfer", {"unit": "water"})
        await self._told(call_id, "transfer.unit_answered")
        await self._gateway.post(f"/api/calls/{call_id}/transfer/join")
        await asyncio.sleep(_STAYS_FOR)
        return "transferred to a unit"

    async def _told(self, call_id: str, kind: str) -> None:
        """Wait until a live call tells a fact of this kind."""

        async def is_told() -> bool:
            live = self._live.get(call_id)
            return live is not None and any(fact["kind"] == kind for fact in live["facts"])

        await until(kind, is_told, limit=_STEP_LIMIT)


def _dialled(live: Json) -> str:
    """Return the number that was dialled in a live call, as its first fact tells."""
    return next((str(fact["values"]["dialled"]) for fact in live["facts"] if fact["kind"] == "call.offered"), "")


def _short_prompts(folder: Path) -> Path:
    """Make announcements that are over at once, so that a desk is briefed before it gives a citizen back."""
    prompts = folder / "prompts"
    shutil.copytree(DEFAULT_FOLDER, prompts)
    for path in prompts.glob("*.wav"):
        save(path, 0.1)
    return prompts


@asynccontextmanager
async def _line(folder: Path) -> AsyncIterator[tuple[GatewayProcess, int]]:
    """Have a gateway with desks, a unit and agents; yields it with the carrier's port."""
    carrier, busy, first, second, unit = free_ports(5)
    numbers: list[Mapping[str, Any]] = [
        {"number": number, "name": flow, "merging": "double_number"} for flow, number in STEERED.items()
    ]
    config = configuration(
        folder,
        sip={
            "listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"],
            "trunk_check_interval": "1h",
            "trunk_check_limit": "20s",
            "max_calls": 1000,
        },
        log={"format": "json"},
        media={"ports": [0, 0], "prompts": str(_short_prompts(folder))},
        trunk=[
            {"name": "carrier", "address": f"127.0.0.1:{carrier}", "sources": ["127.0.0.1"]},
            {"name": "police", "address": f"{POLICE}:{carrier}", "emergency_line": "119"},
            {"name": "busy", "address": f"127.0.0.1:{busy}"},
            {"name": "first", "address": f"127.0.0.1:{first}"},
            {"name": "second", "address": f"127.0.0.1:{second}"},
            {"name": "unit", "address": f"127.0.0.1:{unit}"},
        ],
        merged_line=numbers,
        emergency_line=[
            {
                "line": "119",
                "name": "消防",
                "chain": [{"number": "119", "trunk": "busy"}, {"number": "8119119", "trunk": "first"}],
            },
            {"line": "110", "name": "公安", "chain": [{"number": "110", "trunk": "second"}]},
        ],
        unit=[{"id": "water", "name": "供水公司", "number": "9001", "trunk": "unit"}],
        telephone=[
            {
                "user": user,
                "password": "open-sesame",
                "name": f"坐席{user}",
                "role": "agent",
                "agent": user,
            }
            for user in AGENTS
        ],
    )
    async with AsyncExitStack() as stack:
        lamps = [await stack.enter_async_context(Lamp(port)) for port in (carrier, busy, first, second, unit)]
        lamps.append(await stack.enter_async_context(Lamp(carrier, POLICE)))
        gateway = await stack.enter_async_context(GatewayProcess(config))
        for lamp in lamps:
            await lamp.asked.wait()
            await lamp.__aexit__()
        for scenario, port in (
            ("desk_busy", busy),
            ("desk_accepts", first),
            ("desk_gives_back", second),
            ("desk_accepts", unit),
        ):
            await stack.enter_async_context(Sipp(folder, scenario, port=port, calls=1_000_000, limit=86_400))
        for user in AGENTS:
            await stack.enter_async_context(_agent(f"{user}:open-sesame@{gateway.sip}"))
        yield gateway, carrier


@asynccontextmanager
async def _agent(account: str) -> AsyncIterator[None]:
    """Have an agent's telephone that answers every call and stays."""
    command = ["-m", "gateway", "phone", "answer", "--stay", "--limit", "1h", "--register", account]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def _flow(gateway: GatewayProcess, folder: Path, flow: str, port: int, seconds: float) -> tuple[str, int, str]:
    """Make the calls of one flow; return how many there were, and SIPp's complaint if one of them went otherwise."""
    rate = FLOWS[flow]
    calls = max(1, round(rate * seconds))
    service = STEERED.get(flow, "10086" if flow == "wrong_number" else "12345")
    sipp = Sipp(
        folder,
        "stays" if flow in STEERED else flow,
        target=gateway.sip,
        local=POLICE if flow == "passed_on" else "127.0.0.1",
        port=port if flow == "passed_on" else 0,
        caller=f"1380000{list(FLOWS).index(flow):04}",
        service=service,
        calls=calls,
        rate=1,
        options=["-r", str(round(rate * 100)), "-rp", "100s"],
        limit=seconds + 300.0,
    )
    try:
        async with sipp:
            await sipp.done()
    except AssertionError as failure:
        return flow, calls, str(failure)
    return flow, calls, ""


def _processes(root: int) -> list[Path]:
    """Return the entries of *root* and its children in /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if entry.name == str(root) or parent == root:
            found.append(entry)
    return found


async def _sample(gateway: GatewayProcess, began: float) -> Sample:
    memory, descriptors = 0.0, 0
    for entry in await asyncio.to_thread(_processes, gateway.pid):
        try:
            pages = int((entry / "statm").read_text().split()[1])
            descriptors += len(os.listdir(entry / "fd"))
        except OSError:
            continue
        memory += pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    metrics = (await gateway.octets("/metrics")).decode()
    figures = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    return Sample(
        at=round(time.monotonic() - began, 1),
        memory=round(memory, 1),
        descriptors=descriptors,
        tasks=int(float(figures["jiesu_tasks"])),
        live=int(float(figures["jiesu_calls_live"])),
    )


async def soak(minutes: float, folder: Path) -> Json:
    """Run everything; return what came of it, the faults among it."""
    seconds = 60.0 * minutes
    samples: list[Sample] = []
    async with _line(folder) as (gateway, carrier):
        began, printed = time.monotonic(), len(gateway.log.splitlines())
        async with asyncio.TaskGroup() as tasks:
            steering = _Steering(gateway, tasks)
            steer = tasks.create_task(steering.run(), name="steering")
            flows = [
                tasks.create_task(_flow(gateway, folder, flow, carrier, seconds), name=f"flow {flow}") for flow in FLOWS
            ]
            while not all(flow.done() for flow in flows):
                samples.append(await _sample(gateway, began))
                await asyncio.wait(flows, timeout=SAMPLE_EVERY)
            steer.cancel()

        async def idle() -> bool:
            return not await gateway.calls()

        await until("no live call", idle, limit=120.0)
        idle_at_last = await _sample(gateway, began)
        log = [line for line in gateway.log.splitlines()[printed:] if '"level": "error"' in line or "Traceback" in line]
        verdict = await jiesu("journal", "verify", "--config", gateway.config)
    results = [flow.result() for flow in flows]
    faults = [f"{flow}: {complaint}" for flow, _, complaint in results if complaint]
    faults += [f"{count} x {what}" for what, count in steering.done.items() if " failed: " in what]
    faults += [f"log: {line[:300]}" for line in log[:10]]
    faults += [] if verdict.status == 0 else [f"journal: {verdict.words}"]
    faults += list(_growth([sample for sample in samples if sample.at <= seconds]))
    return {
        "minutes": minutes,
        "calls": {flow: calls for flow, calls, _ in results},
        "steered": dict(steering.done),
        "samples": [asdict(sample) for sample in samples],
        "idle": asdict(idle_at_last),
        "faults": faults,
    }


def _growth(samples: list[Sample]) -> list[str]:
    """Return what grew from the end of the warm-up to the end, by the middle of a tenth of the samples at each."""
    width = max(1, len(samples) // 10)
    after = int(WARM_UP * len(samples))
    early, late = samples[after : after + width], samples[-width - 1 : -1] or samples[-1:]
    grown = []
    for name, allowance in (("memory", None), ("descriptors", MORE_OF_ANYTHING), ("tasks", MORE_OF_ANYTHING)):
        before, now = (sorted(getattr(sample, name) for sample in part)[len(part) // 2] for part in (early, late))
        most = before * (1 + MORE_MEMORY) if allowance is None else before + allowance
        if now > most:
            grown.append(f"{name} grew from {before} to {now}")
    return grown


def _print(seen: Json) -> None:
    print("     at   memory MB   descriptors   tasks   live calls")
    samples = seen["samples"]
    step = max(1, len(samples) // 20)
    for sample in [*samples[::step], seen["idle"]]:
        at, live = sample["at"], sample["live"]
        print(f"{at:7.0f}  {sample['memory']:10.1f}  {sample['descriptors']:12}  {sample['tasks']:6}  {live:11}")
    for flow, calls in seen["calls"].items():
        print(f"{calls:7}  {flow}")
    for what, count in seen["steered"].items():
        print(f"{count:7}  {what}")
    print("\n".join(["FAULTS", *seen["faults"]]) if seen["faults"] else "none failed, nothing grew")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(soak(chosen.minutes, Path(folder)))
    print(json.dumps(seen, ensure_ascii=False, indent=1)) if chosen.json else _print(seen)
    return int(bool(seen["faults"]))


if __name__ == "__main__":
    sys.exit(main())
