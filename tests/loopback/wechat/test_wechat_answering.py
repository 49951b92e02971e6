"""Pushes are answered after the commit and in time, and garbage is refused."""

from __future__ import annotations

import asyncio

import pytest

from channels import wording
from gateway.domain.errors import Refused, Unavailable
from tests.loopback.wechat.house import AES_KEY, OPEN_ID, House, in_each_mode


@in_each_mode
async def test_what_cannot_be_kept_is_never_answered_with_success(house: House) -> None:
    await house.opens()
    house.intake.fail = Unavailable("store away")
    answer = await house.server.follower(OPEN_ID).writes(Content="一")

    assert answer.statuses == [503] * 3


async def test_what_three_pushes_could_not_have_kept_is_kept_once_the_store_is_back(house: House) -> None:
    await house.opens(later_after=0.01)
    house.intake.fail = Unavailable("store away")
    follower = house.server.follower(OPEN_ID)
    answer = await follower.writes(Content="一")
    house.intake.fail = None
    await house.server.until(lambda: bool(follower.heard))

    assert answer.statuses == [503] * 3
    assert house.only.text == "一"
    assert follower.heard[0]["text"]["content"] == house.intake.told


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
