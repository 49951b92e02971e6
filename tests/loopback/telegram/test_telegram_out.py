"""What citizens are told on Telegram, and what Telegram may say to that."""

from __future__ import annotations

import pytest

from gateway.domain.contact import Attachment, ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import OutgoingMessage
from tests.loopback.telegram.house import CHAT, House, letter


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
    house.lent.files.kept["ab"] = b"\xff\xd8"
    picture = Attachment(sha256="ab", name="现场.jpg", media_type="image/jpeg", size=2)
    missing = Attachment(sha256="cd", name="x.pdf", media_type="application/pdf", size=2)
    with pytest.raises(Refused):
        await way_out.send(letter("看图", files=(picture, missing)))
    house.lent.files.kept["cd"] = b"%PDF"
    await way_out.send(letter("看图", files=(picture, missing)))

    assert [next(key for key in ("text", "photo", "document") if key in message) for message in citizen.heard] == [
        "text",
        "photo",
        "document",
    ]


async def test_a_photo_that_telegram_will_not_show_goes_as_a_document(house: House) -> None:
    channel = await house.opens()
    citizen = house.server.citizen(CHAT)
    house.lent.files.kept["ab"] = b"a very long panorama"
    picture = Attachment(sha256="ab", name='全景\r\n"二".jpg', media_type="image/jpeg", size=20)
    await channel.way_out.send(letter("看图", files=(picture,)))

    assert citizen.heard[1]["document"]["file_name"] == '全景"二".jpg'


@pytest.mark.parametrize("size", [10_000_001, 50_000_001])
async def test_files_that_are_too_large_for_a_photo_or_at_all(house: House, size: int) -> None:
    channel = await house.opens()
    citizen = house.server.citizen(CHAT)
    house.lent.files.kept["ab"] = b"\xff\xd8" + bytes(size - 2)
    picture = Attachment(sha256="ab", name="大.jpg", media_type="image/jpeg", size=size)
    sending = channel.way_out.send(letter("看图", files=(picture,)))
    if size > 50_000_000:
        with pytest.raises(Refused, match="50000000"):
            await sending
    else:
        await sending
        assert citizen.heard[1]["document"]["file_size"] == size


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
