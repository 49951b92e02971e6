"""The knowledge base as page and public see it (知识库视图): records, and how the domain's values become them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.domain.decision import Citation
from gateway.domain.knowledge import Article, ArticleKind, Check, Content, Version
from gateway.services.unit_records import UnitRecord
from gateway.web.context import Visit
from gateway.web.views import CitationView
from routing.search import Hit

Text = Annotated[str, Meta(max_length=20_000)]
Line = Annotated[str, Meta(max_length=200)]
Lines = Annotated[tuple[Line, ...], Meta(max_length=50)]


class ContentView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an article says; days are the city's, lists are in the order they were written."""

    title: Line
    unit: Line
    body: Text
    kind: Literal["guide", "duty_roster", "construction"] = "guide"
    questions: Lines = ()
    keywords: Lines = ()
    matters: Lines = ()
    categories: Lines = ()
    valid_from: date | None = None
    valid_until: date | None = None
    place: Line = ""
    contact: Line = ""
    source: Line = ""


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One version; ``unit_name`` is its owner as people know it."""

    article: str
    version: int
    state: str
    content: ContentView
    unit_name: str
    at: datetime
    by: str
    note: str


class ArticleView(msgspec.Struct, frozen=True, kw_only=True):
    """An article as it stands: its latest version, the number of the published one, when it was last confirmed."""

    latest: VersionView
    published: int | None
    confirmed_at: datetime
    confirmed_by: str
    stale: bool


class HitView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: the published version, the words it was found by, how well it fits."""

    version: VersionView
    evidence: list[str]
    score: float


class HitList(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, the best first; notices that match stand before all."""

    hits: list[HitView]


class OpenArticle(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may read of an article."""

    id: str
    version: int
    title: str
    unit: str
    kind: str
    body: str
    questions: tuple[str, ...]
    valid_from: date | None
    valid_until: date | None
    place: str
    contact: str
    source: str
    published_at: datetime


class OpenList(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may read of what was found."""

    articles: list[OpenArticle]


class ArticlePage(msgspec.Struct, frozen=True, kw_only=True):
    """Articles by id; ``next_after`` asks for further ones, None when there are none. ``fresh_for`` is the rule."""

    articles: list[ArticleView]
    next_after: str | None
    fresh_for: str
    citation: CitationView | None


class VersionList(msgspec.Struct, frozen=True):
    """All versions of an article, the newest first."""

    versions: list[VersionView]


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """A check ticket; ``due`` is None where the city sets no period."""

    id: str
    kind: str
    article: str
    version: int
    unit: str
    unit_name: str
    words: str
    raised_at: datetime
    raised_by: str
    due: datetime | None
    provisional: bool
    overdue: bool
    citation: CitationView | None
    outcome: str | None
    answer: str
    answered_at: datetime | None
    answered_by: str


class CheckList(msgspec.Struct, frozen=True):
    """Check tickets, the newest first."""

    checks: list[CheckView]


class UnitRecordView(msgspec.Struct, frozen=True, kw_only=True):
    """How a unit looks after its part of the knowledge base."""

    unit: str
    unit_name: str
    published: int
    stale: int
    checks: int
    answered_in_time: int
    overdue: int


class UnitRecordList(msgspec.Struct, frozen=True):
    """All units that own an article or had a check."""

    units: list[UnitRecordView]


def content_of(view: ContentView) -> Content:
    """Return what was written."""
    values = msgspec.structs.asdict(view)
    return Content(**values | {"kind": ArticleKind(view.kind)})


def unit_name(visit: Visit, unit: str) -> str:
    """Return the name of *unit* as people know it."""
    known = visit.parts.units.get(unit)
    return known.name if known else unit


def version_view(visit: Visit, version: Version) -> VersionView:
    """Show a version."""
    return VersionView(
        article=version.article_id,
        version=version.number,
        state=version.state.value,
        content=msgspec.convert(msgspec.to_builtins(version.content), ContentView),
        unit_name=unit_name(visit, version.content.unit),
        at=version.at,
        by=version.by,
        note=version.note,
    )


def article_view(visit: Visit, article: Article) -> ArticleView:
    """Show an article as it stands."""
    return ArticleView(
        latest=version_view(visit, article.latest),
        published=article.published,
        confirmed_at=article.confirmed_at,
        confirmed_by=article.confirmed_by,
        stale=visit.parts.librarian.is_stale(article),
    )


def hit_list(visit: Visit, hits: Sequence[Hit]) -> HitList:
    """Show what was found."""
    return HitList(
        hits=[
            HitView(version=version_view(visit, hit.version), evidence=list(hit.evidence), score=round(hit.score, 2))
            for hit in hits
        ]
    )


def open_article(visit: Visit, version: Version) -> OpenArticle:
    """Show what everybody may read."""
    content = version.content
    return OpenArticle(
        id=version.article_id,
        version=version.number,
        title=content.title,
        unit=unit_name(visit, content.unit),
        kind=content.kind.value,
        body=content.body,
        questions=content.questions,
        valid_from=content.valid_from,
        valid_until=content.valid_until,
        place=content.place,
        contact=content.contact,
        source=content.source,
        published_at=version.at,
    )


def check_view(visit: Visit, check: Check) -> CheckView:
    """Show a check ticket."""
    return CheckView(
        id=check.id,
        kind=check.kind.value,
        article=check.article_id,
        version=check.version,
        unit=check.unit,
        unit_name=unit_name(visit, check.unit),
        words=check.words,
        raised_at=check.raised_at,
        raised_by=check.raised_by,
        due=check.due,
        provisional=check.provisional,
        overdue=check.is_overdue(visit.parts.clock.now()),
        citation=citation_view(check.citation),
        outcome=check.outcome.value if check.outcome else None,
        answer=check.answer,
        answered_at=check.answered_at,
        answered_by=check.answered_by,
    )


def citation_view(citation: Citation | None) -> CitationView | None:
    """Show an article of a regulation."""
    return None if citation is None else CitationView(**asdict(citation))


def unit_records(visit: Visit, records: Sequence[UnitRecord]) -> UnitRecordList:
    """Show how the units do."""
    return UnitRecordList(
        units=[UnitRecordView(unit_name=unit_name(visit, record.unit), **asdict(record)) for record in records]
    )
