"""The WAV files in the repository against the catalogues that say what they contain."""

from __future__ import annotations

import tomllib
import wave
from pathlib import Path

import numpy as np
import pytest
import vosk

from asr.models import DEMO_MODEL
from scripts.synthesise import HOME, PROMPTS, SPEAKERS, heard_through_g711, recipes

LINES = tomllib.loads(SPEAKERS.read_text(encoding="utf-8"))["line"]
PROMPT_IDS = {prompt["id"] for prompt in tomllib.loads(PROMPTS.read_text(encoding="utf-8"))["prompt"]}


@pytest.fixture(scope="module")
def model() -> vosk.Model:
    vosk.SetLogLevel(-1)
    return vosk.Model(str(DEMO_MODEL))


@pytest.mark.parametrize("path", [path for path, _ in recipes()], ids=lambda path: path.name)
def test_every_listed_file_is_a_telephone_wav(path: Path) -> None:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert 0.2 < file.getnframes() / 8000 < 15.0


def test_no_file_is_there_that_no_catalogue_lists() -> None:
    listed = {path for path, _ in recipes()}

    assert {*PROMPTS.parent.glob("*.wav"), *SPEAKERS.parent.glob("*.wav")} == listed


def test_every_emergency_line_has_its_three_prompts() -> None:
    needed = {f"{prompt}_{line}" for line in (110, 119, 120, 122) for prompt in _OF_A_LINE}

    assert needed <= PROMPT_IDS


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["file"])
def test_the_demo_model_hears_every_demo_speaker_through_both_laws(line: dict[str, str], model: vosk.Model) -> None:
    with wave.open(str(SPEAKERS.parent / line["file"])) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    said = line["words"].translate(str.maketrans("", "", "，。"))

    assert dict(heard_through_g711(model, samples)) == {"PCMU": said, "PCMA": said}


def test_every_sentence_of_the_benchmark_can_be_heard_at_all() -> None:
    sentences = tomllib.loads((HOME / "benchmarks" / "emergency_sentences.toml").read_text(encoding="utf-8"))
    vocabulary = {line.split()[0] for line in (DEMO_MODEL / "graph" / "words.txt").read_text().splitlines()}

    for sentence in [*sentences["emergency"], *sentences["harmless"]]:
        for clause in sentence["text"].translate(str.maketrans("，。", "  ")).split():
            assert _is_made_of(clause, vocabulary), clause
    assert len({sentence["text"] for sentence in sentences["emergency"]}) == 50
    assert all(sentence["phrase"] in sentence["text"] for sentence in sentences["emergency"])


_OF_A_LINE = ("emergency_connecting", "emergency_exhausted", "desk_brief")


def _is_made_of(text: str, vocabulary: set[str]) -> bool:
    return not text or any(
        text[:length] in vocabulary and _is_made_of(text[length:], vocabulary) for length in range(1, len(text) + 1)
    )
