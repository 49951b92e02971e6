"""What one leg costs the media process: CPU milliseconds per leg-second, beside a bare UDP echo in the same run.

    python -m benchmarks.media_tick [--legs 30 99 300] [--seconds 10]

N telephones (one process) send 50 packets a second each and count what comes back. First a bare echo answers them, a
socket a leg and nothing else, as the floor; then the media process decodes, buffers, mixes in three-party bridges,
encodes and sends; then the same with every leg recorded and tapped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from channels.media import g711
from channels.media.client import MediaEngine, MediaSettings
from channels.media.leg import MediaLeg

_PERIOD = 0.02


@dataclass(frozen=True, slots=True)
class Load:
    """What the telephones saw: packets back from the worst-served leg and all legs, as parts of those sent."""

    worst: float
    mean: float
    spacing_p99: float


def telephones(legs: int, seconds: float) -> None:
    """Be *legs* telephones: print our ports, read theirs, send for *seconds*, print what was seen."""
    sockets = [_bound() for _ in range(legs)]
    print(json.dumps([each.getsockname()[1] for each in sockets]), flush=True)
    remotes = [("127.0.0.1", port) for port in json.loads(sys.stdin.readline())]
    speech = np.random.default_rng(1).normal(0, 2000, (50, 160)).astype(np.int16)
    payloads = [g711.encode_bytes(frame, g711.Law.PCMU) for frame in speech]
    epoll = select.epoll()
    index_of = {each.fileno(): index for index, each in enumerate(sockets)}
    for each in sockets:
        epoll.register(each, select.EPOLLIN)
    came = [0] * legs
    last = [0.0] * legs
    spacings: list[float] = []
    buffer = bytearray(2048)
    began = time.monotonic()
    ticks = int(seconds / _PERIOD)
    for tick in range(ticks + 10):
        due = began + tick * _PERIOD
        left = max(0.0, due - time.monotonic())
        while ready := epoll.poll(left):
            for descriptor, _ in ready:
                index = index_of[descriptor]
                sockets[index].recv_into(buffer)
                now = time.monotonic()
                came[index] += 1
                if index == 0 and last[0]:
                    spacings.append(now - last[0])
                last[index] = now
            left = max(0.0, due - time.monotonic())
        if tick >= ticks:
            continue
        header = b"\x80\x00" + (tick & 0xFFFF).to_bytes(2, "big") + (tick * 160).to_bytes(4, "big")
        for index, each in enumerate(sockets):
            each.sendto(header + index.to_bytes(4, "big") + payloads[(tick + index) % 50], remotes[index])
    spacing = float(np.percentile(spacings, 99)) if spacings else 0.0
    print(json.dumps([min(came) / ticks, sum(came) / ticks / legs, spacing]), flush=True)


def echo(legs: int) -> None:
    """Send back whatever comes, *legs* sockets, until stdin ends; then print the CPU seconds used."""
    sockets = {each.fileno(): each for each in (_bound() for _ in range(legs))}
    print(json.dumps([each.getsockname()[1] for each in sockets.values()]), flush=True)
    epoll = select.epoll()
    for descriptor in (*sockets, sys.stdin.fileno()):
        epoll.register(descriptor, select.EPOLLIN)
    buffer = bytearray(2048)
    view = memoryview(buffer)
    before = time.process_time()
    while True:
        time.sleep(_PERIOD)
        while ready := epoll.poll(0):
            for descriptor, _ in ready:
                if descriptor not in sockets:
                    print(json.dumps(time.process_time() - before), flush=True)
                    return
                each = sockets[descriptor]
                size, source = each.recvfrom_into(buffer)
                each.sendto(view[:size], source)


def _bound() -> socket.socket:
    each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    each.bind(("127.0.0.1", 0))
    return each


@contextmanager
def _child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.media_tick", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield child


def _read(child: subprocess.Popen[str]) -> list[float]:
    assert child.stdout is not None
    answer: list[float] = json.loads(child.stdout.readline())
    return answer


def _drive(child: subprocess.Popen[str], ports: list[int]) -> Load:
    assert child.stdin is not None
    child.stdin.write(json.dumps(ports) + "\n")
    child.stdin.flush()
    return Load(*_read(child))


def measure_echo(legs: int, seconds: float) -> tuple[float, Load]:
    """Return CPU ms per leg-second of the bare echo, and what the telephones saw."""
    with _child("--echo", str(legs)) as answerer, _child("--phones", str(legs), "--seconds", str(seconds)) as phones:
        _read(phones)
        load = _drive(phones, [int(port) for port in _read(answerer)])
        assert answerer.stdin is not None
        answerer.stdin.close()
        cpu = float(json.loads((answerer.stdout or sys.stdin).readline()))
    return 1000 * cpu / legs / seconds, load


async def measure_media(legs: int, seconds: float, *, capturing: bool) -> tuple[float, Load, int]:
    """Return CPU ms per leg-second of the media process, what the telephones saw, and its late ticks."""
    with tempfile.TemporaryDirectory() as folder, _child("--phones", str(legs), "--seconds", str(seconds)) as phones:
        far = [int(port) for port in await asyncio.to_thread(_read, phones)]
        async with MediaEngine(MediaSettings(capacity=max(16, legs))) as engine, asyncio.TaskGroup() as readers:
            zero = time.monotonic()
            near = [await engine.open_leg(f"leg {number}") for number in range(legs)]
            for number, leg in enumerate(near):
                leg.connect("127.0.0.1", far[number], law="PCMA" if number % 2 else "PCMU")
                leg.bridge(f"bridge {number // 3}")
                if capturing:
                    leg.record(Path(folder) / f"{number}.wav", zero)
                    readers.create_task(_listen(leg, zero))
            assert engine.pid is not None
            before = _cpu(engine.pid)
            load = await asyncio.to_thread(_drive, phones, [leg.port for leg in near])
            used = _cpu(engine.pid) - before
            late = engine.statistics().late_ticks
            for leg in near:
                await leg.close()
    return 1000 * used / legs / seconds, load, late


async def _listen(leg: MediaLeg, zero: float) -> None:
    async for _ in leg.tap(zero):
        pass


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print one line a load and kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--legs", type=int, nargs="+", default=[30, 99, 300])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--phones", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--echo", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.phones:
        return telephones(chosen.phones, chosen.seconds)
    if chosen.echo:
        return echo(chosen.echo)
    print(
        "legs  what                   CPU ms/leg-second  x echo   packets: worst, mean leg  spacing p99 ms  late ticks"
    )
    for legs in chosen.legs:
        floor, load = measure_echo(legs, chosen.seconds)
        _print(legs, "bare UDP echo", floor, 1.0, load, "-")
        for what, capturing in (("three-party mix", False), ("mix, recorded, tapped", True)):
            cost, load, late = asyncio.run(measure_media(legs, chosen.seconds, capturing=capturing))
            _print(legs, what, cost, cost / floor, load, str(late))


def _print(legs: int, what: str, cost: float, ratio: float, load: Load, late: str) -> None:
    heard, spacing = f"{100 * load.worst:.1f} % {100 * load.mean:.1f} %", 1000 * load.spacing_p99
    print(f"{legs:4}  {what:22} {cost:17.2f}  {ratio:6.2f}  {heard:>25}  {spacing:14.1f}  {late:>10}", flush=True)


if __name__ == "__main__":
    main()
