"""The knowledge base over HTTP: open to everybody for reading, and all the rest behind a sign-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.knowledge import ArticleId
from gateway.domain.ticket import Ticket, TicketId, TicketState
from tests.fakes.console import Office
from tests.fakes.library import OUTAGE, stocked

WATER = {
    "title": "停水了怎么报修",
    "unit": "water",
    "body": "请说明小区和楼号。",
    "keywords": ["停水"],
    "matters": ["water_supply"],
}


async def told(client: ClientSession, path: str, **query: str) -> Any:
    async with client.get(path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def sent(client: ClientSession, method: str, path: str, body: object = None, status: int = 200) -> Any:
    async with client.request(method, path, json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_everybody_finds_and_reads_what_is_published(place: Office) -> None:
    await stocked(place.parts.librarian)
    async with place.visitor() as client:
        found = await told(client, "/open/knowledge", q="我家没水了怎么办")
        article = await told(client, "/open/knowledge/water-outage")

    assert [hit["title"] for hit in found["articles"]] == [OUTAGE.title]
    assert (article["unit"], article["version"]) == ("自来水公司", 1)
    assert "by" not in article


async def test_nobody_outside_reads_a_draft_or_what_is_not_valid_today(place: Office) -> None:
    librarian = place.parts.librarian
    await librarian.write(ArticleId("draft"), OUTAGE, seen=0, by="admin")
    async with place.signed_in("admin") as client:
        old = {**WATER, "valid_until": "2020-01-01"}
        await sent(client, "POST", "/api/knowledge", {"id": "old", "content": old, "publish": True})

    async with place.visitor() as client:
        assert await told(client, "/open/knowledge", q="停水") == {"articles": []}
        for article_id in ("draft", "old", "unknown"):
            await sent(client, "GET", f"/open/knowledge/{article_id}", status=404)


async def test_who_asks_too_often_waits(place: Office) -> None:
    async with place.visitor() as client:
        for _ in range(60):
            await told(client, "/open/knowledge", q="停水")
        async with client.get("/open/knowledge", params={"q": "停水"}) as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "1"


async def test_a_search_without_a_question_is_told_so(place: Office) -> None:
    async with place.visitor() as client:
        problem = await sent(client, "GET", "/open/knowledge?q=%20", status=422)

    assert problem["error"]["field"] == "q"


@pytest.mark.parametrize("path", ["/api/knowledge", "/api/knowledge/search?q=x", "/api/knowledge-checks"])
async def test_the_rest_needs_a_sign_in(place: Office, path: str) -> None:
    async with place.visitor() as client:
        await sent(client, "GET", path, status=401)


async def test_an_article_goes_from_draft_to_published_to_withdrawn_and_keeps_its_versions(place: Office) -> None:
    async with place.signed_in("admin") as client:
        path = "/api/knowledge/outage"
        draft = await sent(client, "POST", "/api/knowledge", {"id": "outage", "content": WATER, "note": "新建"})
        assert (draft["latest"]["state"], draft["published"]) == ("draft", None)
        public = await sent(client, "POST", f"{path}/publish", {"version": 1})
        assert (public["latest"]["state"], public["published"]) == ("published", 2)
        edit = {"version": 2, "content": {**WATER, "body": "请拨打供水热线。"}}
        assert (await sent(client, "PUT", path, edit))["published"] == 2
        assert (await told(client, "/open/knowledge/outage"))["body"] == WATER["body"]
        await sent(client, "PUT", path, edit, status=409)
        await sent(client, "POST", f"{path}/publish", {"version": 3})
        assert (await told(client, "/open/knowledge/outage"))["body"] == "请拨打供水热线。"
        await sent(client, "POST", f"{path}/publish", {"version": 4}, status=409)
        await sent(client, "POST", f"{path}/withdraw", {"version": 4, "note": "政策已废止"})
        await sent(client, "GET", "/open/knowledge/outage", status=404)
        await sent(client, "POST", f"{path}/confirm", status=409)
        versions = (await told(client, f"{path}/versions"))["versions"]

    assert [version["state"] for version in versions] == ["withdrawn", "published", "draft", "published", "draft"]
    assert [version["note"] for version in versions] == ["政策已废止", "", "", "", "新建"]
    assert {version["by"] for version in versions} == {"admin"}


async def test_an_agent_reads_and_raises_checks_but_does_not_write(place: Office) -> None:
    await stocked(place.parts.librarian)
    async with place.signed_in("agent") as client:
        await sent(client, "POST", "/api/knowledge", {"id": "x", "content": WATER}, status=403)
        hits = (await told(client, "/api/knowledge/search", q="停水"))["hits"]
        assert hits[0]["version"]["article"] == "water-outage"
        assert "停水" in hits[0]["evidence"]
        check = await sent(client, "POST", "/api/knowledge/water-outage/checks", {"words": "电话已变更"})
        listed = await told(client, "/api/knowledge-checks", waiting="true")

    assert listed["checks"] == [check]
    assert check["citation"]["obligation"] == "ZZ-19"
    assert not check["overdue"]
    assert datetime.fromisoformat(check["due"]) > datetime.now(UTC) + timedelta(days=1)


async def test_a_check_is_answered_once_the_words_are_corrected(place: Office) -> None:
    await stocked(place.parts.librarian)
    async with place.signed_in("admin") as client:
        check = await sent(client, "POST", "/api/knowledge/water-outage/checks", {"words": "电话已变更"})
        path = f"/api/knowledge-checks/{check['id']}/answer"
        await sent(client, "POST", path, {"outcome": "corrected"}, status=409)
        await sent(client, "PUT", "/api/knowledge/water-outage", {"version": 1, "content": WATER, "publish": True})
        done = await sent(client, "POST", path, {"outcome": "corrected", "words": "已更新电话"})
        await sent(client, "POST", "/api/knowledge-checks/unknown/answer", {"outcome": "confirmed"}, status=404)
        units = (await told(client, "/api/knowledge-units"))["units"]
        overdue = await told(client, "/api/knowledge-checks", overdue="true")
        of_article = await told(client, "/api/knowledge-checks", article="water-outage")

    assert [(unit["unit"], unit["published"], unit["answered_in_time"]) for unit in units] == [
        ("labour", 1, 0),
        ("water", 1, 1),
    ]
    assert (done["outcome"], done["answer"]) == ("corrected", "已更新电话")
    assert overdue == {"checks": []}
    assert of_article == {"checks": [done]}


async def test_lists_are_paged_and_narrowed(place: Office) -> None:
    await stocked(place.parts.librarian)
    async with place.signed_in("admin") as client:
        first = await told(client, "/api/knowledge", limit="1")
        second = await told(client, "/api/knowledge", limit="1", after=first["next_after"])
        drafts = await told(client, "/api/knowledge", state="draft")
        stale = await told(client, "/api/knowledge", stale="true")
        asked = await sent(client, "POST", "/api/knowledge-checks/stale")
        confirmed = await sent(client, "POST", "/api/knowledge/wages/confirm")
        shown = await told(client, "/api/knowledge/wages")

    assert [page["articles"][0]["latest"]["article"] for page in (first, second)] == ["wages", "water-outage"]
    assert drafts["articles"] == stale["articles"] == asked["checks"] == []
    assert (first["fresh_for"], first["citation"]["article"]) == ("90 natural days", "第十九条")
    assert (confirmed["confirmed_by"], shown) == ("admin", confirmed)


async def test_a_body_that_is_not_whole_is_refused(place: Office) -> None:
    async with place.signed_in("admin") as client:
        notice = {**WATER, "kind": "construction"}
        problem = await sent(client, "POST", "/api/knowledge", {"id": "x", "content": notice}, status=409)
        await sent(client, "POST", "/api/knowledge", {"id": "x y", "content": WATER}, status=422)
        await sent(client, "GET", "/api/knowledge/x", status=404)

    assert "valid_from" in problem["error"]["detail"]


async def test_what_a_citizen_says_brings_suggestions_while_she_speaks(place: Office) -> None:
    await stocked(place.parts.librarian)
    async with place.signed_in("agent") as client:
        call, citizen = await place.talking()
        ticket_id = call.record.ticket.id
        assert await told(client, f"/api/tickets/{ticket_id}/suggestions") == {"hits": []}
        place.say(citizen, "你好我家停水三天了", 1.0)
        await place.until(lambda: call.record.ticket.matter)

        hits = (await told(client, f"/api/tickets/{ticket_id}/suggestions"))["hits"]
        assert [hit["version"]["article"] for hit in hits] == ["water-outage"]
        answer = {"article": "water-outage", "version": 1}
        ticket = await sent(client, "POST", f"/api/tickets/{ticket_id}/answer", answer)
        assert ("answer", "water-outage@1") in {(one["kind"], one["outcome"]) for one in ticket["decisions"]}
        ended = await place.end(call)
        detail = await told(client, f"/api/tickets/{ticket_id}")
        after = await told(client, f"/api/tickets/{ticket_id}/suggestions", limit="1")
        again = await sent(client, "POST", f"/api/tickets/{ticket_id}/answer", answer)
        stale = {**answer, "version": 7}
        await sent(client, "POST", f"/api/tickets/{ticket_id}/answer", stale, status=409)

    assert "water-outage@1" in {decision.outcome for decision in ended.decisions}
    assert {"article": "water-outage", "version": 1, "by": "agent"} in [
        entry["values"] for entry in detail["entries"] if entry["kind"] == "ticket.answered"
    ]
    assert after["hits"] == hits
    assert [one["outcome"] for one in again["decisions"]].count("water-outage@1") == 1


async def test_a_ticket_that_is_not_there_has_neither(place: Office) -> None:
    async with place.signed_in("agent") as client:
        await sent(client, "GET", "/api/tickets/none/suggestions", status=404)
        answer = {"article": "water-outage", "version": 1}
        await sent(client, "POST", "/api/tickets/none/answer", answer, status=404)


async def test_the_interface_describes_the_open_door(place: Office) -> None:
    async with place.signed_in("agent") as client:
        description = await told(client, "/api/openapi.json")

    assert description["paths"]["/open/knowledge"]["get"]["security"] == []
    assert "/api/tickets/{ticket_id}/suggestions" in description["paths"]


@pytest.mark.parametrize(("category", "code"), [("praise", "not_allowed"), ("", "missing")])
async def test_only_what_the_regulation_lets_be_answered_at_once_is(place: Office, category: str, code: str) -> None:
    await stocked(place.parts.librarian)
    now = place.line.clock.now()
    kept = Ticket(
        id=TicketId("20260302-000009"),
        contact_id=ContactId("c"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller="01000000001",
        received_at=now,
        ended_at=now,
        state=TicketState.TAKEN,
        category=category,
    )
    await place.line.store.commit(lambda tx: tx.save_ticket(kept))
    async with place.signed_in("agent") as client:
        answer = {"article": "water-outage", "version": 1}
        problem = (await sent(client, "POST", f"/api/tickets/{kept.id}/answer", answer, status=409))["error"]

    assert (problem["code"], problem["field"]) == (code, "category")
    assert problem["current"][0]["article"] == "第四条"
    ticket = await place.line.store.ticket(kept.id)
    assert ticket is not None
    assert ticket.decisions == ()
