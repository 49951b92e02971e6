"""The knowledge base (知识库): articles that units own, their versions, and the check tickets (核查单) about them.

Every change of words or state is a new version and no version is ever changed. Readers are given the published one
while a newer draft is still being written. A confirmation (确认有效) changes no word, so it is no version: the article
carries when it was last confirmed and by whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import NewType

from gateway.domain.decision import Citation
from gateway.domain.errors import Conflict, Refused

ArticleId = NewType("ArticleId", str)
CheckId = NewType("CheckId", str)


class ArticleKind(Enum):
    """What an article is: something to know, or a notice (ZH-20) that holds for some days."""

    GUIDE = "guide"
    DUTY_ROSTER = "duty_roster"
    CONSTRUCTION = "construction"


NOTICES = frozenset({ArticleKind.DUTY_ROSTER, ArticleKind.CONSTRUCTION})
"""The kinds that are shown before all others when they match."""


class ArticleState(Enum):
    """Where a version stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class ArticleEvent(Enum):
    """What can happen to an article."""

    WRITTEN = "written"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


_NEXT = {
    (ArticleState.DRAFT, ArticleEvent.WRITTEN): ArticleState.DRAFT,
    (ArticleState.DRAFT, ArticleEvent.PUBLISHED): ArticleState.PUBLISHED,
    (ArticleState.DRAFT, ArticleEvent.WITHDRAWN): ArticleState.WITHDRAWN,
    (ArticleState.PUBLISHED, ArticleEvent.WRITTEN): ArticleState.DRAFT,
    (ArticleState.PUBLISHED, ArticleEvent.WITHDRAWN): ArticleState.WITHDRAWN,
    (ArticleState.WITHDRAWN, ArticleEvent.WRITTEN): ArticleState.DRAFT,
    (ArticleState.WITHDRAWN, ArticleEvent.PUBLISHED): ArticleState.PUBLISHED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an article says.

    ``questions`` are ways in which people ask for it, ``matters`` and ``categories`` ids of the city's lexicons.
    ``valid_from`` and ``valid_until`` are days of the city, both included, None where there is no end. ``place`` and
    ``contact`` are what a notice must name; ``source`` is the document that it rests on.
    """

    title: str
    unit: str
    body: str
    kind: ArticleKind = ArticleKind.GUIDE
    questions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    place: str = ""
    contact: str = ""
    source: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Say whether the article holds on *day*."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


def faults(content: Content) -> Iterator[tuple[str, str]]:
    """Yield the fields that *content* cannot be kept with, each with what would be right."""
    needed = ["title", "unit", "body"]
    if content.kind in NOTICES:
        needed += ["valid_from", "valid_until", "contact"]
    if content.kind is ArticleKind.CONSTRUCTION:
        needed += ["place"]
    for name in needed:
        value = getattr(content, name)
        if value is None or (isinstance(value, str) and not value.strip()):
            yield name, f"is needed by a {content.kind.value}"
    if content.valid_from is not None and content.valid_until is not None and content.valid_until < content.valid_from:
        yield "valid_until", f"expected a day from {content.valid_from} on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version, numbered from 1: what it says, who made it and when, and why if they said so."""

    article_id: ArticleId
    number: int
    state: ArticleState
    content: Content
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article as it stands: its latest version, and the number of the one that readers are given, if any."""

    latest: Version
    confirmed_at: datetime
    confirmed_by: str
    published: int | None = None

    @property
    def id(self) -> ArticleId:
        """The article's id."""
        return self.latest.article_id


def first_version(
    article_id: ArticleId, content: Content, *, at: datetime, by: str, note: str = "", publish: bool = False
) -> Article:
    """Return a new article, a draft or published at once. Raises `Refused` when *content* cannot be kept."""
    _require_whole(content)
    state = ArticleState.PUBLISHED if publish else ArticleState.DRAFT
    version = Version(article_id=article_id, number=1, state=state, content=content, at=at, by=by, note=note)
    return Article(latest=version, published=1 if publish else None, confirmed_at=at, confirmed_by=by)


def written(
    article: Article, content: Content, *, seen: int, at: datetime, by: str, note: str = "", publish: bool = False
) -> Article:
    """Return *article* with *content* as its next version, a draft or published at once.

    *seen* is the version that the writer started from. Raises `Conflict` when another was made meanwhile, `Refused`
    when *content* cannot be kept.
    """
    _require_whole(content)
    draft = moved(article, ArticleEvent.WRITTEN, seen=seen, at=at, by=by, note=note)
    version = replace(draft.latest, content=content)
    if not publish:
        return replace(draft, latest=version)
    return _published(replace(version, state=ArticleState.PUBLISHED))


def moved(article: Article, event: ArticleEvent, *, seen: int, at: datetime, by: str, note: str = "") -> Article:
    """Return *article* once *event* has happened to its version *seen*, as its next version.

    To publish is to confirm. Raises `Conflict` when another version was made meanwhile, `Refused` when the state table
    does not have the step.
    """
    latest = article.latest
    if latest.number != seen:
        raise Conflict(f"article {article.id} is at version {latest.number}, not {seen}")
    try:
        state = _NEXT[latest.state, event]
    except KeyError:
        raise Refused(f"article {article.id} is {latest.state.value} already") from None
    version = replace(latest, number=seen + 1, state=state, at=at, by=by, note=note)
    if state is ArticleState.PUBLISHED:
        return _published(version)
    return replace(article, latest=version, published=None if state is ArticleState.WITHDRAWN else article.published)


def _published(version: Version) -> Article:
    return Article(latest=version, published=version.number, confirmed_at=version.at, confirmed_by=version.by)


def confirmed(article: Article, *, at: datetime, by: str) -> Article:
    """Return *article* as its owner says that it still holds. Raises `Refused` for one that nobody is given."""
    if article.published is None:
        raise Refused(f"article {article.id} is not published")
    return replace(article, confirmed_at=at, confirmed_by=by)


def _require_whole(content: Content) -> None:
    for name, reason in faults(content):
        raise Refused(f"{name}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An article as a unit hands it in (报送); ``confirmed_on`` is the day on which it last said that it holds."""

    id: ArticleId
    content: Content
    confirmed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of submissions: how many are new, changed or unchanged, and which notices came late."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    late: tuple[ArticleId, ...] = ()


class CheckKind(Enum):
    """Why a unit is asked: something is said to be wrong (纠错), or nobody has confirmed it for long (时效)."""

    CORRECTION = "correction"
    FRESHNESS = "freshness"


class CheckOutcome(Enum):
    """What the owner found."""

    CORRECTED = "corrected"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check ticket (核查单) about one version of an article, for its owner.

    ``words`` say what is wrong. ``due`` is None where the city sets no period; ``provisional`` while a calendar to come
    may move it; ``citation`` is the article that sets it. ``outcome`` is None until the owner has answered.
    """

    id: CheckId
    kind: CheckKind
    article_id: ArticleId
    version: int
    unit: str
    words: str
    raised_at: datetime
    raised_by: str
    due: datetime | None = None
    provisional: bool = False
    citation: Citation | None = None
    outcome: CheckOutcome | None = None
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    answered_version: int | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Say whether it was not answered in time."""
        return self.due is not None and (self.answered_at or now) > self.due


def answered(check: Check, article: Article, outcome: CheckOutcome, words: str, *, at: datetime, by: str) -> Check:
    """Return *check* with its owner's answer. *article* is as it stands.

    Raises `Refused` for a check that is answered already, and for a correction when the published words are still
    those that were checked.
    """
    if check.outcome is not None:
        raise Refused(f"check {check.id} is answered already")
    if outcome is CheckOutcome.CORRECTED and (
        article.published == check.version or article.latest.number <= check.version
    ):
        raise Refused(f"article {article.id} still says what check {check.id} is about")
    return replace(
        check,
        outcome=outcome,
        answer=words,
        answered_at=at,
        answered_by=by,
        answered_version=article.published if article.published is not None else article.latest.number,
    )
