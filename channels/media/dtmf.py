"""Keys pressed on a telephone: RTP telephone events (RFC 4733 2.5), and tones (ITU-T Q.23) for peers without them.

A press is several packets of one RTP timestamp. It is reported once, at the first packet that arrives, so neither
repeated nor lost end packets matter. Events other than the sixteen keys are ignored.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from channels.media.g711 import Pcm

KEYS: Final = "0123456789*#ABCD"
"""The keys in the order of their event codes, RFC 4733 3.2."""

FRAME: Final = 160
PRESS: Final = 800
PAUSE: Final = 480

_EVENT: Final = struct.Struct("!BBH")
_END: Final = 0x80
_VOLUME: Final = 10
_LONGEST_SEGMENT: Final = 0xFFFF
_END_PACKETS: Final = 3
_ROWS: Final = (697, 770, 852, 941)
_COLUMNS: Final = (1209, 1336, 1477, 1633)
_KEYPAD: Final = "123A456B789C*0#D"


class DigitReceiver:
    """The telephone events of one leg."""

    __slots__ = ("_event", "_expected_segment", "_known")

    def __init__(self) -> None:
        """Start with no key pressed."""
        self._known: deque[int] = deque(maxlen=8)
        self._event = -1
        self._expected_segment: int | None = None

    def receive(self, payload: bytes, timestamp: int) -> str | None:
        """Take one packet; return the key if this is the first that is heard of its press."""
        if len(payload) < _EVENT.size:
            return None
        event, flags, duration = _EVENT.unpack_from(payload)
        if event >= len(KEYS):
            return None
        continues = event == self._event and timestamp == self._expected_segment
        is_new = timestamp not in self._known and not continues
        if timestamp not in self._known:
            self._known.append(timestamp)
            self._event = event
        if timestamp == self._known[-1]:
            goes_on = duration == _LONGEST_SEGMENT and not flags & _END
            self._expected_segment = (timestamp + duration) & 0xFFFFFFFF if goes_on else None
        return KEYS[event] if is_new else None


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One telephone-event packet to be sent: ``timestamp`` is that of the press."""

    timestamp: int
    payload: bytes
    marker: bool


class DigitSender:
    """The keys that one leg is to press, one packet a tick."""

    __slots__ = ("_age", "_keys", "_timestamp")

    def __init__(self) -> None:
        """Start with nothing to press."""
        self._keys: deque[str] = deque()
        self._age = 0
        self._timestamp = 0

    def __bool__(self) -> bool:
        """Say whether anything is left to be sent, the pause after the last key included."""
        return bool(self._keys)

    def press(self, keys: str) -> None:
        """Add *keys*; raises ValueError for one that no telephone has."""
        unknown = set(keys) - set(KEYS)
        if unknown:
            raise ValueError(f"no such key: {''.join(sorted(unknown))!r}")
        self._keys.extend(keys)

    def packet(self, timestamp: int) -> EventPacket | None:
        """Return what to send instead of the audio frame at *timestamp*; None during the pause between keys."""
        age, key = self._age, self._keys[0]
        if age == 0:
            self._timestamp = timestamp
        self._advance()
        if age >= PRESS + (_END_PACKETS - 1) * FRAME:
            return None
        duration = min(age + FRAME, PRESS)
        end = _END if age + FRAME >= PRESS else 0
        return EventPacket(self._timestamp, _EVENT.pack(KEYS.index(key), end | _VOLUME, duration), age == 0)

    def tone(self) -> Pcm | None:
        """Return the frame of the two tones instead, int16 [160]; None during the pause between keys."""
        age, key = self._age, self._keys[0]
        self._advance()
        return tone(key, age, FRAME) if age < PRESS else None

    def _advance(self) -> None:
        self._age += FRAME
        if self._age >= PRESS + (_END_PACKETS - 1) * FRAME + PAUSE:
            self._keys.popleft()
            self._age = 0


def tone(key: str, start: int, length: int) -> Pcm:
    """Return the two tones of *key* (Q.23), from sample *start* on: int16 [length] at about -9 dBFS each."""
    row, column = divmod(_KEYPAD.index(key), 4)
    turns = 2 * np.pi * np.arange(start, start + length) / 8000
    wave = np.sin(turns * _ROWS[row]) + np.sin(turns * _COLUMNS[column])
    samples: Pcm = np.rint(11000 * wave).astype(np.int16)
    return samples
