"""The phrase book has a word for whatever the regulations and the casebook can say."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any

import pytest

from config import phrases
from config.profiles import FOLDER, read_file
from config.toml_file import TomlFile
from gateway.domain import rules
from gateway.domain.case import COMMANDS
from gateway.domain.rules import CATEGORIES, DUTIES, KINDS, ClosingTime, Span

BOOK = TomlFile(phrases.PATH).content
CITIES = sorted(path.stem for path in FOLDER.glob("*.toml"))
ENUMS = [
    each for each in vars(rules).values() if isinstance(each, type) and issubclass(each, Enum) and each is not Enum
]


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_value_has_a_word(kind: type[Enum]) -> None:
    section = BOOK["span"] if kind is rules.SpanUnit else BOOK["word"]

    assert not [member.value for member in kind if member.value not in section]


def test_every_kind_of_rule_has_a_word() -> None:
    assert not [kind.name for kind in KINDS if kind.name not in BOOK["rule"]]
    assert not [name for name in (*CATEGORIES, *DUTIES) if name not in BOOK["word"]]
    assert not [word for words in DUTIES.values() for word in words if word not in BOOK["word"]]


def test_every_field_of_a_rule_has_a_word() -> None:
    types = {kind.type for kind in KINDS if dataclasses.is_dataclass(kind.type)} - {Span, ClosingTime}
    records: list[Any] = [*types]

    assert not [field.name for each in records for field in dataclasses.fields(each) if field.name not in BOOK["field"]]


def test_every_command_has_a_word() -> None:
    assert set(COMMANDS) == set(BOOK["do"])


@pytest.mark.parametrize("city", CITIES)
def test_every_rule_can_be_read_in_chinese(city: str) -> None:
    said = [phrases.ruling_words(clause.ruling) for clause in read_file(FOLDER / f"{city}.toml").clauses]

    assert all(said)
    assert not [text for text in said if "_" in text or "{" in text]


def test_a_closing_time_is_said_as_it_is() -> None:
    assert [phrases.value_words(rules.ClosingTime.parse(text)) for text in ("17:30", "24:00")] == ["17:30", "24:00"]
