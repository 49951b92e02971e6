"""The interface for the city's own app: its key, its conversations, and nobody else's."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from channels.web.channel import Client
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import ChatLine, Progress, Speaker
from tests.fakes.citizens import APP_BEARER, IMAGE, KEY, Street, street

MATTER = {"text": "公交站牌倒了", "files": [{"name": "站牌.png", "content": b64encode(IMAGE).decode()}]}


async def asked(
    visitor: ClientSession, place: Street, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """Ask with the app's key and a fixed idempotency key, unless *headers* say otherwise."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**APP_BEARER, "Idempotency-Key": KEY, **named}
    async with visitor.request(method, f"{place.url}/app/v1{path}", json=body, headers=sent) as answer:
        return answer.status, await answer.json() if answer.status != 204 else None


async def test_a_matter_is_one_ticket_and_begins_a_conversation(place: Street, visitor: ClientSession) -> None:
    first = await asked(visitor, place, "POST", "/matters", MATTER)
    again = await asked(visitor, place, "POST", "/matters", MATTER)

    (message,) = place.intake.messages
    assert message.channel is ChannelKind.APP
    assert (message.sender, message.is_proven) == (first[1]["conversation"], True)
    assert [(part.name, part.content) for part in message.parts] == [("站牌.png", IMAGE)]
    assert (again[0], again[1]["ticket_id"], again[1]["is_repeated"]) == (200, first[1]["ticket_id"], True)
    other = await asked(visitor, place, "POST", "/matters", MATTER, Idempotency_Key="another-key")
    assert other[1]["conversation"] != first[1]["conversation"]


async def test_what_is_said_waits_until_the_app_confirms_it(place: Street, visitor: ClientSession) -> None:
    _, matter = await asked(visitor, place, "POST", "/matters", MATTER)
    path = f"/conversations/{matter['conversation']}"
    await place.say_to(matter["conversation"], "请问是哪一站？", key="answer-1")
    await asked(
        visitor, place, "POST", f"{path}/lines", {"text": "市医院站", "wants_person": True}, Idempotency_Key="words-01"
    )

    _, told = await asked(visitor, place, "GET", f"{path}/lines?after=1")
    assert [(line["number"], line["by"], line["text"]) for line in told["lines"]] == [
        (2, "house", "已收到"),
        (3, "house", "请问是哪一站？"),
        (4, "citizen", "市医院站"),
    ]
    assert place.intake.messages[1].sender == matter["conversation"]
    assert (await asked(visitor, place, "PUT", f"{path}/confirmed", {"number": 4}))[0] == 204
    assert "answer-1" in [report.sent_id for report in place.intake.reports]


async def test_an_app_may_wait_for_the_next_line(place: Street, visitor: ClientSession) -> None:
    _, matter = await asked(visitor, place, "POST", "/matters", MATTER)
    path = f"/conversations/{matter['conversation']}/lines?after=2"

    assert (await asked(visitor, place, "GET", path))[1] == {"lines": []}
    assert (await asked(visitor, place, "GET", f"{path}&wait=0.01"))[1] == {"lines": []}


async def test_progress_needs_the_code(place: Street, visitor: ClientSession) -> None:
    number, at = "20261122-100000-0001", datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    place.tickets.known[number, "246802"] = Progress(
        ticket_id=TicketId(number), received_at=at, state_zh="办理中", steps=()
    )

    assert (await asked(visitor, place, "GET", f"/tickets/{number}", Query_Code="246802"))[1]["state"] == "办理中"
    assert (await asked(visitor, place, "GET", f"/tickets/{number}", Query_Code="111111"))[0] == 404
    assert (await asked(visitor, place, "GET", f"/tickets/{number}"))[0] == 422
    assert (await asked(visitor, place, "GET", "/tickets/%00", Query_Code="111111"))[0] == 404


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic eDp5", "Bearer \u00ff"])
async def test_without_the_key_nothing_is_told(place: Street, visitor: ClientSession, authorization: str) -> None:
    status, told = await asked(visitor, place, "POST", "/matters", MATTER, Authorization=authorization)

    assert (status, told["error"]["code"]) in [(401, "no_key"), (401, "bad_key")]
    assert place.intake.messages == []


@pytest.mark.parametrize("name", ["other-app." + "0" * 40, "city-app." + "0" * 40, "city-app.%00", "x"])
async def test_no_other_conversation_is_told(place: Street, visitor: ClientSession, name: str) -> None:
    line = ChatLine(id="answer-1", by=Speaker.HOUSE, text="不该看到", at=datetime.now(UTC))
    await place.chats.add("other-app." + "0" * 40, line)

    for method, path, body in (
        ("GET", "lines", None),
        ("POST", "lines", {"text": "你好"}),
        ("PUT", "confirmed", {"number": 1}),
        ("GET", "files/" + "0" * 64, None),
    ):
        assert (await asked(visitor, place, method, f"/conversations/{name}/{path}", body))[0] == 404
    assert place.intake.messages == []


async def test_a_store_that_is_away_says_when_to_come_again(place: Street, visitor: ClientSession) -> None:
    place.intake.fail = Unavailable("away", retry_after=3.0)

    status, told = await asked(visitor, place, "POST", "/matters", MATTER)

    assert (status, told["error"]["code"]) == (503, "unavailable")


async def test_an_app_that_asks_too_often_must_wait(visitor: ClientSession) -> None:
    keys = Street().clients["city-app"].key_sha256
    async with street(Street(clients={"city-app": Client(keys, 1)})) as place:
        assert (await asked(visitor, place, "POST", "/matters", MATTER))[0] == 200
        assert (await asked(visitor, place, "POST", "/matters", MATTER))[0] == 429
