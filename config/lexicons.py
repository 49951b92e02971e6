"""The lexicons (词典) under ``config/lexicons`` read into what `routing` works with.

Whatever is wrong with one is a single line: file, line, field, and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from config.sounds import load_sounds
from config.toml_file import Key, SettingsError, TomlFile
from gateway.domain.emergency import EmergencyLine
from routing.lexicon import Context, EmergencyEntry, EmergencyLexicon, Lexicons, Scope, Side, Topic
from routing.pattern import PatternError, compile_pattern, expression
from routing.sounds import Sounds


class LexiconError(SettingsError):
    """A lexicon cannot be used; the text is one line that an operator can act on."""


class _Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    doc: str
    side: Literal["before", "after", "around"]
    scope: Literal["clause", "sentence", "text"]
    within: int
    phrases: tuple[str, ...]
    but: tuple[str, ...] = ()
    lifted: tuple[str, ...] = ()
    default: bool = False


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    doc: str
    line: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    despite: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    settled: bool = False
    alone: bool = False


class _EmergencyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    entry: tuple[_Entry, ...]
    context: tuple[_Context, ...] = ()
    sets: dict[str, tuple[str, ...]] = {}
    harmless: tuple[str, ...] = ()
    gap_stops: str = ""


class _WishesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    text_only: tuple[str, ...]


class _Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    name: str
    words: dict[str, float]
    lines: tuple[str, ...] = ()


class _TopicFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    topic: tuple[_Topic, ...]


def load(folder: Path) -> Lexicons:
    """Read ``emergency.toml``, ``categories.toml`` and ``matters.toml`` of *folder*. Raises `LexiconError`."""
    return Lexicons(
        emergency=load_emergency(folder / "emergency.toml"),
        categories=load_topics(folder / "categories.toml"),
        matters=load_topics(folder / "matters.toml"),
    )


def load_emergency(path: Path) -> EmergencyLexicon:
    """Read an emergency lexicon, and ``pinyin.toml`` beside it if there is one. Raises `LexiconError`."""
    try:
        file = TomlFile(path)
        content = file.convert(_EmergencyFile)
        _check_emergency(file, content)
        sounds = load_sounds(beside) if (beside := path.with_name("pinyin.toml")).exists() else Sounds()
    except LexiconError:
        raise
    except SettingsError as error:
        raise LexiconError(str(error)) from error
    default = tuple(context.id for context in content.context if context.default)
    return EmergencyLexicon(
        entries=tuple(_entry(entry, default) for entry in content.entry),
        contexts={context.id: _context(context) for context in content.context},
        sets=content.sets,
        harmless=content.harmless,
        gap_stops=content.gap_stops,
        sounds=sounds,
    )


def load_text_only(path: Path) -> re.Pattern[str]:
    """Read what people say who must not be called. Raises `LexiconError`."""
    try:
        file = TomlFile(path)
        content = file.convert(_WishesFile)
    except SettingsError as error:
        raise LexiconError(str(error)) from error
    try:
        return compile_pattern(content.text_only, {})
    except PatternError as error:
        raise LexiconError(str(file.error(("text_only",), str(error)))) from error


def load_topics(path: Path) -> tuple[Topic, ...]:
    """Read the categories or the matters. Raises `LexiconError`."""
    try:
        file = TomlFile(path)
        content = file.convert(_TopicFile)
    except SettingsError as error:
        raise LexiconError(str(error)) from error
    _check_unique(file, "topic", [topic.id for topic in content.topic])
    for at, topic in enumerate(content.topic):
        for word, weight in topic.words.items():
            if not word or not 0 < abs(weight) <= 10:
                raise _error(file, ("topic", at, "words"), f"{word!r}: expected a weight from -10 to 10, not 0")
    return tuple(Topic(id=topic.id, name=topic.name, words=topic.words, lines=topic.lines) for topic in content.topic)


def _entry(entry: _Entry, default: tuple[str, ...]) -> EmergencyEntry:
    unless = tuple(dict.fromkeys((*(name for name in default if name not in entry.despite), *entry.unless)))
    return EmergencyEntry(
        id=entry.id,
        line=EmergencyLine(entry.line),
        phrases=entry.phrases,
        unless=unless,
        needs=entry.needs,
        settled=entry.settled,
        alone=entry.alone,
    )


def _context(context: _Context) -> Context:
    return Context(
        id=context.id,
        side=Side(context.side),
        scope=Scope(context.scope),
        within=context.within,
        phrases=context.phrases,
        but=context.but,
        lifted=context.lifted,
    )


def _check_emergency(file: TomlFile, content: _EmergencyFile) -> None:
    _check_unique(file, "context", [context.id for context in content.context])
    _check_unique(file, "entry", [entry.id for entry in content.entry])
    for key, phrases in _phrases(content):
        if phrases or key[-1] == "phrases":
            _check_phrases(file, key, phrases, {} if key[0] == "sets" else content.sets)
    known = {context.id: context.default for context in content.context}
    for at, entry in enumerate(content.entry):
        if not entry.line.isdigit():
            raise _error(file, ("entry", at, "line"), "expected the digits of an emergency line such as 119")
        for name in (*entry.unless, *entry.needs, *entry.despite):
            if name not in known:
                field = next(f for f in ("unless", "needs", "despite") if name in getattr(entry, f))
                raise _error(file, ("entry", at, field), f"there is no context {name!r}; there are {', '.join(known)}")
        for name in entry.despite:
            if not known[name]:
                raise _error(file, ("entry", at, "despite"), f"{name!r} is no default context, so leave it out")


def _phrases(content: _EmergencyFile) -> Iterator[tuple[Key, tuple[str, ...]]]:
    """Every list of phrases with its place; the sets first, since the others use them."""
    for name, members in content.sets.items():
        yield ("sets", name), members
    yield ("harmless",), content.harmless
    for at, context in enumerate(content.context):
        yield ("context", at, "phrases"), context.phrases
        yield ("context", at, "but"), context.but
        yield ("context", at, "lifted"), context.lifted
    for at, entry in enumerate(content.entry):
        yield ("entry", at, "phrases"), entry.phrases


def _check_phrases(file: TomlFile, key: Key, phrases: tuple[str, ...], sets: Mapping[str, tuple[str, ...]]) -> None:
    try:
        expression(phrases, sets)
    except PatternError as error:
        raise _error(file, key, str(error)) from error


def _check_unique(file: TomlFile, table: str, names: list[str]) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise _error(file, (table, at, "id"), "is taken already; every id stands once")


def _error(file: TomlFile, key: Key, reason: str) -> LexiconError:
    return LexiconError(str(file.error(key, reason)))
