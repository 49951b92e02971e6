"""A recording is packed whole, with a hash that can be checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from channels.media import wav
from channels.media.g711 import Pcm
from channels.media.packing import Unpackable, pack


def write(path: Path, seconds: float) -> Path:
    turns = 2 * np.pi * np.arange(round(seconds * 8000)) / 8000
    tracks = np.stack([8000 * np.sin(500 * turns), 8000 * np.sin(1100 * turns)], axis=1).astype("<i2")
    path.write_bytes(wav.header(len(tracks), tracks=2) + tracks.tobytes())
    return path


def level(samples: Pcm, frequency: float) -> float:
    turns = 2 * np.pi * frequency * np.arange(len(samples)) / 8000
    return float(2 * abs(np.mean(samples * np.exp(-1j * turns))))


def test_both_tracks_are_packed_at_their_places_and_the_hash_is_the_files(tmp_path: Path) -> None:
    packed = pack(write(tmp_path / "call.wav", 5.0))
    assert packed is not None
    samples, rate = soundfile.read(packed.path, dtype="int16")

    assert (rate, samples.shape, packed.seconds, packed.tracks) == (8000, (40000, 2), 5.0, 2)
    assert packed.sha256 == hashlib.sha256(packed.path.read_bytes()).hexdigest()
    assert packed.path.stat().st_size < 80000 // 2
    for track, frequency, other in ((0, 500, 1100), (1, 1100, 500)):
        heard = samples[8000:, track]
        assert 6500 < level(heard, frequency) < 9000
        assert level(heard, other) < 500


def test_a_recording_cut_off_by_a_kill_is_packed_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", 2.0)
    path.write_bytes(path.read_bytes()[: -4 * 1000 - 1])

    packed = pack(path)
    assert packed is not None
    assert 1.8 < packed.seconds <= 2.0


@pytest.mark.parametrize("octets", [0, len(wav.header(0, tracks=2)), len(wav.header(0, tracks=2)) + 3])
def test_a_recording_without_a_sample_is_packed_as_nothing(tmp_path: Path, octets: int) -> None:
    path = write(tmp_path / "call.wav", 2.0)
    path.write_bytes(path.read_bytes()[:octets])

    assert pack(path) is None
    assert [each.name for each in tmp_path.iterdir()] == ["call.wav"]


def test_what_is_no_recording_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF nonsense")
    with pytest.raises(Unpackable, match=r"call\.wav"):
        pack(path)
    with pytest.raises(Unpackable):
        pack(tmp_path / "absent.wav")

    assert [each.name for each in tmp_path.iterdir()] == ["call.wav"]
