"""A telephone's media half for tests: says PCM as G.711 packets at 20 ms pace, and keeps all that it hears.

It shares no code with the gateway: its G.711 is `g711_reference`, its RTP is a struct.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from tests.peers import g711_reference

Pcm = npt.NDArray[np.int16]
RATE = 8000
FRAME = 160

_HEADER = struct.Struct("!BBHII")
_REPORTS = range(192, 224)
_PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
_EXPAND = {
    kind: np.array([g711_reference.decode(code, law) for code in range(256)], np.int16)
    for law, kind in _PAYLOAD_TYPES.items()
}
_LOUDNESS = np.arange(-32768, 32768)
_COMPRESS = {
    law: np.array([g711_reference.encode(sample, law) for sample in _LOUDNESS.tolist()], np.uint8)
    for law in _PAYLOAD_TYPES
}


def tone(frequency: float, seconds: float, *, amplitude: int = 6000) -> Pcm:
    """Return a sine, int16."""
    turns = 2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE
    samples: Pcm = np.rint(amplitude * np.sin(turns)).astype(np.int16)
    return samples


def level(samples: Pcm, frequency: float) -> float:
    """Return the amplitude of *frequency* in *samples*."""
    if not len(samples):
        return 0.0
    turns = 2 * np.pi * frequency * np.arange(len(samples)) / RATE
    return float(2 * abs(np.mean(samples * np.exp(-1j * turns))))


@dataclass(frozen=True, slots=True)
class Heard:
    """A packet that came: where from and what was in it."""

    source: tuple[str, int]
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class RtpPhone(asyncio.DatagramProtocol):
    """Sends silence or what it is told to `say`; an async context manager.

    *passes(n)* says whether the nth packet reaches the network; *swap_every* lets every so manieth packet change places
    with the next. The stream's numbers (``sequence``, ``timestamp``, ``ssrc``) may be changed while it runs.
    """

    def __init__(
        self,
        law: str = "PCMU",
        *,
        passes: Callable[[int], bool] = lambda _: True,
        swap_every: int = 0,
        frame: int = FRAME,
        host: str = "127.0.0.1",
    ) -> None:
        self.law = law
        self.host = host
        self.remote: tuple[str, int] | None = None
        self.heard: list[Heard] = []
        self.speaking = True
        self.sent = 0
        self.sequence = random.getrandbits(16)
        self.timestamp = random.getrandbits(32)
        self.ssrc = random.getrandbits(32)
        self._passes = passes
        self._swap_every = swap_every
        self._frame = frame
        self._to_say: Pcm = np.zeros(0, np.int16)
        self._forever: Pcm | None = None
        self._said = 0
        self._held_back: bytes | None = None
        self._came = asyncio.Event()
        self._went = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        self.port: int = self._transport.get_extra_info("sockname")[1]
        self._task = loop.create_task(self._speak())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        self._transport.close()

    def say(self, samples: Pcm) -> None:
        """Say *samples* after what is still to be said."""
        self._to_say = np.concatenate([self._to_say, samples])

    def hum(self, frequency: float, *, amplitude: int = 6000) -> None:
        """Say one tone without end."""
        self._forever = tone(frequency, 1.0, amplitude=amplitude)

    def send(self, payload: bytes, *, payload_type: int, timestamp: int, marker: bool = False) -> None:
        """Send one packet of any kind, as the next of the stream."""
        second = payload_type | (0x80 if marker else 0)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.send_raw(_HEADER.pack(0x80, second, self.sequence, timestamp, self.ssrc) + payload)

    def send_raw(self, datagram: bytes) -> None:
        """Send any octets at all."""
        if self.remote is None:
            return
        if datagram:
            self._transport.sendto(datagram, self.remote)
            return
        # asyncio before 3.12 swallows empty datagrams.
        with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as bare:
            bare.sendto(b"", self.remote)

    async def hear(self, seconds: float, *, limit: float = 20.0) -> Pcm:
        """Return the next *seconds* of audio that come from now on, in order of arrival."""
        start = len(self.heard)
        async with asyncio.timeout(limit):
            while True:
                audio = [packet for packet in self.heard[start:] if packet.payload_type in _EXPAND]
                if sum(len(packet.payload) for packet in audio) >= seconds * RATE:
                    return self.decode(audio)
                self._came.clear()
                await self._came.wait()

    async def talk(self, seconds: float, *, limit: float = 20.0) -> None:
        """Wait until *seconds* more have been said."""
        packets = self.sent + round(seconds * RATE / self._frame)
        async with asyncio.timeout(limit):
            while self.sent < packets:
                self._went.clear()
                await self._went.wait()

    async def until(self, claim: Callable[[Heard], bool], *, limit: float = 10.0) -> Heard:
        """Return the first packet, from now on, of which *claim* is true."""
        start = len(self.heard)
        async with asyncio.timeout(limit):
            while True:
                for packet in self.heard[start:]:
                    start += 1
                    if claim(packet):
                        return packet
                self._came.clear()
                await self._came.wait()

    @staticmethod
    def decode(packets: list[Heard]) -> Pcm:
        """Expand G.711 packets to one run of samples."""
        parts = [_EXPAND[packet.payload_type][np.frombuffer(packet.payload, np.uint8)] for packet in packets]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep a packet; another telephone's reports may come here too, if its port is the one below."""
        if len(data) < _HEADER.size or data[1] in _REPORTS:
            return
        _, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        self.heard.append(Heard(addr, second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[_HEADER.size :]))
        self._came.set()

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number * self._frame / RATE - loop.time()))
            samples = self._next_samples()
            if self.speaking:
                self._send_audio(number, samples)
            self.timestamp = (self.timestamp + self._frame) & 0xFFFFFFFF

    def _next_samples(self) -> Pcm:
        if self._forever is not None:
            start, self._said = self._said, self._said + self._frame
            return self._forever.take(np.arange(start, start + self._frame), mode="wrap")
        now, self._to_say = self._to_say[: self._frame], self._to_say[self._frame :]
        return np.pad(now, (0, self._frame - len(now)))

    def _send_audio(self, number: int, samples: Pcm) -> None:
        self.sequence = (self.sequence + 1) & 0xFFFF
        kind = _PAYLOAD_TYPES[self.law]
        payload = _COMPRESS[self.law][samples.astype(np.int32) + 32768].tobytes()
        datagram = _HEADER.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + payload
        self.sent += 1
        self._went.set()
        if not self._passes(number):
            return
        if self._swap_every and number % self._swap_every == 0:
            self._held_back = datagram
            return
        self.send_raw(datagram)
        if self._held_back is not None:
            self.send_raw(self._held_back)
            self._held_back = None
