"""A TOML file read into typed records; whatever is wrong with it is one line: file, line, key, value, reason.

TOML 1.0 by `tomllib`, conversion and validation by msgspec. The line of a key is found by reading the text a second
time, table header by table header; a key inside an inline table is reported at the line of its outer key.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.domain.errors import OurMistake

Key = tuple[str | int, ...]
"""Where in a file: table names, array positions (from 0) and the key."""

T = TypeVar("T")

_HIDDEN = re.compile(r"password|secret|token|api_key|aes_key|database")
"""Keys whose values are not shown: secrets, and a URL that may hold one."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")
_PLACE = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<key>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`")


class SettingsError(OurMistake):
    """A configuration file cannot be used; the text is one line that an operator can act on."""


class TomlFile:
    """A parsed file that can point at its own lines."""

    def __init__(self, path: Path) -> None:
        """Read *path*. Raises `SettingsError` when it cannot be read or is not TOML."""
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8")
            self.content = tomllib.loads(self.text)
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path}: is not UTF-8 text (byte {error.start})") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: is not TOML: {error}") from error

    def convert(self, kind: type[T], hook: Callable[[type, Any], Any] | None = None) -> T:
        """Return the content as *kind*. Raises `SettingsError`: an unknown or missing key, a wrong type or value."""
        try:
            return msgspec.convert(self.content, kind, dec_hook=hook)
        except msgspec.ValidationError as error:
            match = _PLACE.match(str(error))
            reason, key = (match["reason"], _parsed(match["key"] or "$")) if match else (str(error), ())
        if missing := _MISSING.search(reason):
            raise self.error((*key, missing[1]), "is missing")
        if unknown := _UNKNOWN.search(reason):
            near = difflib.get_close_matches(unknown[1], _fields(_kind_at(kind, key)), n=1)
            raise self.error((*key, unknown[1]), "unknown key" + (f"; did you mean {near[0]}?" if near else ""))
        if reason.startswith("Invalid enum value"):
            reason = "expected one of " + ", ".join(json.dumps(choice) for choice in _choices(_kind_at(kind, key)))
        raise self.error(key, reason[:1].lower() + reason[1:].replace("`", ""))

    def error(self, key: Key, reason: str) -> SettingsError:
        """Build the one line about *key*."""
        line = self.line_of(key)
        place = f"{self.path}:{line}" if line else f"{self.path}"
        return SettingsError(f"{place}: {_spelled(key)}{self._shown(key)}: {reason}")

    def line_of(self, key: Key) -> int | None:
        """Return the line, from 1, on which *key* or the innermost table around it is written; None if nowhere."""
        best, depth = None, 0
        table: Key = ()
        seen: dict[Key, int] = {}
        for number, text in enumerate(self.text.splitlines(), start=1):
            if header := _HEADER.match(text):
                *parents, name = _dotted(header[2])
                table = (*_numbered(parents, seen), name)
                if header[1] == "[[":
                    seen[table] = seen.get(table, -1) + 1
                    table = (*table, seen[table])
                here = table
            elif assignment := _ASSIGNMENT.match(text):
                here = (*table, *_dotted(assignment[1]))
            else:
                continue
            if len(here) > depth and key[: len(here)] == here:
                best, depth = number, len(here)
        return best

    def _shown(self, key: Key) -> str:
        """Return `` = value`` for a value that is there, short, and no secret."""
        value: Any = self.content
        for step in key:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return ""
        if isinstance(value, dict) or not key:
            return ""
        if _HIDDEN.search(str(key[-1])):
            return " = (not shown)"
        text = json.dumps(value, ensure_ascii=False, default=str)
        return f" = {text if len(text) <= 60 else text[:57] + '...'}"


def _dotted(text: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _numbered(key: Iterable[str | int], seen: dict[Key, int]) -> Key:
    """Put the latest position behind each array of tables in *key*."""
    place: Key = ()
    for step in key:
        place = (*place, step)
        if place in seen:
            place = (*place, seen[place])
    return place


def _parsed(place: str) -> Key:
    """Turn msgspec's ``$.trunk[0].name`` into a key."""
    return tuple(
        int(index) if index else name for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", place.removeprefix("$"))
    )


def _spelled(key: Key) -> str:
    """Spell a key as people count: ``trunk[2].name`` is the second trunk's."""
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in key).removeprefix(".")


def _kind_at(kind: Any, key: Key) -> Any:
    """Return the annotated type that *key* has below *kind*."""
    for step in key:
        if isinstance(step, int):
            kind = (typing.get_args(kind) or (Any,))[0]
        else:
            kind = typing.get_type_hints(kind).get(step, Any) if isinstance(kind, type) else Any
    return kind


def _fields(kind: Any) -> tuple[str, ...]:
    return kind.__struct_fields__ if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ()


def _choices(kind: Any) -> tuple[Any, ...]:
    return tuple(choice for argument in typing.get_args(kind) for choice in (typing.get_args(argument) or (argument,)))
