"""What followers write becomes messages, in each of WeChat's modes, and events do what they should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from channels import wording
from channels.wechat.crypto import signature
from gateway.domain.errors import Unavailable
from gateway.ports.intake import DeliveryState
from tests.loopback.wechat.house import GREETING, OPEN_ID, TOKEN, House, in_each_mode


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
    house.lent.clock.moment = datetime.now(UTC) + timedelta(minutes=minutes)

    assert await house.server.verify() == ""


@pytest.mark.parametrize("moment", ["", "x", "9" * 5000, "²"])
async def test_a_signed_time_that_is_none_is_refused(house: House, moment: str) -> None:
    await house.opens()
    query = {"signature": signature(TOKEN, moment, "n"), "timestamp": moment, "nonce": "n"}
    async with aiohttp.ClientSession() as client, client.get(house.server.callback, params=query) as answer:
        assert answer.status in (400, 403)  # aiohttp itself refuses the longest


@in_each_mode
async def test_a_text_is_taken_and_answered_in_the_same_breath(house: House) -> None:
    await house.opens()
    answer = await house.server.follower(OPEN_ID).writes(Content="路灯坏了")

    assert answer.statuses == [200]
    assert answer.text == house.intake.told
    assert (house.only.text, house.only.sender, house.only.is_proven) == ("路灯坏了", OPEN_ID, True)
    assert house.only.addressee == "gh_0123456789ab"


@pytest.mark.parametrize("house", ["compatible"], indirect=True)
async def test_without_a_key_the_plain_half_of_a_message_is_read_and_answered(house: House) -> None:
    await house.opens(aes_key="")
    answer = await house.server.follower(OPEN_ID).writes(Content="路灯坏了")

    assert (answer.text, house.only.text) == (house.intake.told, "路灯坏了")


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
    assert not house.lent.transcriber.heard


async def test_a_voice_without_words_is_heard_here(house: House) -> None:
    house.lent.transcriber.words = "我家停水了"
    await house.opens()
    name = house.server.keep(b"#!AMR", "audio/amr")
    await house.server.follower(OPEN_ID).writes("voice", MediaId=name, Format="amr")

    assert house.only.text == "[语音] 我家停水了"
    assert house.only.parts[0].content == b"#!AMR"
    assert house.lent.transcriber.heard[0].startswith(b"RIFF")  # which our recogniser reads, unlike AMR


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
