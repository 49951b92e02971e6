"""What followers are told, the notices after 48 hours, and the access token."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from channels import wording
from channels.wechat.api import LARGEST_FILE
from channels.wechat.outgoing import Notice
from gateway.domain.contact import Attachment
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryState
from tests.loopback.wechat.house import AES_KEY, OPEN_ID, SECRET, TOKEN, House, letter


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
    house.lent.files.kept["ab"] = b"\xff\xd8"
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
    house.lent.clock.moment = datetime(2026, 11, 22, 2, 5, tzinfo=UTC)
    channel = await house.opens(notice=NOTICE)
    follower = house.server.follower(OPEN_ID)
    house.server.templates["tpl"] = {"character_string1", "thing2", "time3"}
    sent = await channel.way_out.send(NEWS)
    house.lent.clock.moment = None
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
    house.lent.shared.fail = Unavailable("store away")
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
