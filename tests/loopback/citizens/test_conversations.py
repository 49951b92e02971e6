"""A conversation over a WebSocket: every line once and in order, through breaks, restarts and a store that is away."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from channels.web.conversations import NO_ANSWER
from channels.web.house import conversation_of
from channels.web.visitors import Pace
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import DeliveryState
from tests.fakes.citizens import ARTICLE, BEARER, FIRE, IMAGE, TOKEN, Street, street

LIMIT = 10.0


class Page:
    """One end of the WebSocket, as the page holds it."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, text: str, key: str, **more: Any) -> None:
        await self.socket.send_json({"type": "say", "id": key, "text": text, **more})

    async def hear(self, kind: str) -> dict[str, Any]:
        """Return the next message of that kind."""
        async with asyncio.timeout(LIMIT):
            while True:
                message = await self.socket.receive_json()
                if message["type"] == kind:
                    return dict(message)

    async def lines(self, count: int) -> list[dict[str, Any]]:
        """Return the next lines."""
        return [(await self.hear("line"))["line"] for _ in range(count)]

    async def closing_code(self) -> int | None:
        """Return what the other side closes with."""
        async with asyncio.timeout(LIMIT):
            while (await self.socket.receive()).type is WSMsgType.TEXT:
                pass
        return self.socket.close_code


@asynccontextmanager
async def page(visitor: ClientSession, place: Street, *, after: int = 0, token: str = TOKEN) -> AsyncIterator[Page]:
    async with visitor.ws_connect(f"{place.url}/web/conversation") as socket:
        await socket.send_json({"type": "hello", "token": token, "after": after})
        opened = Page(socket)
        await opened.hear("ready")
        yield opened


async def test_what_a_citizen_says_is_taken_kept_and_told_back_with_its_number(
    place: Street, visitor: ClientSession
) -> None:
    async with page(visitor, place) as window:
        await window.say("楼上装修太吵", "message-1", is_text_only=True)
        taken = await window.hear("taken")

    (message,) = place.intake.messages
    assert (message.channel, message.external_id) == (ChannelKind.WEB, f"{conversation_of(TOKEN)}:message-1")
    assert (message.sender, message.is_proven, message.is_text_only) == (conversation_of(TOKEN), True, True)
    assert (taken["id"], taken["query_code"]) == ("message-1", "246802")
    async with page(visitor, place) as window:
        own, told = await window.lines(2)
    assert [(line["number"], line["by"], line["text"]) for line in (own, told)] == [
        (1, "citizen", "楼上装修太吵"),
        (2, "house", "已收到"),
    ]


async def test_the_assistant_says_its_source_or_that_it_does_not_know(place: Street, visitor: ClientSession) -> None:
    async with page(visitor, place) as window:
        await window.say("公积金怎么提取", "message-1")
        known = (await window.lines(3))[2]
        await window.say("我家的猫丢了", "message-2")
        unknown = (await window.lines(2))[1]

    assert (known["by"], known["text"], known["source"]) == ("assistant", ARTICLE.text, ARTICLE.source)
    assert (unknown["by"], unknown["text"], unknown["source"]) == ("assistant", NO_ANSWER, "")


@pytest.mark.parametrize(("text", "wants_person"), [("公积金怎么提取", True), (f"公积金中心{FIRE}", False)])
async def test_no_assistant_stands_between_a_person_asked_for_or_an_emergency(
    place: Street, visitor: ClientSession, text: str, wants_person: bool
) -> None:
    async with page(visitor, place) as window:
        await window.say(text, "message-1", wants_person=wants_person)
        await window.hear("taken")
        await place.answer("您好，我是坐席")
        lines = await window.lines(3)

    assert [line["by"] for line in lines] == ["citizen", "house", "house"]
    assert place.intake.messages[0].values == {"wants_person": wants_person}


async def test_an_assistant_that_is_away_does_not_hinder_anything(place: Street, visitor: ClientSession) -> None:
    place.assistant.fail = Unavailable("no index")
    async with page(visitor, place) as window:
        await window.say("公积金怎么提取", "message-1")
        await window.lines(2)
        await window.say("还在吗", "message-2", wants_person=True)

        assert [line["number"] for line in await window.lines(1)] == [3]


async def test_an_emergency_does_not_wait_for_the_assistant(place: Street, visitor: ClientSession) -> None:
    place.assistant.thinks = asyncio.Event()
    async with page(visitor, place) as window:
        await window.say("公积金怎么提取", "message-1")
        await window.say(FIRE, "message-2")
        await window.hear("taken")
        assert (await window.hear("taken"))["emergencies"] == ["119"]
        place.assistant.thinks.set()

        while (line := (await window.lines(1))[0])["by"] != "assistant":
            pass
        assert line["text"] == ARTICLE.text


async def test_an_emergency_is_told_at_once_with_the_line_to_call(place: Street, visitor: ClientSession) -> None:
    async with page(visitor, place) as window:
        await window.say(FIRE, "message-1")

        assert (await window.hear("taken"))["emergencies"] == ["119"]
    async with page(visitor, place) as window:
        assert (await window.lines(2))[1]["emergencies"] == ["119"]


async def test_a_page_that_comes_back_gets_what_it_missed_once_and_in_order(
    place: Street, visitor: ClientSession
) -> None:
    async with page(visitor, place) as window:
        await window.say("你好", "message-1", wants_person=True)
        await window.lines(2)
    await place.close()
    for number in range(3):
        await place.answer(f"答复{number}", key=f"answer-{number}")
        await place.answer(f"答复{number}", key=f"answer-{number}")
    await place.open()

    async with page(visitor, place, after=2) as window:
        await window.say("你好", "message-1", wants_person=True)
        taken = await window.hear("line")
        lines = [taken["line"], *await window.lines(2)]
        await window.say("谢谢", "message-2", wants_person=True)
        lines += await window.lines(1)

    assert [line["number"] for line in lines] == [3, 4, 5, 6]
    assert [line["text"] for line in lines] == ["答复0", "答复1", "答复2", "谢谢"]
    assert [message.text for message in place.intake.messages] == ["你好", "谢谢"]


async def test_what_another_node_puts_into_the_log_arrives(place: Street, visitor: ClientSession) -> None:
    other = Street()
    other.chats = place.chats
    async with street(other), page(visitor, place) as window:
        await other.answer("来自另一个节点")

        assert (await window.lines(1))[0]["text"] == "来自另一个节点"


async def test_what_the_page_confirms_is_reported_as_delivered_once(place: Street, visitor: ClientSession) -> None:
    async with page(visitor, place) as window:
        await place.answer("请补充门牌号")
        await window.lines(1)
        for _ in range(2):
            await window.socket.send_json({"type": "confirm", "number": 1})
        await window.say("18 号", "message-1")
        await window.hear("taken")

    (report,) = place.intake.reports
    assert (report.channel, report.sent_id, report.state) == (ChannelKind.WEB, "answer-1", DeliveryState.DELIVERED)


async def test_a_store_that_is_away_asks_to_come_again_and_then_takes_the_line_once(
    place: Street, visitor: ClientSession
) -> None:
    async with page(visitor, place) as window:
        place.intake.fail = Unavailable("away", retry_after=4.0)
        await window.say("停水了", "message-1")
        refused = await window.hear("not_taken")
        place.intake.fail = None
        await window.say("停水了", "message-1")
        await window.say("停水了", "message-1")
        await window.hear("taken")
        await window.hear("taken")

    assert (refused["id"], refused["retry_after"]) == ("message-1", 4.0)
    assert len(place.intake.messages) == 1


async def test_a_final_no_is_told_as_one(place: Street, visitor: ClientSession) -> None:
    place.intake.fail = Refused("restricted")
    async with page(visitor, place) as window:
        await window.say("你好", "message-1")

        assert (await window.hear("not_taken"))["retry_after"] == 0


async def test_who_is_restricted_is_told_so(place: Street, visitor: ClientSession) -> None:
    place.intake.restriction = "您的提交已被限制至2026年12月1日"
    async with page(visitor, place) as window:
        await window.say("你好", "message-1")
        refused = await window.hear("not_taken")

    assert (refused["message"], refused["retry_after"]) == (place.intake.restriction, 0)


async def test_a_log_that_is_away_closes_the_socket_for_a_later_try(place: Street, visitor: ClientSession) -> None:
    place.chats.fail = Unavailable("away")
    async with page(visitor, place) as window:
        assert await window.closing_code() == 1013


@pytest.mark.parametrize(
    "first", ["{", '{"type": "hello", "token": "short"}', '{"type": "what"}', '{"type": "hello", "after": 1}']
)
async def test_a_page_that_makes_no_sense_is_sent_away(place: Street, visitor: ClientSession, first: str) -> None:
    async with visitor.ws_connect(f"{place.url}/web/conversation") as socket:
        await socket.send_str(first)

        assert await Page(socket).closing_code() == 1008


async def test_another_sites_page_cannot_open_a_conversation(place: Street, visitor: ClientSession) -> None:
    async with visitor.get(f"{place.url}/web/conversation", headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403


async def test_too_many_lines_a_minute_must_wait(visitor: ClientSession) -> None:
    async with street(Street(pace=Pace(words=1))) as place, page(visitor, place) as window:
        await window.say("一", "message-1")
        await window.hear("taken")
        await window.say("二", "message-2")

        assert (await window.hear("not_taken"))["retry_after"] > 0


async def test_pictures_are_seen_by_those_of_the_conversation_only(place: Street, visitor: ClientSession) -> None:
    body = {"text": "看这里", "files": [{"name": "a.png", "content": b64encode(IMAGE).decode()}]}
    headers = {**BEARER, "Idempotency-Key": "message-1"}
    async with visitor.post(f"{place.url}/web/words", json=body, headers=headers) as answer:
        assert answer.status == 200
    async with page(visitor, place) as window:
        (file,) = (await window.lines(1))[0]["files"]
    address = f"{place.url}/web/files?sha256={file['sha256']}"

    async with visitor.get(address, headers=BEARER) as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", IMAGE)
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    async with visitor.get(address, headers={"Authorization": "Bearer " + "u" * 43}) as answer:
        assert answer.status == 404


async def test_what_is_meant_for_another_way_is_refused_so_that_it_goes_there(place: Street) -> None:
    with pytest.raises(Refused):
        await place.say_to("8613800000001", "您好", key="answer-1")


async def test_a_door_that_closes_sends_its_pages_away(place: Street, visitor: ClientSession) -> None:
    async with page(visitor, place) as window:
        closing = asyncio.create_task(place.close())

        assert await window.closing_code() == 1001
        await closing
