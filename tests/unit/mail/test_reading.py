"""A folder of ugly messages, each read as people would read it; and whatever is done to them, something is read."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.reading import HASHED, LONGEST_TEXT, MOST_FILES, bare_subject, read

FOLDER = Path("tests/data/mail")
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
MESSAGES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
OURS = "jiesu@12345.example"


def test_the_folder_and_what_is_expected_of_it_agree() -> None:
    assert set(EXPECTED) == set(MESSAGES)


@pytest.mark.parametrize("name", MESSAGES)
def test_an_ugly_message_is_read_as_people_read_it(name: str) -> None:
    mail, expected = read(MESSAGES[name], own_token=OURS), EXPECTED[name]

    assert mail.sender == expected["sender"]
    assert mail.sender_name == expected.get("name", "")
    assert mail.subject == expected["subject"]
    assert mail.text == expected["text"] or (len(mail.text) > 400 and mail.text.startswith(expected["text"]))
    assert [file.name for file in mail.files] == expected.get("files", [])
    assert list(mail.answers) == expected.get("answers", [])
    assert mail.ticket == expected.get("ticket", "")
    assert (mail.automatic.value if mail.automatic else None) == expected.get("automatic")
    notice = [mail.notice.outcome.value, *mail.notice.about] if mail.notice else []
    assert notice == expected.get("notice", [])
    assert list(mail.remarks) == expected.get("remarks", [])


def test_files_keep_their_octets() -> None:
    (photo,) = read(MESSAGES["name-rfc2231"]).files

    assert photo.content.startswith(b"\xff\xd8\xff\xe0")
    assert photo.content.endswith(b"\xff\xd9")
    assert photo.declared_type == "image/jpeg"


def test_a_message_without_id_has_the_same_one_on_every_way_that_it_takes() -> None:
    direct = MESSAGES["no-from-no-date"]
    relayed = b"Return-Path: <x@example.com>\r\nReceived: by mx; now\r\n" + direct
    unpacked = direct.replace(b"\r\n", b"\n")

    ids = {read(each).external_id for each in (direct, relayed, unpacked)}

    assert len(ids) == 1
    assert ids.pop().startswith(HASHED)
    assert read(direct + b"more\r\n").external_id != read(direct).external_id


def test_the_date_is_an_instant_or_none() -> None:
    assert read(MESSAGES["gb2312-declared"]).sent_at == datetime(2026, 11, 21, 2, 10, 10, tzinfo=UTC)
    assert read(b"Date: yesterday\r\n\r\nx").sent_at is None
    assert read(b"Date: Sat, 21 Nov 2026 10:10:10 -0000\r\n\r\nx").sent_at is None


def test_two_senders_are_counted() -> None:
    assert read(MESSAGES["two-senders"]).senders == 2
    assert read(b"From: a@example.com\r\nFrom: b@example.com\r\n\r\nx").senders == 2
    assert read(b'From: "a@example.com" <b@example.com>\r\n\r\nx').senders == 1


def test_a_very_long_text_and_very_many_files_are_cut_with_a_remark() -> None:
    long = read(b"From: a@example.com\r\n\r\n" + b"lamp " * 10_000)
    part = b"--b\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n"
    many = read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 60 + b"--b--\r\n")

    assert len(long.text) == LONGEST_TEXT
    assert len(many.files) == MOST_FILES
    assert "more_in_original" in long.remarks
    assert "more_in_original" in many.remarks


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: 回复：路灯 [20261121-101010-1234]", "路灯"),
        ("[20261121-101010-1234] Fwd: Re[2]: lamp", "lamp"),
        ("回复", "回复"),
        ("Regarding: lamp", "Regarding: lamp"),
    ],
)
def test_a_bare_subject_has_no_marks_of_answers(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare


def mutated(octets: bytes, cut: int, flips: list[tuple[int, int]]) -> bytes:
    changed = bytearray(octets[: cut % (len(octets) + 1)] if cut else octets)
    for place, bit in flips:
        if changed:
            changed[place % len(changed)] ^= 1 << bit
    return bytes(changed)


def assert_sound(octets: bytes) -> None:
    """Whatever was read can be kept by any store and sent as UTF-8."""
    mail = read(octets, envelope_from="", own_token=OURS)
    texts = [mail.text, mail.subject, mail.sender, mail.sender_name, *mail.answers, *(file.name for file in mail.files)]
    for text in [*texts, *(mail.notice.about if mail.notice else ()), mail.notice.reason if mail.notice else ""]:
        text.encode("utf-8")
        assert "\x00" not in text
    assert mail.text
    assert mail.external_id


@given(
    st.sampled_from(sorted(MESSAGES)),
    st.integers(0, 5000),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 7)), max_size=12),
)
def test_reading_survives_truncation_and_flipped_bits(name: str, cut: int, flips: list[tuple[int, int]]) -> None:
    assert_sound(mutated(MESSAGES[name], cut, flips))


@given(st.sampled_from(sorted(MESSAGES)), st.sampled_from(sorted(MESSAGES)), st.integers(0, 5000), st.integers(0, 5000))
def test_reading_survives_two_messages_glued_together(one: str, other: str, until: int, since: int) -> None:
    assert_sound(MESSAGES[one][:until] + MESSAGES[other][since:])


_LINES = st.sampled_from(
    b"""\
Content-Type: multipart/mixed; boundary=b
Content-Type: multipart/alternative; boundary="b"
Content-Type: multipart/report; report-type=delivery-status; boundary=b
Content-Type: text/html; charset=gbk
Content-Type: text/plain; charset=\x00
Content-Type: text/calendar
Content-Type: message/rfc822
Content-Type: message/delivery-status
Content-Type: application/ms-tnef
Content-Type: /
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: quoted-printable
Content-Disposition: ;=;*0*=x'
From: <
From: =?gbk?b?=?=
Subject: =?utf-7?Q?+2D-?=
Date: 99 99 99
Message-ID: <>

--b
--b--
<blockquote type=cite><div id=appendonsend>
> x
BEGIN:VEVENT
SUMMARY:x
\xff\xfe\x00\xd8
\x78\x9f\x3e\x22\x01\x00
On 2026 a@b wrote:
--\x20
Action: failed
\x09folded""".split(b"\n")
)


@given(st.lists(_LINES, max_size=40))
def test_reading_survives_any_lines_in_any_order(lines: list[bytes]) -> None:
    assert_sound(b"\r\n".join(lines))


@given(st.binary(max_size=400))
def test_reading_survives_noise(octets: bytes) -> None:
    assert_sound(octets)
