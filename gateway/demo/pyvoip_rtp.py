"""RTP for pyVoIP at full 16 bits (RFC 3550, RFC 3551, RFC 4733), in place of its own 8-bit client.

It sends and receives at one port, a packet each 20 ms, and keeps all it receives. The codec is the interpreter's
``audioop``, not ours: what the gateway sends is judged by an implementation that shares nothing with it.
"""

from __future__ import annotations

import audioop
import queue
import random
import socket
import struct
import threading
import time
import wave
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyVoIP.RTP import PayloadType, RTPClient

RATE = 8000
FRAME = 160
"""Samples in a packet."""
PERIOD = FRAME / RATE
EVENT_FRAMES = 6
"""How long a key is pressed, in packets; its end is said three times (RFC 4733 2.5.1.4)."""
MOST_LATE = 0.2
"""Seconds; a sender that was held up longer goes on from now instead of catching up."""

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_EVENT_CODES = "0123456789*#ABCD"
_SILENCE = bytes(2 * FRAME)


class Recording:
    """What arrives, laid out by RTP timestamps; a new source is placed by the clock."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._samples = bytearray()
        self._zeros: dict[int, int] = {}

    def add(self, source: int, timestamp: int, pcm: bytes) -> None:
        """Lay *pcm* down where *timestamp* says."""
        if source not in self._zeros:
            self._zeros[source] = timestamp - int((time.monotonic() - self._began) * RATE)
        place = 2 * ((timestamp - self._zeros[source]) & 0xFFFFFFFF)
        if place > len(self._samples) + 2 * RATE * 3600:
            return
        self._samples.extend(bytes(max(0, place + len(pcm) - len(self._samples))))
        self._samples[place : place + len(pcm)] = pcm

    def save(self, path: Path) -> None:
        """Write it as a WAV: 8 kHz, mono, 16 bits."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(bytes(self._samples))


class G711Client(RTPClient):
    """Takes the place of `pyVoIP.RTP.RTPClient`: one is made for each call's audio."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.recording = Recording()
        self._alaw = self.preference is PayloadType.PCMA
        self._event = next((number for number, kind in self.assoc.items() if kind is PayloadType.EVENT), None)
        self._frames: deque[tuple[bytes, Callable[[], None]]] = deque()
        self._keys: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)

    def start(self) -> None:
        """Open the port that the answer will name: a free one, of the system's choice."""
        self.sin = self.sout = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sin.bind((self.inIP, 0))
        self.sin.settimeout(0.1)
        self.inPort = self.sin.getsockname()[1]
        for work in (self.recv, self.trans):
            thread = threading.Thread(target=work, name=f"RTP {work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End both directions; returns when the last packet is laid down."""
        self.NSD = False
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1.0)
        self.sin.close()

    def say(self, pcm: bytes, spoken: Callable[[], None]) -> None:
        """Speak *pcm* (16 bits); *spoken* is called when all of it has been sent."""
        frames = [pcm[at : at + 2 * FRAME].ljust(2 * FRAME, b"\0") for at in range(0, len(pcm), 2 * FRAME)]
        self._frames.extend((frame, _nothing) for frame in frames[:-1])
        self._frames.extend((frame, spoken) for frame in frames[-1:])

    def press(self, key: str) -> None:
        """Press a key."""
        self._keys.put(key)

    def recv(self) -> None:
        """Receive until stopped."""
        while self.NSD:
            with suppress(TimeoutError, OSError):
                self._take(self.sin.recv(2048))

    def trans(self) -> None:
        """Send a packet each 20 ms until stopped."""
        due = time.monotonic()
        while self.NSD:
            with suppress(queue.Empty):
                due = self._send_key(self._keys.get_nowait(), due)
            due = self._send_frame(due)

    def _take(self, packet: bytes) -> None:
        if len(packet) < _HEADER.size:
            return
        first, second, _, timestamp, source = _HEADER.unpack_from(packet)
        kind = second & 0x7F
        if first >> 6 != 2 or kind not in (0, 8):
            return
        payload = packet[_HEADER.size + 4 * (first & 0x0F) :]
        pcm = audioop.alaw2lin(payload, 2) if kind == 8 else audioop.ulaw2lin(payload, 2)
        self.recording.add(source, timestamp, pcm)

    def _send_frame(self, due: float) -> float:
        pcm, sent = self._frames.popleft() if self._frames else (_SILENCE, _nothing)
        payload = audioop.lin2alaw(pcm, 2) if self._alaw else audioop.lin2ulaw(pcm, 2)
        self._send(int(self.preference), payload, self._timestamp)
        self._timestamp += FRAME
        due = _wait(due + PERIOD)
        sent()
        return due

    def _send_key(self, key: str, due: float) -> float:
        """Send one key press as telephone events, all with the timestamp of its beginning."""
        if self._event is None:
            return due
        began = self._timestamp
        for step in range(1, EVENT_FRAMES + 4):
            is_end = step > EVENT_FRAMES
            duration = FRAME * min(step, EVENT_FRAMES)
            event = _EVENT.pack(_EVENT_CODES.index(key), (0x80 if is_end else 0) | 10, duration)
            self._send(self._event, event, began, marker=step == 1)
            self._timestamp += FRAME
            due = _wait(due + PERIOD)
        return due

    def _send(self, kind: int, payload: bytes, timestamp: int, *, marker: bool = False) -> None:
        header = _HEADER.pack(
            0x80, kind | (0x80 if marker else 0), self._sequence & 0xFFFF, timestamp & 0xFFFFFFFF, self.outSSRC
        )
        self._sequence += 1
        with suppress(OSError):
            self.sout.sendto(header + payload, (self.outIP, self.outPort))


def _nothing() -> None:
    """Nobody waits for this frame."""


def _wait(due: float) -> float:
    """Sleep until *due*; return it, or now if that is long past."""
    now = time.monotonic()
    if due > now:
        time.sleep(due - now)
    return due if now - due < MOST_LATE else now
