"""`jiesu evaluate` measures what it is told to, and says plainly what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main


def written(folder: Path, *lines: Any) -> str:
    path = folder / "truth.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return str(path)


def figures(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["evaluate", *words, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_emergencies_are_counted_with_misses_and_false_alarms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(
        tmp_path,
        {"text": "我家着火了快来人", "lines": ["119"]},
        {"text": "嗯嗯嗯", "lines": ["120"]},
        {"text": "路灯不亮", "lines": []},
        {"text": "有人持刀砍人", "lines": []},
    )

    got = figures(capsys, "emergency", path)

    assert (got["n"], got["recall"], got["false_per_1000"]) == (4, 0.5, 500.0)
    assert got["classes"]["119"]["recall"] == 1.0
    assert [miss["text"] for miss in got["misses"]] == ["嗯嗯嗯"]
    assert got["false_alarm_cases"][0]["evidence"][0]["line"] == "110"


def test_labels_may_be_ids_or_chinese_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"text": "我家停水三天了", "class": "供水"}, {"text": "家里停水", "class": "water_supply"})

    got = figures(capsys, "class", path)

    assert (got["n"], got["accuracy"], got["macro_f1"]) == (2, 1.0, 1.0)


def test_elements_are_compared_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"text": "我家停水三天了，希望尽快修好", "elements": {"time": "三天", "place": "人民路"}})

    got = figures(capsys, "elements", path)

    assert got["accuracy"] == 0.5
    assert got["misses"][0]["element"] == "place"


def test_noise_is_the_same_for_the_same_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"text": "厨房里火很大你们快来救人", "lines": ["122"]})
    words = ("emergency", path, "--asr-noise", "0.5", "--seed", "3")

    assert figures(capsys, *words)["misses"] == figures(capsys, *words)["misses"]


@pytest.mark.parametrize(
    ("task", "line", "says"),
    [
        ("emergency", "{", ":1: is not JSON"),
        ("emergency", "[]", ":1: expected an object"),
        ("emergency", {"text": "着火了"}, ":1: lines: is missing"),
        ("emergency", {"text": "着火了", "lines": "119"}, ":1: lines: expected a list"),
        ("emergency", {"lines": []}, ":1: text: is missing"),
        ("category", {"text": "停水", "category": "骂人"}, ":1: category: there is no '骂人'"),
        ("elements", {"text": "停水", "elements": {"who": "我"}}, ":1: elements.who: expected one of time"),
        ("emergency", "", "holds no example"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str, line: Any, says: str
) -> None:
    assert main(["evaluate", task, written(tmp_path, line)]) == 2
    assert says in capsys.readouterr().err


def test_an_unknown_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"text": "着火了", "lines": ["119"]})

    assert main(["evaluate", "emergency", path, "--model", "oracle"]) == 2
    assert "--model oracle" in capsys.readouterr().err
