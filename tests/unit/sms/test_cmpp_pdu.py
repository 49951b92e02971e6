"""CMPP's units: what is written is read again, what is read never breaks anything, and the text's own values hold."""

from __future__ import annotations

import hashlib
import string
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.sms.cmpp.codec import decode, decode_report, encode, encode_report
from channels.sms.cmpp.dialect import CmppDialect, authenticator
from channels.sms.cmpp.pdu import (
    ActiveTest,
    ActiveTestResp,
    BadUnit,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    Result,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
    Version,
)
from channels.sms.coding import Coding
from channels.sms.words import Answer, Delivery, Fate, Garbage, Opened, Receipt, ShortMessage, Submitted, Verdict

OCTET, LONG, WIDE = st.integers(0, 0xFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFFFFFFFFFF)
DIGEST = st.binary(min_size=16, max_size=16)
VERSIONS = st.sampled_from(Version)


def text(size: int) -> st.SearchStrategy[str]:
    return st.text(string.ascii_letters + string.digits + "+-", max_size=size)


def pdus(version: Version) -> st.SearchStrategy[Pdu]:
    is_v3 = version is Version.V3
    result = LONG if is_v3 else OCTET
    number, kind, tail = text(32 if is_v3 else 21), OCTET if is_v3 else st.just(0), text(20 if is_v3 else 8)
    return st.one_of(
        st.builds(Connect, source=text(6), authenticator=DIGEST, version=OCTET, timestamp=LONG),
        st.builds(ConnectResp, status=result, authenticator=DIGEST, version=OCTET),
        st.builds(
            Submit,
            source=text(6),
            service_id=text(10),
            sender=text(21),
            terminal=number,
            coding=OCTET,
            content=st.binary(max_size=255),
            has_header=st.booleans(),
            total=OCTET,
            number=OCTET,
            wants_receipt=st.booleans(),
            message_id=WIDE,
            level=OCTET,
            fee_user_type=OCTET,
            fee_terminal=number,
            fee_terminal_type=kind,
            fee_type=text(2),
            fee_code=text(6),
            protocol=OCTET,
            valid_until=text(17),
            send_at=text(17),
            terminal_type=kind,
            link_id=tail,
        ),
        st.builds(SubmitResp, message_id=WIDE, result=result),
        st.builds(
            Deliver,
            message_id=WIDE,
            addressee=text(21),
            service_id=text(10),
            sender=number,
            coding=OCTET,
            content=st.binary(max_size=255),
            has_header=st.booleans(),
            is_receipt=st.booleans(),
            protocol=OCTET,
            sender_type=kind,
            link_id=tail,
        ),
        st.builds(DeliverResp, message_id=WIDE, result=result),
        st.sampled_from([Terminate(), TerminateResp(), ActiveTest(), ActiveTestResp()]),
    )


@given(VERSIONS, LONG, st.data())
def test_what_is_written_is_read_again(version: Version, sequence: int, data: st.DataObject) -> None:
    pdu = data.draw(pdus(version))

    assert decode(encode(pdu, sequence, version), version) == (sequence, pdu)


@given(VERSIONS, st.data(), st.integers(0, 400), OCTET)
def test_a_damaged_unit_is_read_or_refused(version: Version, data: st.DataObject, at: int, octet: int) -> None:
    unit = bytearray(encode(data.draw(pdus(version)), 1, version))
    unit[at % len(unit)] = octet
    cut = bytes(unit[: data.draw(st.integers(12, len(unit)))])

    for damaged in (bytes(unit), cut):
        with suppress(BadUnit):
            decode(damaged, version)


@given(VERSIONS, st.binary(max_size=300))
@example(Version.V3, b"\x00\x00\x00\x05\x00\x00\x00\x01" + bytes(8))
def test_no_octets_break_the_dialect(version: Version, octets: bytes) -> None:
    dialect = CmppDialect(source="901234", secret="s", service_id="", version=version)
    unit = (len(octets) + 8).to_bytes(4) + octets.ljust(8, b"\0")

    said = dialect.read(unit)

    assert not isinstance(said, Garbage) or said.reason


@given(VERSIONS, st.data())
def test_a_status_report_is_read_again(version: Version, data: st.DataObject) -> None:
    report = data.draw(
        st.builds(
            StatusReport,
            message_id=WIDE,
            state=text(7),
            submitted_at=text(10),
            done_at=text(10),
            terminal=text(32 if version is Version.V3 else 21),
            sequence=LONG,
        )
    )

    assert decode_report(encode_report(report, version)) == report


def test_the_authenticator_is_md5_over_source_zeros_secret_and_timestamp() -> None:
    expected = hashlib.md5(b"901234" + b"\0" * 9 + b"1234" + b"0221090807").digest()

    assert authenticator("901234", "1234", 221090807) == expected


@pytest.mark.parametrize("version", Version)
def test_connect_says_the_local_time_and_the_version(version: Version) -> None:
    dialect = CmppDialect(source="901234", secret="1234", service_id="", version=version)

    _, pdu = decode(dialect.opening(1, datetime(2026, 2, 21, 9, 8, 7)), version)

    assert isinstance(pdu, Connect)
    assert (pdu.source, pdu.timestamp, pdu.version) == ("901234", 221090807, version.value)
    assert pdu.authenticator == authenticator("901234", "1234", 221090807)


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize(
    ("result", "verdict"),
    [(0, Verdict.ACCEPTED), (3, Verdict.ACCEPTED), (8, Verdict.BUSY), (1, Verdict.NEVER), (13, Verdict.NEVER)],
)
def test_results_mean_what_the_text_says(version: Version, result: int, verdict: Verdict) -> None:
    dialect = CmppDialect(source="901234", secret="s", service_id="", version=version)

    said = dialect.read(encode(SubmitResp(message_id=0xAB, result=result), 9, version))

    assert isinstance(said, Submitted)
    assert (said.sequence, said.verdict) == (9, verdict)
    assert said.centre_id == ("00000000000000ab" if result == 0 else "")


def test_a_refusal_may_come_in_the_older_version() -> None:
    dialect = CmppDialect(source="901234", secret="s", service_id="", version=Version.V3)

    said = dialect.read(encode(ConnectResp(status=4, authenticator=bytes(16), version=0x20), 1, Version.V2))

    assert said == Opened(sequence=1, refusal="version too high")


@pytest.mark.parametrize(
    ("state", "fate"),
    [("DELIVRD", Fate.DELIVERED), ("ACCEPTD", Fate.UNDER_WAY), ("EXPIRED", Fate.FAILED), ("MA:0054", Fate.FAILED)],
)
def test_a_receipt_says_what_became_of_the_message(state: str, fate: Fate) -> None:
    dialect = CmppDialect(source="901234", secret="s", service_id="", version=Version.V2)
    content = encode_report(StatusReport(message_id=0xAB, state=state), Version.V2)
    deliver = Deliver(
        message_id=1, addressee="106", service_id="", sender="138", coding=0, content=content, is_receipt=True
    )

    said = dialect.read(encode(deliver, 3, Version.V2))

    assert isinstance(said, Delivery)
    assert said.content == Receipt(centre_id="00000000000000ab", fate=fate, reason=state)
    _, answer = decode(dialect.answer(said, Answer.LATER), Version.V2)
    assert answer == DeliverResp(message_id=1, result=Result.FLOW_CONTROL)


def test_a_delivery_that_is_none_is_refused_with_its_own_id() -> None:
    dialect = CmppDialect(source="901234", secret="s", service_id="", version=Version.V3)
    deliver = Deliver(message_id=77, addressee="106", service_id="", sender="138", coding=0, content=b"abc")
    unit = encode(deliver, 3, Version.V3)
    cut = (len(unit) - 5).to_bytes(4) + unit[4:-5]

    said = dialect.read(cut)

    assert isinstance(said, Garbage)
    assert decode(said.reply, Version.V3) == (3, DeliverResp(message_id=77, result=Result.BAD_LENGTH))


def test_a_number_that_does_not_fit_cannot_be_submitted() -> None:
    dialect = CmppDialect(source="901234", secret="s", service_id="", version=Version.V2)
    message = ShortMessage(sender="1" * 22, addressee="138", coding=Coding.ASCII, octets=b"a")

    with pytest.raises(ValueError, match="22 characters where 21 fit"):
        dialect.submission(1, message)
