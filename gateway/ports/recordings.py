"""Making a recording small enough to be kept, as the archive sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A packed recording: its file, the SHA-256 of that in hexadecimal, and its length in seconds."""

    path: Path
    sha256: str
    seconds: float


class Packer(Protocol):
    """Packs one recording at a time, out of everybody's way."""

    async def pack(self, recording: Path) -> Packed | None:
        """Pack a WAV to a file beside it; the WAV stays. None: it holds no sound.

        Raises `Unavailable` when that cannot be done.
        """
        ...
