"""Scenarios (情景) for `jiesu simulate`: a JSON object a line, in order of time, read into commands.

Whatever is wrong with one is a single line: file, line, field, and what would be right.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from config.reading import FieldError, read, spelled
from config.toml_file import SettingsError
from gateway.domain.case import COMMANDS, Accept, Amend, CaseId, Command
from gateway.domain.rules import CATEGORIES

CATEGORY_WORDS = dict(zip(("咨询", "求助", "投诉", "举报", "建议", "表扬", "纠错"), CATEGORIES, strict=True))
"""The categories as every regulation writes them."""


class ScenarioError(SettingsError):
    """A scenario cannot be used; the text is one line that its author can act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: at which instant what happens to which case; ``command`` None is nothing but the clock."""

    at: datetime
    ticket: CaseId
    command: Command | None


def read_scenario(path: Path) -> tuple[Line, ...]:
    """Read the scenario at *path*; blank lines are passed over. Raises `ScenarioError`."""
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    lines: list[Line] = []
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            line = _line(text)
            if lines and line.at < lines[-1].at:
                raise FieldError(("at",), f"expected an instant not before {lines[-1].at.isoformat()}, the line before")
        except FieldError as error:
            raise ScenarioError(f"{path}:{number}: {_place(text, error)}{error}") from error
        lines.append(line)
    return tuple(lines)


def _line(text: str) -> Line:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise FieldError((), f"is not JSON: {error.msg} at character {error.pos + 1}") from error
    if not isinstance(content, dict):
        raise FieldError((), "expected an object with at, ticket and do")
    at = _taken(content, "at", datetime)
    do = _taken(content, "do", str)
    if do == "now":
        ticket = _taken(content, "ticket", str) if "ticket" in content else ""
        if content:
            raise FieldError((next(iter(content)),), "unknown key; now takes nothing but at and ticket")
        return Line(at=at, ticket=CaseId(ticket), command=None)
    if do not in COMMANDS:
        near = difflib.get_close_matches(do, COMMANDS, n=1)
        raise FieldError(("do",), f"did you mean {near[0]}?" if near else f"expected one of {', '.join(COMMANDS)}, now")
    ticket = _taken(content, "ticket", str)
    if not ticket:
        raise FieldError(("ticket",), "expected the scenario's own name for the ticket")
    command = read(COMMANDS[do], content)
    if isinstance(command, Accept | Amend) and (isinstance(command, Accept) or command.category):
        if command.category not in CATEGORY_WORDS:
            raise FieldError(("category",), f"expected one of {', '.join(CATEGORY_WORDS)}")
        command = replace(command, category=CATEGORY_WORDS[command.category])
    return Line(at=at, ticket=CaseId(ticket), command=command)


def _taken(content: dict[str, Any], name: str, kind: type[Any]) -> Any:
    if name not in content:
        raise FieldError((name,), "is missing")
    try:
        return read(kind, content.pop(name))
    except FieldError as error:
        raise error.below(name) from error


def _place(text: str, error: FieldError) -> str:
    """Return the field and its value in front of a complaint."""
    if not error.field:
        return ""
    value: Any = json.loads(text)
    for step in error.field:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return f"{spelled(error.field)}: "
    shown = json.dumps(value, ensure_ascii=False)
    return f"{spelled(error.field)} = {shown if len(shown) <= 60 else shown[:57] + '...'}: "
