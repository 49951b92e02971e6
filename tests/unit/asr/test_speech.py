from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.domain.errors import OurMistake, Unavailable
from gateway.speech import EDGE, RATE, Voice, at_level, pinyin, say, trimmed


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("着火了", "zhao2 huo3 le5"),
        ("银行，行人", "yin2 hang2 , xing2 ren2"),
        ("拨打119", "bo1 da3 yao1 yao1 jiu3"),
        ("12345热线", "yi1 er4 san1 si4 wu3 re4 xian4"),
        ("女儿 救命！", "nv3 er2 , jiu4 ming4 ."),
    ],
)
def test_characters_are_spelled_as_they_are_spoken(text: str, spelled: str) -> None:
    assert pinyin(text) == spelled


def test_speech_is_brought_to_its_level_however_long_the_pauses() -> None:
    speech = np.random.default_rng(3).normal(0, 0.01, RATE).astype(np.float32)
    pauses = np.zeros(9 * RATE, np.float32)

    samples = at_level(np.concatenate([pauses, speech]))

    loud = samples[9 * RATE :].astype(np.float64) / 32767
    assert 20 * np.log10(np.sqrt((loud**2).mean())) == pytest.approx(-20, abs=0.1)


def test_silence_stays_silence() -> None:
    silence = at_level(np.zeros(RATE, np.float32))

    assert not silence.any()
    assert len(trimmed(silence)) == RATE


def test_silence_around_speech_is_cut_to_a_short_edge() -> None:
    samples = np.zeros(10 * RATE, np.int16)
    samples[4 * RATE : 5 * RATE] = 5000

    assert len(trimmed(samples)) == pytest.approx((1 + 2 * EDGE) * RATE, abs=2)


def test_without_espeak_ng_nothing_can_be_spoken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unavailable, match="espeak-ng"):
        say("您好", Voice(), tmp_path / "words.wav")


@pytest.mark.peer("espeak-ng")
def test_what_is_spoken_is_a_telephone_wav(tmp_path: Path) -> None:
    say("您好，请说。", Voice(), tmp_path / "words.wav")

    with wave.open(str(tmp_path / "words.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert 1.0 < file.getnframes() / RATE < 4.0


@pytest.mark.peer("espeak-ng")
def test_a_voice_that_crashes_espeak_ng_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(OurMistake, match="rob"):
        say("您好", Voice(variant="rob"), tmp_path / "words.wav")
