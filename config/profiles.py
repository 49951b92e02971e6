"""The cities' profiles (城市规则) under ``config/profiles``: a regulation's duties as data, each with its article.

A profile holds citations, in the regulation's own words, and rules that each cite some and hold from a day on. It may
extend another one, beside it or shipped, whose rules then hold wherever it has none of its own. Code exists only for
kinds of rule (`gateway.domain.rules`); a new city is a new file. Whatever is wrong with one is a single line: file,
line, field, and what would be right.
"""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from config.opening_hours import opening_hours
from config.reading import FieldError, read
from config.toml_file import Key, SettingsError, TomlFile
from config.values import Duration
from gateway.domain.case import Accept, Appeal, AuditFail, Extend, Instruct, Reply, Return, Submit, Withhold
from gateway.domain.decision import Citation
from gateway.domain.emergency import EmergencyLine, EmergencyRule
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import CATEGORIES, DUTIES, KINDS, Kind

FOLDER = Path(__file__).parent / "profiles"
"""Where the profiles that are shipped lie."""


class ProfileError(SettingsError):
    """A profile cannot be used; the text is one line that an operator can act on."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    name: str
    document: str
    timezone: str = "Asia/Shanghai"
    extends: str | None = None


class _Citation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    article: str
    words: str


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    key: str
    value: Any
    cite: str | tuple[str, ...]
    effective_from: date
    until: date | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    profile: _Head
    citation: tuple[_Citation, ...]
    rule: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A rule as it stands in a file: what it says, on which articles, and on which days it holds."""

    ruling: Ruling[Any]
    effective_from: date
    until: date | None

    def holds_on(self, day: date) -> bool:
        """Say whether the rule is in force on *day*."""
        return self.effective_from <= day and (self.until is None or day <= self.until)

    def overlaps(self, other: Clause) -> bool:
        """Say whether both would be in force on some day, about the same."""
        return self.ruling.key == other.ruling.key and (
            self.holds_on(other.effective_from) or other.holds_on(self.effective_from)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFile:
    """A profile of all times, checked: from it comes the profile of one moment."""

    path: Path
    id: str
    name: str
    document: str
    zone: zoneinfo.ZoneInfo
    citations: Mapping[str, Citation]
    clauses: tuple[Clause, ...]
    parent: ProfileFile | None

    def at(self, instant: datetime) -> Profile:
        """Return the rules in force at *instant*, zone-aware. Raises `ProfileError`: no rule about emergencies."""
        return self.on(instant.astimezone(self.zone).date())

    def on(self, day: date) -> Profile:
        """Return the rules in force on *day*. Raises `ProfileError`: no rule about emergencies."""
        rules = {clause.ruling.key: clause.ruling for clause in self.in_force(day)}
        for key in _EMERGENCY:
            if key not in rules:
                raise ProfileError(f"{self.path}: rule: no rule with key {key!r} is in force on {day}; expected one")
        categories = {key.partition(".")[2]: rule for key, rule in rules.items() if key.startswith("category.")}
        six = rules.get("record.six_elements")
        return Profile(
            id=self.id,
            name=self.name,
            document=self.document,
            emergency=EmergencyRule(
                lines=rules["emergency.lines"].value,
                needs_confirmation=rules["emergency.needs_confirmation"].value,
                grace=rules["emergency.grace"].value,
                citation=rules["emergency.lines"].citations[0],
            ),
            categories={category: rule.value for category, rule in categories.items()},
            category_citations={category: rule.citations[0] for category, rule in categories.items()},
            six_elements=six.citations[0] if six is not None and six.value else None,
            zone=self.zone,
            rules=rules,
            citations={**(self.parent.citations if self.parent else {}), **self.citations},
        )

    def citation(self, row: str) -> Citation | None:
        """Return the article behind an obligation, the profile's own or one of those it extends."""
        return self.citations.get(row) or (self.parent.citation(row) if self.parent is not None else None)

    def in_force(self, day: date) -> Iterator[Clause]:
        """Yield the clauses in force on *day*: the profile's own, then what it has of the one it extends."""
        own = [clause for clause in self.clauses if clause.holds_on(day)]
        yield from own
        if self.parent is not None:
            keys = {clause.ruling.key for clause in own}
            yield from (clause for clause in self.parent.in_force(day) if clause.ruling.key not in keys)


def load(path: Path, at: datetime) -> Profile:
    """Return the rules of the profile at *path* that are in force at *at*, zone-aware. Raises `ProfileError`."""
    return read_file(path).at(at)


def find(name: str) -> Path:
    """Return the file of a shipped profile, or *name* itself if it names a file. Raises `ProfileError`."""
    if name.endswith(".toml"):
        return Path(name)
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(each.stem for each in FOLDER.glob("*.toml")))
        raise ProfileError(f"there is no profile {name!r}; there are {shipped}")
    return path


def read_file(path: Path, *, below: tuple[str, ...] = ()) -> ProfileFile:
    """Read and check the profile at *path*, rules of all times included. Raises `ProfileError`.

    *below* are the profiles that extend this one.
    """
    try:
        file = TomlFile(path)
        content = file.convert(_File)
    except SettingsError as error:
        raise ProfileError(str(error)) from error
    head = content.profile
    if head.id != path.stem:
        raise _error(file, ("profile", "id"), f"expected {path.stem!r}, the name of the file")
    try:
        zone = zoneinfo.ZoneInfo(head.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise _error(file, ("profile", "timezone"), 'expected a time zone such as "Asia/Shanghai"') from error
    citations = _citations(file, content)
    return ProfileFile(
        path=path,
        id=head.id,
        name=head.name,
        document=head.document,
        zone=zone,
        citations=citations,
        clauses=_clauses(file, content, citations),
        parent=_parent(file, head, (*below, head.id)),
    )


def _parent(file: TomlFile, head: _Head, below: tuple[str, ...]) -> ProfileFile | None:
    if head.extends is None:
        return None
    known = {path.stem: path for folder in (FOLDER, file.path.parent) for path in folder.glob("*.toml")}
    others = sorted(known.keys() - set(below))
    if head.extends not in others:
        raise _error(file, ("profile", "extends"), f"expected another profile: {', '.join(others)}")
    return read_file(known[head.extends], below=below)


def _citations(file: TomlFile, content: _File) -> dict[str, Citation]:
    citations: dict[str, Citation] = {}
    for at, each in enumerate(content.citation):
        if each.id in citations:
            raise _error(file, ("citation", at, "id"), "is taken already; every id stands once")
        if not each.words.strip():
            raise _error(file, ("citation", at, "words"), "expected the regulation's own words")
        citations[each.id] = Citation(
            obligation=each.id, document=content.profile.document, article=each.article, words=each.words
        )
    return citations


def _clauses(file: TomlFile, content: _File, citations: Mapping[str, Citation]) -> tuple[Clause, ...]:
    clauses: list[Clause] = []
    for at, rule in enumerate(content.rule):
        cites = (rule.cite,) if isinstance(rule.cite, str) else rule.cite
        for cite in cites:
            if cite not in citations:
                raise _error(file, ("rule", at, "cite"), f"there is no such citation; there are {', '.join(citations)}")
        if not cites:
            raise _error(file, ("rule", at, "cite"), f"expected at least one of {', '.join(citations)}")
        if rule.until is not None and rule.until < rule.effective_from:
            raise _error(file, ("rule", at, "until"), f"expected a day from {rule.effective_from} on")
        clause = Clause(
            ruling=Ruling(
                key=rule.key, value=_value(file, at, rule), citations=tuple(citations[cite] for cite in cites)
            ),
            effective_from=rule.effective_from,
            until=rule.until,
        )
        for earlier in clauses:
            if clause.overlaps(earlier):
                raise _error(
                    file,
                    ("rule", at, "effective_from"),
                    f"{rule.key} is in force already since {earlier.effective_from}; give that rule an earlier `until`",
                )
        clauses.append(clause)
    return tuple(clauses)


# Values


def _seconds(value: object) -> float:
    return Duration.parse(value).total_seconds()


def _lines(value: object) -> tuple[EmergencyLine, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(line, str) and line.isdigit() for line in value):
        raise ValueError('expected a list of short numbers such as ["110", "119"]')
    return tuple(EmergencyLine(line) for line in value)


def _truth(value: object) -> bool:
    return read(bool, value)


_EMERGENCY: Mapping[str, Callable[[object], Any]] = {
    "emergency.lines": _lines,
    "emergency.needs_confirmation": _truth,
    "emergency.grace": _seconds,
}
"""The rules that the running gateway cannot do without; in force in every profile."""

_STATED = {
    "accept.fields": Accept,
    "return": Return,
    "extension": Extend,
    "reply.fields": Reply,
    "reply.filing": Reply,
    "audit.failure": AuditFail,
    "appeal": Appeal,
    "submission": Submit,
    "publication": Withhold,
}
"""Whose fields a rule may ask for."""


def _value(file: TomlFile, at: int, rule: _Rule) -> Any:
    """Return the value of *rule* as its kind has it."""
    try:
        if reader := _EMERGENCY.get(rule.key):
            return reader(rule.value)
        kind, parts = _kind_of(rule.key)
        value = read(kind.type, rule.value)
        _check_words(kind, parts, value)
        return value
    except LookupError as error:
        raise _error(file, ("rule", at, "key"), f"unknown kind of rule; {error.args[0]}") from error
    except FieldError as error:
        raise _error(file, ("rule", at, "value", *error.field), f"of {rule.key}: {error}") from error
    except ValueError as error:
        raise _error(file, ("rule", at, "value"), f"of {rule.key}: {error}") from error


def _kind_of(key: str) -> tuple[Kind[Any], tuple[str, ...]]:
    """Return the kind of rule that *key* names and the parts behind it. Raises `LookupError` with advice."""
    for kind in KINDS:
        if key == kind.name or key.startswith(kind.name + "."):
            parts = tuple(key.removeprefix(kind.name).split(".")[1:])
            allowed = kind.parts
            optional = sum("" in choices for choices in allowed)
            if len(allowed) - optional <= len(parts) <= len(allowed) and all(
                part and part in choices for part, choices in zip(parts, allowed, strict=False)
            ):
                return kind, parts
    spelled = [*_EMERGENCY, *_keys()]
    near = difflib.get_close_matches(key, spelled, n=1, cutoff=0.7)
    families = ", ".join((*_EMERGENCY, *(kind.name + ".*" * len(kind.parts) for kind in KINDS)))
    raise LookupError(f"did you mean {near[0]}?" if near else f"expected one of {families}")


def _keys() -> Iterator[str]:
    for kind in KINDS:
        names = [kind.name]
        for choices in kind.parts:
            names = [f"{name}.{choice}".rstrip(".") for name in names for choice in choices]
        yield from names


def _check_words(kind: Kind[Any], parts: tuple[str, ...], value: Any) -> None:
    """Check the words of a value that its type cannot know. Raises `ValueError`."""
    if value == "":
        raise ValueError("expected a Chinese name in quotes")
    if kind.name == "office_hours" and opening_hours(value) is None:
        raise ValueError('expected spans such as ["08:30-12:00", "14:30-17:30"]')
    if kind.name == "duty":
        _all_among(value, DUTIES[parts[0]])
    if kind.name == "answer":
        _all_among(value, CATEGORIES)
    for name in ("categories", "excluded"):
        _all_among(getattr(value, name, ()), CATEGORIES)
    if command := _STATED.get(kind.name):
        for name in ("fields", "either", "unit_fields"):
            _all_among(getattr(value, name, ()), tuple(each.name for each in fields(command)))
    _all_among(getattr(value, "instruction_fields", ()), tuple(each.name for each in fields(Instruct)))


def _all_among(words: tuple[str, ...], known: tuple[str, ...]) -> None:
    for word in words:
        if word not in known:
            raise ValueError(f"{word!r} is not known here; expected some of {', '.join(known)}")


def _error(file: TomlFile, key: Key, reason: str) -> ProfileError:
    return ProfileError(str(file.error(key, reason)))
