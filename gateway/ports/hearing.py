"""Speech recognition as the services see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.call import LegId
from gateway.domain.transcript import Gap, Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Which model listens: its name, its kind (``configured``, ``official``, ``demo``) and that in plain Chinese."""

    name: str
    kind: str
    words_zh: str


class Recognition(Protocol):
    """The hearing of one leg."""

    def hear(self, pcm: bytes, at: float) -> None:
        """Take int16 little-endian 8 kHz PCM whose first sample was said at *at* seconds of the call. Never blocks."""
        ...

    async def finish(self) -> None:
        """Flush the last words; the iteration ends after them."""
        ...

    def __aiter__(self) -> AsyncIterator[Utterance | Gap]:
        """Yield partial and final utterances, and the gaps that no recogniser heard."""
        ...


class Recognizer(Protocol):
    """Speech recognition that may die and come back without a call noticing."""

    @property
    def model(self) -> ModelDescription:
        """The model that listens."""
        ...

    @property
    def available(self) -> bool:
        """Whether anything listens at this moment."""
        ...

    def listen(self, leg_id: LegId) -> Recognition:
        """Begin to hear a leg."""
        ...
