"""`jiesu gazetteer` on files of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main

SAMPLE = "config/gazetteers/sample.csv"


def test_what_is_imported_is_found_by_what_a_citizen_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'[node]\ndata = "{tmp_path}/data"\n[understanding]\ngazetteer = "data/gazetteer.json"\n', encoding="utf-8"
    )
    assert main(["gazetteer", "import", SAMPLE, "--config", str(config)]) == 0
    assert "28 places (7 area, 12 road, 6 estate, 3 landmark)" in capsys.readouterr().out

    assert main(["gazetteer", "lookup", "我住长清小去三号楼", "--config", str(config)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "长清小去\t长青小区\testate\t松山区\t42.2805,118.9188\t0.97",
        "地点：松山区长青小区三号楼",
    ]
    assert main(["gazetteer", "lookup", "你好", "--config", str(config)]) == 1
    assert capsys.readouterr().out == "地点：-\n"


def test_a_bad_file_and_none_at_all_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.csv").write_text("名称,所属区域\n中山路,火星区\n", encoding="utf-8")
    config = tmp_path / "gateway.toml"
    config.touch()

    assert main(["gazetteer", "import", str(tmp_path / "bad.csv"), "--output", str(tmp_path / "out.json")]) == 2
    assert "bad.csv:2: area = '火星区'" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
    assert main(["gazetteer", "lookup", "你好", "--config", str(config)]) == 2
    assert "no gazetteer" in capsys.readouterr().err


def test_finding_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gazetteer", "measure", "--places", "50"]) == 0
    assert "a text of 100 characters" in capsys.readouterr().out
