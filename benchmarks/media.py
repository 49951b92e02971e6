"""Three-party conferences of G.711 telephones: this media process, and Asterisk's ConfBridge in the same run.

    python -m benchmarks.media [--legs 99 300 900] [--seconds 10] [--asterisk FOLDER] [--busy] [--spin 1] [--plain]
                               [--json]

Every leg says its own tone and must hear the two others and nobody else. The media process is bound to one core, the
telephones to the rest; all else may use all. With ``--busy`` a whole gateway works beside it, its recogniser hearing
citizens and its console asked without rest (`busy`), and the legs that are measured are used as a live call's are: one
of each three is recorded in two tracks, and all are tapped. ``--spin N`` adds N processes that compute without rest, as
bad as it can get. ``--asterisk FOLDER`` installs Asterisk there if it is not (root; see `asterisk`).
With two cores, the telephones and a busy process share one, and what Asterisk takes of both it takes from them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from asyncio import TaskGroup
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import asterisk
from benchmarks.media_phones import law_of
from channels.media.client import MediaEngine, MediaSettings
from channels.media.feed import Feed
from channels.media.leg import MediaLeg, TapFrame

_WARM_UP = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run came to; times in seconds, parts of one."""

    what: str
    legs: int
    cpu_ms_per_leg_second: float
    worst_leg: float
    missing: float
    spacing_p50: float
    spacing_p99: float
    mouth_to_ear: float
    mouth_to_ear_p99: float
    wrongly_heard: int
    telephones_late: float
    telephones_cpu_ms: float


class Phones:
    """The telephones' process."""

    def __init__(self, legs: int, seconds: float) -> None:
        command = [sys.executable, "-m", "benchmarks.media_phones", str(legs), str(seconds)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports: list[int] = self._read()

    def dial(self, ports: list[int]) -> None:
        """Begin to talk."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(ports) + "\n")
        self._process.stdin.flush()

    def report(self) -> dict[str, Any]:
        """Wait until the call is over; return what was seen."""
        with self._process:
            seen: dict[str, Any] = self._read()
        return seen

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _measure(what: str, pid: int, phones: Phones, ports: list[int], seconds: float) -> Figures:
    """Let *phones* talk to *ports* and read what *pid* uses in the middle of the call."""
    phones.dial(ports)
    time.sleep(_WARM_UP)
    began, before = time.monotonic(), _cpu(pid)
    time.sleep(seconds - 2 * _WARM_UP)
    used, lasted = _cpu(pid) - before, time.monotonic() - began
    seen = phones.report()
    return Figures(
        what=what,
        legs=len(ports),
        cpu_ms_per_leg_second=1000 * used / len(ports) / lasted,
        worst_leg=seen["worst"],
        missing=seen["missing"],
        spacing_p50=seen["spacing_p50"],
        spacing_p99=seen["spacing_p99"],
        mouth_to_ear=seen["mouth_to_ear"],
        mouth_to_ear_p99=seen["mouth_to_ear_p99"],
        wrongly_heard=seen["wrongly_heard"],
        telephones_late=seen["late"],
        telephones_cpu_ms=1000 * seen["own_cpu"],
    )


async def measure_jiesu(legs: int, seconds: float, *, plain: bool, folder: Path | None = None) -> Figures:
    """Measure the media process with *legs* legs, recorded in *folder* and tapped if there is one."""
    settings = MediaSettings(capacity=legs, plain_sockets=plain)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(MediaEngine(settings))
        assert engine.pid is not None
        os.sched_setaffinity(engine.pid, {0})
        phones = await asyncio.to_thread(Phones, legs, seconds)
        near = [await engine.open_leg(f"leg {number}") for number in range(legs)]
        for number, leg in enumerate(near):
            leg.connect("127.0.0.1", phones.ports[number], law="PCMA" if law_of(number) else "PCMU")
            leg.bridge(f"bridge {number // 3}")
        if folder is not None:
            await _use(near, folder, stack)
        what = "jiesu, plain sockets" if plain else "jiesu"
        ports = [leg.port for leg in near]
        return await asyncio.to_thread(_measure, what, engine.pid, phones, ports, seconds)


async def _use(legs: list[MediaLeg], folder: Path, stack: AsyncExitStack) -> None:
    """Record and tap *legs* as live calls do."""
    zero = time.monotonic()
    listening = await stack.enter_async_context(TaskGroup())
    for number, leg in enumerate(legs):
        if number % 3 == 0:
            leg.record_both(folder / f"{number}.wav", zero)
        task = listening.create_task(_hear(leg.tap(zero)), name=f"tap {number}")
        stack.callback(task.cancel)


async def _hear(tap: Feed[TapFrame]) -> None:
    async for _ in tap:
        pass


def measure_asterisk(folder: Path, legs: int, seconds: float) -> Figures:
    """Measure ConfBridge with *legs* legs; raises `asterisk.NotToBeHad`."""
    asterisk.install(folder)
    with asterisk.running(folder) as pid:
        os.sched_setaffinity(pid, range(os.cpu_count() or 1))
        phones = Phones(legs, seconds)
        ports = [
            asterisk.call(f"7{number // 3:04}", port, law_of(number).payload_type)
            for number, port in enumerate(phones.ports)
        ]
        return _measure("Asterisk", pid, phones, ports, seconds)


@contextmanager
def _busy() -> Iterator[Path]:
    """Let a gateway work, and return a folder for recordings."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.busy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as gateway,
    ):
        assert gateway.stdin is not None
        assert gateway.stdout is not None
        try:
            if gateway.stdout.readline().strip() != "busy":
                raise RuntimeError("the gateway beside does not work")
            yield Path(folder)
        finally:
            gateway.stdin.close()


@contextmanager
def _spinning(count: int) -> Iterator[None]:
    """Run *count* processes that compute without rest."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]))
            stack.callback(process.kill)
        yield


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _line(figures: Figures) -> str:
    return (
        f"{figures.legs:5}  {figures.what:21} {figures.cpu_ms_per_leg_second:13.2f}  {100 * figures.worst_leg:7.2f} %  "
        f"{100 * figures.missing:7.3f} %  {1000 * figures.spacing_p99:7.1f}  {1000 * figures.mouth_to_ear:6.0f}  "
        f"{figures.wrongly_heard:7}  {figures.telephones_cpu_ms:6.2f}  {100 * figures.telephones_late:5.1f} %"
    )


def main() -> None:
    """Print a line a run, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legs", type=int, nargs="+", default=[99, 300, 900])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--asterisk", type=Path, metavar="FOLDER")
    parser.add_argument("--asterisk-most", type=int, default=498, help="legs above which Asterisk is not asked")
    parser.add_argument("--busy", action="store_true", help="beside a gateway at work, recorded and tapped")
    parser.add_argument("--spin", type=int, default=0, metavar="N", help="beside N processes that compute without rest")
    parser.add_argument("--plain", action="store_true", help="measure plain sockets as well")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    cores = os.cpu_count() or 1

    def say(line: str) -> None:
        if not chosen.json:
            print(line, flush=True)

    beside = " and a gateway at work" if chosen.busy else ""
    say(f"{cores} cores, beside {chosen.spin} spinning processes{beside}")
    say("ms of CPU a leg-second, packets, ms, legs, ms, part")
    say(" legs  what                    CPU per leg-s  worst leg    missing  spacing   mouth    wrong   phones  phones")
    say("                                                                     p99  to ear    heard      CPU    late")
    runs: list[Figures] = []
    ratios: dict[int, float] = {}
    with ExitStack() as stack:
        stack.enter_context(_spinning(chosen.spin))
        folder = stack.enter_context(_busy()) if chosen.busy else None
        if cores > 1:
            os.sched_setaffinity(0, set(range(1, cores)))
        for legs in chosen.legs:
            for plain in [False, True] if chosen.plain else [False]:
                runs.append(asyncio.run(measure_jiesu(legs, chosen.seconds, plain=plain, folder=folder)))
                say(_line(runs[-1]))
            if chosen.asterisk and legs <= chosen.asterisk_most:
                ours = next(each for each in runs if each.legs == legs)
                try:
                    runs.append(measure_asterisk(chosen.asterisk, legs, chosen.seconds))
                except asterisk.NotToBeHad as missing:
                    say(f"{legs:5}  Asterisk: {missing}")
                    continue
                say(_line(runs[-1]))
                ratios[legs] = runs[-1].cpu_ms_per_leg_second / ours.cpu_ms_per_leg_second
                say(f"{legs:5}  Asterisk takes {ratios[legs]:.1f} times the CPU")
    if chosen.json:
        print(
            json.dumps(
                {
                    "cores": cores,
                    "busy": chosen.busy,
                    "spinning": chosen.spin,
                    "runs": [asdict(each) for each in runs],
                    "ratios": ratios,
                },
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
