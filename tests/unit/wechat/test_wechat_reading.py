"""Pushes of WeChat: what they say, and that no body, however odd, raises anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message
from wechatpy.replies import TextReply

from channels.wechat.reading import (
    Greeted,
    Ignored,
    Link,
    Media,
    MediaKind,
    Message,
    Place,
    Push,
    Reading,
    Reported,
    Unreadable,
    Unwanted,
    fields,
    read,
)
from channels.wechat.writing import reply

HEAD = {"ToUserName": "gh_0123", "FromUserName": "oAbC-_1", "CreateTime": "1795312800"}
MOMENT = datetime.fromtimestamp(1795312800, UTC)


def body(**content: str) -> bytes:
    return (
        "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in content.items()) + "</xml>"
    ).encode()


def reading(**content: str) -> Reading:
    said = fields(body(**{**HEAD, "MsgId": "1234567890123456", **content}))
    return said if isinstance(said, Unreadable) else read(said)


def message(**content: str) -> Message:
    found = reading(**content)
    assert isinstance(found, Message)
    return found


def test_a_text_keeps_its_words_its_sender_and_its_number() -> None:
    said = message(MsgType="text", Content="路灯坏了")

    assert said.push == Push(account="gh_0123", sender="oAbC-_1", sent_at=MOMENT, key="1234567890123456")
    assert said.text == "路灯坏了"


def test_a_voice_may_come_with_what_wechat_heard() -> None:
    heard = message(MsgType="voice", MediaId="m", Format="amr", Recognition="停水了")
    unheard = message(MsgType="voice", MediaId="m", Format="amr")

    assert heard.media == Media(kind=MediaKind.VOICE, id="m", format="amr")
    assert (heard.recognised, unheard.recognised) == ("停水了", None)


@pytest.mark.parametrize(
    ("kind", "expected"), [("image", MediaKind.IMAGE), ("video", MediaKind.VIDEO), ("shortvideo", MediaKind.VIDEO)]
)
def test_pictures_and_films_name_their_file(kind: str, expected: MediaKind) -> None:
    assert message(MsgType=kind, MediaId="m", ThumbMediaId="t").media == Media(kind=expected, id="m")


def test_a_place_is_as_the_map_shows_it() -> None:
    said = message(MsgType="location", Location_X="42.2586", Location_Y="118.8869", Scale="15", Label="某路")

    assert said.place == Place(latitude=42.2586, longitude=118.8869, name="某路")


def test_a_link_has_its_three_parts() -> None:
    said = message(MsgType="link", Title="甲", Description="乙", Url="https://a.example/")

    assert said.link == Link(title="甲", description="乙", url="https://a.example/")


@pytest.mark.parametrize("event", ["subscribe", "CLICK", "SCAN"])
def test_beginning_to_follow_is_greeted(event: str) -> None:
    assert isinstance(reading(MsgType="event", Event=event, EventKey="k"), Greeted)


@pytest.mark.parametrize("event", ["unsubscribe", "LOCATION", "VIEW", "something_new"])
def test_other_events_are_counted_by_name(event: str) -> None:
    found = reading(MsgType="event", Event=event)

    assert isinstance(found, Ignored)
    assert found.kind == event


def test_an_event_is_the_same_by_sender_moment_and_name() -> None:
    found = reading(MsgType="event", Event="CLICK")

    assert isinstance(found, Greeted)
    assert found.push.key == "oAbC-_1:1795312800:CLICK"


@pytest.mark.parametrize(
    ("status", "failure"),
    [("success", ""), ("failed:user block", "failed:user block"), ("failed: system failed", "failed: system failed")],
)
def test_a_finished_template_message_is_a_report(status: str, failure: str) -> None:
    found = reading(MsgType="event", Event="TEMPLATESENDJOBFINISH", MsgID="200163836", Status=status)

    assert isinstance(found, Reported)
    assert (found.sent_id, found.failure) == ("200163836", failure)


def test_a_kind_nobody_knows_is_unwanted() -> None:
    found = reading(MsgType="miniprogrampage", Title="x")

    assert isinstance(found, Unwanted)
    assert found.kind == "miniprogrampage"


@pytest.mark.parametrize(
    "odd",
    [
        {"FromUserName": ""},
        {"FromUserName": "a b"},
        {"CreateTime": "x"},
        {"CreateTime": "99999999999"},
        {"MsgType": "text", "MsgId": ""},
        {"MsgType": "text", "MsgId": "12x"},
        {"MsgType": "location", "Location_X": "91", "Location_Y": "0"},
        {"MsgType": "location", "Location_X": "nan", "Location_Y": "0"},
        {"MsgType": "location", "Location_Y": "0"},
    ],
)
def test_what_lacks_what_every_push_has_is_unreadable(odd: dict[str, str]) -> None:
    assert isinstance(reading(**odd), Unreadable)


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><ToUserName>&b;</ToUserName></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><xml/>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>',
        b"<xml><Content>&undefined;</Content></xml>",
        b'<?xml version="1.0" encoding="no-such"?><xml/>',
        b"",
        b"\xff\xfe",
        b"{}",
    ],
)
def test_bombs_and_garbage_are_refused(bomb: bytes) -> None:
    assert isinstance(fields(bomb), Unreadable)


def test_control_characters_that_a_keyboard_sent_are_left_out() -> None:
    said = fields(body(**HEAD, Content="a\x08b"))

    assert not isinstance(said, Unreadable)
    assert said["Content"] == "ab"


def test_deep_nesting_is_no_harm() -> None:
    said = fields(b"<xml>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</xml>")

    assert said == {}


@given(st.binary(max_size=200))
def test_no_octets_raise(octets: bytes) -> None:
    fields(octets)


NAMES = st.sampled_from(["MsgType", "Event", "Content", "MediaId", "Location_X", "Location_Y", "CreateTime", "MsgId"])
KINDS = st.sampled_from(["text", "image", "voice", "video", "location", "link", "event", "odd", "1e400", "-0", "²"])


@given(st.dictionaries(NAMES, KINDS | st.text(max_size=20)))
def test_no_push_raises(content: dict[str, Any]) -> None:
    read({**HEAD, "MsgId": "1", **content})


XML_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=50)


@given(XML_TEXTS)
def test_a_reply_is_read_as_it_was_written(text: str) -> None:
    octets = reply(Push(account="gh_0123", sender="oAbC-_1", sent_at=MOMENT, key="1"), text + "]]>" + text, 1795312800)
    said = fields(octets)

    assert not isinstance(said, Unreadable)
    assert said["Content"] == (text + "]]>" + text).strip()
    assert (said["ToUserName"], said["FromUserName"], said["MsgType"]) == ("oAbC-_1", "gh_0123", "text")


def test_what_xml_cannot_say_is_left_out_of_a_reply() -> None:
    octets = reply(Push(account="g", sender="o", sent_at=MOMENT, key="1"), "a\x00\x0b\ud800\uffffb", 1)
    said = fields(octets)

    assert not isinstance(said, Unreadable)
    assert said["Content"] == "ab"


def test_wechatpy_reads_pushes_the_same() -> None:
    octets = body(
        **HEAD, MsgType="location", Location_X="23.13", Location_Y="113.35", Scale="20", Label="某路", MsgId="7"
    )
    theirs = parse_message(octets.decode())
    said = fields(octets)
    assert not isinstance(said, Unreadable)
    ours = read(said)

    assert isinstance(ours, Message)
    assert ours.place is not None
    assert (theirs.source, str(theirs.id), theirs.label) == (ours.push.sender, ours.push.key, ours.place.name)
    assert tuple(float(number) for number in theirs.location) == (ours.place.latitude, ours.place.longitude)


def test_wechatpy_writes_replies_that_are_read_the_same() -> None:
    said = fields(TextReply(source="gh_0123", target="oAbC", content="已收到", time=5).render().encode())

    assert not isinstance(said, Unreadable)
    assert (said["Content"], said["ToUserName"]) == ("已收到", "oAbC")
