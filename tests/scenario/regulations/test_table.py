"""docs/regulations.md against what it is written from."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import phrases
from config.profiles import FOLDER, read_file
from config.toml_file import TomlFile
from gateway.domain.case import COMMANDS
from scripts.regulations_table import NOTES, PROFILES, ROOT, STORIES, TABLE, written

ROWS = {row: name for name in PROFILES for row in read_file(FOLDER / f"{name}.toml").citations}
NOTED = TomlFile(NOTES).content


def has_stories(row: str) -> bool:
    return (ROOT / STORIES / ROWS[row] / f"{row}.jsonl").is_file()


def test_the_table_is_current() -> None:
    assert TABLE.read_text(encoding="utf-8") == written(), "run: python -m scripts.regulations_table"


def test_every_row_is_shown_or_honestly_listed_as_not_yet_kept() -> None:
    silent = [row for row in ROWS if not (has_stories(row) or row in NOTED["elsewhere"] or row in NOTED["not_yet"])]

    assert len(ROWS) == 117
    assert not silent


def test_what_is_listed_as_not_yet_kept_has_no_story() -> None:
    assert not [row for row in NOTED["not_yet"] if has_stories(row)]


@pytest.mark.parametrize("name", ["elsewhere", "partly", "people", "not_yet"])
def test_notes_are_about_rows(name: str) -> None:
    assert set(NOTED[name]) <= set(ROWS)


def test_tests_named_elsewhere_exist() -> None:
    assert all(Path(ROOT, place).is_file() for places in NOTED["elsewhere"].values() for place in places)


@pytest.mark.parametrize("row", ROWS)
def test_citations_are_the_regulations_own_words(row: str) -> None:
    published = "".join((ROOT / STORIES / ROWS[row] / "regulation.txt").read_text(encoding="utf-8").split())
    quoted = read_file(FOLDER / f"{ROWS[row]}.toml").citations[row].words

    assert all("".join(passage.split()) in published for passage in quoted.split("……"))


def test_every_row_has_a_rule() -> None:
    for name in PROFILES:
        file = read_file(FOLDER / f"{name}.toml")
        ruled = {row for clause in file.clauses for row in clause.ruling.rows}
        assert ruled == set(file.citations)


def test_the_page_about_simulate_names_every_command_and_every_fact() -> None:
    page = (ROOT / "docs" / "simulate.md").read_text(encoding="utf-8")
    facts = set(TomlFile(phrases.PATH).content["fact"]) - {
        "due_lifted",
        "provisional",
        "recounted",
        "told_why",
        "told_by",
        "told_until",
    }

    assert not [word for word in (*COMMANDS, *facts) if f"`{word}`" not in page]


def test_code_knows_no_city() -> None:
    cities = ("zhuhai", "suzhou", "chifeng", "pingli", "neimenggu", "珠海", "宿州", "赤峰", "平利", "内蒙古")
    for folder in ("routing", "gateway"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8").lower()
            assert not [city for city in cities if city in text], path
