"""The deadlines of a scenario as month views (月历) for the terminal: rest days dim, make-up workdays marked."""

from __future__ import annotations

from calendar import Calendar as Weeks
from collections.abc import Iterable, Iterator
from datetime import date, datetime, tzinfo

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from config import phrases
from gateway.domain.case import Fact
from routing.working_time import Calendar, day_of, last_day

WEEKDAYS = "一二三四五六日"
COLOURS = {"yellow": "bold yellow", "red": "bold red"}


def show(facts: Iterable[Fact], calendar: Calendar, zone: tzinfo) -> None:
    """Print the months from the first fact to the last deadline."""
    marks = _marks(facts, zone)
    if marks:
        Console().print(Group(*_months(marks, calendar)))


def _marks(facts: Iterable[Fact], zone: tzinfo) -> dict[date, list[Text]]:
    """Return what stands on each day: the last days of periods, cards, and where a case went."""
    marks: dict[date, list[Text]] = {}
    for fact in facts:
        due = fact.details.get("due")
        if isinstance(due, datetime):
            text = Text(f"{fact.case} {phrases.word(fact.details['kind'])}止", "cyan")
            marks.setdefault(last_day(due, zone), []).append(text)
        elif fact.name == "card":
            colour = fact.details["colour"]
            marks.setdefault(day_of(fact.at, zone), []).append(
                Text(f"{fact.case} {phrases.word(colour)}", COLOURS[colour])
            )
        elif fact.name == "stage":
            marks.setdefault(day_of(fact.at, zone), []).append(
                Text(f"{fact.case} {phrases.word(fact.details['stage'])}", "green")
            )
    return marks


def _months(marks: dict[date, list[Text]], calendar: Calendar) -> Iterator[RenderableType]:
    first, last = min(marks), max(marks)
    for index in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        year, month = index // 12, index % 12 + 1
        table = Table(title=f"{year}年{month}月", show_lines=True)
        for name in WEEKDAYS:
            table.add_column(name, min_width=6)
        for week in Weeks().monthdatescalendar(year, month):
            table.add_row(*(_cell(day, month, marks.get(day, []), calendar) for day in week))
        yield table


def _cell(day: date, month: int, texts: list[Text], calendar: Calendar) -> Text:
    if day.month != month:
        return Text()
    works = calendar.is_working_day(day)
    note = "班" if works and day.weekday() >= 5 else "休" if not works and day.weekday() < 5 else ""
    return Text("\n").join([Text(f"{day.day}{note}", "" if works else "dim"), *texts])
