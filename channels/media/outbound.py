"""The sending half of all legs: one RTP stream a row, whose numbers go on through re-INVITEs, holds and stalls."""

from __future__ import annotations

import random
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import comfort_noise, g711, rtp, secure, wideband
from channels.media.dtmf import EventPacket
from channels.media.g711 import Pcm
from channels.media.quality import Sending

FRAME: Final = 160
PACKET_SIZE: Final = rtp.HEADER_SIZE + FRAME

Rows = npt.NDArray[np.int64]


class Outbound:
    """The columns of what legs send."""

    def __init__(self, capacity: int) -> None:
        self.packets = np.zeros((capacity, PACKET_SIZE + secure.MOST_ADDED), np.uint8)
        """The packets of the last step, one a row, and in `sizes` their lengths in octets."""
        self.sizes = np.full(capacity, PACKET_SIZE, np.int64)
        self.sends = np.zeros(capacity, bool)
        self.sent = np.zeros(capacity, np.int64)
        self._laws = np.zeros(capacity, np.uint8)
        self._wideband: dict[int, wideband.WidebandCodec] = {}
        self._types = np.zeros(capacity, np.uint8)
        self._sequence = np.zeros(capacity, np.uint16)
        self._timestamp = np.zeros(capacity, np.uint32)
        self._ssrc = np.zeros(capacity, np.uint32)
        self._marker = np.ones(capacity, bool)
        self._may_be_quiet = np.zeros(capacity, bool)
        self._any_may_be_quiet = False
        self._quiet_for = np.zeros(capacity, np.int64)

    def clear(self, row: int) -> None:
        """Give *row* a new stream with numbers drawn by lot (RFC 3550 5.1), which does not flow yet."""
        self._sequence[row] = random.getrandbits(16)
        self._timestamp[row] = random.getrandbits(32)
        self._ssrc[row] = random.getrandbits(32)
        self._marker[row] = True
        self._wideband.pop(row, None)
        self.sends[row] = self._may_be_quiet[row] = False
        self.sent[row] = self._quiet_for[row] = 0

    def speak(self, row: int, law: int, payload_type: int, *, sends: bool, comfort_noise: bool = False) -> None:
        """Let the stream of *row* flow in this law (or `wideband.KIND`) under this payload type, or stop it.

        *comfort_noise* says that the far end understands RFC 3389: its silence is then announced instead of sent.
        """
        self._may_be_quiet[row] = comfort_noise
        self._any_may_be_quiet = bool(self._may_be_quiet.any())
        self._quiet_for[row] = 0
        if law != wideband.KIND:
            self._laws[row] = law
            self._wideband.pop(row, None)
        elif row not in self._wideband:
            self._wideband[row] = wideband.WidebandCodec()
        self._types[row] = payload_type
        self.sends[row] = sends

    def timestamp(self, row: int) -> int:
        """Return the timestamp of the coming frame of *row*."""
        return int(self._timestamp[row])

    def sending(self, row: int) -> Sending:
        """Return what RTCP reports of the stream of *row*."""
        packets = int(self.sent[row])
        return Sending(int(self._ssrc[row]), int(self._timestamp[row]), packets, packets * FRAME)

    def event_packet(self, row: int, payload_type: int, event: EventPacket) -> bytes:
        """Return the packet of a telephone event that takes the place of the coming audio packet of *row*."""
        self._quiet_for[row] = 0
        sequence, ssrc = int(self._sequence[row]), int(self._ssrc[row])
        return rtp.Packet(payload_type, sequence, event.timestamp, ssrc, event.payload, event.marker).encode()

    def put(self, row: int, packet: bytes) -> None:
        """Let *packet* take the place of the audio packet of *row* in this step."""
        self.packets[row, : len(packet)] = np.frombuffer(packet, np.uint8)
        self.sizes[row] = len(packet)

    def step(self, frames: Pcm) -> Rows:
        """Make the packets of one step from *frames*, int16 [rows, 160]; return the rows that send one."""
        rows = len(frames)
        sends = self.sends[:rows]
        packets = self.packets[:rows]
        packets[:, rtp.HEADER_SIZE : PACKET_SIZE] = g711.encode(frames, self._laws[:rows])
        for row, codec in self._wideband.items():
            packets[row, rtp.HEADER_SIZE : PACKET_SIZE] = np.frombuffer(codec.encode(frames[row]), np.uint8)
        numbers = self._sequence[:rows], self._timestamp[:rows], self._ssrc[:rows]
        rtp.write_headers(packets, rtp.Headers(self._types[:rows], self._marker[:rows], *numbers))
        self.sizes[:rows] = PACKET_SIZE
        if self._any_may_be_quiet:
            sends = self._keep_quiet(frames, sends)
        self._sequence[:rows] += sends
        self._timestamp[:rows] += np.uint32(FRAME)
        self._marker[:rows] = ~sends | (self._quiet_for[:rows] >= comfort_noise.HANGOVER)
        self.sent[:rows] += sends
        return np.flatnonzero(sends)

    def _keep_quiet(self, frames: Pcm, sends: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Announce the silence of those who may be quiet; return which rows still send in this step."""
        able = np.flatnonzero(self._may_be_quiet[: len(frames)] & sends)
        loudness = comfort_noise.loudness(frames[able])
        quiet_for = np.where(loudness <= comfort_noise.QUIET, self._quiet_for[able] + 1, 0)
        self._quiet_for[able] = quiet_for
        over = quiet_for - comfort_noise.HANGOVER
        announce = (over >= 0) & (over % comfort_noise.UPDATE == 0)
        told = able[announce]
        self.packets[told, 1] = comfort_noise.PAYLOAD_TYPE
        self.packets[told, rtp.HEADER_SIZE] = comfort_noise.levels(loudness[announce])
        self.sizes[told] = rtp.HEADER_SIZE + 1
        still = sends.copy()
        still[able[(over >= 0) & ~announce]] = False
        return still

    def skip(self, steps: int) -> None:
        """Let *steps* steps pass in which nothing was sent."""
        self._timestamp += np.uint32(steps * FRAME & 0xFFFFFFFF)
        self._marker[:] = True
