from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Refused
from gateway.services.recordings import HEADER_SIZE, Sound, header, mixed, open_track


def track(folder: Path, name: str, samples: list[int], *, stated: int | None = None) -> Path:
    path = folder / name
    content = np.array(samples, "<i2").tobytes()
    path.write_bytes(header(len(samples) if stated is None else stated) + content)
    return path


def test_mixing_adds_fills_up_with_silence_and_clips() -> None:
    parts = [np.array([1, 30_000, -30_000], np.int16), np.array([2, 30_000], np.int16)]

    assert mixed(parts, 4).tolist() == [3, 32_767, -30_000, 0]


def test_the_header_is_a_wav_that_others_read() -> None:
    with wave.open(io.BytesIO(header(3) + bytes(6))) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate(), read.getnframes()) == (1, 2, 8000, 3)


def test_a_recording_cut_off_by_a_crash_is_as_long_as_its_file(tmp_path: Path) -> None:
    assert open_track(track(tmp_path, "cut.wav", [1, 2, 3], stated=0)).samples == 3


def test_samples_are_found_behind_other_chunks(tmp_path: Path) -> None:
    path = tmp_path / "listed.wav"
    plain = header(2) + b"\1\0\2\0"
    path.write_bytes(plain[:36] + b"LIST\3\0\0\0abc\0" + plain[36:])

    assert Sound.of([path]).read(HEADER_SIZE, HEADER_SIZE + 4) == b"\1\0\2\0"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a wav at all", header(1).replace(b"\x40\x1f", b"\x80\x3e")])
def test_what_is_no_such_wav_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(content)

    with pytest.raises(Refused):
        open_track(path)
    assert Sound.of([path, tmp_path / "missing.wav"]).tracks == ()


@given(start=st.integers(0, 70), length=st.integers(1, 70))
def test_any_part_read_is_that_part_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    sound = Sound.of([track(folder, "a.wav", [*range(10)]), track(folder, "b.wav", [100, 200, 300])])
    whole = sound.read(0, sound.size)

    assert len(whole) == sound.size == HEADER_SIZE + 20
    assert sound.read(start, start + length) == whole[start : start + length]
