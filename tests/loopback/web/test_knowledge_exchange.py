"""The knowledge base shared with other platforms and units' systems (NM-3.5, ZH-21)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.casehttp import CaseOffice, Person, case_office
from tests.fakes.caseroom import CaseRoom
from tests.fakes.store import MemoryStore

UNITS_KEY, PLATFORMS_KEY = "k" * 32, "p" * 32
PATH = "/api/exchange/knowledge"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[CaseOffice]:
    async with case_office(CaseRoom(MemoryStore(), "neimenggu-2021"), tmp_path / "recordings") as opened:
        yield opened


def article(name: str, unit: str = "water", body: str = "请看管网公告") -> dict[str, Any]:
    return {"id": name, "content": {"title": f"{name}停水怎么办", "unit": unit, "body": body}}


async def put(person: Person, *articles: dict[str, Any]) -> tuple[int, Any]:
    async with person.client.put(PATH, json={"articles": list(articles)}, headers=person.headers) as answer:
        return answer.status, await answer.json()


async def test_nm_3_5_a_platform_hands_in_and_reads_back_what_is_published(desk: CaseOffice) -> None:
    region = await desk.partner(PLATFORMS_KEY)
    first = await put(region, *(article(name) for name in ("a", "b", "c")))
    again = await put(region, article("a"), article("b", body="新的口径"))

    _, page = await region.get(PATH, limit=2)
    _, rest = await region.get(PATH, after=page["next_after"])

    assert first == (200, {"new": 3, "changed": 0, "unchanged": 0, "late": []})
    assert again == (200, {"new": 0, "changed": 1, "unchanged": 1, "late": []})
    told = [(each["article"], each["version"]) for each in (*page["articles"], *rest["articles"])]
    assert told == [("a", 1), ("b", 2), ("c", 1)]


async def test_nm_3_5_the_public_reads_what_a_platform_handed_in(desk: CaseOffice) -> None:
    await put(await desk.partner(PLATFORMS_KEY), article("a"))

    async with desk.place.visitor_at(desk.console.url) as client, client.get("/open/knowledge/a") as answer:
        shown = await answer.json()

    assert (answer.status, shown["title"]) == (200, "a停水怎么办")


async def test_zh_21_a_units_system_hands_in_its_own_and_the_hotline_publishes_it(desk: CaseOffice) -> None:
    water = await desk.partner(UNITS_KEY)

    assert (await put(water, article("w")))[1]["new"] == 1
    assert (await water.get(PATH))[1]["articles"] == []


async def test_nm_3_5_a_draft_over_a_published_version_is_not_shared(desk: CaseOffice) -> None:
    await put(await desk.partner(PLATFORMS_KEY), article("w"))
    water = await desk.partner(UNITS_KEY)
    await put(water, article("w", body="草稿"))

    _, page = await water.get(PATH)

    assert [(each["version"], each["content"]["body"]) for each in page["articles"]] == [(1, "请看管网公告")]


@pytest.mark.parametrize("mine", [article("r", unit="roads"), article("theirs")])
async def test_zh_21_a_units_system_writes_nothing_of_others(desk: CaseOffice, mine: dict[str, Any]) -> None:
    await put(await desk.partner(PLATFORMS_KEY), article("theirs", unit="roads"))
    water = await desk.partner(UNITS_KEY)

    status, problem = await put(water, article("w"), mine)

    assert (status, problem["error"]["field"]) == (403, "articles[1].content.unit")
    assert [each["article"] for each in (await water.get(PATH))[1]["articles"]] == ["theirs"]


async def test_zh_21_without_a_key_nothing_is_told(desk: CaseOffice) -> None:
    stranger = await desk.partner("guess" * 8)

    assert (await stranger.get(PATH))[0] == 401
    assert (await put(stranger, article("a")))[0] == 401
