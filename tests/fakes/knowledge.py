"""The knowledge base in memory, part of `tests.fakes.store.MemoryStore`. It passes the store's contract suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.knowledge import Article, ArticleId, ArticleState, Check, CheckId, CheckKind, Version
from gateway.ports.knowledge import Weigh
from gateway.storage.chain import canonical


@dataclass
class KnowledgeMemory:
    """What is remembered, and at once the writes of a unit of work."""

    kept: dict[ArticleId, Article] = field(default_factory=dict)
    old: dict[tuple[ArticleId, int], Version] = field(default_factory=dict)
    index: dict[ArticleId, Mapping[str, float]] = field(default_factory=dict)
    tickets: dict[CheckId, Check] = field(default_factory=dict)

    def copy(self) -> KnowledgeMemory:
        return KnowledgeMemory(dict(self.kept), dict(self.old), dict(self.index), dict(self.tickets))

    def article(self, article_id: ArticleId) -> Article | None:
        return self.kept.get(article_id)

    def save_article(self, article: Article, impacts: Mapping[str, float] | None = None) -> None:
        canonical(msgspec.to_builtins(article))
        if article.confirmed_at.utcoffset() is None or article.latest.at.utcoffset() is None:
            raise OurMistake("an instant without a zone")
        known = self.kept.get(article.id)
        before = known.latest.number if known else 0
        if article.latest.number not in (before, before + 1) or article.latest.number == 0:
            raise Conflict(f"article {article.id} is at version {before}")
        self.kept[article.id] = article
        self.old.setdefault((article.id, article.latest.number), article.latest)
        if impacts is not None:
            self.index[article.id] = dict(impacts)

    def check(self, check_id: CheckId) -> Check | None:
        return self.tickets.get(check_id)

    def open_check(self, article_id: ArticleId, kind: CheckKind) -> Check | None:
        waiting = [
            check
            for check in self.tickets.values()
            if check.article_id == article_id and check.kind is kind and check.outcome is None
        ]
        return min(waiting, key=lambda check: (check.raised_at, check.id), default=None)

    def save_check(self, check: Check) -> None:
        self.tickets[check.id] = check


class MemoryKnowledgeBase:
    """`gateway.ports.knowledge.KnowledgeBase` on what *reach* gives, which may fail."""

    def __init__(self, reach: Callable[[], Awaitable[KnowledgeMemory]]) -> None:
        self._reach = reach

    async def article(self, article_id: ArticleId) -> Article | None:
        return (await self._reach()).kept.get(article_id)

    async def version(self, article_id: ArticleId, number: int) -> Version | None:
        return (await self._reach()).old.get((article_id, number))

    async def versions(self, article_id: ArticleId) -> Sequence[Version]:
        memory = await self._reach()
        found = [version for (owner, _), version in memory.old.items() if owner == article_id]
        return sorted(found, key=lambda version: -version.number)

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
        memory = await self._reach()
        return [
            article
            for _, article in sorted(memory.kept.items())
            if article.id > after
            and (not unit or article.latest.content.unit == unit)
            and (state is None or article.latest.state is state)
            and (not published or article.published is not None)
            and (confirmed_before is None or article.confirmed_at < confirmed_before)
        ][:limit]

    async def search(
        self, wanted: Collection[str], weigh: Weigh, *, day: date, limit: int = 50
    ) -> Sequence[tuple[Version, float]]:
        memory = await self._reach()
        counts = Counter(term for impacts in memory.index.values() for term in impacts if term in set(wanted))
        public = {article.id: article.published for article in memory.kept.values() if article.published is not None}
        weights = weigh(dict(counts), len(public))
        found = []
        for article_id, number in public.items():
            impacts, version = memory.index.get(article_id, {}), memory.old[article_id, number]
            terms = weights.keys() & impacts.keys()
            if terms and version.content.is_valid_on(day):
                found.append((version, sum(weights[term] * impacts[term] for term in terms)))
        return sorted(found, key=lambda hit: (-hit[1], hit[0].article_id))[:limit]

    async def check(self, check_id: CheckId) -> Check | None:
        return (await self._reach()).tickets.get(check_id)

    async def checks(
        self,
        *,
        unit: str = "",
        article_id: ArticleId | None = None,
        waiting: bool = False,
        due_before: datetime | None = None,
        limit: int = 100,
    ) -> Sequence[Check]:
        memory = await self._reach()
        found = [
            check
            for check in memory.tickets.values()
            if (not unit or check.unit == unit)
            and (article_id is None or check.article_id == article_id)
            and (not waiting or check.outcome is None)
            and (due_before is None or (check.due is not None and check.due < due_before))
        ]
        return sorted(found, key=lambda check: (check.raised_at, check.id), reverse=True)[:limit]
