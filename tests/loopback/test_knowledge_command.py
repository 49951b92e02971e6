"""`jiesu knowledge` on a database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main

GUIDES, NOTICES = "config/knowledge/sample_guides.toml", "config/knowledge/sample_notices.toml"


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    path = tmp_path / "gateway.toml"
    path.write_text(f'[node]\ndata = "{tmp_path}/data"\nprofile = "zhuhai-2023"\n', encoding="utf-8")
    return ["--config", str(path)]


def test_what_is_imported_is_found_by_what_a_citizen_says(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["knowledge", "import", GUIDES, NOTICES, *config]) == 0
    assert "new, 0 changed, 0 unchanged" in capsys.readouterr().out
    assert main(["knowledge", "search", "老板拖欠", "工资不给", *config]) == 0
    found = capsys.readouterr().out
    assert found.index("被拖欠工资怎么投诉") < found.index("命中：")
    assert main(["knowledge", "search", "火星移民", *config]) == 1
    assert "没有找到" in capsys.readouterr().out


def test_the_same_file_again_changes_nothing(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["knowledge", "import", GUIDES, *config])
    capsys.readouterr()

    assert main(["knowledge", "import", GUIDES, *config]) == 0
    assert "0 new, 0 changed" in capsys.readouterr().out


def test_stale_articles_are_listed_with_the_rule_and_their_owners_asked(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["knowledge", "import", GUIDES, *config])
    capsys.readouterr()

    assert main(["knowledge", "list", "--stale", "--ask", *config]) == 0
    out, err = capsys.readouterr()
    assert "dog-licence" in out
    assert "asked: K" in out
    assert "ago" in err
    assert main(["knowledge", "list", *config]) == 0
    assert "water-outage" in capsys.readouterr().out


def test_a_draft_is_not_found(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", "import", GUIDES, "--draft", *config]) == 0
    assert main(["knowledge", "search", "停水", *config]) == 1


def test_what_is_exported_can_be_imported(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["knowledge", "import", GUIDES, NOTICES, *config])
    file = tmp_path / "all.csv"
    assert main(["knowledge", "export", str(file), *config]) == 0
    capsys.readouterr()

    assert main(["knowledge", "import", str(file), *config]) == 0
    assert "0 new, 0 changed" in capsys.readouterr().out
    assert main(["knowledge", "export", *config]) == 0
    assert capsys.readouterr().out.startswith("id,title,unit,body")


def test_a_file_that_cannot_be_used_is_one_line(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("id,title\n", encoding="utf-8")

    assert main(["knowledge", "import", str(bad), *config]) == 2
    assert capsys.readouterr().err == (
        f"jiesu: {bad}:1: column 'unit' is missing; expected id, title, unit, body, kind, questions, keywords, "
        "matters, categories, valid_from, valid_until, place, contact, source, confirmed\n"
    )
