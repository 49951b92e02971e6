"""Updates of the Bot API: what they say, and that none of them, however odd, raises anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Update

from channels.telegram.reading import (
    FileKind,
    Greeted,
    Ignored,
    Message,
    Unreadable,
    Unwanted,
    read,
    read_octets,
    update_id,
)

USER = {"id": 6001, "is_bot": False, "first_name": "测", "last_name": "试", "language_code": "zh-hans"}
CHAT = {"id": 6001, "type": "private", "first_name": "测"}
FILE = {"file_id": "AgAC", "file_unique_id": "u", "file_size": 4096}


def update(kind: str = "message", /, **content: Any) -> dict[str, Any]:
    return {"update_id": 77, kind: {"message_id": 5, "date": 1795312800, "chat": CHAT, "from": USER, **content}}


def message(kind: str = "message", /, **content: Any) -> Message:
    reading = read(update(kind, **content))
    assert isinstance(reading, Message)
    return reading


def test_a_text_keeps_its_words_its_sender_and_its_moment() -> None:
    said = message(text="路灯坏了")

    assert (said.chat, said.id, said.update, said.text) == (6001, 5, 77, "路灯坏了")
    assert (said.sender, said.language) == ("测 试", "zh-hans")
    assert said.sent_at == datetime.fromtimestamp(1795312800, UTC)


def test_of_a_photo_the_largest_size_is_taken_whatever_their_order() -> None:
    sizes = [
        {**FILE, "file_id": "large", "width": 1280, "height": 960},
        {**FILE, "file_id": "small", "width": 90, "height": 60},
    ]
    said = message(photo=sizes, caption="门口", media_group_id="g1")

    assert said.file is not None
    assert (said.file.kind, said.file.id, said.file.media_type) == (FileKind.PHOTO, "large", "image/jpeg")
    assert (said.text, said.album) == ("门口", "g1")


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("voice", FileKind.VOICE),
        ("audio", FileKind.AUDIO),
        ("video", FileKind.VIDEO),
        ("video_note", FileKind.VIDEO),
        ("document", FileKind.DOCUMENT),
    ],
)
def test_each_kind_of_file_is_known(field: str, kind: FileKind) -> None:
    said = message(**{field: {**FILE, "mime_type": "x/y"}})

    assert said.file is not None
    assert (said.file.kind, said.file.id, said.file.size, said.file.media_type) == (kind, "AgAC", 4096, "x/y")
    assert said.file.name


def test_a_venue_is_a_named_point() -> None:
    where = {"latitude": 42.25, "longitude": 118.88}
    said = message(location=where, venue={"location": where, "title": "菜市场", "address": "某路1号"})

    assert said.place is not None
    assert (said.place.latitude, said.place.longitude, said.place.name) == (42.25, 118.88, "菜市场 某路1号")


def test_only_a_card_with_the_senders_own_id_is_his_own() -> None:
    own = message(contact={"phone_number": "+8613900000000", "first_name": "测", "user_id": 6001})
    foreign = message(contact={"phone_number": "13900000001", "first_name": "邻居"})

    assert own.card is not None
    assert own.card.is_own
    assert foreign.card is not None
    assert not foreign.card.is_own


def test_an_edit_says_when_and_which_message() -> None:
    said = message("edited_message", text="路灯坏了，在东门", edit_date=1795312900)

    assert said.edited is not None
    assert (said.id, said.text) == (5, "路灯坏了，在东门")


def test_a_live_location_is_heard_once() -> None:
    where = {"latitude": 42.25, "longitude": 118.88, "live_period": 900}

    assert isinstance(read(update(location=where)), Message)
    assert read(update("edited_message", location=where)) == Ignored("live_location")


def test_a_reply_and_a_forward_are_noted() -> None:
    said = message(
        text="是的", reply_to_message={"message_id": 3}, forward_origin={"type": "hidden_user", "sender_user_name": "x"}
    )

    assert said.replies_to == 3
    assert said.is_forwarded


@pytest.mark.parametrize("text", ["/start", "/start@hotline_bot", "/help", "/start from-poster"])
def test_opening_the_conversation_is_greeted(text: str) -> None:
    assert read(update(text=text)) == Greeted(6001)


def test_a_text_that_begins_with_a_slash_is_a_text() -> None:
    assert message(text="/投诉 噪声扰民").text == "/投诉 噪声扰民"


@pytest.mark.parametrize("kind", ["sticker", "dice", "poll", "story"])
def test_what_no_ticket_can_hold_is_unwanted(kind: str) -> None:
    assert read(update(**{kind: {"emoji": "🎲"}})) == Unwanted(6001, kind)


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        (update(chat={"id": -100, "type": "supergroup"}, text="x"), "group"),
        (update(**{"from": {"id": 1, "is_bot": True}}, text="x"), "bot"),
        (update(pinned_message={}), "empty"),
        (update(text="  \n"), "empty"),
        ({"update_id": 1, "my_chat_member": {}}, "my_chat_member"),
        ({"update_id": 1, "something_new": {}}, "something_new"),
        ({"update_id": 1, "a": 1, "b": 2}, "unknown"),
        ({"update_id": 1}, "unknown"),
    ],
)
def test_what_is_none_of_our_business_is_counted_by_kind(odd: dict[str, Any], kind: str) -> None:
    assert read(odd) == Ignored(kind)


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "x",
        {"update_id": "77"},
        update(text=["a"]),
        update(chat="x"),
        update(location={"latitude": 91, "longitude": 0}),
        update(photo=[{}]),
        update(date=10**30),
    ],
)
def test_a_field_of_another_type_makes_an_update_unreadable(odd: Any) -> None:
    assert isinstance(read(odd), Unreadable)


@pytest.mark.parametrize("octets", [b"", b"{", b"\xff", b"[" * 100_000, b'{"update_id":1,"message":"\\ud800"}'])
def test_what_is_not_json_is_unreadable(octets: bytes) -> None:
    assert isinstance(read_octets(octets), Unreadable)


def test_a_reason_quotes_nothing_of_the_message() -> None:
    reading = read(update(text={"secret words": 1}))

    assert isinstance(reading, Unreadable)
    assert "secret" not in reading.reason


def test_half_characters_and_nul_do_not_get_through() -> None:
    assert message(text="a\0b\ud800").text == "ab?"


def test_an_update_as_the_library_writes_it_is_read_the_same() -> None:
    """python-telegram-bot is the second opinion on the schema."""
    known = Update.de_json(update(text="你好", reply_to_message=update(text="z")["message"]), None)

    reading = read(json.loads(known.to_json()))

    assert isinstance(reading, Message)
    assert known.message is not None
    assert (reading.text, reading.chat, reading.id) == (known.message.text, known.message.chat_id, 5)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
NAMES = st.sampled_from(
    ["message_id", "from", "chat", "text", "photo", "voice", "location", "venue", "contact", "id", "type", "date"]
) | st.sampled_from(
    ["file_id", "latitude", "longitude", "media_group_id", "reply_to_message", "sticker", "caption", "document"]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=20
)


@given(content=st.dictionaries(NAMES, TREES, max_size=8), kind=st.sampled_from(["message", "edited_message", "odd"]))
def test_no_update_raises(content: dict[str, Any], kind: str) -> None:
    read(update(kind, **content))


@given(TREES | st.dictionaries(st.text(max_size=5), TREES))
def test_no_json_raises(tree: Any) -> None:
    read(tree)
    update_id(tree)


@given(st.binary(max_size=200))
def test_no_octets_raise(octets: bytes) -> None:
    read_octets(octets)
