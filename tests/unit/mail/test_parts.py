"""The parts of reading by themselves: HTML, history, charsets, fields, invitations, winmail.dat."""

from __future__ import annotations

import struct
from base64 import b64encode
from email import message_from_bytes
from email.policy import compat32

import pytest
from compressed_rtf import compress
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.calendar_text import text_of_calendar
from channels.mail.charset import decode
from channels.mail.headers import Headers, base64, plain
from channels.mail.html_text import text_of
from channels.mail.quoting import own_words
from channels.mail.tnef import SIGNATURE, unwrapped


@pytest.mark.parametrize(
    ("words", "inside", "label"),
    [
        ("和平路的路灯坏了三天", "gbk", ""),
        ("和平路的路灯坏了三天", "gbk", "big5"),
        ("和平路的路灯坏了三天", "gbk", "iso-8859-1"),
        ("這裡的路燈壞了三天，請派人來修理", "big5", "gb2312"),
        ("路灯", "utf-8", "gb2312"),
        ("联通", "gbk", "gb2312"),
        ("联通", "gbk", ""),
        ("赵钱孙李", "gbk", "utf-8"),
        ("䶮", "gb18030", "gb2312"),
        ("café très", "latin-1", "iso-8859-1"),
        ("Привет, как дела", "koi8-r", "koi8-r"),
        ("こんにちは世界", "shift_jis", "shift_jis"),
        ("안녕하세요", "euc-kr", "euc-kr"),
        ("張先生", "big5", "big5"),
        ("路灯", "utf-16", "utf-16"),
        ("停水", "iso2022_jp_2", "iso-2022-jp-2"),
    ],
)
def test_octets_are_read_whatever_their_label_says(words: str, inside: str, label: str) -> None:
    assert decode(words.encode(inside), label) == words


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "gbk", "utf-7", "utf-16", "base64", "idna", "x\x00", "hz", "unicode_escape"]),
)
def test_any_octets_under_any_label_are_some_text(octets: bytes, label: str) -> None:
    assert isinstance(decode(octets, label), str)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b&nbsp;&amp;c", "a\nb &c"),
        ("<?xml version='1.0' encoding='utf-16'?><p>路灯", "路灯"),
        ("<p hidden>x</p><p>y</p>", "y"),
        ("<div style='FONT-SIZE: 0'>x</div><div style='font-size:0.9em'>y</div>", "y"),
        ("<!-- x --><p>y", "y"),
        ("<div>" * 5000 + "x", "x"),
        ("", ""),
        ("<script>x</script>", ""),
        ("no markup at all", "no markup at all"),
    ],
)
def test_html_is_what_is_seen_of_it(markup: str, words: str) -> None:
    assert text_of(markup, is_answer=False) == words


def test_history_in_html_is_cut_from_answers_unless_nothing_else_is_there() -> None:
    quote = "<blockquote type=cite>old</blockquote>"

    assert text_of(f"<p>new</p>{quote}", is_answer=True) == "new"
    assert text_of(f"<p>new</p>{quote}", is_answer=False) == "new\n\nold"
    assert text_of(quote, is_answer=True) == "old"


@pytest.mark.parametrize(
    "line",
    [
        "发自我的iPhone",
        "发自我的 iPad",
        "从我的华为手机发送",
        "发自 Outlook",
        "Sent from my iPhone",
        "从 Windows 版邮件发送",
        "来自我的小米手机",
        "获取 Outlook for Android",
        "发自网易邮箱大师",
    ],
)
def test_what_a_telephone_adds_is_not_the_writers(line: str) -> None:
    assert own_words(f"路灯坏了\n\n{line}", is_answer=False) == "路灯坏了"


@pytest.mark.parametrize(
    "words",
    [
        "从上周开始一直停水，来自自来水公司的电话说今天会来。",
        "有人要跳楼\n从我的窗户看得到",
        "请看\n从我的手机里看到有人在偷东西",
        "没人理\n从昨天开始给你们发邮件",
        "打不开\n下载不了邮箱附件",
        "我家在北街\n来自移动公司的施工队挖断了水管",
        "发件人：我不知道是谁，但是总收到骚扰邮件。\n请处理。",
        "On Monday the lamp went out.\nI wrote:\nnothing came.",
        "我在2026年写道",
        "--\n只有一条线",
        "> 大于号开头也是我写的",
        "----------------\n下面是情况说明",
    ],
)
def test_what_a_writer_wrote_himself_stays(words: str) -> None:
    assert own_words(words, is_answer=False) == words


@given(st.text(alphabet="> \n-发件人:On2026@wrote写道", max_size=300), st.booleans())
def test_something_always_stays(text: str, is_answer: bool) -> None:
    assert bool(own_words(text, is_answer=is_answer)) == bool(text.strip())


def fields(text: str) -> Headers:
    return Headers(message_from_bytes(text.encode() + b"\n\n", policy=compat32))


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("From: Li Si <Li@Example.com>", "Li Si", "li@example.com"),
        ("From: li@example.com (Li Si)", "Li Si", "li@example.com"),
        ('From: "Li, Si" <li@example.com>', "Li, Si", "li@example.com"),
        ('From: "a@b.com" <li@example.com>', "a@b.com", "li@example.com"),
        ("From: <li@example.com>, <x@example.com>", "", "li@example.com"),
        ("From: undisclosed", "undisclosed", ""),
        ("From: li@例子.中国", "", "li@例子.中国"),
        ("X: y", "", ""),
    ],
)
def test_a_mailbox_is_found(text: str, name: str, address: str) -> None:
    assert fields(text).mailbox("from") == (name, address)


def test_ids_are_found_with_and_without_brackets_each_once() -> None:
    headers = fields("References: <a@b> <c@d>\n <a@b>\nIn-Reply-To: e@f\nMessage-ID: <>")

    assert headers.ids("references") == ["a@b", "c@d"]
    assert headers.ids("in-reply-to") == ["e@f"]
    assert headers.ids("message-id") == []


@given(st.binary(max_size=300))
def test_any_octets_make_a_field_on_one_line(octets: bytes) -> None:
    text = plain(octets)

    text.encode("utf-8")
    assert "\n" not in text
    assert "\x00" not in text


@given(st.binary(max_size=100), st.integers(1, 30))
def test_base64_is_read_through_whatever_stands_between(octets: bytes, width: int) -> None:
    encoded = b64encode(octets)
    broken = b" *\r\n".join(encoded[start : start + width] for start in range(0, len(encoded), width))

    assert base64(broken) == octets


def test_an_invitation_without_an_event_says_nothing() -> None:
    assert text_of_calendar("BEGIN:VCALENDAR\nSUMMARY:x\nEND:VCALENDAR") == ""
    assert text_of_calendar("BEGIN:VEVENT\nSUMMARY;LANGUAGE=zh:a\\, b\\nc\nDTSTART;VALUE=DATE:20261123") == (
        "日程：a, b\nc\n开始：2026-11-23"
    )


def tnef(*properties: tuple[int, int, bytes]) -> bytes:
    """A winmail.dat of MAPI properties: type, number, octets (MS-OXTNEF 2.1.3.4)."""
    body = struct.pack("<I", len(properties))
    for kind, number, octets in properties:
        body += struct.pack("<HHII", kind, number, 1, len(octets)) + octets + bytes(-len(octets) % 4)
    attribute = struct.pack("<BHHI", 1, 0x9003, 6, len(body)) + body + struct.pack("<H", sum(body) & 0xFFFF)
    return SIGNATURE + b"\x01\x00" + attribute


def test_a_winmail_with_rich_text_only_is_unpacked() -> None:
    rich = rb"{\rtf1\ansi\ansicpg936 \'c2\'b7\'b5\'c6\'bb\'b5\'c1\'cb\par}"
    wrapped = unwrapped(tnef((0x0102, 0x1009, compress(rich))))

    assert wrapped is not None
    assert wrapped.text == "路灯坏了"


@given(st.binary(max_size=200))
def test_a_winmail_that_is_none_is_left_alone(octets: bytes) -> None:
    unwrapped(octets)
    unwrapped(SIGNATURE + octets)


def test_a_winmail_of_very_many_objects_is_left_alone() -> None:
    assert unwrapped(SIGNATURE + b"\x01\x00" + bytes(11) * 3000) is None
