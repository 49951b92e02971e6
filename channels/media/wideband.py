"""G.722 (RFC 3551 4.5.2): spoken with far ends that want it, heard at the telephone bandwidth of everything here.

The codec splits sound into two bands; its lower one is 8 kHz sound of itself, and that is what the legs' matrix holds.
A frame of 20 ms is 160 octets, and its timestamp counts 8000 a second although the codec's clock is 16 kHz.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from G722 import G722

from channels.media.g711 import Pcm

KIND: Final = 2
"""The number of this codec, beside those of `g711.Law`."""
PAYLOAD_TYPE: Final = 9

_BITS_PER_SECOND: Final = 64000
_RATE: Final = 8000


class WidebandCodec:
    """Both directions of one leg; each octet is a sample at 8 kHz."""

    def __init__(self) -> None:
        self._encoder = G722(_RATE, _BITS_PER_SECOND)
        self._decoder = G722(_RATE, _BITS_PER_SECOND)

    def encode(self, frame: Pcm) -> bytes:
        """Compress int16 samples, an octet a sample."""
        octets: bytes = self._encoder.encode(frame)
        return octets

    def decode(self, payload: bytes) -> Pcm:
        """Expand one payload to int16 [len(payload)]."""
        return np.array(self._decoder.decode(payload), np.int16)
