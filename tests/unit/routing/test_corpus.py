from __future__ import annotations

import json
import tomllib
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from routing.noise import misheard
from tests.fakes.routing import shipped_detector, shipped_lexicons

CORPORA = Path(__file__).resolve().parents[2] / "data" / "emergency"


@pytest.mark.parametrize(("corpus", "recall", "precision"), [("development", 0.98, 0.98), ("held_out", 0.85, 0.90)])
def test_the_lexicon_keeps_its_level(corpus: str, recall: float, precision: float) -> None:
    content = tomllib.loads((CORPORA / f"{corpus}.toml").read_text(encoding="utf-8"))
    labelled = [(set(lines.split("+")), text) for lines, texts in content["emergency"].items() for text in texts]

    found = sum(lines <= {str(hit.line) for hit in shipped_detector().look(text)} for lines, text in labelled)
    false_alarms = sum(bool(shipped_detector().look(text)) for text in content["ordinary"]["texts"])

    assert found / len(labelled) >= recall
    assert found / (found + false_alarms) >= precision


def test_no_sentence_stands_in_both_halves() -> None:
    halves = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(CORPORA.glob("*.toml"))]

    texts = [[*half["ordinary"]["texts"], *(t for ts in half["emergency"].values() for t in ts)] for half in halves]

    assert not set(texts[0]) & set(texts[1])


@pytest.mark.parametrize(
    ("half", "noise", "recall", "most_false"),
    [("tuning", 0.0, 0.98, 1), ("held_out", 0.0, 0.98, 5), ("tuning", 0.08, 0.93, 9), ("held_out", 0.08, 0.92, 12)],
)
def test_described_emergencies_are_found_whatever_their_words(
    half: str, noise: float, recall: float, most_false: int
) -> None:
    random = Random(1)
    sounds = shipped_lexicons().emergency.sounds
    told = [(set(lines), misheard(text, noise, sounds, random)) for text, lines in sentences(half)]

    found = [lines <= {str(hit.line) for hit in shipped_detector().look(text)} for lines, text in told if lines]
    false_alarms = sum(bool(shipped_detector().look(text)) for lines, text in told if not lines)

    assert sum(found) / len(found) >= recall
    assert false_alarms <= most_false


def test_the_halves_are_parted_by_their_rule() -> None:
    for half, remainder in (("tuning", 0), ("held_out", 1)):
        assert {sha256(text.encode()).digest()[0] % 2 for text, _ in sentences(half)} == {remainder}


def test_what_offices_are_asked_for_raises_no_alarm() -> None:
    alarms = [text for text, _ in sentences("ordinary") if shipped_detector().look(text)]

    assert len(alarms) <= 3


def sentences(half: str) -> list[tuple[str, list[str]]]:
    lines = (CORPORA / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [(content["text"], content["lines"]) for content in map(json.loads, lines)]
