"""Articles of the knowledge base as units hand them in (知识报送), TOML or CSV, and the lexicon of the search.

Whatever is wrong with a file is a single line: file, line, field, and what would be right. A CSV has the columns
`COLUMNS` in any order under a heading; lists in it are separated by ``|``, days are written 2026-11-21.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec

from config.sounds import load_sounds
from config.toml_file import SettingsError, TomlFile
from gateway.domain.knowledge import ArticleId, ArticleKind, Content, Submission, faults
from routing.search import SearchLexicon

_LISTS = ("questions", "keywords", "matters", "categories")
_DAYS = ("valid_from", "valid_until", "confirmed")
COLUMNS = (
    "id", "title", "unit", "body", "kind", *_LISTS, "valid_from", "valid_until", "place", "contact", "source",
    "confirmed",
)  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KnowledgeFileError(SettingsError):
    """A file of articles cannot be used; the text is one line that whoever wrote it can act on."""


class _Article(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    title: str
    unit: str
    body: str
    kind: Literal["guide", "duty_roster", "construction"] = "guide"
    questions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    place: str = ""
    contact: str = ""
    source: str = ""
    confirmed: date | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    article: tuple[_Article, ...]


class _Synonym(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    words: tuple[str, ...]


class _LexiconFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    filler: tuple[str, ...] = ()
    synonym: tuple[_Synonym, ...] = ()


def load(path: Path) -> tuple[Submission, ...]:
    """Return the articles of the file at *path*, by its ending TOML or CSV. Raises `KnowledgeFileError`."""
    match path.suffix.lower():
        case ".toml":
            return _load_toml(path)
        case ".csv":
            return _load_csv(path)
        case _:
            raise KnowledgeFileError(f"{path}: expected a file that ends in .toml or .csv")


def load_lexicon(folder: Path, words: Iterable[str] = ()) -> SearchLexicon:
    """Read ``knowledge.toml`` and ``pinyin.toml`` of *folder*; *words* are further whole words. `SettingsError`."""
    file = TomlFile(folder / "knowledge.toml")
    content = file.convert(_LexiconFile)
    for at, group in enumerate(content.synonym):
        if len(group.words) < 2 or not all(word.strip() for word in group.words):
            raise file.error(("synonym", at, "words"), "expected two words or more that mean the same")
    sounds = load_sounds(folder / "pinyin.toml")
    synonyms = tuple(group.words for group in content.synonym)
    return SearchLexicon(
        synonyms=synonyms,
        filler=content.filler,
        words=frozenset(words).union(*synonyms),
        sounds={character: readings[0] for character, readings in sounds.readings.items()},
    )


def to_csv(submissions: Sequence[Submission]) -> str:
    """Return *submissions* as a CSV that `load` reads back."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for submission in submissions:
        writer.writerow(_row(submission))
    return text.getvalue()


def _load_toml(path: Path) -> tuple[Submission, ...]:
    try:
        file = TomlFile(path)
        articles = file.convert(_File).article
    except SettingsError as error:
        raise KnowledgeFileError(str(error)) from error
    places = {at: file.line_of(("article", at, "id")) or 0 for at in range(len(articles))}
    return _checked(path, [(places[at], article) for at, article in enumerate(articles)])


def _load_csv(path: Path) -> tuple[Submission, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise KnowledgeFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KnowledgeFileError(f"{path}: is not UTF-8 text (byte {error.start}); save it as CSV UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    articles = []
    try:
        unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
        missing = [name for name in ("id", "title", "unit", "body") if name not in (reader.fieldnames or ())]
        if unknown or missing:
            wrong = f"unknown column {unknown[0]!r}" if unknown else f"column {missing[0]!r} is missing"
            raise KnowledgeFileError(f"{path}:1: {wrong}; expected {', '.join(COLUMNS)}")
        for row in reader:
            articles.append((reader.line_num, _from_row(path, reader.line_num, row)))
    except csv.Error as error:
        raise KnowledgeFileError(f"{path}:{reader.line_num}: is not CSV: {error}") from error
    return _checked(path, articles)


def _from_row(path: Path, line: int, row: dict[str, Any]) -> _Article:
    if None in row or None in row.values():
        raise KnowledgeFileError(f"{path}:{line}: expected as many fields as the heading has")
    values: dict[str, Any] = {}
    for name, text in row.items():
        if name in _LISTS:
            values[name] = [part.strip() for part in text.split("|") if part.strip()]
        elif name in _DAYS:
            values[name] = text.strip() or None
        elif text.strip() or name != "kind":
            values[name] = text.strip()
    try:
        return msgspec.convert(values, _Article)
    except msgspec.ValidationError as error:
        raise KnowledgeFileError(f"{path}:{line}: {error}") from error


def _checked(path: Path, articles: Sequence[tuple[int, _Article]]) -> tuple[Submission, ...]:
    """Return what can be kept. Raises `KnowledgeFileError` for the first that cannot."""
    seen: dict[str, int] = {}
    submissions = []
    for line, article in articles:
        if not _ID.fullmatch(article.id):
            raise KnowledgeFileError(f"{path}:{line}: id = {article.id!r}: expected letters, digits and . _ -")
        if article.id in seen:
            raise KnowledgeFileError(f"{path}:{line}: id = {article.id}: stands in line {seen[article.id]} already")
        seen[article.id] = line
        submission = _submission(article)
        for field, reason in faults(submission.content):
            raise KnowledgeFileError(f"{path}:{line}: {article.id}.{field}: {reason}")
        submissions.append(submission)
    return tuple(submissions)


def _submission(article: _Article) -> Submission:
    values = msgspec.structs.asdict(article)
    identity, confirmed, kind = values.pop("id"), values.pop("confirmed"), values.pop("kind")
    values["body"] = article.body.strip()
    return Submission(id=ArticleId(identity), content=Content(kind=ArticleKind(kind), **values), confirmed_on=confirmed)


def _row(submission: Submission) -> dict[str, str]:
    content = submission.content
    values = {name: getattr(content, name) for name in COLUMNS if name not in ("id", "confirmed")}
    values |= {"id": submission.id, "kind": content.kind.value, "confirmed": submission.confirmed_on}
    return {name: "|".join(value) if isinstance(value, tuple) else str(value or "") for name, value in values.items()}
