"""The knowledge base on the database (`gateway.ports.knowledge`).

A search is two questions to one moment of the index: in how many articles each term stands, then, for the terms that
are worth it, the sum of what they weigh in each article. Both are plain SQL that SQLite and PostgreSQL answer alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.domain.decision import Citation
from gateway.domain.errors import Conflict
from gateway.domain.knowledge import (
    Article,
    ArticleId,
    ArticleState,
    Check,
    CheckId,
    CheckKind,
    CheckOutcome,
    Content,
    Version,
)
from gateway.ports.knowledge import Weigh
from gateway.storage.knowledge_schema import articles, checks, terms, versions

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_LATEST = sa.select(versions, articles).join(
    versions, (versions.c.article_id == articles.c.id) & (versions.c.number == articles.c.latest)
)
_HEAD = sa.select(articles).where(articles.c.id == sa.bindparam("article_id"))
_LAST_NUMBER = sa.select(sa.func.coalesce(sa.func.max(articles.c.number), 0))
_VERSION_COLUMNS = [versions.c[name] for name in ("article_id", "number", "state", "content", "at", "by", "note")]


class SqlKnowledgeWrites:
    """What one unit of work does to the knowledge base."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def article(self, article_id: ArticleId) -> Article | None:
        """Return an article as it stands."""
        return _find_article(self._connection, article_id)

    def save_article(self, article: Article, impacts: Mapping[str, float] | None = None) -> None:
        """Keep an article with its next version, or with another confirmation of the one it has.

        *impacts* are the terms that its published version is found by from now on; None leaves them as they are.
        Raises `Conflict` when another version was made meanwhile.
        """
        latest = article.latest
        head = self._connection.execute(_HEAD, {"article_id": article.id}).one_or_none()
        known = 0 if head is None else head.latest
        if latest.number not in (known, known + 1) or latest.number == 0:
            raise Conflict(f"article {article.id} is at version {known}, not {latest.number - 1}")
        number = self._connection.execute(_LAST_NUMBER).scalar_one() + 1 if head is None else head.number
        if latest.number > known:
            self._connection.execute(sa.insert(versions), _version_row(latest))
        row = self._head_row(article) | {"number": number}
        if head is None:
            self._connection.execute(sa.insert(articles), row)
        else:
            self._connection.execute(sa.update(articles).where(articles.c.number == number).values(row))
        if impacts is not None:
            self._index(number, impacts)

    def check(self, check_id: CheckId) -> Check | None:
        """Return a check ticket as it stands."""
        return _find_check(self._connection, check_id)

    def open_check(self, article_id: ArticleId, kind: CheckKind) -> Check | None:
        """Return the oldest check of *kind* about the article that waits for its answer."""
        query = (
            sa.select(checks)
            .where(checks.c.article_id == article_id, checks.c.kind == kind.value, checks.c.outcome.is_(None))
            .order_by(checks.c.raised_at, checks.c.id)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _check_from(row)

    def save_check(self, check: Check) -> None:
        """Insert or replace a check ticket."""
        row = _check_row(check)
        changed = self._connection.execute(sa.update(checks).where(checks.c.id == check.id).values(row))
        if changed.rowcount == 0:
            self._connection.execute(sa.insert(checks), row)

    def _head_row(self, article: Article) -> dict[str, Any]:
        latest, public = article.latest, _published(self._connection, article)
        return {
            "id": article.id,
            "latest": latest.number,
            "state": latest.state.value,
            "unit": latest.content.unit,
            "title": latest.content.title,
            "published": article.published,
            "kind": public.kind.value if public else None,
            "valid_from": public.valid_from if public else None,
            "valid_until": public.valid_until if public else None,
            "confirmed_at": article.confirmed_at,
            "confirmed_by": article.confirmed_by,
        }

    def _index(self, number: int, impacts: Mapping[str, float]) -> None:
        self._connection.execute(sa.delete(terms).where(terms.c.article == number))
        if impacts:
            rows = [{"term": term, "article": number, "impact": impact} for term, impact in sorted(impacts.items())]
            self._connection.execute(sa.insert(terms), rows)


class Read(Protocol):
    """Runs a query on one moment of the database, in a reading thread."""

    def __call__(self, query: Callable[[sa.Connection], T]) -> Awaitable[T]:
        """Return what *query* returns."""
        ...


class SqlKnowledgeBase:
    """What is read of the knowledge base."""

    def __init__(self, read: Read) -> None:
        self._read = read

    async def article(self, article_id: ArticleId) -> Article | None:
        """Return an article as it stands."""
        return await self._read(lambda connection: _find_article(connection, article_id))

    async def versions(self, article_id: ArticleId) -> Sequence[Version]:
        """Return all versions of an article, the newest first."""
        query = sa.select(versions).where(versions.c.article_id == article_id).order_by(versions.c.number.desc())
        return await self._read(lambda connection: [_version_from(row) for row in connection.execute(query)])

    async def version(self, article_id: ArticleId, number: int) -> Version | None:
        """Return one version."""
        return await self._read(lambda connection: _find_version(connection, article_id, number))

    async def articles(
        self,
        *,
        unit: str = "",
        state: ArticleState | None = None,
        published: bool = False,
        confirmed_before: datetime | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Article]:
        """Return articles by id, those after *after*; each condition that is given narrows them."""
        query = _LATEST.where(articles.c.id > after).order_by(articles.c.id).limit(limit)
        if unit:
            query = query.where(articles.c.unit == unit)
        if state is not None:
            query = query.where(articles.c.state == state.value)
        if published:
            query = query.where(articles.c.published.is_not(None))
        if confirmed_before is not None:
            query = query.where(articles.c.confirmed_at < confirmed_before)
        return await self._read(lambda connection: [_article_from(row) for row in connection.execute(query)])

    async def search(
        self, wanted: Collection[str], weigh: Weigh, *, day: date, limit: int = 50
    ) -> Sequence[tuple[Version, float]]:
        """Return the published versions valid on *day* that the terms find, with their scores, the highest first."""
        return await self._read(lambda connection: _search(connection, wanted, weigh, day, limit))

    async def check(self, check_id: CheckId) -> Check | None:
        """Return a check ticket."""
        return await self._read(lambda connection: _find_check(connection, check_id))

    async def checks(
        self,
        *,
        unit: str = "",
        article_id: ArticleId | None = None,
        waiting: bool = False,
        due_before: datetime | None = None,
        limit: int = 100,
    ) -> Sequence[Check]:
        """Return check tickets, the newest first; each condition that is given narrows them."""
        query = sa.select(checks).order_by(checks.c.raised_at.desc(), checks.c.id.desc()).limit(limit)
        if unit:
            query = query.where(checks.c.unit == unit)
        if article_id is not None:
            query = query.where(checks.c.article_id == article_id)
        if waiting:
            query = query.where(checks.c.outcome.is_(None))
        if due_before is not None:
            query = query.where(checks.c.due < due_before)
        return await self._read(lambda connection: [_check_from(row) for row in connection.execute(query)])


def _search(
    connection: sa.Connection, wanted: Collection[str], weigh: Weigh, day: date, limit: int
) -> list[tuple[Version, float]]:
    total = connection.scalar(sa.select(sa.func.count()).where(articles.c.published.is_not(None))) or 0
    counts = (
        sa.select(terms.c.term, sa.func.count().label("articles"))
        .where(terms.c.term.in_(list(wanted)))
        .group_by(terms.c.term)
    )
    weights = weigh({row.term: row.articles for row in connection.execute(counts)}, total)
    if not weights:
        return []
    each = _postings(weights)
    scores = sa.select(each.c.article, sa.func.sum(each.c.score).label("score")).group_by(each.c.article).subquery()
    best = (
        sa.select(articles.c.id, articles.c.published, scores.c.score)
        .join(scores, scores.c.article == articles.c.number)
        .where(
            articles.c.published.is_not(None),
            articles.c.valid_from.is_(None) | (articles.c.valid_from <= day),
            articles.c.valid_until.is_(None) | (articles.c.valid_until >= day),
        )
        .order_by(scores.c.score.desc(), articles.c.id)
        .limit(limit)
        .subquery()
    )
    found: sa.Select[Any] = (
        sa.select(*_VERSION_COLUMNS, best.c.score)
        .join(best, (versions.c.article_id == best.c.id) & (versions.c.number == best.c.published))
        .order_by(best.c.score.desc(), best.c.id)
    )
    return [(_version_from(row), row.score) for row in connection.execute(found)]


def _postings(weights: Mapping[str, float]) -> sa.Subquery:
    """Return the rows of the index that the terms of *weights* have, each with what it is worth.

    Spelled as text, because composing some thirty selects costs more than the database takes to answer them.
    """
    one = "SELECT article, impact * CAST(:w{0} AS DOUBLE PRECISION) AS score FROM knowledge_terms WHERE term = :t{0}"
    values: dict[str, str | float] = {}
    for at, (term, weight) in enumerate(weights.items()):
        values |= {f"t{at}": term, f"w{at}": weight}
    query = sa.text(" UNION ALL ".join(one.format(at) for at in range(len(weights)))).bindparams(**values)
    return query.columns(sa.column("article", sa.Integer), sa.column("score", sa.Double)).subquery("each")


def _find_article(connection: sa.Connection, article_id: ArticleId) -> Article | None:
    row = connection.execute(_LATEST.where(articles.c.id == article_id)).one_or_none()
    return None if row is None else _article_from(row)


def _find_version(connection: sa.Connection, article_id: ArticleId, number: int) -> Version | None:
    query = sa.select(versions).where(versions.c.article_id == article_id, versions.c.number == number)
    row = connection.execute(query).one_or_none()
    return None if row is None else _version_from(row)


def _find_check(connection: sa.Connection, check_id: CheckId) -> Check | None:
    row = connection.execute(sa.select(checks).where(checks.c.id == check_id)).one_or_none()
    return None if row is None else _check_from(row)


def _published(connection: sa.Connection, article: Article) -> Content | None:
    """Return what readers are given: the latest version, or an older one while a draft follows it."""
    if article.published is None:
        return None
    if article.published == article.latest.number:
        return article.latest.content
    version = _find_version(connection, article.id, article.published)
    return None if version is None else version.content


def _version_row(version: Version) -> dict[str, Any]:
    return {
        "article_id": version.article_id,
        "number": version.number,
        "state": version.state.value,
        "content": msgspec.to_builtins(version.content),
        "at": version.at,
        "by": version.by,
        "note": version.note,
    }


def _version_from(row: sa.Row[Any]) -> Version:
    return Version(
        article_id=ArticleId(row.article_id),
        number=row.number,
        state=ArticleState(row.state),
        content=msgspec.convert(row.content, Content),
        at=row.at,
        by=row.by,
        note=row.note,
    )


def _article_from(row: sa.Row[Any]) -> Article:
    kept = row._mapping
    latest = Version(
        article_id=ArticleId(kept[versions.c.article_id]),
        number=kept[versions.c.number],
        state=ArticleState(kept[versions.c.state]),
        content=msgspec.convert(kept[versions.c.content], Content),
        at=kept[versions.c.at],
        by=kept[versions.c.by],
        note=kept[versions.c.note],
    )
    return Article(latest=latest, published=row.published, confirmed_at=row.confirmed_at, confirmed_by=row.confirmed_by)


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "kind": check.kind.value,
        "article_id": check.article_id,
        "version": check.version,
        "unit": check.unit,
        "words": check.words,
        "raised_at": check.raised_at,
        "raised_by": check.raised_by,
        "due": check.due,
        "provisional": check.provisional,
        "citation": msgspec.to_builtins(check.citation),
        "outcome": None if check.outcome is None else check.outcome.value,
        "answer": check.answer,
        "answered_at": check.answered_at,
        "answered_by": check.answered_by,
        "answered_version": check.answered_version,
    }


def _check_from(row: sa.Row[Any]) -> Check:
    return Check(
        id=CheckId(row.id),
        kind=CheckKind(row.kind),
        article_id=ArticleId(row.article_id),
        version=row.version,
        unit=row.unit,
        words=row.words,
        raised_at=row.raised_at,
        raised_by=row.raised_by,
        due=row.due,
        provisional=row.provisional,
        citation=msgspec.convert(row.citation, Citation | None),
        outcome=None if row.outcome is None else CheckOutcome(row.outcome),
        answer=row.answer,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        answered_version=row.answered_version,
    )
