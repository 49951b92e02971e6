"""What the core writes and reads of the knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from gateway.domain.knowledge import Article, ArticleId, ArticleState, Check, CheckId, CheckKind, Version


class KnowledgeWrites(Protocol):
    """The knowledge base's part of a unit of work."""

    def article(self, article_id: ArticleId) -> Article | None:
        """Return an article as it stands."""
        ...

    def save_article(self, article: Article, impacts: Mapping[str, float] | None = None) -> None:
        """Keep an article with its next version, or with another confirmation of the one it has.

        *impacts* are the terms that its published version is found by from now on, each with its weight in it; None
        leaves them as they are. Raises `Conflict` when another version was made meanwhile.
        """
        ...

    def check(self, check_id: CheckId) -> Check | None:
        """Return a check ticket as it stands."""
        ...

    def open_check(self, article_id: ArticleId, kind: CheckKind) -> Check | None:
        """Return the oldest check of *kind* about the article that waits for its answer."""
        ...

    def save_check(self, check: Check) -> None:
        """Insert or replace a check ticket."""
        ...


Weigh = Callable[[Mapping[str, int], int], Mapping[str, float]]
"""Given in how many articles each term stands, and how many there are: the terms to look for, with their worth."""


class KnowledgeBase(Protocol):
    """What is read of the knowledge base. Every method raises `Unavailable` while the store cannot."""

    async def article(self, article_id: ArticleId) -> Article | None:
        """Return an article as it stands."""
        ...

    async def version(self, article_id: ArticleId, number: int) -> Version | None:
        """Return one version."""
        ...

    async def versions(self, article_id: ArticleId) -> Sequence[Version]:
        """Return all versions of an article, the newest first."""
        ...

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
        ...

    async def search(
        self, wanted: Collection[str], weigh: Weigh, *, day: date, limit: int = 50
    ) -> Sequence[tuple[Version, float]]:
        """Return the published versions valid on *day* that the terms find, with their scores, the highest first."""
        ...

    async def check(self, check_id: CheckId) -> Check | None:
        """Return a check ticket."""
        ...

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
        ...
