"""A city's historic tickets (历史工单) as a CSV file, read for `jiesu replay-history`.

The first line names the columns, in English or in Chinese; others are passed over. Instants without offset are in the
profile's zone. UTF-8, or the GB 18030 that office programs write. Whatever is wrong is one line: file, line, field.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from config.scenario import CATEGORY_WORDS
from config.toml_file import SettingsError
from gateway.domain.rules import Urgency

COLUMNS: Mapping[str, str] = {
    "received_at": "受理时间",
    "category": "类别",
    "urgency": "紧急程度",
    "unit": "承办单位",
    "dispatched_at": "派单时间",
    "signed_at": "签收时间",
    "replied_at": "反馈时间",
}
NEEDED = ("received_at", "category", "unit", "dispatched_at")


class HistoryError(SettingsError):
    """A history cannot be used; the text is one line that an operator can act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What became of one ticket: when it was received, dispatched to which unit, and signed for and replied to."""

    received_at: datetime
    category: str
    urgency: Urgency
    unit: str
    dispatched_at: datetime
    signed_at: datetime | None
    replied_at: datetime | None


def read_history(path: Path, zone: tzinfo) -> Iterator[Past]:
    """Yield the tickets of the file at *path*, in its order. Raises `HistoryError`."""
    reader = csv.reader(io.StringIO(csv_text(path), newline=""))
    header = next(reader, [])
    names = {chinese: name for name, chinese in COLUMNS.items()} | {name: name for name in COLUMNS}
    places = {names[title.strip()]: at for at, title in enumerate(header) if title.strip() in names}
    for name in NEEDED:
        if name not in places:
            near = difflib.get_close_matches(name, header, n=1)
            advice = f"; is it {near[0]!r}?" if near else ""
            raise HistoryError(f"{path}:1: {name}: expected a column {name} or {COLUMNS[name]}{advice}")
    for row in reader:
        if any(cell.strip() for cell in row):
            cells = {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}
            yield _Row(f"{path}:{reader.line_num}", cells, zone).past()


def csv_text(path: Path) -> str:
    """Return the text of a CSV file in UTF-8 or GB 18030. Raises `HistoryError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read: {error.strerror}") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise HistoryError(f"{path}: is neither UTF-8 nor GB 18030 text")


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    cells: Mapping[str, str]
    zone: tzinfo

    def past(self) -> Past:
        category = self.cells["category"]
        if category not in CATEGORY_WORDS:
            raise self._error("category", f"expected one of {', '.join(CATEGORY_WORDS)}")
        urgency = self.cells.get("urgency") or Urgency.NORMAL.value
        if urgency not in {each.value for each in Urgency}:
            raise self._error("urgency", f"expected one of {', '.join(each.value for each in Urgency)}")
        if not self.cells["unit"]:
            raise self._error("unit", "expected the unit's name")
        received = self._instant("received_at")
        dispatched = self._instant("dispatched_at", not_before=received)
        return Past(
            received_at=received,
            category=CATEGORY_WORDS[category],
            urgency=Urgency(urgency),
            unit=self.cells["unit"],
            dispatched_at=dispatched,
            signed_at=self._instant("signed_at", not_before=dispatched) if self.cells.get("signed_at") else None,
            replied_at=self._instant("replied_at", not_before=dispatched) if self.cells.get("replied_at") else None,
        )

    def _instant(self, name: str, *, not_before: datetime | None = None) -> datetime:
        try:
            instant = datetime.fromisoformat(self.cells[name].replace("/", "-"))
        except ValueError as error:
            raise self._error(name, "expected an instant such as 2026-03-02 09:00:00") from error
        instant = instant if instant.tzinfo is not None else instant.replace(tzinfo=self.zone)
        if not_before is not None and instant < not_before:
            raise self._error(name, f"expected an instant not before {not_before.isoformat(' ')}")
        return instant

    def _error(self, name: str, reason: str) -> HistoryError:
        return HistoryError(f"{self.place}: {name} = {self.cells[name]}: {reason}")
