"""Updates are acknowledged after the commit, by webhook and by polling, whatever fails."""

from __future__ import annotations

import logging
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web

from channels import wording
from channels.door import Door
from channels.telegram.channel import PATH, TelegramChannel, TelegramSettings
from channels.telegram.polling import TRIES
from channels.telegram.webhook import SECRET_HEADER
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import IncomingMessage, Taken
from tests.loopback.telegram.house import CHAT, GREETING, TOKEN, House, WatchedIntake, letter


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


async def test_a_webhook_that_somebody_else_took_is_taken_back(house: House) -> None:
    await house.opens_with_webhook(check_interval=0.02)
    await house.server.until(lambda: bool(house.server.webhook["url"]))
    ours = house.server.webhook["url"]
    house.server.webhook = {"url": "https://another.example/", "secret_token": ""}
    await house.server.until(lambda: house.server.webhook["url"] == ours)
    await house.server.acknowledged(house.server.citizen(CHAT).sends(text="一"))

    assert house.only.text == "一"


async def test_what_telegram_meets_at_our_door_is_in_the_status(house: House) -> None:
    await house.opens_with_webhook(check_interval=0.02)
    house.intake.fail = Unavailable("store away")
    update = house.server.citizen(CHAT).sends(text="一")
    await house.server.until(lambda: "503" in house.channel.status)
    house.intake.fail = None
    await house.server.acknowledged(update)
    await house.server.until(lambda: house.channel.status == "ok")


async def test_an_update_before_the_channel_runs_must_come_again(house: House) -> None:
    url = await house.opens_with_webhook()
    channel = TelegramChannel(TelegramSettings(token=TOKEN, webhook=url), house.lent.means)
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


async def test_no_log_holds_what_people_wrote_or_who_they_are(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = await house.opens()
    citizen = house.server.citizen(987_654_321)
    house.intake.fail = Unavailable("store away")
    update = citizen.sends(text="秘密的话")
    await house.intake.tried(2)
    house.intake.fail = None
    await house.server.acknowledged(update)
    await channel.way_out.send(letter("秘密的回答", to=citizen.id))
    citizen.has_blocked = True
    with pytest.raises(Refused):
        await channel.way_out.send(letter("秘密的回答", to=citizen.id))

    output = capsys.readouterr()
    for secret in (TOKEN, "秘密", "987654321"):
        assert secret not in caplog.text + output.out + output.err
