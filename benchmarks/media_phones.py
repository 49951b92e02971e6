"""Telephones for `benchmarks.media`, in a process of their own: ``python -m benchmarks.media_phones LEGS SECONDS``.

Leg i of three-party conference i // 3 says a tone of its own, 50 packets a second, and keeps what it hears. Every
`SAMPLED`th conference is timed by the kernel's receive stamps: its first leg says a 2900 Hz pulse each half second, its
others listen for that. Prints its ports, reads the far ends' ports, calls, and prints what was seen; all as JSON lines.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from contextlib import suppress
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from channels.media import g711, rtp
from channels.media.address import to_numbers
from channels.media.sockets import DATAGRAM, Numbers, open_sockets

PERIOD = 0.02
SAMPLED = 10
GROUPS = 10
TONES = 40
LEVEL = 4000

_PULSE = 2900.0
_PULSE_EVERY = 25
_SETTLING = 50
_LAST = 25
_REAL_TIME_PRIORITY = 20
_STAMP = struct.Struct("@qq")


def frequencies() -> npt.NDArray[np.float64]:
    """Return the tones, which all repeat in 20 ms: leg i says number i modulo their count."""
    return np.arange(300.0, 300.0 + 50.0 * TONES, 50.0)


def law_of(leg: int) -> g711.Law:
    """Return how a leg speaks: every other one in A-law."""
    return g711.Law(leg % 2)


def _frame(frequency: float, law: g711.Law) -> bytes:
    wave = LEVEL * np.sin(2 * np.pi * frequency * np.arange(160) / 8000)
    return g711.encode_bytes(np.rint(wave).astype(np.int16), law)


def _loudness(samples: npt.NDArray[np.int16], frequency: float) -> float:
    turns = 2 * np.pi * frequency * np.arange(len(samples)) / 8000
    return float(2 * abs(np.mean(samples * np.exp(-1j * turns))))


class Phones:
    """All telephones, as rows."""

    def __init__(self, legs: int, ticks: int) -> None:
        self._legs, self._ticks = legs, ticks
        self._packets = np.zeros((legs, rtp.HEADER_SIZE + 160), np.uint8)
        tones = frequencies()
        for leg in range(legs):
            said = _frame(tones[leg % TONES], law_of(leg))
            self._packets[leg, rtp.HEADER_SIZE :] = np.frombuffer(said, np.uint8)
        self._pulses = [np.frombuffer(_frame(_PULSE, law), np.uint8) for law in g711.Law]
        self._types = np.array([law_of(leg).payload_type for leg in range(legs)], np.uint8)
        self._sequence = np.zeros(legs, np.uint16)
        self._ssrc = np.arange(1, legs + 1, dtype=np.uint32)
        self._batch = open_sockets(self._packets)
        self._sockets = [_bound() for _ in range(legs)]
        self.ports = [int(each.getsockname()[1]) for each in self._sockets]
        self._timed = [leg for leg in range(legs) if leg // 3 % SAMPLED == 0 and leg % 3]
        for leg, each in enumerate(self._sockets):
            if leg in self._timed:
                each.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_TIMESTAMPNS", 35), 1)
            self._batch.add(leg, each)
        for leg in self._timed:
            self._batch.remove(leg)
        self._senders = open_sockets(self._packets)
        for leg, each in enumerate(self._sockets):
            self._senders.add(leg, each)
        self._came = np.zeros(legs, np.int64)
        self._heard = np.zeros((legs, _LAST, 160), np.uint8)
        self._arrivals: dict[int, list[tuple[float, bytes]]] = {leg: [] for leg in self._timed}
        self._pulsed_at: dict[int, list[float]] = {}
        self.late_ticks = 0

    def call(self, ports: list[int]) -> None:
        """Talk for the time, each tenth of the legs at its own tenth of the 20 ms."""
        targets = np.array([to_numbers(("127.0.0.1", port)) for port in ports], np.uint64)
        groups = [np.arange(self._legs)[np.arange(self._legs) // 3 % GROUPS == group] for group in range(GROUPS)]
        began = time.monotonic()
        for tick in range(self._ticks + 10):
            for number, group in enumerate(groups):
                due = began + (tick + number / GROUPS) * PERIOD
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                self.late_ticks += wait < -0.005
                if tick < self._ticks and len(group):
                    self._send(tick, group, targets)
            self._receive()
            for leg in self._timed:
                self._receive_stamped(leg)

    def report(self) -> dict[str, object]:
        """Return what was seen: packets, spacings and delays in seconds, and who heard what he should not."""
        spacings = [
            after - before
            for arrivals in self._arrivals.values()
            for (before, _), (after, _) in pairwise(arrivals[_SETTLING:-_LAST])
        ]
        for leg, arrivals in self._arrivals.items():
            self._came[leg] = len(arrivals)
            for place, (_, payload) in enumerate(arrivals[-_LAST - 15 : -15]):
                self._heard[leg, place] = np.frombuffer(payload, np.uint8)
        delays = self._delays()
        sent = np.full(self._legs, self._ticks)
        parts = np.minimum(self._came, sent) / sent
        return {
            "worst": float(parts.min()),
            "missing": float(1 - np.minimum(self._came, sent).sum() / sent.sum()),
            "spacing_p50": float(np.percentile(spacings, 50)) if spacings else 0.0,
            "spacing_p99": float(np.percentile(spacings, 99)) if spacings else 0.0,
            "spacing_max": max(spacings, default=0.0),
            "mouth_to_ear": float(np.median(delays)) if delays else 0.0,
            "mouth_to_ear_p99": float(np.percentile(delays, 99)) if delays else 0.0,
            "wrongly_heard": self._wrongly_heard(),
            "late": self.late_ticks / self._ticks / GROUPS,
        }

    def _send(self, tick: int, group: Numbers, targets: npt.NDArray[np.uint64]) -> None:
        """Send the packets of one group; pulses take the tone's place, and their time is noted."""
        packets = self._packets[group]
        now = np.uint32(tick * 160)
        stamps, marker = np.full(len(group), now, np.uint32), np.zeros(len(group), bool)
        headers = rtp.Headers(self._types[group], marker, self._sequence[group], stamps, self._ssrc[group])
        rtp.write_headers(packets, headers)
        self._packets[group, : rtp.HEADER_SIZE] = packets[:, : rtp.HEADER_SIZE]
        self._sequence[group] += 1
        loud: dict[int, npt.NDArray[np.uint8]] = {}
        if tick % _PULSE_EVERY == 0:
            for leg in group[(group % 3 == 0) & (group // 3 % SAMPLED == 0)].tolist():
                loud[leg] = self._packets[leg, rtp.HEADER_SIZE :].copy()
                self._packets[leg, rtp.HEADER_SIZE :] = self._pulses[law_of(leg)]
                self._pulsed_at.setdefault(leg, []).append(time.time())
        self._senders.send(group, np.full(len(group), rtp.HEADER_SIZE + 160), targets[group])
        for leg, payload in loud.items():
            self._packets[leg, rtp.HEADER_SIZE :] = payload

    def _receive(self) -> None:
        for came in self._batch.rounds():
            fits = came.sizes == rtp.HEADER_SIZE + 160
            if not fits.any():
                continue
            rows = came.rows[fits]
            self._heard[rows, self._came[rows] % _LAST] = came.datagrams[fits, rtp.HEADER_SIZE : rtp.HEADER_SIZE + 160]
            self._came[rows] += 1

    def _receive_stamped(self, leg: int) -> None:
        while True:
            try:
                datagram, extra, _, _ = self._sockets[leg].recvmsg(DATAGRAM, 64)
            except BlockingIOError:
                return
            if len(datagram) == rtp.HEADER_SIZE + 160:
                seconds, nanoseconds = _STAMP.unpack_from(extra[0][2])
                self._arrivals[leg].append((seconds + nanoseconds / 1e9, datagram[rtp.HEADER_SIZE :]))

    def _delays(self) -> list[float]:
        """Return how long after each pulse was sent the first packet that holds some of it came."""
        delays = []
        for leg, arrivals in self._arrivals.items():
            loud = [
                stamp
                for stamp, payload in arrivals
                if _loudness(g711.decode_bytes(payload, law_of(leg)), _PULSE) > LEVEL / 4
            ]
            for said in self._pulsed_at.get(leg // 3 * 3, [])[4:]:
                first = next((stamp for stamp in loud if stamp > said), None)
                if first is not None and first - said < _PULSE_EVERY * PERIOD:
                    delays.append(first - said)
        return delays

    def _wrongly_heard(self) -> int:
        """Count the legs that in their last half second did not hear the two others, or heard anybody else."""
        tones = frequencies()
        phases = np.exp(-2j * np.pi * tones[:, None] * np.arange(160) / 8000)
        wrong = 0
        for leg in range(self._legs):
            frames = g711.decode(self._heard[leg], np.full(_LAST, law_of(leg), np.uint8))
            loudness = 2 * np.abs(frames @ phases.T).mean(axis=0) / 160
            should = {other % TONES for other in range(leg // 3 * 3, min(leg // 3 * 3 + 3, self._legs)) if other != leg}
            does = set(np.flatnonzero(loudness > LEVEL / 3).tolist())
            wrong += does != should
        return wrong


def _bound() -> socket.socket:
    each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    each.bind(("127.0.0.1", 0))
    return each


def main() -> None:
    """Be the telephones."""
    legs, seconds = int(sys.argv[1]), float(sys.argv[2])
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REAL_TIME_PRIORITY))
    phones = Phones(legs, int(seconds / PERIOD))
    print(json.dumps(phones.ports), flush=True)
    far = json.loads(sys.stdin.readline())
    before = os.times()
    phones.call(far)
    after = os.times()
    own = (after.user + after.system - before.user - before.system) / legs / seconds
    print(json.dumps(phones.report() | {"own_cpu": own}), flush=True)


if __name__ == "__main__":
    main()
