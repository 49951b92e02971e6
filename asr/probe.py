"""Whether a model can be used, found out in a process that may die of it.

libvosk raises on some bad models and aborts its whole process on others (a ``model.conf`` without
``--endpoint.silence-phones`` aborts at the first audio), so the only proof is to load the model and let it hear
something, elsewhere. That elsewhere is ``python -m asr.probe FOLDER``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROBE_LIMIT = 300.0
"""Seconds a model may take to load and hear; the largest official one needs about a minute on a slow disk."""

_TROUBLE = ("ERROR (", "ASSERTION_FAILED (")
HOME = Path(__file__).parents[1]
"""The folder that ``python -m asr...`` must be started with on its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """The model loads and hears. *rate* is what it is fed at, in Hz; *load_time* in seconds."""

    rate: int
    load_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """The model cannot be used, and why, in one line."""

    reason: str


async def probe(
    path: Path, limit: float = PROBE_LIMIT, *, on_loading: Callable[[float], None] = lambda seconds: None
) -> Usable | Unusable:
    """Load the model at *path* in a process of its own, let it hear noise, and report.

    *on_loading* is called every second meanwhile, with the seconds so far.
    """
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "asr.probe", str(path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        async with asyncio.timeout(limit):
            talking = asyncio.ensure_future(process.communicate())
            while not (await asyncio.wait([talking], timeout=1.0))[0]:
                on_loading(time.monotonic() - begun)
            said, complaint = talking.result()
    except TimeoutError:
        return Unusable(reason=f"the model was not ready within {limit:g} s")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        rate, load_time = said.split()
        return Usable(rate=int(rate), load_time=float(load_time))
    return Unusable(reason=_reason(complaint.decode(errors="replace"), process.returncode or 0))


def environment() -> dict[str, str]:
    """Return the environment for ``python -m asr...``, wherever the gateway was started from."""
    paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def how_it_ended(returncode: int) -> str:
    """Return how a process ended, from its return code."""
    if returncode < 0:
        return f"its process was killed by {signal.Signals(-returncode).name}"
    return f"its process ended with {returncode}"


def _reason(complaint: str, returncode: int) -> str:
    """Return libvosk's own complaint without its place in the C++ source, or Python's, or how the process ended."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    told = [line.split("): ", 1)[-1].partition(") ")[-1] or line for line in lines if line.startswith(_TROUBLE)]
    if not told and returncode > 0:
        told = lines[-1:]
    return f"{told[0] if told else 'the model cannot be used'} ({how_it_ended(returncode)})"


def load_and_hear(path: Path) -> Usable:
    """Load the model at *path* here and let it hear noise; raises, or ends this process, where it is unusable."""
    import numpy as np
    import vosk

    from asr.models import input_rate

    begun = time.monotonic()
    model = vosk.Model(str(path))
    load_time = time.monotonic() - begun
    rate = input_rate(path)
    engine = vosk.KaldiRecognizer(model, rate)
    engine.SetWords(True)
    noise = np.random.default_rng(0).normal(0, 1000, 2 * rate).astype("<i2").tobytes()
    for start in range(0, len(noise), rate // 5):
        engine.AcceptWaveform(noise[start : start + rate // 5])
        engine.PartialResult()
    engine.FinalResult()
    return Usable(rate=rate, load_time=load_time)


if __name__ == "__main__":
    usable = load_and_hear(Path(sys.argv[1]))
    print(usable.rate, usable.load_time)
