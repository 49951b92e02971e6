"""The knowledge base (知识库): open to everybody for reading, behind a sign-in for all the rest.

Under ``/open/knowledge`` anyone may search and read what is published and valid today (NM-3.5, 向社会开放), so often a
minute from one address. Suggestions and answers of a ticket are here too, since they are the librarian's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.domain.call import CallId
from gateway.domain.knowledge import (
    Article,
    ArticleId,
    ArticleState,
    CheckId,
    CheckOutcome,
)
from gateway.domain.profile import Profile
from gateway.domain.rules import ANSWER
from gateway.domain.ticket import TicketId
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import SUPERVISORS, RouteTable
from gateway.services.tickets import with_decisions
from gateway.services.unit_records import records_of_units
from gateway.web.context import Visit
from gateway.web.knowledge_views import (
    ArticlePage,
    ArticleView,
    CheckList,
    CheckView,
    ContentView,
    HitList,
    Line,
    OpenArticle,
    OpenList,
    UnitRecordList,
    VersionList,
    article_view,
    check_view,
    citation_view,
    content_of,
    hit_list,
    open_article,
    unit_records,
    version_view,
)
from gateway.web.views import TicketView, ticket_view

knowledge_routes = RouteTable()

Words = Annotated[str, Meta(max_length=500)]
Identity = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
SETTLE_LIMIT = 2.0


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Anything asked."""


class SearchQuery(Query, frozen=True, kw_only=True):
    """What is looked for: words as they are said, and what is known besides."""

    q: Words = ""
    matter: Line = ""
    unit: Line = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class ListQuery(Query, frozen=True, kw_only=True):
    """Which articles."""

    unit: Line = ""
    state: Literal["", "draft", "published", "withdrawn"] = ""
    stale: bool = False
    after: Line = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class SuggestionQuery(Query, frozen=True, kw_only=True):
    """How many suggestions."""

    limit: Annotated[int, Meta(ge=1, le=20)] = 5


class CheckQuery(Query, frozen=True, kw_only=True):
    """Which check tickets."""

    unit: Line = ""
    article: Line = ""
    waiting: bool = False
    overdue: bool = False
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class NewArticle(Query, frozen=True, kw_only=True):
    """An article to begin with; published at once if ``publish``."""

    id: Identity
    content: ContentView
    note: Line = ""
    publish: bool = False


class ArticleEdit(Query, frozen=True, kw_only=True):
    """New words, and the version at which the writer saw the old ones."""

    version: Annotated[int, Meta(ge=1)]
    content: ContentView
    note: Line = ""
    publish: bool = False


class ArticleStep(Query, frozen=True, kw_only=True):
    """A step, and the version that it is meant for."""

    version: Annotated[int, Meta(ge=1)]
    note: Line = ""


class NewCheck(Query, frozen=True, kw_only=True):
    """What is wrong in an article."""

    words: Annotated[str, Meta(min_length=1, max_length=2000)]


class CheckAnswer(Query, frozen=True, kw_only=True):
    """What the owner found."""

    outcome: Literal["corrected", "confirmed"]
    words: Annotated[str, Meta(max_length=2000)] = ""


class DirectAnswer(Query, frozen=True, kw_only=True):
    """Which version of which article answered a citizen."""

    article: Identity
    version: Annotated[int, Meta(ge=1)]


# -- open to everybody -------------------------------------------------------------------------------------------


@knowledge_routes.declare("GET", "/open/knowledge", "公开查询知识库：只有已发布、在有效期内的内容", roles=frozenset())
async def search_open_knowledge(visit: Visit, query: SearchQuery) -> OpenList:
    """Search without a sign-in."""
    visit.admit_stranger()
    _require_question(query)
    hits = await visit.parts.librarian.search(query.q, matter=query.matter, unit=query.unit, limit=query.limit)
    return OpenList(articles=[open_article(visit, hit.version) for hit in hits])


@knowledge_routes.declare("GET", "/open/knowledge/{article_id}", "公开阅读一条知识", roles=frozenset())
async def read_open_knowledge(visit: Visit, article_id: str) -> OpenArticle:
    """Read without a sign-in."""
    visit.admit_stranger()
    version = await visit.parts.librarian.public(ArticleId(article_id))
    if version is None:
        raise not_found("没有这条知识，或它现在无效")
    return open_article(visit, version)


# -- finding and reading -----------------------------------------------------------------------------------------


@knowledge_routes.declare("GET", "/api/knowledge/search", "查询知识库，值班和施工信息排在最前")
async def search_knowledge(visit: Visit, query: SearchQuery) -> HitList:
    """Search what is published and valid today."""
    _require_question(query)
    found = await visit.parts.librarian.search(query.q, matter=query.matter, unit=query.unit, limit=query.limit)
    return hit_list(visit, found)


@knowledge_routes.declare("GET", "/api/knowledge", "知识列表，可按单位、状态、是否久未确认筛选")
async def list_knowledge(visit: Visit, query: ListQuery) -> ArticlePage:
    """List articles of any state; those that are stale all at once."""
    librarian = visit.parts.librarian
    if query.stale:
        found: Sequence[Article] = [
            article for article in await librarian.stale() if query.unit in ("", article.latest.content.unit)
        ]
    else:
        state = ArticleState(query.state) if query.state else None
        found = await librarian.base.articles(unit=query.unit, state=state, after=query.after, limit=query.limit)
    rule = librarian.freshness
    return ArticlePage(
        articles=[article_view(visit, article) for article in found],
        next_after=found[-1].id if len(found) == query.limit and not query.stale else None,
        fresh_for=str(rule.span),
        citation=citation_view(rule.citation),
    )


@knowledge_routes.declare("GET", "/api/knowledge/{article_id}", "一条知识的现状")
async def show_article(visit: Visit, article_id: str) -> ArticleView:
    """Show an article as it stands."""
    return article_view(visit, await _find(visit, article_id))


@knowledge_routes.declare("GET", "/api/knowledge/{article_id}/versions", "一条知识的全部版本")
async def show_versions(visit: Visit, article_id: str) -> VersionList:
    """Show all versions, the newest first: who changed it, and when."""
    article = await _find(visit, article_id)
    versions = await visit.parts.librarian.base.versions(article.id)
    return VersionList(versions=[version_view(visit, version) for version in versions])


# -- writing -----------------------------------------------------------------------------------------------------


@knowledge_routes.declare(
    "POST", "/api/knowledge", "新建知识", roles=SUPERVISORS, refusal="内容不完整，或编号已被使用，不能保存"
)
async def add_article(visit: Visit, body: NewArticle) -> ArticleView:
    """Begin an article."""
    article = await visit.parts.librarian.write(
        ArticleId(body.id),
        content_of(body.content),
        seen=0,
        by=visit.account.name,
        note=body.note,
        publish=body.publish,
    )
    return article_view(visit, article)


@knowledge_routes.declare(
    "PUT", "/api/knowledge/{article_id}", "修改知识（成为新版本）", roles=SUPERVISORS, refusal="内容不完整，不能保存"
)
async def edit_article(visit: Visit, article_id: str, body: ArticleEdit) -> ArticleView:
    """Write the next version; another's version meanwhile is a conflict."""
    article = await _find(visit, article_id)
    done = await visit.parts.librarian.write(
        article.id,
        content_of(body.content),
        seen=body.version,
        by=visit.account.name,
        note=body.note,
        publish=body.publish,
    )
    return article_view(visit, done)


@knowledge_routes.declare(
    "POST", "/api/knowledge/{article_id}/publish", "发布", roles=SUPERVISORS, refusal="这个版本已经发布"
)
async def publish_article(visit: Visit, article_id: str, body: ArticleStep) -> ArticleView:
    """Let readers have the latest version."""
    article = await _find(visit, article_id)
    done = await visit.parts.librarian.publish(article.id, seen=body.version, by=visit.account.name, note=body.note)
    return article_view(visit, done)


@knowledge_routes.declare(
    "POST", "/api/knowledge/{article_id}/withdraw", "撤下", roles=SUPERVISORS, refusal="这条知识已经撤下"
)
async def withdraw_article(visit: Visit, article_id: str, body: ArticleStep) -> ArticleView:
    """Take the article away from readers."""
    article = await _find(visit, article_id)
    done = await visit.parts.librarian.withdraw(article.id, seen=body.version, by=visit.account.name, note=body.note)
    return article_view(visit, done)


@knowledge_routes.declare(
    "POST", "/api/knowledge/{article_id}/confirm", "确认仍然有效", roles=SUPERVISORS, refusal="这条知识没有发布"
)
async def confirm_article(visit: Visit, article_id: str) -> ArticleView:
    """Note that the owner says it still holds."""
    article = await _find(visit, article_id)
    return article_view(visit, await visit.parts.librarian.confirm(article.id, by=visit.account.name))


# -- check tickets -----------------------------------------------------------------------------------------------


@knowledge_routes.declare(
    "POST", "/api/knowledge/{article_id}/checks", "纠错：向责任单位发核查单", refusal="这条知识没有发布，不能纠错"
)
async def raise_check(visit: Visit, article_id: str, body: NewCheck) -> CheckView:
    """Send the owner a check ticket about what is wrong."""
    article = await _find(visit, article_id)
    return check_view(visit, await visit.parts.librarian.raise_check(article.id, body.words, by=visit.account.name))


@knowledge_routes.declare("GET", "/api/knowledge-checks", "核查单，可只看待答复的和超期的")
async def list_checks(visit: Visit, query: CheckQuery) -> CheckList:
    """List check tickets."""
    librarian = visit.parts.librarian
    if query.overdue:
        found = await librarian.overdue(unit=query.unit, limit=query.limit)
    else:
        article = ArticleId(query.article) if query.article else None
        found = await librarian.base.checks(
            unit=query.unit, article_id=article, waiting=query.waiting, limit=query.limit
        )
    return CheckList(checks=[check_view(visit, check) for check in found])


@knowledge_routes.declare("POST", "/api/knowledge-checks/stale", "请责任单位确认久未确认的知识", roles=SUPERVISORS)
async def ask_owners(visit: Visit) -> CheckList:
    """Ask the owners of what is stale; those already asked are not asked again."""
    asked = await visit.parts.librarian.ask_owners(by=visit.account.name)
    return CheckList(checks=[check_view(visit, check) for check in asked])


@knowledge_routes.declare(
    "POST",
    "/api/knowledge-checks/{check_id}/answer",
    "答复核查单",
    roles=SUPERVISORS,
    refusal="已经答复过，或知识还没有更正",
)
async def answer_check(visit: Visit, check_id: str, body: CheckAnswer) -> CheckView:
    """Keep the owner's answer."""
    if await visit.parts.librarian.base.check(CheckId(check_id)) is None:
        raise not_found("没有这张核查单")
    outcome = CheckOutcome(body.outcome)
    done = await visit.parts.librarian.answer_check(CheckId(check_id), outcome, body.words, by=visit.account.name)
    return check_view(visit, done)


@knowledge_routes.declare("GET", "/api/knowledge-units", "各单位知识库运维情况", roles=SUPERVISORS)
async def list_records(visit: Visit) -> UnitRecordList:
    """Count per unit what it has published, what is stale, and how it answers checks."""
    return unit_records(visit, await records_of_units(visit.parts.librarian, visit.parts.clock))


# -- tickets -----------------------------------------------------------------------------------------------------


@knowledge_routes.declare("GET", "/api/tickets/{ticket_id}/suggestions", "这张工单可能用到的知识，通话中可随时取")
async def suggest_knowledge(visit: Visit, ticket_id: str, query: SuggestionQuery) -> HitList:
    """Suggest articles by the ticket's words, matter and unit; of a live call, by what is being said now."""
    ticket = None
    for call in visit.parts.switchboard.calls.values():
        if call.record.ticket.id == ticket_id:
            ticket = call.record.ticket
    ticket = ticket or await visit.parts.store.ticket(TicketId(ticket_id))
    if ticket is None:
        raise not_found("没有这张工单")
    return hit_list(visit, await visit.parts.librarian.suggestions(ticket, query.limit))


@knowledge_routes.declare(
    "POST", "/api/tickets/{ticket_id}/answer", "记下：已按知识库即时答复", refusal="这个版本现在不是公开有效的版本"
)
async def answer_from_knowledge(visit: Visit, ticket_id: str, body: DirectAnswer) -> TicketView:
    """Keep which version answered the citizen, on the ticket and in the journal."""
    await visit.parts.ledger.settle(SETTLE_LIMIT)
    asked = await visit.parts.store.ticket(TicketId(ticket_id))
    if asked is None:
        raise not_found("没有这张工单")
    _require_answerable(visit.parts.profile, asked.category)
    ticket = await visit.parts.librarian.answer(
        TicketId(ticket_id), ArticleId(body.article), body.version, by=visit.account.name
    )
    call = visit.parts.switchboard.calls.get(CallId(ticket.call_id or ""))
    if call is not None:
        answers = list(ticket.decisions)
        call.record.change(lambda live: replace(live, decisions=with_decisions(live.decisions, answers)))
    return ticket_view(ticket, whole_number=True)


# -- views -------------------------------------------------------------------------------------------------------


def _require_question(query: SearchQuery) -> None:
    if not (query.q.strip() or query.matter or query.unit):
        raise Problem(422, "invalid", "请输入要查的内容", field="q")


def _require_answerable(profile: Profile, category: str) -> None:
    """Refuse an answer at once to a matter of another category than those that the regulation names (CF-4a, ZH-8a)."""
    rule = profile.ruling(ANSWER)
    if rule is not None and category in rule.value:
        return
    citations = [view for each in (rule.citations if rule else ()) if (view := citation_view(each)) is not None]
    if not category:
        raise Problem(409, "missing", "请先判定这张工单的类别，再登记即时答复", field="category", current=citations)
    name = profile.categories.get(category, category)
    quoted = "；".join(f"{each.article}：“{each.words}”" for each in citations)
    message = f"规定不允许对“{name}”即时答复" + (f"。{quoted}" if quoted else "")
    raise Problem(409, "not_allowed", message, field="category", current=citations)


async def _find(visit: Visit, article_id: str) -> Article:
    article = await visit.parts.librarian.base.article(ArticleId(article_id))
    if article is None:
        raise not_found("没有这条知识")
    return article
