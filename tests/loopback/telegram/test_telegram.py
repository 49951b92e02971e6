"""The Telegram channel against a Bot API server on 127.0.0.1: by long polling, and by webhook on the public door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels import wording
from channels.door import Door
from channels.telegram.channel import PATH, SECRET_HEADER, TelegramChannel, TelegramSettings
from channels.telegram.polling import TRIES
from gateway.domain.contact import Attachment, ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import IncomingMessage, OutgoingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans
from tests.peers.bot_api import BotApiServer

TOKEN = "123456:AAF-not-a-real-token-of-anybody-000"
GREETING = "您好，这里是12345热线。"
CHAT = 6001


class WatchedIntake(MemoryIntake):
    """Tells when something was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = 0
        self._changed = asyncio.Condition()

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        self.attempts += 1
        try:
            return await super().take(message, answers_at_once=answers_at_once)
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def tried(self, times: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.attempts >= times)


class House:
    """A Bot API server, the channel, and the intake behind it."""

    def __init__(self, stack: AsyncExitStack, server: BotApiServer) -> None:
        self.stack = stack
        self.server = server
        self.intake = WatchedIntake()
        self.house = MemoryMeans()
        self.channel: TelegramChannel

    async def opens(self, **settings: Any) -> TelegramChannel:
        """Open the channel by long polling, or by webhook if one is given."""
        options = {"album_window": 0.05, "poll_wait": 5.0, "pause": 0.02, "greeting": GREETING, "token": TOKEN}
        self.channel = TelegramChannel(
            TelegramSettings(api=self.server.url, **{**options, **settings}), self.house.means
        )
        await self.stack.enter_async_context(self.channel.running(self.intake))
        return self.channel

    async def opens_with_webhook(self) -> str:
        """Open a door, and the channel behind it; return the door's address."""
        handlers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            return await handlers[0](request)

        door = await self.stack.enter_async_context(Door("127.0.0.1", 0, [web.post(PATH, handle)]))
        channel = await self.opens(webhook=door.url)
        for route in channel.routes(self.intake):
            assert isinstance(route, web.RouteDef)
            assert route.path == PATH
            handlers.append(route.handler)
        return door.url

    @property
    def only(self) -> IncomingMessage:
        """The one message that was taken."""
        (message,) = self.intake.messages
        return message


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with BotApiServer(TOKEN).running() as server, AsyncExitStack() as stack:
        yield House(stack, server)


def letter(text: str, to: int = CHAT, **more: Any) -> OutgoingMessage:
    return OutgoingMessage(key="k1", channel=ChannelKind.TELEGRAM, to=str(to), text=text, **more)


# -- what citizens write --------------------------------------------------------------------------------------


async def test_a_text_becomes_a_message_with_a_proven_sender(house: House) -> None:
    await house.opens()
    update = house.server.citizen(CHAT).sends(text="路灯坏了")
    await house.server.acknowledged(update)

    assert (house.only.text, house.only.sender, house.only.is_proven) == ("路灯坏了", "6001", True)
    assert (house.only.external_id, house.only.addressee) == ("6001:1", "@hotline_12345_bot")
    assert house.channel.status == "ok"


async def test_a_photo_comes_whole_and_in_its_largest_size(house: House) -> None:
    await house.opens()
    await house.server.acknowledged(house.server.citizen(CHAT).sends_photo(b"\xff\xd8large", caption="门口"))

    assert house.only.text == "门口"
    assert [(part.content, part.declared_type) for part in house.only.parts] == [(b"\xff\xd8large", "image/jpeg")]


async def test_a_photo_without_words_still_reads_as_something(house: House) -> None:
    await house.opens()
    await house.server.acknowledged(house.server.citizen(CHAT).sends_photo(b"\xff\xd8"))

    assert house.only.text == wording.PHOTO


async def test_a_voice_note_is_words_and_sound(house: House) -> None:
    house.house.transcriber.words = "我家停水了"
    await house.opens()
    await house.server.acknowledged(
        house.server.citizen(CHAT).sends_file("voice", b"OggS", mime_type="audio/ogg", duration=3)
    )

    assert house.only.text == "[语音] 我家停水了"
    assert house.only.parts[0].content == b"OggS"
    assert house.only.values["speech"] == "heard"


@pytest.mark.parametrize("failure", [None, Unavailable("no recogniser"), Refused("not a sound")])
async def test_a_voice_note_that_nobody_understood_is_kept_and_says_so(
    house: House, failure: Unavailable | Refused | None
) -> None:
    house.house.transcriber.fail = failure
    await house.opens()
    await house.server.acknowledged(house.server.citizen(CHAT).sends_file("voice", b"OggS"))

    assert house.only.text == f"[语音] {wording.UNHEARD}"
    assert house.only.values["speech"] == "unclear"
    assert house.only.parts


async def test_a_document_keeps_its_name_and_type(house: House) -> None:
    await house.opens()
    await house.server.acknowledged(
        house.server.citizen(CHAT).sends_file("document", b"%PDF", file_name="合同.pdf", mime_type="application/pdf")
    )

    assert [(part.name, part.declared_type) for part in house.only.parts] == [("合同.pdf", "application/pdf")]


async def test_a_file_that_bots_may_not_have_is_named_in_the_text(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    told = citizen.sends(document={"file_id": "x", "file_name": "录像.mp4", "file_size": 52_000_000})
    untold = citizen.sends(
        document={"file_id": house.server.keep(bytes(20 * 1024 * 1024 + 1)), "file_name": "长.mp4"}, caption="见附件"
    )
    gone = citizen.sends(document={"file_id": "never-was", "file_name": "无.pdf", "file_size": 10})
    for update in (told, untold, gone):
        await house.server.acknowledged(update)

    assert [message.text for message in house.intake.messages] == [
        "[文件过大，未能接收] 录像.mp4（52.0 MB）",
        "见附件\n[文件过大，未能接收] 长.mp4",
        "[文件未能取得] 无.pdf（0.0 MB）",
    ]


async def test_a_place_is_a_point_and_can_be_read(house: House) -> None:
    await house.opens()
    where = {"latitude": 42.2586, "longitude": 118.8869}
    venue = {"location": where, "title": "菜市场", "address": "某路1号"}
    await house.server.acknowledged(house.server.citizen(CHAT).sends(location=where, venue=venue))

    assert house.only.point == Point(latitude=42.2586, longitude=118.8869, name="菜市场 某路1号")
    assert house.only.text == "[位置] 菜市场 某路1号（北纬42.258600，东经118.886900）"


async def test_the_senders_own_card_is_where_he_may_be_called(house: House) -> None:
    await house.opens()
    card = {"phone_number": "+86 139 0000 0000", "first_name": "测试", "user_id": CHAT}
    await house.server.acknowledged(house.server.citizen(CHAT).sends(contact=card))

    assert house.only.telephone == "8613900000000"
    assert house.only.text == "[名片] 测试 +86 139 0000 0000"


async def test_an_edit_replaces_its_message(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    said = citizen.message(text="三号楼漏水")
    await house.server.acknowledged(house.server.push(message=said))
    edited = {**said, "text": "四号楼漏水", "edit_date": said["date"] + 60}
    await house.server.acknowledged(house.server.push(edited_message=edited))

    first, second = house.intake.messages
    assert (second.edits, second.text) == (first.external_id, "四号楼漏水")
    assert second.external_id != first.external_id


async def test_a_reply_names_the_message_that_it_follows(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    sent = await house.channel.way_out.send(letter("请问在几号楼？"))
    await house.server.acknowledged(citizen.sends(text="四号", reply_to_message={"message_id": 1, "date": 1}))

    assert house.only.answers == (sent,)


# -- albums ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_webhook", [False, True])
async def test_an_album_is_one_message_acknowledged_together(house: House, is_webhook: bool) -> None:
    citizen = house.server.citizen(CHAT)
    updates = [
        citizen.sends_photo(b"1", caption="垃圾没人收", media_group_id="g"),
        citizen.sends_photo(b"2", media_group_id="g"),
        citizen.sends_photo(b"3", media_group_id="g"),
    ]
    await (house.opens_with_webhook() if is_webhook else house.opens())
    for update in updates:
        await house.server.acknowledged(update)

    assert house.only.text == "垃圾没人收"
    assert [part.content for part in house.only.parts] == [b"1", b"2", b"3"]
    assert house.only.external_id == "6001:1"


async def test_photos_of_an_album_that_came_after_a_crash_are_not_lost(house: House) -> None:
    """The first two were taken, their acknowledgement was lost, and the third had not come yet."""
    await house.opens_with_webhook()
    citizen = house.server.citizen(CHAT)
    messages = [
        citizen.message(photo=[{"file_id": house.server.keep(octets)}], media_group_id="g")
        for octets in (b"1", b"2", b"3")
    ]
    first = [house.server.push(message=message) for message in messages[:2]]
    for update in first:
        await house.server.acknowledged(update)
    again = [house.server.push(message=message) for message in messages]
    for update in again:
        await house.server.acknowledged(update)

    assert [[part.content for part in message.parts] for message in house.intake.messages] == [[b"1", b"2"], [b"3"]]


async def test_an_album_that_cannot_be_kept_comes_again_whole(house: House) -> None:
    await house.opens_with_webhook()
    house.intake.fail = Unavailable("store away")
    citizen = house.server.citizen(CHAT)
    updates = [citizen.sends_photo(b"1", media_group_id="g"), citizen.sends_photo(b"2", media_group_id="g")]
    await house.intake.tried(2)
    house.intake.fail = None
    for update in updates:
        await house.server.acknowledged(update)

    assert [part.content for part in house.only.parts] == [b"1", b"2"]


# -- acknowledged after the commit ----------------------------------------------------------------------------


async def test_the_offset_stays_until_the_message_is_kept(house: House) -> None:
    house.intake.fail = Unavailable("store away")
    await house.opens()
    first = house.server.citizen(CHAT).sends(text="一")
    await house.intake.tried(3)
    assert max(house.server.offsets) <= first

    house.intake.fail = None
    await house.server.acknowledged(first)
    assert house.only.text == "一"


async def test_a_webhook_is_told_503_until_the_message_is_kept(house: House) -> None:
    await house.opens_with_webhook()
    house.intake.fail = Unavailable("store away", retry_after=3)
    update = house.server.citizen(CHAT).sends(text="一")
    await house.intake.tried(2)
    house.intake.fail = None
    await house.server.acknowledged(update)

    statuses = [status for number, status in house.server.deliveries if number == update]
    assert statuses == [503] * (len(statuses) - 1) + [200]
    assert house.only.text == "一"


async def test_one_person_who_must_wait_holds_up_nobody_else(house: House) -> None:
    class Picky(WatchedIntake):
        async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
            self.fail = Unavailable("too many from this sender") if message.sender == "1" else None
            return await super().take(message, answers_at_once=answers_at_once)

    house.intake = Picky()
    house.server.citizen(1).sends(text="甲")
    house.server.citizen(2).sends(text="乙")
    await house.opens()
    await house.intake.tried(4)

    assert [message.text for message in house.intake.messages] == ["乙"]


async def test_what_somebody_wrote_later_does_not_overtake_what_must_come_again(house: House) -> None:
    house.intake.fail = Unavailable("store away", retry_after=0.01)
    citizen = house.server.citizen(CHAT)
    updates = [citizen.sends(text=text) for text in ("一", "二", "三")]
    await house.opens()
    await house.intake.tried(3)
    house.intake.fail = None
    for update in updates:
        await house.server.acknowledged(update)

    assert [message.text for message in house.intake.messages] == ["一", "二", "三"]


async def test_an_update_that_fails_for_no_known_reason_is_passed_over_at_last(house: House) -> None:
    class Broken(WatchedIntake):
        async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
            if message.text == "一":
                self.attempts += 1
                raise ZeroDivisionError
            return await super().take(message, answers_at_once=answers_at_once)

    house.intake = Broken()
    citizen = house.server.citizen(CHAT)
    bad, good = citizen.sends(text="一"), citizen.sends(text="二")
    await house.opens(pause=0.0001)
    await house.server.acknowledged(bad)
    await house.server.acknowledged(good)

    assert house.intake.attempts == TRIES + 1
    assert house.only.text == "二"


async def test_a_file_that_cannot_be_fetched_now_brings_its_message_again(house: House) -> None:
    house.server.are_files_away = True
    await house.opens()
    update = house.server.citizen(CHAT).sends_photo(b"\xff\xd8", caption="门口")
    await house.server.until(lambda: house.server.files_asked > 1)
    assert not house.intake.messages

    house.server.are_files_away = False
    await house.server.acknowledged(update)
    assert house.only.parts[0].content == b"\xff\xd8"


async def test_two_nodes_that_ask_at_once_take_turns_and_a_message_is_one(house: House) -> None:
    await house.opens()
    await house.opens()
    updates = [house.server.citizen(number).sends(text="一") for number in range(5)]
    for update in updates:
        await house.server.acknowledged(update)

    assert len(house.intake.messages) == 5


async def test_a_refused_message_is_acknowledged_and_its_sender_told(house: House) -> None:
    house.intake.fail = Refused("too many files")
    await house.opens()
    citizen = house.server.citizen(CHAT)
    await house.server.acknowledged(citizen.sends(text="一"))
    await house.server.until(lambda: bool(citizen.heard))

    assert citizen.heard[0]["text"] == wording.NOT_TAKEN


async def test_an_update_that_nobody_can_read_is_passed_over(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    odd = house.server.push(message={"message_id": "x"})
    unknown = house.server.push(message={**citizen.message(), "text": ["a"]})
    good = citizen.sends(text="好的")
    for update in (odd, unknown, good):
        await house.server.acknowledged(update)

    assert house.only.text == "好的"
    assert house.channel.counts["unreadable"] == 2


async def test_groups_and_bots_are_ignored(house: House) -> None:
    await house.opens()
    said = house.server.citizen(CHAT).message(text="x")
    group = house.server.push(message={**said, "chat": {"id": -5, "type": "group"}})
    bot = house.server.push(message={**said, "from": {"id": 7, "is_bot": True, "first_name": "b"}})
    for update in (group, bot):
        await house.server.acknowledged(update)

    assert not house.intake.messages
    assert (house.channel.counts["group"], house.channel.counts["bot"]) == (1, 1)


async def test_who_opens_the_conversation_is_greeted_and_makes_no_ticket(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    citizen.sends(text="/start")
    await house.server.until(lambda: bool(citizen.heard))

    assert citizen.heard[0]["text"] == GREETING
    assert not house.intake.messages


async def test_stickers_get_one_courteous_answer(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    stickers = [citizen.sends(sticker={"emoji": "👍"}) for _ in range(3)]
    for update in stickers:
        await house.server.acknowledged(update)
    await house.server.until(lambda: bool(citizen.heard))

    assert [message["text"] for message in citizen.heard] == [wording.ONLY_THESE]
    assert house.channel.counts["sticker"] == 3


# -- the webhook ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, "", "wrong", "密"])
async def test_a_post_without_the_secret_is_refused(house: House, secret: str | None) -> None:
    url = await house.opens_with_webhook()
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with (
        aiohttp.ClientSession() as client,
        client.post(url + PATH, json={"update_id": 1}, headers=headers) as answer,
    ):
        assert answer.status == 403

    assert house.channel.counts["wrong secret"] == 1


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b'{"update_id": 1, "message": 5}'])
async def test_garbage_with_the_secret_is_acknowledged_and_counted(house: House, body: bytes) -> None:
    url = await house.opens_with_webhook()
    headers = {SECRET_HEADER: house.channel.secret}
    async with aiohttp.ClientSession() as client, client.post(url + PATH, data=body, headers=headers) as answer:
        assert answer.status == 200

    assert house.channel.counts["unreadable"] == 1


async def test_too_large_an_update_is_refused(house: House) -> None:
    url = await house.opens_with_webhook()
    headers = {SECRET_HEADER: house.channel.secret}
    async with (
        aiohttp.ClientSession() as client,
        client.post(url + PATH, data=BytesIO(bytes(2 << 20)), headers=headers) as answer,
    ):
        assert answer.status == 413


async def test_a_webhook_that_could_not_be_set_is_set_later(house: House) -> None:
    house.server.is_down = True
    await house.opens_with_webhook()
    await house.server.until(lambda: house.server.turned_away > 1)
    assert house.channel.status != "ok"

    house.server.is_down = False
    await house.server.acknowledged(house.server.citizen(CHAT).sends(text="一"))
    assert house.channel.status == "ok"


async def test_an_update_before_the_channel_runs_must_come_again(house: House) -> None:
    url = await house.opens_with_webhook()
    channel = TelegramChannel(TelegramSettings(token=TOKEN, webhook=url), house.house.means)
    (route,) = channel.routes(house.intake)
    assert isinstance(route, web.RouteDef)
    async with Door("127.0.0.1", 0, [route]) as door, aiohttp.ClientSession() as client:
        headers = {SECRET_HEADER: channel.secret}
        async with client.post(door.url + PATH, json={"update_id": 1}, headers=headers) as answer:
            assert answer.status == 503


async def test_polling_takes_away_a_webhook_that_was_left(house: House) -> None:
    house.server.webhook = {"url": "https://old.example/telegram", "secret_token": ""}
    await house.opens()
    await house.server.acknowledged(house.server.citizen(CHAT).sends(text="一"))

    assert house.only.text == "一"


# -- when Telegram fails --------------------------------------------------------------------------------------


async def test_a_server_that_was_away_is_asked_again(house: House) -> None:
    house.server.is_down = True
    await house.opens()
    update = house.server.citizen(CHAT).sends(text="一")
    await house.server.until(lambda: house.server.turned_away > 1)
    house.server.is_down = False
    await house.server.acknowledged(update)

    assert house.only.text == "一"


async def test_a_refused_token_is_in_the_status_and_in_no_log(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = await house.opens(token="999:wrong-token-of-nobody")
    with pytest.raises(Unavailable):
        await channel.way_out.send(letter("你好"))

    assert house.channel.status == "Telegram refuses the token"
    output = capsys.readouterr()
    assert "wrong-token" not in caplog.text + output.out + output.err


# -- what citizens are told -----------------------------------------------------------------------------------


async def test_an_answer_names_the_message_that_it_answers(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    await house.server.acknowledged(citizen.sends(text="路灯坏了"))
    sent = await house.channel.way_out.send(letter("已派单", answers=("mail:9", "6001:1")))

    assert citizen.heard[0]["text"] == "已派单"
    assert citizen.heard[0]["reply_to_message"]["message_id"] == 1
    assert sent == f"6001:{citizen.heard[0]['message_id']}"


async def test_a_long_answer_goes_in_pieces_that_telegram_takes(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    text = "答复如下😀。" * 1000
    await house.channel.way_out.send(letter(text))

    assert len(citizen.heard) == 2
    assert "".join(message["text"] for message in citizen.heard) == text


async def test_what_went_out_before_a_failure_does_not_go_out_again(house: House) -> None:
    await house.opens()
    citizen = house.server.citizen(CHAT)
    way_out = house.channel.way_out
    house.house.files.kept["ab"] = b"\xff\xd8"
    picture = Attachment(sha256="ab", name="现场.jpg", media_type="image/jpeg", size=2)
    missing = Attachment(sha256="cd", name="x.pdf", media_type="application/pdf", size=2)
    with pytest.raises(Refused):
        await way_out.send(letter("看图", files=(picture, missing)))
    house.house.files.kept["cd"] = b"%PDF"
    await way_out.send(letter("看图", files=(picture, missing)))

    assert [next(key for key in ("text", "photo", "document") if key in message) for message in citizen.heard] == [
        "text",
        "photo",
        "document",
    ]


async def test_who_blocked_the_bot_is_never_told(house: House) -> None:
    await house.opens()
    house.server.citizen(CHAT).has_blocked = True

    with pytest.raises(Refused, match="blocked"):
        await house.channel.way_out.send(letter("你好"))


@pytest.mark.parametrize("to", ["404", "not-a-number"])
async def test_a_chat_that_is_not_there_is_refused(house: House, to: str) -> None:
    await house.opens()

    with pytest.raises(Refused):
        await house.channel.way_out.send(OutgoingMessage(key="k", channel=ChannelKind.TELEGRAM, to=to, text="你好"))


async def test_too_many_messages_wait_as_long_as_telegram_says(house: House) -> None:
    await house.opens()
    house.server.citizen(CHAT)
    house.server.throttled_for = 17

    with pytest.raises(Unavailable) as caught:
        await house.channel.way_out.send(letter("你好"))
    assert caught.value.retry_after == 17


async def test_a_server_that_is_away_may_be_asked_later(house: House) -> None:
    await house.opens()
    house.server.is_down = True

    with pytest.raises(Unavailable):
        await house.channel.way_out.send(letter("你好"))
