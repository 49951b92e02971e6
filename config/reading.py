"""Reading plain values, as TOML and JSON give them, into dataclasses; whatever is wrong names its field.

Understood: bool, int, str, datetime as ISO 8601 text, enums by value, tuples of one type, unions with None,
dataclasses, and classes that have a ``parse``. Nothing is guessed: a number is not a text, an unknown key is an error.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_PLAIN: Mapping[type, str] = {bool: "true or false", int: "a whole number", str: "a text"}


class FieldError(ValueError):
    """A value that cannot be read; ``field`` is where below the value read, empty for itself."""

    def __init__(self, field: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.field = field

    def below(self, step: str | int) -> FieldError:
        """Return the same complaint as seen from one step further out."""
        return FieldError((step, *self.field), str(self))


def read(kind: type[T], value: object) -> T:
    """Return *value* as *kind*. Raises `FieldError`."""
    result: T = _read(kind, value)
    return result


def spelled(field: tuple[str | int, ...]) -> str:
    """Spell a field as people count: ``assist[2]`` is the second assisting unit."""
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in field).removeprefix(".")


def _read(kind: Any, value: object) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (choice for choice in typing.get_args(kind) if choice is not type(None))
        return None if value is None else _read(inner, value)
    if origin is tuple:
        return _read_tuple(typing.get_args(kind)[0], value)
    if kind in _PLAIN:
        if type(value) is not kind:
            raise FieldError((), f"expected {_PLAIN[kind]}")
        return value
    if kind is datetime:
        return _read_instant(value)
    if issubclass(kind, Enum):
        return _read_enum(kind, value)
    if parse := getattr(kind, "parse", None):
        try:
            return parse(value)
        except ValueError as error:
            raise FieldError((), str(error)) from error
    return _read_record(kind, value)


def _read_tuple(kind: Any, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise FieldError((), "expected a list")
    entries = []
    for at, entry in enumerate(value):
        try:
            entries.append(_read(kind, entry))
        except FieldError as error:
            raise error.below(at) from error
    return tuple(entries)


def _read_instant(value: object) -> datetime:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.utcoffset() is None:
        raise FieldError((), 'expected an instant with its offset, such as "2026-03-02T09:00:00+08:00"')
    return instant


def _read_enum(kind: type[Enum], value: object) -> Enum:
    for member in kind:
        if member.value == value:
            return member
    raise FieldError((), "expected one of " + ", ".join(str(member.value) for member in kind))


def _read_record(kind: Any, value: object) -> Any:
    if not isinstance(value, dict):
        raise FieldError((), "expected a table of " + ", ".join(_hints(kind)))
    hints = _hints(kind)
    for name in value:
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1)
            advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(hints)}"
            raise FieldError((str(name),), f"unknown key; {advice}")
    fields = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            try:
                fields[field.name] = _read(hints[field.name], value[field.name])
            except FieldError as error:
                raise error.below(field.name) from error
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise FieldError((field.name,), "is missing")
    try:
        return kind(**fields)
    except ValueError as error:
        raise FieldError((), str(error)) from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
