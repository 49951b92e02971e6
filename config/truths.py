"""Texts whose truth is known (标注语料), for `jiesu evaluate`: a JSON object a line.

``text`` is what a citizen said or wrote; the truth stands under the task's name: for ``emergency`` ``lines``, a list
that is empty for an ordinary matter; for ``category``, ``class`` and ``unit`` one id or Chinese name; for ``elements``
an object with the elements that were said. Other keys are the author's own. Whatever is wrong is a single line: file,
line, field, and what would be right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from config.toml_file import SettingsError
from gateway.domain.ticket import Elements

TRUTHS: Mapping[str, str] = {
    "emergency": "lines",
    "category": "category",
    "class": "class",
    "unit": "unit",
    "elements": "elements",
}
"""The tasks, and the key of each one's truth."""

ELEMENTS = tuple(element.name for element in fields(Elements))


class TruthsError(SettingsError):
    """A file of examples cannot be used; the text is one line that its author can act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One text and its truth; ``number`` is the line of the file, from 1.

    ``lines`` is the truth of emergency, ``label`` that of category, class and unit, ``elements`` that of elements.
    """

    number: int
    text: str
    lines: frozenset[str] = frozenset()
    label: str = ""
    elements: Mapping[str, str] | None = None


def read_truths(path: Path, task: str, known: Mapping[str, str] | None = None) -> tuple[Example, ...]:
    """Read the examples of *task* at *path*; blank lines are passed over. Raises `TruthsError`.

    *known* maps every id and name that a label may be to the id.
    """
    try:
        texts = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise TruthsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TruthsError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    examples = []
    for number, text in enumerate(texts, start=1):
        if text.strip():
            try:
                examples.append(_example(number, text, task, known))
            except ValueError as error:
                raise TruthsError(f"{path}:{number}: {error}") from error
    if not examples:
        raise TruthsError(f"{path}: holds no example")
    return tuple(examples)


def _example(number: int, line: str, task: str, known: Mapping[str, str] | None) -> Example:
    try:
        content = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"is not JSON: {getattr(error, 'msg', 'nested too deeply')}") from error
    key = TRUTHS[task]
    if not isinstance(content, dict):
        raise ValueError(f"expected an object with text and {key}")
    for name in ("text", key):
        if name not in content:
            raise ValueError(f"{name}: is missing")
    text, truth = content["text"], content[key]
    if not isinstance(text, str):
        raise ValueError("text: expected a string")
    match task:
        case "emergency":
            return Example(number=number, text=text, lines=_lines(truth))
        case "elements":
            return Example(number=number, text=text, elements=_elements(truth))
        case _:
            return Example(number=number, text=text, label=_label(key, truth, known))


def _lines(truth: Any) -> frozenset[str]:
    if not isinstance(truth, list) or not all(isinstance(line, str) and line.isdigit() for line in truth):
        raise ValueError('lines: expected a list of emergency lines such as ["119"], empty for an ordinary matter')
    return frozenset(truth)


def _elements(truth: Any) -> Mapping[str, str]:
    if not isinstance(truth, dict) or not all(isinstance(value, str) for value in truth.values()):
        raise ValueError("elements: expected an object of strings")
    for name in truth:
        if name not in ELEMENTS:
            raise ValueError(f"elements.{name}: expected one of {', '.join(ELEMENTS)}")
    return truth


def _label(key: str, truth: Any, known: Mapping[str, str] | None) -> str:
    if not isinstance(truth, str) or not truth:
        raise ValueError(f"{key}: expected a string, an id or a Chinese name")
    if known is None:
        return truth
    if truth not in known:
        ids = ", ".join(dict.fromkeys(known.values())) or "none, since none is configured"
        raise ValueError(f"{key}: there is no {truth!r}; there are {ids}")
    return known[truth]
