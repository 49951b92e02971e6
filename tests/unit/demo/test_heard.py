"""Whose words a recording contains."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from channels.media.g711 import Law, decode_bytes, encode_bytes
from gateway.demo.heard import Hearing, Sentence, listen
from gateway.demo.report import sentences_of
from gateway.demo.stories import FIRE_PARTS, SPEECH, WATER_PARTS

Samples = npt.NDArray[np.int16]

CITIZEN = Sentence(party="citizen", path=SPEECH / "citizen_fire_2.wav")
DESK = Sentence(party="desk", path=SPEECH / "desk_119_1.wav")
BOTH = (CITIZEN, DESK)


def samples(sentence: Sentence) -> Samples:
    with wave.open(str(sentence.path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def carried(sentence: Sentence, law: Law = Law.PCMA) -> Samples:
    return decode_bytes(encode_bytes(samples(sentence), law), law)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * 8000), np.int16)


def recording(folder: Path, *stretches: Samples) -> Path:
    path = folder / "recording.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.concatenate(stretches).astype("<i2").tobytes())
    return path


def heard_in(path: Path) -> Hearing:
    return listen(path, BOTH)


def test_a_sentence_that_was_carried_is_heard_and_no_other(tmp_path: Path) -> None:
    hearing = heard_in(recording(tmp_path, silence(3.3), carried(CITIZEN), silence(9.0)))

    assert hearing.parties == ["citizen"]
    assert hearing.scores[CITIZEN] > 0.99
    assert hearing.scores[DESK] < 0.4


def test_the_other_law_makes_no_difference(tmp_path: Path) -> None:
    assert heard_in(recording(tmp_path, silence(1.0), carried(CITIZEN, Law.PCMU))).parties == ["citizen"]


def test_a_louder_or_softer_line_makes_no_difference(tmp_path: Path) -> None:
    assert heard_in(recording(tmp_path, silence(1.0), carried(CITIZEN) // 4)).parties == ["citizen"]


def test_both_are_heard_where_they_speak_at_once(tmp_path: Path) -> None:
    mixed = np.zeros(80_000, np.int32)
    for sentence, start in ((CITIZEN, 1000), (DESK, 40_000)):
        sound = carried(sentence)
        mixed[start : start + len(sound)] += sound

    assert heard_in(recording(tmp_path, mixed.astype(np.int16))).parties == ["citizen", "desk"]


def test_a_gap_and_a_shift_within_a_sentence_do_not_make_it_unheard(tmp_path: Path) -> None:
    sound = carried(CITIZEN)
    torn = [sound[:9000], silence(0.06), sound[9000:20_000], sound[20_160:]]

    assert heard_in(recording(tmp_path, silence(2.0), *torn)).parties == ["citizen"]


def test_a_third_of_a_sentence_is_not_heard(tmp_path: Path) -> None:
    sound = carried(CITIZEN)

    assert heard_in(recording(tmp_path, silence(2.0), sound[: len(sound) // 3], silence(5.0))).parties == []


@pytest.mark.parametrize("stretches", [(), (silence(0.02),), (silence(4.0),)])
def test_nothing_is_heard_in_silence_and_in_nothing(tmp_path: Path, stretches: tuple[Samples, ...]) -> None:
    hearing = heard_in(recording(tmp_path, silence(0.0), *stretches))

    assert hearing.parties == []
    assert hearing.margin == (1.0, 0.0)


def test_no_bundled_sentence_is_taken_for_another_partys(tmp_path: Path) -> None:
    for parts in (FIRE_PARTS, WATER_PARTS):
        sentences = sentences_of(parts)
        for sentence in sentences:
            hearing = listen(recording(tmp_path, silence(0.5), carried(sentence), silence(0.5)), sentences)

            assert hearing.parties == [sentence.party]
