"""The cities' profiles (城市规则) under ``config/profiles``: a regulation's duties as data, each with its article.

A profile holds citations, in the regulation's own words, and rules that each cite one and hold from a day on. Code
exists only for kinds of rule (`KINDS`); a new city is a new file. Whatever is wrong with one is a single line: file,
line, field, and what would be right.
"""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Duration
from config.toml_file import SettingsError, TomlFile
from gateway.domain.decision import Citation
from gateway.domain.emergency import EmergencyLine, EmergencyRule
from gateway.domain.profile import Profile


class ProfileError(SettingsError):
    """A profile cannot be used; the text is one line that an operator can act on."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    name: str
    document: str
    timezone: str = "Asia/Shanghai"


class _Citation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    article: str
    words: str


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    key: str
    value: Any
    cite: str
    effective_from: date
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.effective_from <= day and (self.until is None or day <= self.until)

    def overlaps(self, other: _Rule) -> bool:
        return self.key == other.key and (self.holds_on(other.effective_from) or other.holds_on(self.effective_from))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    profile: _Head
    citation: tuple[_Citation, ...]
    rule: tuple[_Rule, ...]


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a Chinese name in quotes")
    return value


def _seconds(value: object) -> float:
    return Duration.parse(value).total_seconds()


def _lines(value: object) -> tuple[EmergencyLine, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(line, str) and line.isdigit() for line in value):
        raise ValueError('expected a list of short numbers such as ["110", "119"]')
    return tuple(EmergencyLine(line) for line in value)


CATEGORIES = ("consultation", "help", "complaint", "report", "suggestion", "praise", "correction")

KINDS: Mapping[str, Callable[[object], Any]] = {
    "emergency.lines": _lines,
    "emergency.needs_confirmation": _truth,
    "emergency.grace": _seconds,
    **{f"category.{category}": _text for category in CATEGORIES},
    "record.six_elements": _truth,
}
"""The kinds of rule, with how each reads its value. Those of the emergency are in force in every profile."""

_NEEDED = tuple(key for key in KINDS if key.startswith("emergency."))


def load(path: Path, at: datetime) -> Profile:
    """Return the rules of the profile at *path* that are in force at *at*, zone-aware. Raises `ProfileError`."""
    try:
        file = TomlFile(path)
        content = file.convert(_File)
    except SettingsError as error:
        raise ProfileError(str(error)) from error
    zone = _checked(file, content)
    day = at.astimezone(zone).date()
    document = content.profile.document
    citations = {
        citation.id: Citation(obligation=citation.id, document=document, article=citation.article, words=citation.words)
        for citation in content.citation
    }
    values, cites = {}, {}
    for rule in content.rule:
        if rule.holds_on(day):
            values[rule.key], cites[rule.key] = KINDS[rule.key](rule.value), citations[rule.cite]
    for key in _NEEDED:
        if key not in values:
            raise _error(file, ("rule",), f"no rule with key {key!r} is in force on {day}; expected one")
    held = [key for key in values if key.startswith("category.")]
    return Profile(
        id=content.profile.id,
        name=content.profile.name,
        document=document,
        emergency=EmergencyRule(
            lines=values["emergency.lines"],
            needs_confirmation=values["emergency.needs_confirmation"],
            grace=values["emergency.grace"],
            citation=cites["emergency.lines"],
        ),
        categories={key.partition(".")[2]: values[key] for key in held},
        category_citations={key.partition(".")[2]: cites[key] for key in held},
        six_elements=cites["record.six_elements"] if values.get("record.six_elements") else None,
    )


def _checked(file: TomlFile, content: _File) -> zoneinfo.ZoneInfo:
    """Check everything that types cannot say, rules of all times included; return the city's time zone."""
    if content.profile.id != file.path.stem:
        raise _error(file, ("profile", "id"), f"expected {file.path.stem!r}, the name of the file")
    try:
        zone = zoneinfo.ZoneInfo(content.profile.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise _error(file, ("profile", "timezone"), 'expected a time zone such as "Asia/Shanghai"') from error
    known = [citation.id for citation in content.citation]
    for at, citation in enumerate(content.citation):
        if citation.id in known[:at]:
            raise _error(file, ("citation", at, "id"), "is taken already; every id stands once")
        if not citation.words.strip():
            raise _error(file, ("citation", at, "words"), "expected the regulation's own words")
    for at, rule in enumerate(content.rule):
        _check_rule(file, at, rule, known)
        for earlier in content.rule[:at]:
            if rule.overlaps(earlier):
                raise _error(
                    file,
                    ("rule", at, "effective_from"),
                    f"{rule.key} is in force already since {earlier.effective_from}; give that rule an earlier `until`",
                )
    return zone


def _check_rule(file: TomlFile, at: int, rule: _Rule, citations: list[str]) -> None:
    if rule.key not in KINDS:
        near = difflib.get_close_matches(rule.key, KINDS, n=1)
        advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(KINDS)}"
        raise _error(file, ("rule", at, "key"), f"unknown kind of rule; {advice}")
    if rule.cite not in citations:
        raise _error(file, ("rule", at, "cite"), f"there is no such citation; there are {', '.join(citations)}")
    if rule.until is not None and rule.until < rule.effective_from:
        raise _error(file, ("rule", at, "until"), f"expected a day from {rule.effective_from} on")
    try:
        KINDS[rule.key](rule.value)
    except ValueError as error:
        raise _error(file, ("rule", at, "value"), f"of {rule.key}: {error}") from error


def _error(file: TomlFile, key: tuple[str | int, ...], reason: str) -> ProfileError:
    return ProfileError(str(file.error(key, reason)))
