"""The WeChat channel behind the public door, against WeChat's side on 127.0.0.1, in its three modes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels import wording
from channels.door import Door
from channels.wechat.api import LARGEST_FILE
from channels.wechat.channel import PATH, WeChatChannel, WeChatSettings
from channels.wechat.crypto import signature
from channels.wechat.outgoing import Notice
from gateway.domain.contact import Attachment, ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryState, IncomingMessage, OutgoingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans
from tests.peers.wechat_api import WeChatServer

APP_ID = "wx0123456789abcdef"
SECRET = "not-a-real-secret-of-any-account"
TOKEN = "console-token"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
GREETING = "欢迎关注12345热线。"
OPEN_ID = "oA1b2C3d4E5f6G7h8I9j0K1l2M3n"
MODES = ["plain", "compatible", "aes"]


class SlowIntake(MemoryIntake):
    """Takes a message once it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.attempts = 0

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        self.attempts += 1
        await self.may_go_on.wait()
        return await super().take(message, answers_at_once=answers_at_once)


class House:
    """WeChat's side, the channel behind a door, and the intake behind it."""

    def __init__(self, stack: AsyncExitStack, server: WeChatServer) -> None:
        self.stack = stack
        self.server = server
        self.intake = SlowIntake()
        self.house = MemoryMeans()
        self.channel: WeChatChannel

    async def opens(self, **settings: Any) -> WeChatChannel:
        """Open the channel, encrypted as the server is unless *settings* say otherwise."""
        handlers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}

        async def handle(request: web.Request) -> web.StreamResponse:
            return await handlers[request.method](request)

        door = Door("127.0.0.1", 0, [web.get(PATH, handle), web.post(PATH, handle)])
        await self.stack.enter_async_context(door)
        self.server.callback = door.url + PATH
        options: dict[str, Any] = {"aes_key": "" if self.server.mode == "plain" else AES_KEY, "greeting": GREETING}
        options = {**options, "api": self.server.url, **settings}
        self.channel = WeChatChannel(
            WeChatSettings(app_id=APP_ID, app_secret=SECRET, token=TOKEN, **options),
            self.house.means,
        )
        for route in self.channel.routes(self.intake):
            assert isinstance(route, web.RouteDef)
            handlers[route.method] = route.handler
        await self.stack.enter_async_context(self.channel.running(self.intake))
        return self.channel

    @property
    def only(self) -> IncomingMessage:
        (message,) = self.intake.messages
        return message


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    mode = getattr(request, "param", "aes")
    async with WeChatServer(APP_ID, SECRET, TOKEN, AES_KEY, mode).running() as server, AsyncExitStack() as stack:
        yield House(stack, server)


def letter(text: str, **more: Any) -> OutgoingMessage:
    return OutgoingMessage(key="k1", channel=ChannelKind.WECHAT, to=OPEN_ID, text=text, **more)


in_each_mode = pytest.mark.parametrize("house", MODES, indirect=True)


# -- the address ----------------------------------------------------------------------------------------------


@in_each_mode
async def test_the_address_proves_that_it_is_ours(house: House) -> None:
    await house.opens()

    assert await house.server.verify() == "5837397"


async def test_who_does_not_know_the_token_learns_nothing(house: House) -> None:
    await house.opens()
    house.server.token = "guessed"

    assert await house.server.verify() == ""
    assert (await house.server.follower(OPEN_ID).writes(Content="x")).statuses == [403] * 3
    assert not house.intake.messages


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_an_address_signed_long_ago_is_refused(house: House, minutes: int) -> None:
    await house.opens()
    house.house.clock.moment = datetime.now(UTC) + timedelta(minutes=minutes)

    assert await house.server.verify() == ""


@pytest.mark.parametrize("moment", ["", "x", "9" * 5000, "²"])
async def test_a_signed_time_that_is_none_is_refused(house: House, moment: str) -> None:
    await house.opens()
    query = {"signature": signature(TOKEN, moment, "n"), "timestamp": moment, "nonce": "n"}
    async with aiohttp.ClientSession() as client, client.get(house.server.callback, params=query) as answer:
        assert answer.status in (400, 403)  # aiohttp itself refuses the longest


# -- what followers write -------------------------------------------------------------------------------------


@in_each_mode
async def test_a_text_is_taken_and_answered_in_the_same_breath(house: House) -> None:
    await house.opens()
    answer = await house.server.follower(OPEN_ID).writes(Content="路灯坏了")

    assert answer.statuses == [200]
    assert answer.text == house.intake.told
    assert (house.only.text, house.only.sender, house.only.is_proven) == ("路灯坏了", OPEN_ID, True)
    assert house.only.addressee == "gh_0123456789ab"


async def test_nothing_to_say_is_said_as_success(house: House) -> None:
    house.intake.told = ""
    await house.opens()
    answer = await house.server.follower(OPEN_ID).writes(Content="谢谢")

    assert (answer.statuses, answer.text) == ([200], None)


async def test_a_picture_comes_with_its_octets(house: House) -> None:
    await house.opens()
    name = house.server.keep(b"\xff\xd8", "image/jpeg")
    await house.server.follower(OPEN_ID).writes("image", PicUrl="http://x.example/", MediaId=name)

    (part,) = house.only.parts
    assert (part.content, part.declared_type, part.name) == (b"\xff\xd8", "image/jpeg", "image-23000000000000001.jpg")
    assert house.only.text == wording.PHOTO


async def test_a_film_is_fetched_where_wechat_says(house: House) -> None:
    await house.opens()
    name = house.server.keep_video(b"\0\0\0 ftyp")
    await house.server.follower(OPEN_ID).writes("shortvideo", MediaId=name, ThumbMediaId="t")

    assert [(part.content, part.declared_type) for part in house.only.parts] == [(b"\0\0\0 ftyp", "video/mp4")]


async def test_a_voice_that_wechat_understood_needs_no_recogniser(house: House) -> None:
    await house.opens()
    name = house.server.keep(b"#!AMR", "audio/amr")
    await house.server.follower(OPEN_ID).writes("voice", MediaId=name, Format="amr", Recognition="我家停水了。")

    assert house.only.text == "[语音] 我家停水了。"
    assert house.only.parts[0].name.endswith(".amr")
    assert not house.house.transcriber.heard


async def test_a_voice_without_words_is_heard_here(house: House) -> None:
    house.house.transcriber.words = "我家停水了"
    await house.opens()
    name = house.server.keep(b"#!AMR", "audio/amr")
    await house.server.follower(OPEN_ID).writes("voice", MediaId=name, Format="amr")

    assert house.only.text == "[语音] 我家停水了"
    assert house.only.parts[0].content == b"#!AMR"
    assert house.house.transcriber.heard[0].startswith(b"RIFF")  # which our recogniser reads, unlike AMR


async def test_a_file_that_does_not_come_keeps_back_no_words(house: House) -> None:
    await house.opens()
    await house.server.follower(OPEN_ID).writes("voice", MediaId="gone", Format="amr", Recognition="着火了")

    assert "着火了" in house.only.text
    assert wording.NOT_FETCHED in house.only.text
    assert house.only.values["media_id"] == "gone"


async def test_a_place_is_where_it_is_on_the_earth(house: House) -> None:
    await house.opens()
    await house.server.follower(OPEN_ID).writes(
        "location", Location_X=39.91640428150164, Location_Y=116.41024449916938, Scale=15, Label="某路1号"
    )

    assert house.only.point is not None
    assert (house.only.point.latitude, house.only.point.longitude) == pytest.approx((39.915, 116.404), abs=1e-7)
    assert house.only.text == "[位置] 某路1号（北纬39.915000，东经116.404000）"


async def test_a_link_is_read_with_its_title(house: House) -> None:
    await house.opens()
    await house.server.follower(OPEN_ID).writes("link", Title="公告", Description="停水", Url="https://a.example/")

    assert house.only.text == "[链接] 公告\n停水\nhttps://a.example/"


# -- events ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["subscribe", "CLICK", "SCAN"])
async def test_who_begins_to_follow_is_greeted_and_makes_no_ticket(house: House, event: str) -> None:
    await house.opens()
    answer = await house.server.follower(OPEN_ID).does(event, EventKey="")

    assert answer.text == GREETING
    assert not house.intake.messages


@pytest.mark.parametrize("event", ["unsubscribe", "LOCATION", "something_new"])
async def test_other_events_are_counted(house: House, event: str) -> None:
    await house.opens()
    answer = await house.server.follower(OPEN_ID).does(event)

    assert (answer.statuses, answer.text) == ([200], None)
    assert house.channel.counts[event] == 1


async def test_what_became_of_a_template_message_is_reported(house: House) -> None:
    await house.opens()
    await house.server.follower(OPEN_ID).does("TEMPLATESENDJOBFINISH", MsgID=200163836, Status="failed:user block")

    (report,) = house.intake.reports
    assert (report.sent_id, report.state, report.reason) == ("200163836", DeliveryState.FAILED, "failed:user block")


async def test_a_report_that_cannot_be_kept_comes_again(house: House) -> None:
    await house.opens()
    house.intake.fail = Unavailable("store away")
    answer = await house.server.follower(OPEN_ID).does("TEMPLATESENDJOBFINISH", MsgID=1, Status="success")

    assert answer.statuses == [503] * 3


async def test_a_kind_that_no_ticket_can_hold_gets_a_courteous_answer(house: House) -> None:
    await house.opens()
    answer = await house.server.follower(OPEN_ID).writes("miniprogrampage", Title="x")

    assert answer.text == wording.ONLY_THESE
    assert house.channel.counts["miniprogrampage"] == 1


# -- answered after the commit --------------------------------------------------------------------------------


@in_each_mode
async def test_what_cannot_be_kept_is_never_answered_with_success(house: House) -> None:
    await house.opens()
    house.intake.fail = Unavailable("store away")
    answer = await house.server.follower(OPEN_ID).writes(Content="一")

    assert answer.statuses == [503] * 3


async def test_a_push_that_comes_again_makes_one_message(house: House) -> None:
    await house.opens()
    follower = house.server.follower(OPEN_ID)
    first = await follower.writes(Content="一", MsgId=7)
    second = await follower.writes(Content="一", MsgId=7)

    assert (first.text, second.text) == (house.intake.told, house.intake.told)
    assert house.only.external_id == "7"


async def test_what_takes_longer_is_answered_at_a_later_push(house: House) -> None:
    """The later push joins the work of the first: nothing is done twice, and he is told once."""
    await house.opens(answer_within=0.5)
    house.intake.may_go_on.clear()
    follower = house.server.follower(OPEN_ID)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(follower.writes(Content="一"))
        await house.server.unanswered.wait()
        house.intake.may_go_on.set()
    answer = writing.result()

    assert answer.statuses[0] == 503
    assert answer.is_accepted
    assert house.intake.attempts == 1
    told = [message["text"]["content"] for message in follower.heard] + [answer.text or ""]
    assert "".join(told) == house.intake.told


async def test_who_could_not_be_told_in_time_is_told_once_it_is_kept(house: House) -> None:
    await house.opens(answer_within=0.05)
    house.intake.may_go_on.clear()
    follower = house.server.follower(OPEN_ID)
    answer = await follower.writes(Content="一")
    assert answer.statuses == [503] * 3

    house.intake.may_go_on.set()
    await house.server.until(lambda: bool(follower.heard))
    assert follower.heard[0]["text"]["content"] == house.intake.told
    assert house.only.text == "一"


async def test_an_answer_too_long_for_a_reply_goes_as_messages(house: House) -> None:
    house.intake.told = "请拨打。" * 300
    await house.opens()
    follower = house.server.follower(OPEN_ID)
    answer = await follower.writes(Content="一")

    assert (answer.statuses, answer.text) == ([200], None)
    assert "".join(message["text"]["content"] for message in follower.heard) == house.intake.told


async def test_an_answer_too_long_for_a_reply_is_begun_there_where_no_messages_can_be_sent(house: House) -> None:
    house.intake.told = "请拨打。" * 300
    await house.opens()
    house.server.fail_next = [48001]
    answer = await house.server.follower(OPEN_ID).writes(Content="一")

    assert answer.text is not None
    assert house.intake.told.startswith(answer.text)


async def test_a_refused_message_is_answered_courteously(house: House) -> None:
    await house.opens()
    house.intake.fail = Refused("a restricted sender")
    answer = await house.server.follower(OPEN_ID).writes(Content="一")

    assert (answer.statuses, answer.text) == ([200], wording.NOT_TAKEN)


# -- garbage --------------------------------------------------------------------------------------------------


@in_each_mode
@pytest.mark.parametrize("xml", ["<xml></xml>", "<xml", "{}", "<xml><ToUserName>a</ToUserName></xml>"])
async def test_garbage_is_refused_and_counted(house: House, xml: str) -> None:
    await house.opens()
    if house.server.mode == "compatible":
        house.server.mode = "aes"
    answer = await house.server.push_raw(xml)

    assert answer.statuses == [400] * 3
    assert house.channel.counts["unreadable"] == 3


async def test_an_xml_bomb_is_refused(house: House) -> None:
    await house.opens()
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><ToUserName>&a;</ToUserName></xml>'

    assert (await house.server.push_raw(bomb)).statuses == [400] * 3


async def test_too_large_a_push_is_refused(house: House) -> None:
    await house.opens()

    assert (await house.server.follower(OPEN_ID).writes(Content="一" * 60_000)).statuses == [413] * 3


async def test_a_plain_message_is_not_taken_where_messages_are_encrypted(house: House) -> None:
    await house.opens(aes_key=AES_KEY)
    house.server.mode = "plain"

    assert (await house.server.follower(OPEN_ID).writes(Content="x")).statuses == [403] * 3
    assert not house.intake.messages


async def test_encrypted_messages_without_our_key_come_again_and_the_status_says_why(house: House) -> None:
    await house.opens(aes_key="")

    assert (await house.server.follower(OPEN_ID).writes(Content="x")).statuses == [503] * 3
    assert "aes_key" in house.channel.status


async def test_messages_under_another_key_are_refused_and_the_status_says_why(house: House) -> None:
    await house.opens(aes_key="G" * 43)

    assert (await house.server.follower(OPEN_ID).writes(Content="x")).statuses == [400] * 3
    assert "aes_key" in house.channel.status


# -- what followers are told ----------------------------------------------------------------------------------


async def test_a_message_reaches_who_wrote_of_late(house: House) -> None:
    channel = await house.opens()
    follower = house.server.follower(OPEN_ID)
    await follower.writes(Content="一")
    await channel.way_out.send(letter('已派单："供水"😀'))

    assert follower.heard[0]["text"]["content"] == '已派单："供水"😀'
    assert channel.status == "ok"


async def test_a_long_message_goes_in_pieces_that_wechat_takes(house: House) -> None:
    channel = await house.opens()
    follower = house.server.follower(OPEN_ID)
    await follower.writes(Content="一")
    await channel.way_out.send(letter("答复如下。" * 500))

    assert "".join(message["text"]["content"] for message in follower.heard) == "答复如下。" * 500


async def test_pictures_are_sent_and_other_files_are_named(house: House) -> None:
    channel = await house.opens()
    follower = house.server.follower(OPEN_ID)
    await follower.writes(Content="一")
    house.house.files.kept["ab"] = b"\xff\xd8"
    picture = Attachment(sha256="ab", name="现场.jpg", media_type="image/jpeg", size=2)
    paper = Attachment(sha256="cd", name="答复.pdf", media_type="application/pdf", size=2)
    await channel.way_out.send(letter("见图", files=(picture, paper)))

    assert [message["msgtype"] for message in follower.heard] == ["text", "image", "text"]
    assert house.server.files[follower.heard[1]["image"]["media_id"]] == (b"\xff\xd8", "image/jpeg")
    assert follower.heard[2]["text"]["content"] == f"{wording.NOT_SENT} 答复.pdf"


async def test_after_48_hours_nothing_can_be_sent_and_the_reason_is_said(house: House) -> None:
    channel = await house.opens()
    house.server.follower(OPEN_ID)

    with pytest.raises(Refused, match="48 hours"):
        await channel.way_out.send(letter("一"))


NOTICE = Notice(
    template="tpl", number="character_string1", text="thing2", time="time3", url="https://12345.example/progress"
)
NEWS = letter(
    "您反映的问题已经处理完毕：长青小区三号楼恢复供水，请您评价。", ticket_id=TicketId("20261122-100000-0001")
)


async def test_after_48_hours_a_notice_says_that_there_is_news_and_what_became_of_it_is_reported(house: House) -> None:
    house.house.clock.moment = datetime(2026, 11, 22, 2, 5, tzinfo=UTC)
    channel = await house.opens(notice=NOTICE)
    follower = house.server.follower(OPEN_ID)
    house.server.templates["tpl"] = {"character_string1", "thing2", "time3"}
    sent = await channel.way_out.send(NEWS)
    house.house.clock.moment = None
    await follower.does("TEMPLATESENDJOBFINISH", MsgID=sent, Status="success")

    (notice,) = follower.notices
    assert notice["url"] == "https://12345.example/progress"
    assert {name: content["value"] for name, content in notice["data"].items()} == {
        "character_string1": "20261122-100000-0001",
        "thing2": "您反映的问题已经处理完毕：长青小区三号…",
        "time3": "2026年11月22日 10:05",
    }
    assert [(report.sent_id, report.state) for report in house.intake.reports] == [(sent, DeliveryState.DELIVERED)]


async def test_a_notice_that_the_account_has_not_is_refused(house: House) -> None:
    channel = await house.opens(notice=NOTICE)
    house.server.follower(OPEN_ID)

    with pytest.raises(Refused, match="40037"):
        await channel.way_out.send(NEWS)


async def test_too_many_messages_are_refused_until_he_writes_again(house: House) -> None:
    channel = await house.opens()
    follower = house.server.follower(OPEN_ID)
    await follower.writes(Content="一")
    follower.sent_since = 20

    with pytest.raises(Refused, match="45047"):
        await channel.way_out.send(letter("一"))


@pytest.mark.parametrize("problem", ["unknown", "left"])
async def test_who_does_not_follow_is_refused(house: House, problem: str) -> None:
    channel = await house.opens()
    if problem == "left":
        house.server.follower(OPEN_ID).is_following = False

    with pytest.raises(Refused):
        await channel.way_out.send(letter("一"))


@pytest.mark.parametrize(("code", "seconds"), [(-1, 10), (45009, 3600), (45011, 60)])
async def test_a_busy_platform_is_asked_later(house: House, code: int, seconds: float) -> None:
    channel = await house.opens()
    house.server.fail_next = [code]

    with pytest.raises(Unavailable) as caught:
        await channel.way_out.send(letter("一"))
    assert caught.value.retry_after == seconds


async def test_a_platform_that_is_away_is_asked_later(house: House) -> None:
    channel = await house.opens(api="http://127.0.0.1:9")

    with pytest.raises(Unavailable):
        await channel.way_out.send(letter("一"))


@pytest.mark.parametrize(
    "garbled", [(502, "<html>"), (200, "<html>"), (200, "[]"), (200, ""), (200, '{"errcode": "x"}')]
)
async def test_an_answer_that_is_none_may_be_better_later(house: House, garbled: tuple[int, str]) -> None:
    channel = await house.opens()
    house.server.garbles = garbled

    with pytest.raises(Unavailable):
        await channel.way_out.send(letter("一"))


async def test_a_film_that_is_too_large_is_named(house: House) -> None:
    await house.opens()
    name = house.server.keep_video(bytes(LARGEST_FILE + 1))
    await house.server.follower(OPEN_ID).writes("video", MediaId=name, ThumbMediaId="t")

    assert house.only.text.startswith(wording.TOO_LARGE)
    assert not house.only.parts


# -- the access token -----------------------------------------------------------------------------------------


async def test_one_token_does_for_many_calls_at_once(house: House) -> None:
    channel = await house.opens()
    follower = house.server.follower(OPEN_ID)
    await follower.writes(Content="一")
    await asyncio.gather(*(channel.way_out.send(letter(str(number))) for number in range(5)))

    assert len(follower.heard) == 5
    assert len(house.server.tokens_given) == 1


async def test_another_node_uses_the_token_that_this_one_fetched(house: House) -> None:
    first = await house.opens()
    second = await house.opens()
    await house.server.follower(OPEN_ID).writes(Content="一")
    await first.way_out.send(letter("一"))
    await second.way_out.send(letter("二"))

    assert len(house.server.tokens_given) == 1


async def test_a_token_that_was_put_out_is_fetched_anew_once(house: House) -> None:
    channel = await house.opens()
    follower = house.server.follower(OPEN_ID)
    await follower.writes(Content="一")
    await channel.way_out.send(letter("一"))
    house.server.access_token = "somebody-elses"
    await channel.way_out.send(letter("二"))
    await channel.way_out.send(letter("三"))

    assert len(follower.heard) == 3
    assert [is_forced for _, is_forced in house.server.tokens_given] == [False, False]


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_that_stays_refused_is_forced_once_and_then_given_up(house: House, code: int) -> None:
    channel = await house.opens()
    house.server.fail_next = [code, code]

    with pytest.raises(Unavailable):
        await channel.way_out.send(letter("一"))
    assert [is_forced for _, is_forced in house.server.tokens_given] == [False, False, True]


async def test_a_file_is_fetched_with_a_new_token_where_the_old_is_stale(house: House) -> None:
    await house.opens()
    house.server.fail_next = [42001]
    name = house.server.keep(b"\x89PNG", "image/png")
    await house.server.follower(OPEN_ID).writes("image", MediaId=name, PicUrl="")

    assert house.only.parts[0].content == b"\x89PNG"


async def test_a_store_that_is_away_does_not_keep_the_token_from_us(house: House) -> None:
    channel = await house.opens()
    await house.server.follower(OPEN_ID).writes(Content="一")
    house.house.shared.fail = Unavailable("store away")
    await channel.way_out.send(letter("一"))

    assert house.server.follower(OPEN_ID).heard


async def test_a_refused_account_is_in_the_status_and_no_secret_in_any_log(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = await house.opens()
    house.server.is_token_refused = 40164
    with pytest.raises(Unavailable):
        await channel.way_out.send(letter("一"))
    house.server.is_token_refused = 0
    await house.server.follower(OPEN_ID).writes(Content="秘密的话")
    refused = channel.status
    await channel.way_out.send(letter("一"))

    assert "40164" in refused
    assert channel.status == "ok"
    output = capsys.readouterr()
    for secret in (SECRET, TOKEN, AES_KEY, "秘密的话", OPEN_ID, house.server.access_token):
        assert secret not in caplog.text + output.out + output.err
