"""SMPP's units: read whatever a centre sends, answered as the protocol says."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.coding import Coding
from channels.sms.header import Fragment
from channels.sms.smpp.dialect import SmppDialect
from channels.sms.words import (
    Answer,
    Answered,
    Asked,
    Delivery,
    Fate,
    Garbage,
    Opened,
    Receipt,
    ShortMessage,
    Submitted,
    Verdict,
)

DIALECT = SmppDialect(system_id="jiesu", password="changeme")
DELIVER = 0x05


def unit(command: int, body: bytes = b"", *, status: int = 0, sequence: int = 7) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def deliver(
    content: bytes = b"",
    *,
    coding: int = 8,
    esm_class: int = 0,
    options: bytes = b"",
    ton: int = 1,
    source: bytes = b"138",
) -> bytes:
    head = b"\0" + bytes((ton, 1)) + source + b"\0" + b"\0\0" + b"106\0" + bytes((esm_class, 0, 0)) + b"\0\0"
    return unit(DELIVER, head + bytes((0, 0, coding, 0, len(content))) + content + options)


def option(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def content_of(octets: bytes) -> ShortMessage | Receipt:
    said = DIALECT.read(octets)
    assert isinstance(said, Delivery)
    return said.content


@given(st.binary(max_size=200), st.sampled_from([DELIVER, 0x80000004, 0x80000009, 0x15, 0x103, 0x80000103]))
def test_no_octets_break_the_dialect(body: bytes, command: int) -> None:
    DIALECT.read(unit(command, body))


@given(st.binary(max_size=120), st.binary(max_size=60), st.integers(0, 255), st.integers(0, 255))
def test_no_delivery_breaks_the_dialect(content: bytes, options: bytes, coding: int, esm_class: int) -> None:
    said = DIALECT.read(deliver(content, coding=coding, esm_class=esm_class, options=options))

    assert isinstance(said, Delivery | Garbage)


def test_a_bind_is_a_transceivers() -> None:
    octets = DIALECT.opening(1, datetime(2026, 1, 1))

    assert octets[4:8] == b"\0\0\0\x09"
    assert octets[16:] == b"jiesu\0changeme\0\0\x34\0\0\0"


@pytest.mark.parametrize(("status", "refusal"), [(0, ""), (0x0E, "ESME_RINVPASWD"), (0x0430, "status 0x00000430")])
def test_a_bind_is_answered(status: int, refusal: str) -> None:
    assert DIALECT.read(unit(0x80000009, b"C\0", status=status)) == Opened(sequence=7, refusal=refusal)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(0x58, Verdict.BUSY), (0x14, Verdict.BUSY), (0x08, Verdict.LATER), (0x0B, Verdict.NEVER), (0x0430, Verdict.NEVER)],
)
def test_a_refused_message_may_come_again_or_not(status: int, verdict: Verdict) -> None:
    said = DIALECT.read(unit(0x80000004, status=status))

    assert isinstance(said, Submitted)
    assert (said.sequence, said.verdict, said.centre_id) == (7, verdict, "")


def test_a_nack_refuses_the_message_that_it_answers() -> None:
    said = DIALECT.read(unit(0x80000000, status=3))

    assert said == Submitted(sequence=7, verdict=Verdict.NEVER, reason="ESME_RINVCMDID")


def test_both_may_ask_and_leave() -> None:
    assert DIALECT.read(unit(0x15)) == Asked(reply=unit(0x80000015))
    assert DIALECT.read(unit(0x06)) == Asked(reply=unit(0x80000006), is_leaving=True)
    assert DIALECT.read(unit(0x80000015)) == Answered(sequence=7)
    assert DIALECT.keep_alive(7) == unit(0x15)
    assert DIALECT.closing(7) == unit(0x06)


def test_what_is_no_command_is_not_acknowledged() -> None:
    request, answer = DIALECT.read(unit(0x103)), DIALECT.read(unit(0x80000103))

    assert isinstance(request, Garbage)
    assert request.reply == unit(0x80000000, status=3)
    assert isinstance(answer, Garbage)
    assert answer.reply == b""
    assert DIALECT.unframed() == unit(0x80000000, status=2, sequence=0)


@pytest.mark.parametrize("cut", range(1, 25))
def test_a_delivery_that_is_cut_off_is_refused(cut: int) -> None:
    whole = deliver(b"ab", coding=0)
    said = DIALECT.read(struct.pack(">I", len(whole) - cut) + whole[4:-cut])

    assert isinstance(said, Garbage)
    assert said.reply == unit(0x80000005, b"\0", status=1)


@pytest.mark.parametrize(("answer", "status"), [(Answer.TAKEN, 0), (Answer.LATER, 0x64), (Answer.NEVER, 0x65)])
def test_answers_are_the_protocols(answer: Answer, status: int) -> None:
    said = DIALECT.read(deliver(b"ab", coding=0))
    assert isinstance(said, Delivery)

    assert DIALECT.answer(said, answer) == unit(0x80000005, b"\0", status=status)


def test_a_16_bit_reference_is_one_reference() -> None:
    header = bytes((6, 8, 4, 0x12, 0x34, 3, 2))

    message = content_of(deliver(header + b"\x4f\x60", esm_class=0x40))

    assert isinstance(message, ShortMessage)
    assert (message.fragment, message.octets) == (Fragment(reference=0x1234, total=3, number=2), b"\x4f\x60")


def test_options_place_a_part_too() -> None:
    options = option(0x020C, b"\x12\x34") + option(0x020E, b"\x03") + option(0x020F, b"\x02")

    message = content_of(deliver(b"\x4f\x60", options=options))

    assert isinstance(message, ShortMessage)
    assert message.fragment == Fragment(reference=0x1234, total=3, number=2)


@pytest.mark.parametrize(("ton", "sender"), [(1, "+138"), (0, "138"), (5, "138")])
def test_an_international_number_says_so(ton: int, sender: str) -> None:
    message = content_of(deliver(b"ab", ton=ton))

    assert isinstance(message, ShortMessage)
    assert message.sender == sender


@pytest.mark.parametrize(
    ("text", "receipt"),
    [
        (
            b"id:0123 sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 stat:DELIVRD err:000 text:ok",
            Receipt(centre_id="0123", fate=Fate.DELIVERED, reason="DELIVRD"),
        ),
        (b"id:ab-c stat:UNDELIV err:0x4", Receipt(centre_id="ab-c", fate=Fate.FAILED, reason="UNDELIV 0x4")),
        (b"ID:1 STAT:enroute", Receipt(centre_id="1", fate=Fate.UNDER_WAY, reason="ENROUTE")),
        (
            b"id:1 stat:REJECTD err:000 text:id:2 stat:DELIVRD",
            Receipt(centre_id="1", fate=Fate.FAILED, reason="REJECTD"),
        ),
    ],
)
def test_receipts_as_centres_write_them(text: bytes, receipt: Receipt) -> None:
    assert content_of(deliver(text, coding=0, esm_class=0x04)) == receipt


def test_options_go_before_the_text_of_a_receipt() -> None:
    options = option(0x001E, b"real\0") + option(0x0427, b"\x02")

    assert content_of(deliver(b"id:other stat:UNDELIV", esm_class=0x04, options=options)) == Receipt(
        centre_id="real", fate=Fate.DELIVERED, reason="DELIVRD"
    )


def test_a_number_that_does_not_fit_cannot_be_submitted() -> None:
    message = ShortMessage(sender="1" * 21, addressee="138", coding=Coding.ASCII, octets=b"a")

    with pytest.raises(ValueError, match="number"):
        DIALECT.submission(1, message)


def test_receipts_in_decimal_are_matched_with_answers_in_hexadecimal() -> None:
    dialect = SmppDialect(system_id="jiesu", password="x", has_decimal_receipts=True)

    submitted = dialect.read(unit(0x80000004, b"00FF\0"))
    receipt = dialect.read(deliver(b"id:0000000255 stat:DELIVRD", coding=0, esm_class=0x04))
    odd = dialect.read(unit(0x80000004, b"no-number\0"))

    assert isinstance(submitted, Submitted)
    assert isinstance(receipt, Delivery)
    assert isinstance(receipt.content, Receipt)
    assert isinstance(odd, Submitted)
    assert submitted.centre_id == receipt.content.centre_id == "ff"
    assert odd.centre_id == "no-number"
