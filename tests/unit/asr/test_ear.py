from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from asr.ear import Ear, Words
from asr.gate import PRE_ROLL

RATE = 8000
SPEECH = np.random.default_rng(2).normal(0, 3000, 20 * RATE).astype(np.int16)


@dataclass
class MeasuringEngine:
    """Understands every utterance as one word that spans exactly what it was fed since the last one."""

    rate: int = RATE
    reading: str = "你好"
    heard: int = 0
    since: int = 0
    ends_after: int = 10**9
    results: list[float] = field(default_factory=list)

    def AcceptWaveform(self, data: bytes) -> int:
        self.heard += len(data) // 2
        return int(self.heard - self.since > self.ends_after)

    def PartialResult(self) -> str:
        return json.dumps({"partial": self.reading})

    def FinalResult(self) -> str:
        start, end = self.since / self.rate, self.heard / self.rate
        self.since = self.heard
        return json.dumps({"result": [{"word": "你好", "start": start, "end": end}], "text": "你好"})


class Said:
    def __init__(self) -> None:
        self.finals: list[Words] = []
        self.partials: list[Words] = []

    def __call__(self, words: Words, is_final: bool) -> None:
        (self.finals if is_final else self.partials).append(words)


def hear(ear: Ear, at: float, samples: np.ndarray[tuple[int], np.dtype[np.int16]], step: int = 800) -> None:
    for start in range(0, len(samples), step):
        ear.hear(round(at * RATE) + start, samples[start : start + step].tobytes())


def silence(duration: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.zeros(int(duration * RATE), np.int16)


@pytest.mark.parametrize("step", [800, 160, 333], ids=["aligned", "frames", "odd"])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_times_are_those_of_the_call_however_much_silence_was_skipped(rate: int, step: int) -> None:
    said = Said()
    ear = Ear(MeasuringEngine(rate), rate, said)
    story = np.concatenate([silence(60), SPEECH[: 2 * RATE], silence(300), SPEECH[: 2 * RATE], silence(5)])

    hear(ear, 100.0, story, step)

    starts = [words[0].start for words in said.finals]
    ends = [words[0].end for words in said.finals]
    assert starts == pytest.approx([160.0 - 0.42, 462.0 - 0.42], abs=0.1)
    assert ends == pytest.approx([162.0 + 1.2, 464.0 + 1.2], abs=0.1)


def test_long_silence_costs_the_engine_nothing() -> None:
    engine = MeasuringEngine()
    ear = Ear(engine, RATE, Said())

    hear(ear, 0.0, silence(600))

    assert engine.heard == 0
    assert ear.settled == ear.taken == 600 * RATE


def test_the_soft_beginning_before_the_gate_opens_is_fed_too() -> None:
    engine = MeasuringEngine()
    ear = Ear(engine, RATE, Said())

    hear(ear, 0.0, np.concatenate([silence(3), SPEECH[:RATE]]))

    assert engine.heard == pytest.approx(RATE + PRE_ROLL * 160, abs=800)


def test_a_jump_in_time_ends_the_utterance_and_the_next_is_timed_anew() -> None:
    said = Said()
    ear = Ear(MeasuringEngine(), RATE, said)

    hear(ear, 0.0, SPEECH[:RATE])
    hear(ear, 50.0, SPEECH[:RATE])
    ear.finish()

    assert [(words[0].start, words[0].end) for words in said.finals] == [(0.0, 1.0), (50.0, 51.0)]


def test_an_utterance_the_engine_ends_is_followed_by_the_next_without_a_hole() -> None:
    said = Said()
    ear = Ear(MeasuringEngine(ends_after=2 * RATE), RATE, said)

    hear(ear, 5.0, SPEECH[: 5 * RATE])
    ear.finish()

    edges = [edge for words in said.finals for edge in (words[0].start, words[0].end)]
    assert edges == pytest.approx([5.0, 7.1, 7.1, 9.2, 9.2, 10.0])


def test_a_partial_is_said_only_when_it_reads_differently() -> None:
    said = Said()
    engine = MeasuringEngine(reading="我们")
    ear = Ear(engine, RATE, said)

    hear(ear, 0.0, SPEECH[:RATE])
    engine.reading = "我们 小区 [unk]"
    hear(ear, 1.0, SPEECH[:RATE])

    assert [[word.text for word in words] for words in said.partials] == [["我们"], ["我们", "小区"]]


def test_a_word_of_a_partial_keeps_its_time_when_the_words_after_it_change() -> None:
    said = Said()
    engine = MeasuringEngine(reading="着火 了")
    ear = Ear(engine, RATE, said)
    hear(ear, 0.0, SPEECH[:800])

    for reading in ("着火了", "着火 了 烟"):
        engine.reading = reading
        hear(ear, ear.taken / RATE, SPEECH[:800])

    first, *_, last = said.partials
    assert last[0] == first[0]
    assert last[2].start == first[1].end
    assert last[2].end == ear.taken / RATE


def test_unknown_words_are_not_passed_on() -> None:
    said = Said()
    engine = MeasuringEngine(reading="[unk]")

    hear(Ear(engine, RATE, said), 0.0, SPEECH[:RATE])

    assert said.partials == []
