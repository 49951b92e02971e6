"""Invented regulations for tests: as many rules as a test names, each resting on one article."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from config.profiles import ProfileFile, read_file
from gateway.domain.case import Case, CaseId, Command, Fact
from routing.casebook import Casebook
from routing.working_time import Calendar

ZONE = timezone(timedelta(hours=8))
CALENDAR = Calendar(years=frozenset({2025, 2026, 2027}))
"""A calendar without holidays."""
MONDAY = datetime(2026, 3, 2, 9, tzinfo=ZONE)
T = CaseId("T")

_HEAD = """\
[profile]
id = "city"
name = "某市"
document = "《办法》"

[[citation]]
id = "C-1"
article = "第一条"
words = "应当办理"
"""

_RULE = """
[[rule]]
key = "{key}"
value = {value}
cite = "C-1"
effective_from = {since}
"""

_NEEDED = {
    "emergency.lines": '["110"]',
    "emergency.needs_confirmation": "false",
    "emergency.grace": '"5s"',
    "category.help": '"求助"',
}


def regulation(folder: Path, rules: dict[str, str], until: dict[str, str] | None = None) -> ProfileFile:
    """Return a regulation with *rules*, TOML values by key, besides what every profile needs."""
    text = _HEAD
    for key, value in (_NEEDED | rules).items():
        text += _RULE.format(key=key, value=value, since="2020-01-01")
        if until and key in until:
            text += f"until = {until[key]}\n"
    path = folder / "city.toml"
    path.write_text(text, encoding="utf-8")
    return read_file(path)


class Story:
    """One case under an invented regulation: commands go in at hours after `MONDAY`, what followed is kept."""

    def __init__(self, folder: Path, rules: dict[str, str]) -> None:
        self.book = Casebook(regulation(folder, rules).at(MONDAY), CALENDAR)
        self.case: Case | None = None
        self.facts: list[Fact] = []

    def after(self, hours: float, command: Command) -> list[Fact]:
        """Let the clock run, carry *command* out and return what it brought."""
        now = MONDAY + timedelta(hours=hours)
        self.until(hours)
        outcome = self.book.apply(self.case, T, command, now)
        self.case = outcome.case
        self.facts += outcome.facts
        return list(outcome.facts)

    def until(self, hours: float) -> list[Fact]:
        """Let the clock run and return what it brought."""
        if self.case is None:
            return []
        outcome = self.book.elapse(self.case, MONDAY + timedelta(hours=hours))
        self.case = outcome.case
        self.facts += outcome.facts
        return list(outcome.facts)
