"""What a leg has beside its columns in the matrices of the switch, and a prompt on its way to it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from channels.media.address import Address
from channels.media.dtmf import DigitReceiver, DigitSender
from channels.media.g711 import Pcm
from channels.media.latch import Latch
from channels.media.outbound import FRAME
from channels.media.quality import Reporter
from channels.media.secure import SecureStream


@dataclass(slots=True)
class Player:
    """A prompt on its way to one leg."""

    number: int
    samples: Pcm
    position: int
    loop: bool
    over_bridge: bool

    def next_frame(self) -> Pcm:
        """Return the next 160 samples, short at the end of a prompt that is not a loop."""
        start, stop = self.position, self.position + FRAME
        self.position = stop
        if not self.loop:
            return self.samples[start:stop]
        self.position = stop % len(self.samples)
        return self.samples.take(np.arange(start, stop), mode="wrap")


@dataclass(slots=True)
class Row:
    """One leg."""

    leg: str
    index: int
    latch: Latch = field(default_factory=Latch)
    bridge: str | None = None
    heard: bool = True
    whispers_to: str | None = None
    telephone_event: int | None = None
    keys_in: DigitReceiver = field(default_factory=DigitReceiver)
    keys_out: DigitSender = field(default_factory=DigitSender)
    player: Player | None = None
    foreign: int = 0
    secure: SecureStream | None = None
    rtcp: Address | None = None
    """Where the far end takes reports, if not one port above its RTP port."""
    reporter: Reporter = field(default_factory=lambda: Reporter(f"{random.getrandbits(96):024x}"))
