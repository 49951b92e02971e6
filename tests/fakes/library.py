"""A librarian over the memory store, with the lexicon that serves and the rules of an invented city."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

from config import calendars
from config.knowledge import load_lexicon
from gateway.domain.decision import Citation
from gateway.domain.knowledge import ArticleId, ArticleKind, Content
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import ANSWER, DUTY, FRESHNESS, NOTICE, Span
from gateway.ports.clock import Clock
from gateway.services.feed import Feed
from gateway.services.knowledge import Librarian
from routing.deadlines import Reckoning
from routing.search import Indexer
from tests.fakes.hotline import PROFILE, Hotline
from tests.fakes.store import MemoryStore

ZONE = timezone(timedelta(hours=8))
INDEXER = Indexer(load_lexicon(Path("config/lexicons"), ["自来水", "交通事故"]))
RECKONING = Reckoning(calendar=calendars.statutory(), zone=ZONE)
CITATION = Citation(obligation="ZZ-19", document="某市热线办法", article="第十九条", words="2个工作日内补齐和修正。")


def rule(key: str, value: object) -> dict[str, Ruling[object]]:
    """Return one ruling by its key."""
    return {key: Ruling(key=key, value=value, citations=(CITATION,))}


STRICT: Profile = replace(
    PROFILE,
    rules={
        **rule(NOTICE.key("knowledge_check"), Span.parse("2 working days")),
        **rule(NOTICE.key("duty_roster"), Span.parse("2 working days")),
        **rule(NOTICE.key("construction"), Span.parse("7 natural days")),
        **rule(FRESHNESS.key(), Span.parse("90 natural days")),
        **rule(ANSWER.key(), ()),
        **rule(DUTY.key("knowledge"), ("freshness",)),
    },
)
"""A city that has a rule for everything."""

OUTAGE = Content(
    title="停水了怎么报修",
    unit="water",
    body="先看供水公司公告，不在公告范围的请说明小区和楼号，2 小时内到场。",
    questions=("我家停水了怎么办", "什么时候来水"),
    keywords=("停水", "抢修"),
    matters=("water_supply",),
    categories=("help",),
    source="虚构示例",
)
WAGES = Content(
    title="被拖欠工资怎么投诉", unit="labour", body="带好劳动合同到劳动保障监察大队投诉。", matters=("wages",)
)
WORKS = Content(
    title="中山路管道改造施工",
    unit="water",
    kind=ArticleKind.CONSTRUCTION,
    body="施工期间幸福小区可能短时停水。",
    keywords=("停水", "施工"),
    place="中山路",
    contact="钱某某",
)
"""A notice that still needs its days."""


def librarian_for(store: MemoryStore, clock: Clock, profile: Profile = STRICT, feed: Feed | None = None) -> Librarian:
    """Return a librarian over *store*."""
    return Librarian(
        store=store,
        base=store.knowledge,
        indexer=INDEXER,
        profile=profile,
        reckoning=RECKONING,
        clock=clock,
        feed=feed or Feed(),
    )


def librarian_of(line: Hotline) -> Librarian:
    """Return a librarian over a hotline's store."""
    return librarian_for(line.store, line.clock, feed=line.feed)


async def stocked(librarian: Librarian) -> None:
    """Publish two articles."""
    for name, content in (("water-outage", OUTAGE), ("wages", WAGES)):
        await librarian.write(ArticleId(name), content, seen=0, by="admin", publish=True)
