"""What a bad network leaves of speech: the playout buffer alone, in simulated time.

    python -m benchmarks.media_loss [--minutes 5] [--hours 2] [--json]

Two streams travel alike: one says at each sample which it is, so that what is heard can be laid beside what was said;
the other is speech-like and gives the SNR. ``intact`` is the part of the sent samples that is heard bit for bit at its
place; ``arrived`` the part that the network let through, which no buffer can better. The clocks of far ends then
drift for hours.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from channels.media.g711 import Pcm
from channels.media.jitter import FRAME, Arrivals, Playout

_TURN = 30000
_LONGEST_DELAY = 2400


@dataclass(frozen=True, slots=True)
class Network:
    """One of every *loses* packets is lost, by lot (none if 0); each is held up by one of *delays* frames, by lot."""

    name: str
    loses: int
    delays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Parts of one; seconds; dB over all of the speech, and over the frames that are not whole."""

    network: str
    arrived: float
    intact: float
    delay_median: float
    delay_p95: float
    snr: float
    snr_concealed: float


NETWORKS = (
    Network("perfect", 0, (0,)),
    Network("5 % loss", 20, (0,)),
    Network("5 % loss, reordering", 20, (0, 0, 0, 0, 1)),
    Network("5 % loss, 0-40 ms jitter", 20, (0, 1, 2)),
    Network("10 % loss, 0-60 ms jitter", 10, (0, 1, 2, 3)),
)


def speech(samples: int) -> Pcm:
    """Return a voice that glides, in syllables with pauses between."""
    t = np.arange(samples) / 8000
    pitch = 140 + 40 * np.sin(2 * np.pi * 0.7 * t) + 15 * np.sin(2 * np.pi * 2.3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    voice = sum(np.sin(k * phase) * np.exp(-((k * 150 - 600) ** 2) / 5e5) for k in range(1, 15))
    envelope = np.clip(np.sin(2 * np.pi * 3.1 * t) + 0.4, 0, 1)
    made: Pcm = np.rint(2500 * voice * envelope).astype(np.int16)
    return made


def _arrivals(numbers: list[int], said: Pcm, ramp: Pcm) -> list[Arrivals]:
    rows, marker = np.array([0, 1]), np.zeros(2, bool)
    return [
        Arrivals(
            rows,
            np.full(2, number & 0xFFFF, np.uint16),
            np.full(2, number * FRAME & 0xFFFFFFFF, np.uint32),
            np.full(2, 7, np.uint32),
            marker,
            np.stack([each[number * FRAME : (number + 1) * FRAME] for each in (ramp, said)]),
        )
        for number in numbers
    ]


def travel(network: Network, seconds: float, seed: int = 5) -> Outcome:
    """Send *seconds* of speech through *network* and a playout buffer."""
    chance = random.Random(seed)
    count = int(seconds * 50)
    said, ramp = speech(count * FRAME), (np.arange(count * FRAME) % _TURN + 1).astype(np.int16)
    due: list[list[int]] = [[] for _ in range(count + 20)]
    lost = {
        block + chance.randrange(network.loses) for block in range(0, count, network.loses or count) if network.loses
    }
    for number in range(count):
        if number not in lost:
            due[number + chance.choice(network.delays)].append(number)
    playout = Playout(2)
    heard: list[Pcm] = []
    for numbers in due:
        for packets in _arrivals(numbers, said, ramp):
            playout.arrive(packets)
        heard.append(playout.play(2))
    arrived = np.zeros(count, bool)
    arrived[[number for numbers in due for number in numbers]] = True
    return _judge(network, arrived, np.concatenate(heard, axis=1), said)


def _judge(network: Network, arrived: npt.NDArray[np.bool_], heard: Pcm, said: Pcm) -> Outcome:
    places = np.arange(heard.shape[1])
    lag = (places - heard[0] + 1) % _TURN
    lags = lag.reshape(-1, FRAME)
    delay = FRAME * 2
    delays, signal, error, concealed = [], 0.0, 0.0, [0.0, 0.0]
    for frame, each in enumerate(lags):
        if not heard[0, frame * FRAME : (frame + 1) * FRAME].any():
            continue
        values, counts = np.unique(each[each < _LONGEST_DELAY], return_counts=True)
        if len(counts) and counts.max() > FRAME // 4:
            delay = int(values[np.argmax(counts)])
            delays.append(delay)
        right = int((each == delay).sum())
        start = frame * FRAME - delay
        if start < 0 or start + FRAME > len(said):
            continue
        wanted = said[start : start + FRAME].astype(float)
        wrong = wanted - heard[1, frame * FRAME : (frame + 1) * FRAME]
        signal, error = signal + float(wanted @ wanted), error + float(wrong @ wrong)
        if right < FRAME:
            concealed[0] += float(wanted @ wanted)
            concealed[1] += float(wrong @ wrong)
    sources = np.unique((places - lag)[(heard[0] != 0) & (lag < _LONGEST_DELAY)])
    return Outcome(
        network=network.name,
        arrived=float(arrived.mean()),
        intact=float(arrived[sources[(sources >= 0) & (sources < len(said))] // FRAME].sum()) / len(said),
        delay_median=float(np.median(delays)) / 8000,
        delay_p95=float(np.percentile(delays, 95)) / 8000,
        snr=10 * float(np.log10(signal / max(error, 1.0))),
        snr_concealed=10 * float(np.log10(max(concealed[0], 1.0) / max(concealed[1], 1.0))),
    )


def drift(parts_per_million: tuple[float, ...], hours: float) -> list[tuple[float, float, float]]:
    """Let far ends send by clocks that drift; return for each its drift, and its median and largest delay, seconds."""
    rows = len(parts_per_million)
    ticks = int(hours * 3600 * 50)
    rates = 1 + np.array(parts_per_million) / 1e6
    sent = np.zeros(rows, np.int64)
    playout = Playout(rows)
    samples, marker = np.full((rows, FRAME), 1000, np.int16), np.zeros(rows, bool)
    seen = np.zeros((ticks // 50 + 1, rows))
    for tick in range(ticks):
        while (owed := np.flatnonzero(sent <= tick * rates)).size:
            numbers = sent[owed]
            playout.arrive(
                Arrivals(
                    owed,
                    (numbers & 0xFFFF).astype(np.uint16),
                    (numbers * FRAME & 0xFFFFFFFF).astype(np.uint32),
                    np.full(len(owed), 7, np.uint32),
                    marker[owed],
                    samples[owed],
                )
            )
            sent[owed] += 1
        playout.play(rows)
        if tick % 50 == 0:
            seen[tick // 50] = [playout.reception(row).delay for row in range(rows)]
    return [
        (each, float(np.median(seen[:, row])), float(seen[:, row].max())) for row, each in enumerate(parts_per_million)
    ]


def main() -> None:
    """Print a line a network, and a line a clock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    outcomes = [travel(network, chosen.minutes * 60) for network in NETWORKS]
    clocks = drift((-200.0, -50.0, 0.0, 50.0, 200.0), chosen.hours)
    if chosen.json:
        print(json.dumps({"networks": [asdict(each) for each in outcomes], "clocks": clocks}, indent=1))
        return
    print("network                     arrived   intact  delay ms: median, p95   SNR dB  of frames with a gap")
    for each in outcomes:
        print(
            f"{each.network:26} {100 * each.arrived:6.2f} % {100 * each.intact:6.2f} %  "
            f"{1000 * each.delay_median:14.0f}{1000 * each.delay_p95:8.0f}  {each.snr:7.1f}  {each.snr_concealed:10.1f}"
        )
    for parts, median, largest in clocks:
        print(
            f"{parts:+5.0f} ppm, {chosen.hours} h: buffer {1000 * median:.0f} ms median, {1000 * largest:.0f} ms most"
        )


if __name__ == "__main__":
    main()
