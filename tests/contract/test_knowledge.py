"""What every store keeps of the knowledge base, and how it is read back (`gateway.ports.knowledge.KnowledgeBase`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pytest

from gateway.domain.decision import Citation
from gateway.domain.errors import Conflict, OurMistake
from gateway.domain.events import Fact
from gateway.domain.knowledge import (
    Article,
    ArticleEvent,
    ArticleId,
    ArticleKind,
    ArticleState,
    Check,
    CheckId,
    CheckKind,
    CheckOutcome,
    Content,
    confirmed,
    first_version,
    moved,
    written,
)
from gateway.ports.knowledge import KnowledgeBase
from gateway.ports.memory import Store

NOON = datetime(2026, 11, 21, 4, 0, 0, 7, UTC)
DAY = date(2026, 11, 21)
FULL = Content(
    title="停水了怎么办",
    unit="water",
    body="一、先看公告。\n二、再拨打“热线” \U0001f4de",
    kind=ArticleKind.CONSTRUCTION,
    questions=("为什么没水", "什么时候来水"),
    keywords=("停水",),
    matters=("water_supply",),
    categories=("help",),
    valid_from=date(2026, 11, 1),
    valid_until=date(2026, 11, 30),
    place="中山路",
    contact="值班室",
    source="虚构示例",
)
CHECK = Check(
    id=CheckId("k1"),
    kind=CheckKind.CORRECTION,
    article_id=ArticleId("a"),
    version=1,
    unit="water",
    words="电话错了",
    raised_at=NOON,
    raised_by="agent",
)


class Remembering(Store, Protocol):
    """A store with the knowledge base beside it."""

    @property
    def knowledge(self) -> KnowledgeBase:
        """What is read of the knowledge base."""
        ...


def article(name: str, content: Content = FULL, *, at: datetime = NOON, publish: bool = True) -> Article:
    return first_version(ArticleId(name), content, at=at, by="one", note="新建", publish=publish)


async def save(store: Store, one: Article, impacts: Mapping[str, float] | None = None) -> None:
    await store.commit(lambda tx: tx.knowledge.save_article(one, impacts))


async def keep(store: Store, check: Check) -> None:
    await store.commit(lambda tx: tx.knowledge.save_check(check))


async def found(store: Remembering, *terms: str, day: date = DAY, limit: int = 50) -> list[tuple[str, float]]:
    hits = await store.knowledge.search(terms, lambda known, total: dict.fromkeys(known, 1.0), day=day, limit=limit)
    return [(f"{version.article_id}@{version.number}", score) for version, score in hits]


async def test_a_whole_article_comes_back_as_it_was_saved(store: Remembering) -> None:
    one = article("a")
    await save(store, one)

    assert await store.knowledge.article(one.id) == one
    assert await store.commit(lambda tx: tx.knowledge.article(one.id)) == one
    assert await store.knowledge.version(one.id, 1) == one.latest


async def test_what_is_not_there_is_none(store: Remembering) -> None:
    nobody = ArticleId("nobody")

    assert await store.knowledge.article(nobody) is None
    assert await store.knowledge.version(nobody, 1) is None
    assert await store.knowledge.versions(nobody) == []
    assert await store.knowledge.check(CheckId("none")) is None
    assert await store.commit(lambda tx: tx.knowledge.article(nobody)) is None
    assert await store.commit(lambda tx: tx.knowledge.check(CheckId("none"))) is None


async def test_old_versions_stay_readable(store: Remembering) -> None:
    first = article("a")
    second = written(first, replace(FULL, body="新"), seen=1, at=NOON + timedelta(1), by="two")
    third = moved(second, ArticleEvent.PUBLISHED, seen=2, at=NOON + timedelta(2), by="three", note="审核通过")
    for one in (first, second, third):
        await save(store, one)

    versions = await store.knowledge.versions(first.id)

    assert versions == [third.latest, second.latest, first.latest]
    assert await store.knowledge.version(first.id, 2) == second.latest
    assert await store.knowledge.article(first.id) == third


async def test_a_version_that_does_not_follow_is_a_conflict_and_changes_nothing(store: Remembering) -> None:
    first = article("a")
    await save(store, first)
    for number in (0, 3):
        with pytest.raises(Conflict):
            await save(store, replace(first, latest=replace(first.latest, number=number)))
    with pytest.raises(Conflict):
        await save(store, replace(article("b"), latest=replace(article("b").latest, number=2)))

    assert await store.knowledge.articles() == [first]


async def test_a_confirmation_changes_no_version(store: Remembering) -> None:
    first = article("a")
    fresh = confirmed(first, at=NOON + timedelta(days=9), by="owner")
    await save(store, first, {"停水": 1.0})
    await save(store, fresh)

    assert await store.knowledge.article(first.id) == fresh
    assert await store.knowledge.versions(first.id) == [first.latest]
    assert await found(store, "停水") == [("a@1", 1.0)]


async def test_an_article_without_a_zone_or_with_a_broken_text_is_our_mistake(store: Remembering) -> None:
    with pytest.raises(OurMistake):
        await save(store, article("a", at=NOON.replace(tzinfo=None)))
    with pytest.raises(OurMistake):
        await save(store, article("a", replace(FULL, body="\udcff")))
    assert await store.knowledge.articles() == []


async def test_articles_are_listed_by_id_and_narrowed(store: Remembering) -> None:
    draft = article("a", publish=False)
    old = article("b", at=NOON - timedelta(days=99))
    other = article("c", replace(FULL, unit="gas"))
    for one in (other, old, draft):
        await save(store, one)
    listed = store.knowledge.articles

    assert await listed() == [draft, old, other]
    assert await listed(limit=1, after="a") == [old]
    assert await listed(unit="gas") == [other]
    assert await listed(state=ArticleState.DRAFT) == [draft]
    assert await listed(published=True) == [old, other]
    assert await listed(confirmed_before=NOON) == [old]


async def test_the_terms_add_up_and_the_highest_comes_first(store: Remembering) -> None:
    await save(store, article("a"), {"停水": 0.5, "水了": 0.25})
    await save(store, article("b"), {"停水": 1.0})
    await save(store, article("c"), {"暖气": 2.0})

    assert await found(store, "停水", "水了", "暖气", "没有") == [("c@1", 2.0), ("b@1", 1.0), ("a@1", 0.75)]
    assert await found(store, "停水", limit=1) == [("b@1", 1.0)]
    assert await found(store, "没有") == []
    assert await found(store) == []


async def test_what_a_term_is_worth_is_asked_once_the_numbers_are_known(store: Remembering) -> None:
    await save(store, article("a"), {"停水": 0.5, "水了": 0.5})
    await save(store, article("b"), {"停水": 0.5})
    asked: list[tuple[Mapping[str, int], int]] = []

    def weigh(known: Mapping[str, int], total: int) -> Mapping[str, float]:
        asked.append((dict(known), total))
        return {"停水": 4.0}

    hits = await store.knowledge.search(["停水", "水了", "x"], weigh, day=DAY)

    assert asked == [({"停水": 2, "水了": 1}, 2)]
    assert [(version.article_id, score) for version, score in hits] == [("a", 2.0), ("b", 2.0)]


async def test_only_what_is_published_and_valid_on_the_day_is_found(store: Remembering) -> None:
    always = replace(FULL, kind=ArticleKind.GUIDE, valid_from=None, valid_until=None)
    await save(store, article("always", always), {"水": 1.0})
    await save(store, article("november"), {"水": 2.0})
    await save(store, article("draft", publish=False), {"水": 3.0})

    async def names(day: date) -> list[str]:
        return [name.partition("@")[0] for name, _ in await found(store, "水", day=day)]

    assert await names(date(2026, 10, 31)) == ["always"]
    assert await names(date(2026, 11, 1)) == await names(date(2026, 11, 30)) == ["november", "always"]
    assert await names(date(2026, 12, 1)) == ["always"]


async def test_a_draft_s_days_do_not_hide_the_published_version(store: Remembering) -> None:
    public = article("a")
    draft = written(
        public, replace(FULL, valid_from=date(2030, 1, 1), valid_until=date(2030, 1, 2)), seen=1, at=NOON, by="two"
    )
    await save(store, public, {"水": 1.0})
    await save(store, draft)

    assert await found(store, "水") == [("a@1", 1.0)]


async def test_new_impacts_replace_the_old_and_empty_ones_hide(store: Remembering) -> None:
    public = article("a")
    second = written(public, FULL, seen=1, at=NOON, by="two", publish=True)
    gone = moved(second, ArticleEvent.WITHDRAWN, seen=2, at=NOON, by="two")
    await save(store, public, {"旧": 1.0})
    await save(store, second, {"新": 1.0})

    assert await found(store, "旧") == []
    assert await found(store, "新") == [("a@2", 1.0)]
    await save(store, gone, {})
    assert await found(store, "新") == []


async def test_a_unit_of_work_that_fails_leaves_no_article_and_no_terms(store: Remembering) -> None:
    def work(tx: object) -> None:
        tx.knowledge.save_article(article("a"), {"水": 1.0})  # type: ignore[attr-defined]
        tx.knowledge.save_check(CHECK)  # type: ignore[attr-defined]
        tx.append(Fact(kind="knowledge.written", at=NOON))  # type: ignore[attr-defined]
        raise LookupError

    with pytest.raises(LookupError):
        await store.commit(work)

    assert await store.knowledge.article(ArticleId("a")) is None
    assert await found(store, "水") == []
    assert await store.knowledge.checks() == []
    assert await store.entries() == []


async def test_a_check_comes_back_as_it_was_saved_and_a_later_save_replaces_it(store: Remembering) -> None:
    citation = Citation(obligation="ZZ-1", document="某市热线条例", article="第一条", words="“应当”……")
    bound = replace(CHECK, due=NOON + timedelta(days=2), provisional=True, citation=citation)
    done = replace(
        bound,
        outcome=CheckOutcome.CORRECTED,
        answer="已更正",
        answered_at=NOON + timedelta(days=1),
        answered_by="owner",
        answered_version=3,
    )
    for check in (CHECK, bound, done):
        await keep(store, check)
        assert await store.knowledge.check(CHECK.id) == check
        assert await store.commit(lambda tx: tx.knowledge.check(CHECK.id)) == check

    assert await store.knowledge.checks() == [done]


async def test_checks_come_newest_first_and_narrowed(store: Remembering) -> None:
    older = replace(CHECK, id=CheckId("k0"), raised_at=NOON - timedelta(days=3), due=NOON - timedelta(days=1))
    other = replace(CHECK, id=CheckId("k2"), article_id=ArticleId("b"), unit="gas", due=NOON + timedelta(days=1))
    done = replace(older, id=CheckId("k3"), outcome=CheckOutcome.CONFIRMED, answered_at=NOON)
    for check in (older, other, CHECK, done):
        await keep(store, check)
    listed = store.knowledge.checks

    assert await listed() == [other, CHECK, done, older]
    assert await listed(limit=1) == [other]
    assert await listed(unit="gas") == await listed(article_id=ArticleId("b")) == [other]
    assert await listed(waiting=True) == [other, CHECK, older]
    assert await listed(due_before=NOON, waiting=True) == [older]


async def test_the_question_that_waits_longest_is_the_open_one(store: Remembering) -> None:
    fresh = replace(CHECK, id=CheckId("f"), kind=CheckKind.FRESHNESS)
    done = replace(CHECK, id=CheckId("d"), outcome=CheckOutcome.CONFIRMED, raised_at=NOON - timedelta(days=9))
    later = replace(CHECK, id=CheckId("l"), raised_at=NOON + timedelta(days=1))
    for check in (later, done, CHECK, fresh):
        await keep(store, check)

    def opened(name: str, kind: CheckKind) -> object:
        return store.commit(lambda tx: tx.knowledge.open_check(ArticleId(name), kind))

    assert await opened("a", CheckKind.CORRECTION) == CHECK  # type: ignore[misc]
    assert await opened("a", CheckKind.FRESHNESS) == fresh  # type: ignore[misc]
    assert await opened("b", CheckKind.FRESHNESS) is None  # type: ignore[misc]
