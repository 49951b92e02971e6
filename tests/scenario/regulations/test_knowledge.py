"""What the five regulations ask of the knowledge base, each city under its own profile. Names begin with the row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.profiles import FOLDER, load
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.decision import DecisionKind
from gateway.domain.knowledge import ArticleId, ArticleKind, CheckOutcome, Content, Submission
from gateway.domain.ticket import Ticket, TicketId
from gateway.services.knowledge import Librarian
from gateway.services.unit_records import records_of_units
from routing.freshness import freshness
from tests.fakes.library import OUTAGE, WAGES, WORKS, librarian_for
from tests.fakes.store import MemoryStore, SetClock

FRIDAY = datetime(2026, 3, 6, 9, tzinfo=timezone(timedelta(hours=8)))
ID = ArticleId("water-outage")
TICKET = Ticket(
    id=TicketId("20260306-000001"),
    contact_id=ContactId("c"),
    channel=ChannelKind.TELEPHONE,
    call_id=None,
    caller="",
    received_at=FRIDAY,
    summary="我想问一下停水了什么时候来水",
    matter="water_supply",
)


class City:
    """A city's knowledge base on a Friday morning."""

    def __init__(self, profile: str) -> None:
        self.clock = SetClock(at=FRIDAY.astimezone(UTC))
        self.store = MemoryStore()
        self.librarian: Librarian = librarian_for(
            self.store, self.clock, load(FOLDER / f"{profile}.toml", at=self.clock.at)
        )

    async def hand_in(self, name: str, content: Content) -> tuple[str, ...]:
        """Let a unit hand in an article; return those that came late."""
        done = await self.librarian.take_in([Submission(id=ArticleId(name), content=content)], by="unit")
        return tuple(done.late)


@pytest.mark.parametrize(
    ("profile", "row"),
    [("chifeng-2022", "CF-4a"), ("suzhou-2018", "SZ-4.2a"), ("zhuhai-2023", "ZH-8a"), ("pingli-2018", "PL-8a")],
)
async def test_cf_4a_sz_4_2a_zh_8a_pl_8a_a_question_is_answered_at_once_from_the_knowledge_base(
    profile: str, row: str
) -> None:
    city = City(profile)
    await city.hand_in(ID, OUTAGE)
    await city.store.commit(lambda tx: tx.save_ticket(TICKET))

    (hit,) = await city.librarian.suggestions(TICKET)
    ticket = await city.librarian.answer(TICKET.id, hit.version.article_id, hit.version.number, by="agent")

    (decision,) = ticket.decisions
    assert (decision.kind, decision.outcome) == (DecisionKind.ANSWER, f"{ID}@1")
    assert row in {reason.citation.obligation for reason in decision.reasons if reason.citation}


async def test_cf_22_each_article_has_its_unit_which_is_asked_when_it_grows_old() -> None:
    city = City("chifeng-2022")
    await city.hand_in(ID, OUTAGE)
    city.clock.at += timedelta(days=179)
    assert await city.librarian.ask_owners(by="hotline") == []
    city.clock.at += timedelta(days=2)

    (check,) = await city.librarian.ask_owners(by="hotline")

    rule = city.librarian.freshness
    assert (check.unit, check.article_id) == ("water", ID)
    assert rule.is_ours
    assert rule.citation is not None
    assert rule.citation.obligation == "CF-22"


def test_cf_22_a_city_may_put_its_own_number_beside_the_article(tmp_path: Path) -> None:
    profile = tmp_path / "chifeng-2022.toml"
    rule = '[[rule]]\nkey = "knowledge.freshness"\nvalue = "90 natural days"\ncite = "CF-22"\n'
    text = (FOLDER / "chifeng-2022.toml").read_text(encoding="utf-8")
    profile.write_text(f"{text}\n{rule}effective_from = 2023-01-01\n", encoding="utf-8")

    found = freshness(load(profile, at=FRIDAY))

    assert (str(found.span), found.is_ours) == ("90 natural days", False)
    assert found.citation is not None
    assert found.citation.obligation == "CF-22"


async def test_pl_21_a_unit_updates_what_it_owns_and_every_version_stays() -> None:
    city = City("pingli-2018")
    await city.hand_in(ID, OUTAGE)
    await city.hand_in(ID, replace(OUTAGE, body="新的答复口径"))

    versions = await city.librarian.base.versions(ID)

    assert [(version.number, version.by, version.content.body) for version in versions] == [
        (2, "unit", "新的答复口径"),
        (1, "unit", OUTAGE.body),
    ]


async def test_zh_18_a_unit_s_care_for_its_knowledge_is_counted() -> None:
    city = City("zhuhai-2023")
    await city.hand_in(ID, OUTAGE)
    await city.hand_in("wages", WAGES)
    await city.librarian.raise_check(ID, "电话错了", by="agent")
    city.clock.at += timedelta(days=30)

    records = {record.unit: record for record in await records_of_units(city.librarian, city.clock)}

    assert (records["water"].overdue, records["labour"].overdue) == (1, 0)


async def test_zh_19_what_is_wrong_is_put_right_within_two_working_days_of_the_check_ticket() -> None:
    city = City("zhuhai-2023")
    await city.hand_in(ID, OUTAGE)
    check = await city.librarian.raise_check(ID, "电话错了", by="agent")

    assert check.due == datetime(2026, 3, 11, tzinfo=FRIDAY.tzinfo)
    assert check.citation is not None
    assert check.citation.obligation == "ZH-19"
    city.clock.at = check.due
    assert await city.librarian.overdue() == []
    await city.hand_in(ID, replace(OUTAGE, body="新电话"))
    done = await city.librarian.answer_check(check.id, CheckOutcome.CORRECTED, "", by="owner")
    assert not done.is_overdue(city.clock.at + timedelta(days=9))


async def test_zh_19_a_check_ticket_that_is_not_answered_is_listed_one_second_after_its_end() -> None:
    city = City("zhuhai-2023")
    await city.hand_in(ID, OUTAGE)
    check = await city.librarian.raise_check(ID, "电话错了", by="agent")
    assert check.due is not None
    city.clock.at = check.due + timedelta(seconds=1)

    assert await city.librarian.overdue(unit="water") == [check]


@pytest.mark.parametrize("profile", ["chifeng-2022", "suzhou-2018", "neimenggu-2021", "pingli-2018"])
async def test_zh_19_is_no_other_city_s_rule(profile: str) -> None:
    city = City(profile)
    await city.hand_in(ID, OUTAGE)

    check = await city.librarian.raise_check(ID, "电话错了", by="agent")

    assert (check.due, check.citation) == (None, None)


@pytest.mark.parametrize(("begins", "late"), [(date(2026, 3, 13), ()), (date(2026, 3, 12), ("works",))])
async def test_zh_20_construction_is_reported_a_week_ahead_and_shown_first_while_it_lasts(
    begins: date, late: tuple[str, ...]
) -> None:
    city = City("zhuhai-2023")
    await city.hand_in(ID, OUTAGE)
    works = replace(WORKS, valid_from=begins, valid_until=date(2026, 3, 20), matters=("water_supply",))

    assert await city.hand_in("works", works) == late
    assert [hit.version.article_id for hit in await city.librarian.suggestions(TICKET)] == [ID]
    city.clock.at = datetime(2026, 3, 13, 0, tzinfo=FRIDAY.tzinfo)
    assert [hit.version.article_id for hit in await city.librarian.suggestions(TICKET)] == ["works", ID]
    city.clock.at = datetime(2026, 3, 21, 0, tzinfo=FRIDAY.tzinfo)
    assert [hit.version.article_id for hit in await city.librarian.suggestions(TICKET)] == [ID]


@pytest.mark.parametrize(("reported", "late"), [(29, ()), (30, ("roster",))])
async def test_zh_20_a_roster_is_reported_two_working_days_before_the_holiday(
    reported: int, late: tuple[str, ...]
) -> None:
    city = City("zhuhai-2023")
    city.clock.at = datetime(2026, 9, reported, 23, 59, tzinfo=FRIDAY.tzinfo)
    roster = replace(
        WORKS,
        kind=ArticleKind.DUTY_ROSTER,
        title="国庆值班",
        valid_from=date(2026, 10, 1),
        valid_until=date(2026, 10, 7),
    )

    assert await city.hand_in("roster", roster) == late


async def test_nm_3_5_what_is_published_and_valid_is_for_everybody_and_nothing_else() -> None:
    city = City("neimenggu-2021")
    await city.hand_in(ID, OUTAGE)
    await city.librarian.write(ArticleId("draft"), WAGES, seen=0, by="unit")

    public = await city.librarian.public(ID)

    assert public is not None
    assert public.content == OUTAGE
    assert await city.librarian.public(ArticleId("draft")) is None
    assert await city.librarian.search("拖欠工资") == []
