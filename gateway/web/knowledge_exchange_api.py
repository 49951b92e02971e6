"""The knowledge base shared with other systems (互联共享, NM-3.5): they read what is published, and hand theirs in.

A platform keeps its own copy current by reading all pages now and then, or hands in what it knows; a unit's system
hands in the unit's own articles (ZH-21). The same words again change nothing.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.knowledge import Article, ArticleId, Submission, Version
from gateway.http_api.problems import Problem
from gateway.http_api.routes import RouteTable
from gateway.web.context import Visit
from gateway.web.exchange_api import actor_of_partner, partner_of
from gateway.web.knowledge_api import Identity
from gateway.web.knowledge_views import ContentView, VersionView, content_of, version_view

knowledge_exchange_routes = RouteTable()


class SharedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of the published articles, by id; ``after`` is the ``next_after`` of the page before."""

    unit: Annotated[str, Meta(max_length=64)] = ""
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class SharedPage(msgspec.Struct, frozen=True, kw_only=True):
    """The published versions, by the articles' ids."""

    articles: list[VersionView]
    next_after: str


class ArticleHandedIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An article as another system has it, under an id that stays the same."""

    id: Identity
    content: ContentView


class ArticlesHandedIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some articles."""

    articles: Annotated[list[ArticleHandedIn], Meta(min_length=1, max_length=100)]


class TakenIn(msgspec.Struct, frozen=True, kw_only=True):
    """How many articles were new, changed, or known already in the same words; ``late`` are notices that came late."""

    new: int
    changed: int
    unchanged: int
    late: list[str]


@knowledge_exchange_routes.declare("GET", "/api/exchange/knowledge", "数据交换：已发布的知识", for_partners=True)
async def exchange_knowledge(visit: Visit, query: SharedQuery) -> SharedPage:
    """List what is published."""
    partner_of(visit)
    found = await visit.parts.librarian.base.articles(
        unit=query.unit, published=True, after=query.after, limit=query.limit
    )
    return SharedPage(
        articles=[version_view(visit, await _published(visit, article)) for article in found],
        next_after=found[-1].id if len(found) == query.limit else "",
    )


@knowledge_exchange_routes.declare(
    "PUT", "/api/exchange/knowledge", "数据交换：报送、同步知识", for_partners=True, refusal="内容不完整，不能保存"
)
async def exchange_hand_in(visit: Visit, body: ArticlesHandedIn) -> TakenIn:
    """Take articles in: a platform's are published, a unit's wait for the hotline to publish them."""
    access = partner_of(visit)
    unit, librarian = access.partner.unit, visit.parts.librarian
    for at, each in enumerate(body.articles):
        known = await librarian.base.article(ArticleId(each.id)) if unit else None
        if unit and (each.content.unit != unit or (known is not None and known.latest.content.unit != unit)):
            raise Problem(403, "forbidden", "只能报送本单位的知识", field=f"articles[{at}].content.unit")
    handed_in = [Submission(id=ArticleId(each.id), content=content_of(each.content)) for each in body.articles]
    done = await librarian.take_in(handed_in, by=actor_of_partner(access).name, publish=not unit)
    return TakenIn(new=done.new, changed=done.changed, unchanged=done.unchanged, late=list(done.late))


async def _published(visit: Visit, article: Article) -> Version:
    """Return the version that readers are given; the latest may be a draft."""
    if article.published == article.latest.number:
        return article.latest
    versions = await visit.parts.librarian.base.versions(article.id)
    return next(version for version in versions if version.number == article.published)
