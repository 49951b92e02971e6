"""The librarian at work: writing, finding, asking the owners, and answering citizens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.decision import DecisionKind
from gateway.domain.errors import Conflict, Refused
from gateway.domain.knowledge import (
    ArticleId,
    ArticleState,
    Check,
    CheckId,
    CheckKind,
    CheckOutcome,
    Submission,
)
from gateway.domain.ticket import Ticket, TicketId
from gateway.services.feed import Feed
from gateway.services.knowledge import AT_ONCE, PAGE, Librarian
from gateway.services.unit_records import UnitRecord, records_of_units
from tests.fakes.hotline import PROFILE
from tests.fakes.library import CITATION, OUTAGE, WAGES, WORKS, librarian_for, rule, stocked
from tests.fakes.store import MemoryStore, SetClock

NOON = datetime(2026, 3, 6, 4, tzinfo=UTC)
ID = ArticleId("water-outage")
TICKET = Ticket(
    id=TicketId("20260306-000001"),
    contact_id=ContactId("c"),
    channel=ChannelKind.TELEPHONE,
    call_id=None,
    caller="",
    received_at=NOON,
    summary="我家停水三天了",
    matter="water_supply",
)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(at=NOON)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def librarian(store: MemoryStore, clock: SetClock) -> Librarian:
    one = librarian_for(store, clock)
    await stocked(one)
    return one


async def kinds(store: MemoryStore) -> list[str]:
    return [entry.fact.kind for entry in await store.entries()]


async def test_a_change_is_a_version_and_a_fact(librarian: Librarian, store: MemoryStore) -> None:
    await librarian.write(ID, replace(OUTAGE, body="新"), seen=1, by="two", note="改电话")
    await librarian.publish(ID, seen=2, by="three")
    await librarian.withdraw(ID, seen=3, by="four", note="废止")

    facts = [entry.fact for entry in await store.entries() if entry.fact.values["article"] == ID]
    assert [(fact.kind, fact.values["by"], fact.values["version"]) for fact in facts] == [
        ("knowledge.written", "admin", 1),
        ("knowledge.written", "two", 2),
        ("knowledge.published", "three", 3),
        ("knowledge.withdrawn", "four", 4),
    ]
    assert await librarian.search("停水") == []
    assert await librarian.public(ID) is None


async def test_an_article_cannot_begin_twice_nor_go_on_unbegun(librarian: Librarian) -> None:
    with pytest.raises(Conflict):
        await librarian.write(ID, OUTAGE, seen=0, by="x")
    with pytest.raises(Conflict):
        await librarian.write(ID, OUTAGE, seen=7, by="x")
    with pytest.raises(Refused):
        await librarian.write(ArticleId("new"), OUTAGE, seen=1, by="x")


async def test_readers_find_the_published_words_while_a_draft_is_written(librarian: Librarian) -> None:
    await librarian.write(ID, replace(OUTAGE, title="暖气", questions=(), keywords=(), body="暖气"), seen=1, by="two")

    (hit,) = await librarian.search("停水了怎么报修")
    assert hit.version.number == 1
    assert await librarian.search("暖气") == []


async def test_the_same_words_handed_in_again_change_nothing(librarian: Librarian, store: MemoryStore) -> None:
    handed_in = [Submission(id=ID, content=OUTAGE), Submission(id=ArticleId("works"), content=WAGES)]
    before = len(await store.entries())
    first = await librarian.take_in(handed_in, by="import")
    again = await librarian.take_in(handed_in, by="import")
    changed = await librarian.take_in([Submission(id=ID, content=replace(OUTAGE, body="新"))], by="import")

    assert (first.new, first.changed, first.unchanged) == (1, 0, 1)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    assert (changed.new, changed.changed, changed.unchanged) == (0, 1, 0)
    assert len(await store.entries()) == before + 2


async def test_a_submission_carries_the_day_of_its_confirmation(librarian: Librarian) -> None:
    long_ago = Submission(id=ArticleId("old"), content=WAGES, confirmed_on=date(2025, 1, 2))
    await librarian.take_in([long_ago], by="import")
    assert [article.id for article in await librarian.stale()] == ["old"]

    await librarian.take_in([replace(long_ago, confirmed_on=date(2026, 3, 1))], by="import")
    assert await librarian.stale() == []


async def test_drafts_handed_in_are_published_by_the_next_import_that_publishes(librarian: Librarian) -> None:
    handed_in = [Submission(id=ArticleId("d"), content=WAGES, confirmed_on=date(2026, 3, 1))]
    await librarian.take_in(handed_in, by="import", publish=False)
    draft = await librarian.base.article(ArticleId("d"))
    unchanged = await librarian.take_in(handed_in, by="import", publish=False)
    published = await librarian.take_in(handed_in, by="import")

    assert draft is not None
    assert (draft.latest.state, draft.published) == (ArticleState.DRAFT, None)
    assert (unchanged.unchanged, published.changed) == (1, 1)
    assert await librarian.public(ArticleId("d")) is not None


async def test_what_was_withdrawn_is_not_published_by_an_import(librarian: Librarian) -> None:
    await librarian.withdraw(ID, seen=1, by="admin")

    done = await librarian.take_in([Submission(id=ID, content=OUTAGE)], by="import")

    assert done.unchanged == 1
    assert await librarian.public(ID) is None


async def test_many_are_taken_in_by_parts_and_listed_by_pages(librarian: Librarian) -> None:
    many = [Submission(id=ArticleId(f"n{at:04}"), content=WAGES) for at in range(AT_ONCE + PAGE + 1)]

    assert (await librarian.take_in(many, by="import")).new == len(many)
    assert len(await librarian.all_articles()) == len(many) + 2


async def test_notices_that_come_late_are_named(librarian: Librarian) -> None:
    today = librarian.today()
    bounds = {"valid_until": today + timedelta(days=30)}
    late = replace(WORKS, valid_from=today + timedelta(days=6), **bounds)  # type: ignore[arg-type]
    timely = replace(WORKS, valid_from=today + timedelta(days=7), **bounds)  # type: ignore[arg-type]
    notices = [Submission(id=ArticleId(name), content=one) for name, one in (("late", late), ("timely", timely))]

    assert (await librarian.take_in(notices, by="import")).late == ("late",)


async def test_a_notice_in_force_comes_before_the_guide(librarian: Librarian, clock: SetClock) -> None:
    works = replace(WORKS, valid_from=date(2026, 3, 10), valid_until=date(2026, 3, 12), matters=("water_supply",))
    await librarian.write(ArticleId("works"), works, seen=0, by="admin", publish=True)

    assert [hit.version.article_id for hit in await librarian.suggestions(TICKET)] == [ID]
    clock.at = NOON + timedelta(days=4)
    assert [hit.version.article_id for hit in await librarian.suggestions(TICKET)] == ["works", ID]
    clock.at = NOON + timedelta(days=7)
    assert await librarian.public(ArticleId("works")) is None


async def test_what_nobody_confirmed_for_long_is_stale_and_its_owner_is_asked_once(
    librarian: Librarian, clock: SetClock, store: MemoryStore
) -> None:
    clock.at = NOON + timedelta(days=91)
    assert [article.id for article in await librarian.stale()] == ["wages", ID]
    assert len(await librarian.stale(limit=1)) == 1

    asked = await librarian.ask_owners(by="clock")
    again = await librarian.ask_owners(by="clock")

    assert [(check.kind, check.unit, check.article_id) for check in asked] == [
        (CheckKind.FRESHNESS, "labour", "wages"),
        (CheckKind.FRESHNESS, "water", ID),
    ]
    assert again == []
    assert (await kinds(store)).count("knowledge.check_raised") == 2


async def test_who_confirms_has_answered_the_question(librarian: Librarian, clock: SetClock) -> None:
    clock.at = NOON + timedelta(days=91)
    await librarian.ask_owners(by="clock")
    article = await librarian.base.article(ID)
    assert article is not None
    assert librarian.is_stale(article)

    clock.at += timedelta(hours=1)
    fresh = await librarian.confirm(ID, by="owner")
    await librarian.write(ArticleId("wages"), replace(WAGES, body="新"), seen=1, by="owner", publish=True)

    assert not librarian.is_stale(fresh)
    outcomes = {check.article_id: check.outcome for check in await librarian.base.checks()}
    assert outcomes == {ID: CheckOutcome.CONFIRMED, "wages": CheckOutcome.CORRECTED}
    assert await librarian.stale() == []


async def test_a_draft_does_not_answer_the_question(librarian: Librarian, clock: SetClock) -> None:
    clock.at = NOON + timedelta(days=91)
    await librarian.ask_owners(by="clock")
    clock.at += timedelta(hours=1)
    await librarian.write(ID, replace(OUTAGE, body="新"), seen=1, by="owner")

    assert ID in {check.article_id for check in await librarian.base.checks(waiting=True)}


async def test_a_draft_is_never_stale(librarian: Librarian, clock: SetClock) -> None:
    draft = await librarian.write(ArticleId("d"), WAGES, seen=0, by="one")
    clock.at = NOON + timedelta(days=999)

    assert not librarian.is_stale(draft)
    assert "d" not in {article.id for article in await librarian.stale()}


async def test_a_check_has_two_working_days_and_is_listed_when_they_are_over(
    librarian: Librarian, clock: SetClock
) -> None:
    check = await librarian.raise_check(ID, "电话错了", by="agent")

    assert check.due == datetime(2026, 3, 10, 16, tzinfo=UTC)
    assert (check.version, check.unit, check.citation, check.provisional) == (1, "water", CITATION, False)
    clock.at = check.due
    assert await librarian.overdue() == []
    clock.at += timedelta(seconds=1)
    assert await librarian.overdue() == [check]
    assert await librarian.overdue(unit="labour") == []


async def test_a_city_without_a_period_sets_no_end(store: MemoryStore, clock: SetClock) -> None:
    librarian = librarian_for(store, clock, replace(PROFILE, rules={}))
    await stocked(librarian)

    check = await librarian.raise_check(ID, "电话错了", by="agent")

    assert (check.due, check.citation, check.provisional) == (None, None, False)


async def test_the_owner_corrects_and_answers(librarian: Librarian, store: MemoryStore) -> None:
    check = await librarian.raise_check(ID, "电话错了", by="agent")
    with pytest.raises(Refused):
        await librarian.answer_check(check.id, CheckOutcome.CORRECTED, "", by="owner")
    await librarian.write(ID, replace(OUTAGE, body="新电话"), seen=1, by="owner", publish=True)

    done = await librarian.answer_check(check.id, CheckOutcome.CORRECTED, "已更正", by="owner")

    assert (done.outcome, done.answered_version) == (CheckOutcome.CORRECTED, 2)
    assert (await store.entries())[-1].fact.values == {
        "by": "owner",
        "check": check.id,
        "article": ID,
        "version": 1,
        "outcome": "corrected",
    }


async def test_an_owner_who_finds_nothing_wrong_has_confirmed_the_article(
    librarian: Librarian, clock: SetClock
) -> None:
    check = await librarian.raise_check(ID, "电话错了", by="agent")
    clock.at = NOON + timedelta(days=1)

    await librarian.answer_check(check.id, CheckOutcome.CONFIRMED, "核对无误", by="owner")

    article = await librarian.base.article(ID)
    assert article is not None
    assert (article.confirmed_at, article.confirmed_by) == (clock.at, "owner")


async def test_a_check_outlives_its_article_s_publication(librarian: Librarian) -> None:
    check = await librarian.raise_check(ID, "电话错了", by="agent")
    await librarian.withdraw(ID, seen=1, by="owner")

    done: Check = await librarian.answer_check(check.id, CheckOutcome.CONFIRMED, "", by="owner")

    assert done.answered_version == 2


async def test_what_is_not_there_is_refused(librarian: Librarian) -> None:
    nobody = ArticleId("nobody")
    await librarian.write(ArticleId("d"), WAGES, seen=0, by="one")
    for attempt in (
        librarian.publish(nobody, seen=1, by="x"),
        librarian.confirm(nobody, by="x"),
        librarian.raise_check(nobody, "错", by="x"),
        librarian.raise_check(ArticleId("d"), "错", by="x"),
        librarian.answer_check(CheckId("none"), CheckOutcome.CONFIRMED, "", by="x"),
        librarian.answer(TICKET.id, ID, 1, by="x"),
        librarian.answer(TICKET.id, nobody, 1, by="x"),
        librarian.answer(TICKET.id, ID, 2, by="x"),
    ):
        with pytest.raises(Refused):
            await attempt


@pytest.mark.parametrize("has_article", [True, False])
async def test_a_direct_answer_keeps_article_and_version_on_the_ticket(
    store: MemoryStore, clock: SetClock, has_article: bool
) -> None:
    feed = Feed()
    rules = rule("answer", ()) if has_article else {}
    librarian = librarian_for(store, clock, replace(PROFILE, rules=rules), feed)
    await stocked(librarian)
    await store.commit(lambda tx: tx.save_ticket(TICKET))

    await librarian.answer(TICKET.id, ID, 1, by="agent")
    ticket = await librarian.answer(TICKET.id, ID, 1, by="agent")

    (decision,) = ticket.decisions
    assert (decision.kind, decision.outcome) == (DecisionKind.ANSWER, "water-outage@1")
    assert [reason.evidence for reason in decision.reasons] == [OUTAGE.title]
    assert [reason.citation for reason in decision.reasons] == [CITATION if has_article else None]
    fact = (await store.entries(ticket_id=TICKET.id))[-1].fact
    assert (fact.kind, fact.values) == ("ticket.answered", {"by": "agent", "article": ID, "version": 1})


async def test_units_are_counted_by_how_they_look_after_their_part(librarian: Librarian, clock: SetClock) -> None:
    first = await librarian.raise_check(ID, "电话错了", by="agent")
    await librarian.raise_check(ArticleId("wages"), "地址错了", by="agent")
    await librarian.answer_check(first.id, CheckOutcome.CONFIRMED, "", by="owner")
    clock.at = NOON + timedelta(days=91)
    await librarian.withdraw(ArticleId("wages"), seen=1, by="owner")

    assert await records_of_units(librarian, librarian._clock) == [
        UnitRecord(unit="labour", checks=1, overdue=1),
        UnitRecord(unit="water", published=1, stale=1, checks=1, answered_in_time=1),
    ]


async def test_as_many_stale_articles_are_told_as_were_asked_for(librarian: Librarian, clock: SetClock) -> None:
    clock.at = datetime(2026, 6, 4, 10, tzinfo=UTC)
    assert await librarian.stale() == []
    clock.at = datetime(2026, 6, 4, 16, tzinfo=UTC)
    assert len(await librarian.stale()) == 2
