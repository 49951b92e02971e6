"""A city's decided tickets as a CSV file (历史工单), read for `jiesu learn` and `jiesu shadow`.

The first line names the columns; the usual titles in Chinese and English are known, others can be told. UTF-8 or GB
18030. An empty cell means that nobody decided. Words that we have an id for (咨询, a unit's name) become that id.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.history import HistoryError, csv_text
from config.scenario import CATEGORY_WORDS
from config.toml_file import SettingsError
from routing.directory import Unit
from routing.lexicon import Topic
from routing.training import Example

TEXT = "text"
TITLES: Mapping[str, tuple[str, ...]] = {
    TEXT: ("诉求内容", "内容", "诉求描述", "问题描述", "工单内容", "主要内容", "反映内容", "text", "content"),
    "category": ("类别", "诉求类别", "诉求类型", "工单类型", "类型", "category"),
    "class": ("事项", "诉求事项", "诉求分类", "事项分类", "问题分类", "问题类别", "class", "matter"),
    "unit": ("承办单位", "主办单位", "处理单位", "责任单位", "承办部门", "unit"),
}
"""Under which titles a column is known; of several that are there the first counts."""


class DecidedError(SettingsError):
    """Such a file cannot be used; the text is one line that an operator can act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One ticket: what the citizen wrote or said, and what people decided, by task; "" where nobody did."""

    line: int
    text: str
    labels: Mapping[str, str]

    def example(self, task: str) -> Example:
        """Return it as an example of one task."""
        return Example(text=self.text, label=self.labels.get(task, ""), line=self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """The ids that the words of a file stand for; a word without one stands for itself."""

    by_task: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def id_of(self, task: str, word: str) -> str:
        """Return the id of *word*."""
        return self.by_task.get(task, {}).get(word, word)


def ids_of(matters: Iterable[Topic], units: Iterable[Unit]) -> Ids:
    """Return the ids that this city's lexicon and settings give."""
    return Ids(
        by_task={
            "category": CATEGORY_WORDS,
            "class": {matter.name: matter.id for matter in matters},
            "unit": {unit.name: unit.id for unit in units},
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All tickets of a file, the tasks it has a column for, and the file's SHA-256."""

    path: Path
    sha256: str
    tasks: tuple[str, ...]
    tickets: Sequence[Decided]


def read_decided(path: Path, ids: Ids, columns: Mapping[str, str] | None = None) -> History:
    """Read the file at *path*; *columns* tells titles by `TEXT` or task. Raises `DecidedError`."""
    try:
        content = csv_text(path)
        reader = csv.reader(io.StringIO(content, newline=""))
        header = [title.strip() for title in next(reader, [])]
        places = _places(path, header, columns or {})
        tasks = tuple(task for task in places if task != TEXT)
        tickets = []
        for row in reader:
            cells = {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}
            if cells[TEXT]:
                labels = {task: ids.id_of(task, cells[task]) for task in tasks}
                tickets.append(Decided(line=reader.line_num, text=cells[TEXT], labels=labels))
    except HistoryError as error:
        raise DecidedError(str(error)) from error
    except csv.Error as error:
        raise DecidedError(f"{path}:{reader.line_num}: {error}") from error
    if not tickets:
        raise DecidedError(f"{path}: no ticket with a text")
    return History(path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), tasks=tasks, tickets=tickets)


def to_csv(tickets: Iterable[Decided]) -> str:
    """Return *tickets* as a file that `read_decided` reads back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([titles[0] for titles in TITLES.values()])
    for ticket in tickets:
        writer.writerow([ticket.text, *(ticket.labels.get(task, "") for task in TITLES if task != TEXT)])
    return text.getvalue()


def _places(path: Path, header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for name, titles in TITLES.items():
        told = columns.get(name)
        found = [title for title in ((told,) if told else titles) if title in header]
        if found:
            places[name] = header.index(found[0])
        elif told or name == TEXT:
            wanted = told or " or ".join(titles)
            raise DecidedError(f"{path}:1: expected a column {wanted}; there are {', '.join(header) or 'none'}")
    if len(places) == 1:
        raise DecidedError(f"{path}:1: expected at least one column that says what was decided, such as 类别 or 事项")
    return places
