"""Listening to a call again (录音回放): the files of its recordings, read piece by piece.

A recording has two tracks, left who it is named after, right what that party heard; its sample 0 is the call's 0.0. It
is a WAV from the first second of the call on, and Opus (Ogg) once the archive has packed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import Refused
from gateway.ports.memory import CallLeg

MEDIA_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording on disk; ``size`` in octets."""

    leg: CallLeg
    path: Path
    size: int

    @property
    def media_type(self) -> str:
        """What kind of sound it is."""
        return MEDIA_TYPES[self.path.suffix]

    def read(self, start: int, stop: int) -> bytes:
        """Return octets [start, stop); blocks on the disk. Raises `Refused` when they are not there."""
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                octets = file.read(stop - start)
        except OSError as error:
            raise Refused(f"recording {self.path.name} cannot be read") from error
        if len(octets) < stop - start:
            raise Refused(f"recording {self.path.name} has become shorter")
        return octets


def recording_of(leg: CallLeg, folder: Path) -> Recording | None:
    """Find a leg's recording below *folder*; None if it has none that can be heard. Blocks on the disk."""
    if not leg.recording:
        return None
    root = folder.resolve()
    path = (root / leg.recording).resolve()
    try:
        size = path.stat().st_size
    except OSError:
        return None
    if not path.is_relative_to(root) or path.suffix not in MEDIA_TYPES or not size:
        return None
    return Recording(leg=leg, path=path, size=size)
