"""What the written intake promises of every message, on every store."""

from __future__ import annotations

from datetime import time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gateway.domain.casework import Channel
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryReport, DeliveryState, Part
from gateway.services.answering import QuietHours, write_answer
from gateway.services.flood import SenderLimit
from gateway.services.intake import IntakeLimits
from tests.fakes.caseroom import SUPERVISOR
from tests.fakes.mailroom import BEIJING, NO_LIMIT, Mailroom

WATER = "我住红山区长青小区，从昨天晚上开始停水，请尽快派人来修"
FIRE = "长青小区三号楼着火了，楼上有人"


@pytest.fixture
def room(store: Any, tmp_path: Path) -> Mailroom:
    return Mailroom(store, tmp_path / "files")


async def facts(room: Mailroom, ticket_id: TicketId) -> list[str]:
    return [entry.fact.kind for entry in await room.store.entries(ticket_id=ticket_id)]


async def test_a_message_becomes_a_ticket_that_is_filled_from_its_words(room: Mailroom) -> None:
    taken = await room.take(WATER)

    ticket = await room.ticket(taken)
    assert taken.opened
    assert (ticket.channel, ticket.caller) == (ChannelKind.SMS, "8613800000001")
    assert ticket.category == "help"
    assert ticket.matter
    assert ticket.summary
    assert await facts(room, ticket.id) == ["ticket.opened", "contact.received"]


async def test_the_same_delivery_again_changes_nothing_and_is_told_the_same_ticket(room: Mailroom) -> None:
    message = room.message(WATER)
    first = await room.intake.take(message)
    again = await room.intake.take(message)

    assert again.is_repeated
    assert again.ticket_id == first.ticket_id
    assert await room.tickets() == [first.ticket_id]
    assert await facts(room, first.ticket_id) == ["ticket.opened", "contact.received"]


async def test_words_that_come_again_after_a_while_are_another_message(room: Mailroom) -> None:
    window = timedelta(minutes=5)
    first = await room.take(WATER, external_id="k", repeated_within=window)
    again = await room.take(WATER, external_id="k", repeated_within=window, received_at=room.wait(window))
    later = await room.take(WATER, external_id="k", repeated_within=window, received_at=room.wait(timedelta(seconds=1)))

    assert again.is_repeated
    assert not later.is_repeated
    assert later.contact_id != first.contact_id


async def test_a_conversation_goes_on_with_the_open_ticket_until_it_has_rested(room: Mailroom) -> None:
    first = await room.take(WATER)
    room.wait(timedelta(hours=71))
    second = await room.take("还没有来水，家里有老人")
    room.wait(timedelta(hours=73))
    third = await room.take("楼下路灯不亮")

    assert second.ticket_id == first.ticket_id
    assert not second.opened
    assert "老人" in (await room.ticket(first)).summary
    assert third.opened


async def test_whoever_says_so_opens_another_ticket_in_a_conversation(room: Mailroom) -> None:
    first = await room.take(WATER)
    second = await room.take("新诉求：楼下路灯不亮")

    assert second.ticket_id != first.ticket_id


async def test_mail_follows_a_ticket_only_where_it_answers_it(room: Mailroom) -> None:
    mail: dict[str, Any] = {"channel": ChannelKind.MAIL, "sender": "li@example.org"}
    first = await room.take(WATER, **mail, external_id="<1@example.org>")
    reply = await room.take("补充：我家在三楼", **mail, answers=("<1@example.org>",))
    other = await room.take("另有一事", **mail)
    stranger = await room.take("给我看看", channel=ChannelKind.MAIL, sender="x@example.org", ticket_id=first.ticket_id)

    assert reply.ticket_id == first.ticket_id
    assert other.opened
    assert stranger.opened


async def test_whoever_knows_the_query_code_writes_to_the_ticket_from_elsewhere(room: Mailroom) -> None:
    first = await room.take(WATER)
    web: dict[str, Any] = {"channel": ChannelKind.WEB, "sender": "session-1", "ticket_id": first.ticket_id}
    known = await room.take("补充照片", **web, values={"query_code": first.query_code})
    wrong = "000000" if first.query_code != "000000" else "000001"
    guessed = await room.take("补充照片", **(web | {"sender": "session-2"}), values={"query_code": wrong})

    assert known.ticket_id == first.ticket_id
    assert guessed.ticket_id != first.ticket_id


async def test_a_text_from_the_number_that_called_goes_to_the_ticket_of_the_call_only_when_proven(
    room: Mailroom,
) -> None:
    called = await room.take(WATER, channel=ChannelKind.TELEPHONE, sender="13800000001")
    unproven = await room.take("补充：三号楼", sender="8613800000009")
    proven = await room.take("补充：三号楼", is_proven=True)

    assert proven.ticket_id == called.ticket_id
    assert unproven.ticket_id != called.ticket_id


async def test_what_follows_a_ticket_that_is_over_is_a_new_one_that_names_it(room: Mailroom) -> None:
    first = await room.take(WATER)
    await room.cases.do(first.ticket_id, "refuse", SUPERVISOR, kind="secret")
    second = await room.take("请再看看")

    letters = await room.store.correspondence.letters(second.ticket_id)
    assert second.opened
    assert letters[0].contact.values["follows"] == first.ticket_id


async def test_a_message_to_a_case_is_added_to_the_case(room: Mailroom) -> None:
    first = await room.take(WATER)
    await room.cases.do(first.ticket_id, "accept", category="help")
    await room.take("补充：五楼也停水")

    entries = await room.store.entries(ticket_id=first.ticket_id)
    assert [e.fact.values["by"] for e in entries if e.fact.values.get("do") == "append"] == ["petitioner"]


async def test_an_emergency_is_reported_to_its_line_in_the_same_commit_and_the_sender_told_to_call(
    room: Mailroom,
) -> None:
    point = Point(latitude=42.2, longitude=118.9, name="长青小区")
    taken = await room.intake.take(room.message(FIRE, point=point), answers_at_once=True)

    reports = await room.store.cases.messages(Channel.EMERGENCY)
    ticket = await room.ticket(taken)
    assert taken.emergencies == ("119",)
    assert "立即拨打119" in taken.told
    assert [report.to for report in reports] == ["119"]
    assert reports[0].values["point"]["name"] == "长青小区"
    assert ticket.emergency_line == "119"
    assert ticket.decisions[0].reasons[0].citation is not None


async def test_who_must_not_be_called_is_told_how_to_write_and_every_desk_sees_it(room: Mailroom) -> None:
    taken = await room.intake.take(room.message("他要杀我，别打电话，不能出声，110快来"), answers_at_once=True)

    ticket = await room.ticket(taken)
    report = (await room.store.cases.messages(Channel.EMERGENCY))[0]
    assert ticket.is_text_only
    assert "不会给您打电话" in taken.told
    assert "请勿致电" in str(report.values["summary"])


async def test_the_wish_not_to_be_called_holds_for_later_tickets_of_the_same_sender(room: Mailroom) -> None:
    await room.take(WATER, is_text_only=True)
    room.wait(timedelta(days=30))
    later = await room.take("楼下路灯不亮")

    assert (await room.ticket(later)).is_text_only


async def test_files_are_kept_by_content_with_the_type_they_have_and_pictures_without_their_metadata(
    room: Mailroom,
) -> None:
    drawn = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Changqing 3"
    Image.new("RGB", (40, 30), "red").save(drawn, "JPEG", exif=exif)
    picture = Part(name="照片.html", declared_type="text/html", content=drawn.getvalue())
    page = Part(name="说明.jpg", declared_type="image/jpeg", content=b"<html><script>alert(1)</script></html>")
    taken = await room.take(WATER, parts=(picture, page, picture))

    first, second, third = taken.attachments
    shown = await room.files.read(first.shown)
    assert (first.media_type, second.media_type) == ("image/jpeg", "text/html")
    assert first == third
    assert await room.files.read(first.sha256) == drawn.getvalue()
    assert b"Changqing" in drawn.getvalue()
    assert b"Changqing" not in shown
    assert second.shown == ""


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        (IntakeLimits(text=10, sender=NO_LIMIT), {}),
        (IntakeLimits(files=1, sender=NO_LIMIT), {"parts": (Part(name="", declared_type="", content=b"a"),) * 2}),
        (IntakeLimits(file_size=1, sender=NO_LIMIT), {"parts": (Part(name="", declared_type="", content=b"ab"),)}),
    ],
)
async def test_what_is_too_large_is_refused_and_leaves_nothing(
    store: Any, tmp_path: Path, limits: IntakeLimits, fields: dict[str, Any]
) -> None:
    room = Mailroom(store, tmp_path / "files", limits=limits)
    with pytest.raises(Refused):
        await room.take(WATER, **fields)
    assert await room.tickets() == []


async def test_a_sender_who_writes_too_much_is_told_to_come_later_but_an_emergency_passes(
    store: Any, tmp_path: Path
) -> None:
    room = Mailroom(store, tmp_path / "files", limits=IntakeLimits(sender=SenderLimit(burst=2, every=60.0)))
    mine: dict[str, Any] = {"channel": ChannelKind.WECHAT, "sender": "open-id"}
    await room.take(WATER, **mine)
    await room.take("一", **mine)
    with pytest.raises(Unavailable) as refusal:
        await room.take("二", **mine)
    fire = await room.take(FIRE, **mine)
    other = await room.take("三", channel=ChannelKind.WECHAT, sender="another")
    room.wait(timedelta(seconds=60))
    later = await room.take("二", **mine)

    assert refusal.value.retry_after == pytest.approx(60.0)
    assert fire.emergencies
    assert other.opened
    assert not later.is_repeated


async def test_control_characters_and_halves_of_characters_do_not_keep_a_message_out(room: Mailroom) -> None:
    taken = await room.take("停\x00水\ud83d了\r\n两天", sender_name="李\x00")

    letters = await room.store.correspondence.letters(taken.ticket_id)
    assert letters[0].contact.text == "停水?了\n两天"
    assert letters[0].contact.sender_name == "李"


async def test_an_edited_message_has_its_new_wording_and_keeps_the_old(room: Mailroom) -> None:
    first = await room.take("楼下路灯不亮", channel=ChannelKind.TELEGRAM, sender="7", external_id="7:1")
    edited = await room.take("我家停水了", channel=ChannelKind.TELEGRAM, sender="7", external_id="7:1:2", edits="7:1")

    letters = await room.store.correspondence.letters(first.ticket_id)
    earlier: Json = letters[0].contact.values["earlier"]
    assert edited.ticket_id == first.ticket_id
    assert letters[0].contact.text == "我家停水了"
    assert earlier == ["楼下路灯不亮"]
    assert "停水" in (await room.ticket(first)).summary


async def test_the_receipt_goes_back_the_way_the_message_came_and_its_delivery_is_shown(room: Mailroom) -> None:
    taken = await room.take(
        WATER, channel=ChannelKind.MAIL, sender="li@example.org", external_id="<1@x>", subject="停水"
    )
    await room.outbox.send_due()

    sent = room.ways[ChannelKind.MAIL].sent[0]
    assert (sent.to, sent.answers) == ("li@example.org", ("<1@x>",))
    assert taken.ticket_id in sent.text
    assert taken.query_code in sent.text
    assert taken.ticket_id in sent.subject

    report = DeliveryReport(
        channel=ChannelKind.MAIL, sent_id=f"peer-{sent.key}", state=DeliveryState.DELIVERED, at=room.clock.now()
    )
    await room.intake.report(report)
    await room.intake.report(report)
    kept = await room.store.correspondence.sent(taken.ticket_id)
    assert [each.state for each in kept] == [DeliveryState.DELIVERED]
    assert (await facts(room, taken.ticket_id)).count("message.reported") == 1


async def test_a_channel_that_answers_in_the_same_breath_sends_nothing_more(room: Mailroom) -> None:
    taken = await room.intake.take(room.message(WATER), answers_at_once=True)

    assert taken.ticket_id in taken.told
    assert await room.outbox.send_due() == 0


async def test_a_way_that_is_closed_gives_way_to_a_text_message_to_the_number_he_left(room: Mailroom) -> None:
    room.ways[ChannelKind.WECHAT].fail = Refused("48 hours are over")
    await room.take(WATER, channel=ChannelKind.WECHAT, sender="openid", telephone="138 0000 0003")
    await room.outbox.send_due()

    assert [sent.to for sent in room.ways[ChannelKind.SMS].sent] == ["8613800000003"]


async def test_what_no_way_takes_is_given_up_for_a_person_to_see(room: Mailroom) -> None:
    for way in room.ways.values():
        way.fail = Refused("closed")
    await room.take(WATER)
    await room.outbox.send_due()

    message = (await room.store.cases.messages(Channel.PETITIONER))[0]
    assert message.given_up
    assert "closed" in message.error


async def test_who_only_called_is_told_by_a_person(store: Any, tmp_path: Path) -> None:
    room = Mailroom(store, tmp_path / "files", channels=(ChannelKind.MAIL,))
    taken = await room.take(WATER, channel=ChannelKind.TELEPHONE, sender="13800000001")
    ticket, now = await room.ticket(taken), room.clock.now()
    await store.commit(lambda tx: write_answer(tx, ticket, "已恢复供水", key="a1", by="李静", now=now))
    while await room.outbox.send_due():
        pass

    waiting = await store.cases.messages(Channel.PETITIONER, waiting=True)
    assert [message.key for message in waiting] == ["a1"]


async def test_nobody_is_woken_at_night_but_whoever_has_just_written_is_answered(store: Any, tmp_path: Path) -> None:
    quiet = QuietHours(begin=time(22), end=time(7), zone=BEIJING)
    room = Mailroom(store, tmp_path / "files", quiet=quiet)
    room.clock.at = room.clock.at.astimezone(BEIJING).replace(hour=23, minute=0)
    taken = await room.take(WATER)
    ticket = await room.ticket(taken)
    now = room.clock.now()
    await store.commit(lambda tx: write_answer(tx, ticket, "已恢复供水", key="a1", by="李静", now=now))
    while await room.outbox.send_due():
        pass
    at_night = [sent.key for sent in room.ways[ChannelKind.SMS].sent]
    room.wait(timedelta(hours=8, seconds=1))
    while await room.outbox.send_due():
        pass

    assert len(at_night) == 1
    assert [sent.key for sent in room.ways[ChannelKind.SMS].sent[1:]] == ["a1"]
    assert "已恢复供水" in room.ways[ChannelKind.SMS].sent[1].text


async def test_what_a_stop_left_unread_is_read_at_the_next_start(store: Any, tmp_path: Path) -> None:
    room = Mailroom(store, tmp_path / "files")
    taken = await room.intake.take(room.message(WATER))
    again = Mailroom(store, tmp_path / "files")
    await again.reader.find_unread()
    await again.reader.read_all()

    assert (await room.ticket(taken)).category == "help"
    assert await store.correspondence.unread() == []
