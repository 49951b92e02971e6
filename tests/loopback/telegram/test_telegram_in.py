"""What citizens write to the bot becomes messages: texts, files, voices, places, albums, edits."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from channels import wording
from channels.telegram.channel import PATH
from channels.telegram.webhook import SECRET_HEADER
from gateway.domain.contact import Point
from gateway.domain.errors import Refused, Unavailable
from tests.loopback.telegram.house import CHAT, House, letter


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
    house.lent.transcriber.words = "我家停水了"
    await house.opens()
    await house.server.acknowledged(
        house.server.citizen(CHAT).sends_file("voice", b"OggS", mime_type="audio/ogg", duration=3)
    )

    assert house.only.text == "[语音] 我家停水了"
    assert house.only.parts[0].content == b"OggS"
    assert house.only.values["speech"] == "heard"


@pytest.mark.parametrize("failure", [None, Unavailable("no recogniser"), Refused("not a sound"), OSError()])
async def test_a_voice_note_that_nobody_understood_is_kept_and_says_so(house: House, failure: Exception | None) -> None:
    house.lent.transcriber.fail = failure
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
    assert house.intake.messages[2].values["file_ids"] == ["never-was"]


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


async def test_an_album_that_two_nodes_shared_is_neither_lost_nor_doubled_when_it_comes_again(house: House) -> None:
    doors = [await house.opens_with_webhook(), await house.opens_with_webhook()]
    house.server.webhook = {"url": ""}
    citizen = house.server.citizen(CHAT)
    updates = [
        {
            "update_id": number,
            "message": citizen.message(photo=[{"file_id": house.server.keep(octets)}], media_group_id="g"),
        }
        for number, octets in enumerate((b"1", b"2"))
    ]
    headers = {SECRET_HEADER: house.channel.secret}

    async def bring(door: str, update: dict[str, Any]) -> int:
        async with aiohttp.ClientSession() as client, client.post(door + PATH, json=update, headers=headers) as answer:
            return answer.status

    apart = await asyncio.gather(*(bring(door, update) for door, update in zip(doors, updates, strict=True)))
    again = await asyncio.gather(*(bring(doors[0], update) for update in updates))

    assert [*apart, *again] == [200] * 4
    assert sorted(part.content for message in house.intake.messages for part in message.parts) == [b"1", b"2"]


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
