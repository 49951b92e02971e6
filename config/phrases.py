"""The phrase book (用语): what facts and rules are in Chinese, from ``config/phrases.toml``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from config.toml_file import TomlFile
from gateway.domain.case import Fact
from gateway.domain.decision import Citation
from gateway.domain.profile import Ruling
from gateway.domain.rules import ClosingTime, Span

PATH = Path(__file__).with_name("phrases.toml")

_STANDS_FOR_ITSELF = (
    "grade",
    "as",
    "n",
    "text",
    "reason",
    "outcome",
    "leader",
    "decided_by",
    "to",
    "question",
    "answer",
    "opinion",
)
"""Details of facts that are words of people, of the regulation, or numbers already."""


_TOLD = {"reason": "told_why", "until": "told_until", "due": "told_by"}
"""What else somebody who is told something learns, if there is such a thing."""


@cache
def _book() -> Mapping[str, Mapping[str, str]]:
    return TomlFile(PATH).convert(dict[str, dict[str, str]])


def word(key: str) -> str:
    """Return what *key* is in Chinese; a word without entry, such as a grade or a unit's name, stands for itself."""
    return _book()["word"].get(key, key)


def fact_sentence(fact: Fact, zone: tzinfo) -> str:
    """Return what *fact* says; instants in *zone*."""
    book, details = _book(), fact.details
    filled = {key: _detail(key, value, zone) for key, value in details.items()}
    if fact.name == "due" and details["due"] is None:
        return book["fact"]["due_lifted"].format(**filled)
    text = book["fact"][fact.name].format(**filled)
    if details.get("provisional"):
        text += book["fact"]["provisional"]
    if fact.name == "tell":
        text += "".join(book["fact"][key].format(**filled) for name, key in _TOLD.items() if details.get(name))
    return text + book["fact"]["recounted"].format(**filled) if "because" in details else text


def _detail(key: str, value: Any, zone: tzinfo) -> str:
    book = _book()
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if key == "span":
        return span_words(Span.parse(value))
    if key == "do":
        return book["do"][value]
    if key == "final":
        return book["final"]["true" if value else "false"]
    if key == "why":
        name, _, field = value.partition(":")
        return book["why"][name].format(field=word(field))
    if isinstance(value, bool):
        return word("true" if value else "false")
    return str(value) if key in _STANDS_FOR_ITSELF else word(str(value))


def span_words(span: Span) -> str:
    """Return a length of time as the regulations write it."""
    return _book()["span"][span.unit.value].format(n=span.count)


def quoted(citations: Iterable[Citation]) -> str:
    """Return articles in their own words, one after the other."""
    return "".join(f"{each.document}{each.article}：“{each.words}”" for each in citations)


def about(key: str) -> str:
    """Return what a rule with *key* is about."""
    names = _book()["rule"]
    if key in names:
        return names[key]
    kind, *parts = key.split(".")
    return names[kind] + "：" + "，".join(word(part) for part in parts)


def value_words(value: Any) -> str:
    """Return the value of a rule."""
    if isinstance(value, bool):
        return word("true" if value else "false")
    if isinstance(value, Span):
        return span_words(value)
    if isinstance(value, ClosingTime):
        return str(value)
    if isinstance(value, Enum):
        return word(str(value.value))
    if isinstance(value, tuple):
        return "、".join(value_words(each) for each in value)
    if dataclasses.is_dataclass(value):
        names = _book()["field"]
        stated = {
            field.name: getattr(value, field.name)
            for field in dataclasses.fields(value)
            if getattr(value, field.name) not in (None, (), False)
        }
        return "；".join(f"{names[name]}{_colon(each)}" for name, each in stated.items())
    return word(str(value))


def _colon(value: Any) -> str:
    return "" if value is True else f"：{value_words(value)}"


def ruling_words(ruling: Ruling[Any]) -> str:
    """Return what a rule says."""
    if ruling.value is True:
        return about(ruling.key)
    text = value_words(ruling.value)
    return f"{about(ruling.key)}：{text}" if text else about(ruling.key)
