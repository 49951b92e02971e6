"""Articles, their versions, and the check tickets about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.errors import Conflict, Refused
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
    answered,
    confirmed,
    faults,
    first_version,
    moved,
    written,
)

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
WORDS = Content(title="停水", unit="water", body="请拨打热线。")
DRAFT = first_version(ArticleId("a"), WORDS, at=NOON, by="one", note="新建")
PUBLIC = moved(DRAFT, ArticleEvent.PUBLISHED, seen=1, at=NOON, by="two")
CHECK = Check(
    id=CheckId("k"),
    kind=CheckKind.CORRECTION,
    article_id=DRAFT.id,
    version=2,
    unit="water",
    words="电话错了",
    raised_at=NOON,
    raised_by="one",
)


def at(article: Article, event: ArticleEvent) -> Article:
    return moved(article, event, seen=article.latest.number, at=LATER, by="three")


def test_an_article_begins_as_a_draft_that_nobody_is_given() -> None:
    assert (DRAFT.latest.number, DRAFT.latest.state, DRAFT.published) == (1, ArticleState.DRAFT, None)
    assert (DRAFT.latest.by, DRAFT.latest.note) == ("one", "新建")


def test_an_article_may_be_published_as_it_is_written() -> None:
    article = first_version(ArticleId("a"), WORDS, at=NOON, by="one", publish=True)
    again = written(article, replace(WORDS, body="新"), seen=1, at=LATER, by="two", publish=True)

    assert (article.latest.state, article.published) == (ArticleState.PUBLISHED, 1)
    assert (again.latest.state, again.published, again.latest.content.body) == (ArticleState.PUBLISHED, 2, "新")
    assert (again.confirmed_at, again.confirmed_by) == (LATER, "two")


def test_readers_keep_the_published_version_while_a_draft_is_written() -> None:
    edited = written(PUBLIC, replace(WORDS, body="新的内容"), seen=2, at=LATER, by="three")

    assert (edited.latest.number, edited.latest.state, edited.published) == (3, ArticleState.DRAFT, 2)
    assert edited.confirmed_at == NOON
    assert at(edited, ArticleEvent.PUBLISHED).published == 4


def test_what_is_withdrawn_is_given_to_nobody_and_may_come_back() -> None:
    gone = at(PUBLIC, ArticleEvent.WITHDRAWN)

    assert (gone.latest.state, gone.published) == (ArticleState.WITHDRAWN, None)
    assert at(gone, ArticleEvent.PUBLISHED).published == 4
    assert written(gone, WORDS, seen=3, at=LATER, by="x").latest.state is ArticleState.DRAFT


@pytest.mark.parametrize(
    ("article", "event"),
    [(PUBLIC, ArticleEvent.PUBLISHED), (at(PUBLIC, ArticleEvent.WITHDRAWN), ArticleEvent.WITHDRAWN)],
)
def test_no_state_is_entered_twice(article: Article, event: ArticleEvent) -> None:
    with pytest.raises(Refused):
        at(article, event)


def test_who_saw_an_older_version_changes_nothing() -> None:
    with pytest.raises(Conflict):
        written(PUBLIC, WORDS, seen=1, at=LATER, by="late")
    with pytest.raises(Conflict):
        moved(PUBLIC, ArticleEvent.WITHDRAWN, seen=1, at=LATER, by="late")


def test_a_confirmation_is_no_version() -> None:
    fresh = confirmed(PUBLIC, at=LATER, by="owner")

    assert fresh.latest == PUBLIC.latest
    assert (fresh.confirmed_at, fresh.confirmed_by) == (LATER, "owner")
    with pytest.raises(Refused):
        confirmed(DRAFT, at=LATER, by="owner")


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"title": " "}, ["title"]),
        ({"unit": "", "body": ""}, ["unit", "body"]),
        ({"valid_from": date(2026, 1, 2), "valid_until": date(2026, 1, 1)}, ["valid_until"]),
        ({"valid_from": date(2026, 1, 2), "valid_until": date(2026, 1, 2)}, []),
        ({"kind": ArticleKind.DUTY_ROSTER}, ["valid_from", "valid_until", "contact"]),
        ({"kind": ArticleKind.CONSTRUCTION}, ["valid_from", "valid_until", "contact", "place"]),
    ],
)
def test_what_is_missing_is_named(change: dict[str, object], fields: list[str]) -> None:
    content = replace(WORDS, **change)  # type: ignore[arg-type]

    assert [name for name, _ in faults(content)] == fields
    if fields:
        with pytest.raises(Refused, match=fields[0]):
            first_version(ArticleId("a"), content, at=NOON, by="one")


def test_an_article_holds_from_its_first_to_its_last_day() -> None:
    days = [date(2026, 1, day) for day in range(1, 6)]
    bounded = replace(WORDS, valid_from=days[1], valid_until=days[3])

    assert [bounded.is_valid_on(day) for day in days] == [False, True, True, True, False]
    assert all(WORDS.is_valid_on(day) for day in days)


def test_a_check_is_answered_once() -> None:
    done = answered(CHECK, PUBLIC, CheckOutcome.CONFIRMED, "核对无误", at=LATER, by="owner")

    assert (done.outcome, done.answer, done.answered_at, done.answered_version) == (
        CheckOutcome.CONFIRMED,
        "核对无误",
        LATER,
        2,
    )
    with pytest.raises(Refused):
        answered(done, PUBLIC, CheckOutcome.CONFIRMED, "", at=LATER, by="owner")


def test_a_correction_needs_other_words_for_readers() -> None:
    edited = written(PUBLIC, replace(WORDS, body="新"), seen=2, at=LATER, by="owner")
    for unchanged in (PUBLIC, edited):
        with pytest.raises(Refused):
            answered(CHECK, unchanged, CheckOutcome.CORRECTED, "", at=LATER, by="owner")

    gone = at(PUBLIC, ArticleEvent.WITHDRAWN)
    assert answered(CHECK, gone, CheckOutcome.CORRECTED, "", at=LATER, by="owner").answered_version == 3
    corrected = at(edited, ArticleEvent.PUBLISHED)
    assert answered(CHECK, corrected, CheckOutcome.CORRECTED, "", at=LATER, by="owner").answered_version == 4


def test_a_check_is_overdue_when_it_was_not_answered_by_its_end() -> None:
    bound = replace(CHECK, due=LATER)

    assert not bound.is_overdue(LATER)
    assert bound.is_overdue(LATER + timedelta(seconds=1))
    assert not replace(bound, answered_at=LATER).is_overdue(LATER + timedelta(days=9))
    assert not CHECK.is_overdue(LATER + timedelta(days=999))
