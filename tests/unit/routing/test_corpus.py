from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.fakes.routing import shipped_detector

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
