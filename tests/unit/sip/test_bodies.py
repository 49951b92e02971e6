"""Descriptions and digits in message bodies."""

from __future__ import annotations

import pytest

from channels.sip.bodies import UnusableBody, description_of, digit_of
from channels.sip.headers import Headers
from channels.sip.message import Request

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
PIDF = b"<presence/>"


def message(kind: str | None, body: bytes, **headers: str) -> Request:
    request = Request(method="INVITE", uri="sip:a@b", headers=Headers(), body=body)
    if kind is not None:
        request.headers.add("Content-Type", kind)
    for name, value in headers.items():
        request.headers.add(name.replace("_", "-"), value)
    return request


def test_no_body_is_no_description() -> None:
    assert description_of(message(None, b"")) is None


@pytest.mark.parametrize("kind", ["application/sdp", "Application/SDP; charset=utf-8"])
def test_a_description_is_read(kind: str) -> None:
    description = description_of(message(kind, SDP))

    assert description is not None
    assert description.audio is not None
    assert description.audio.port == 4000


def test_a_description_is_found_among_other_parts() -> None:
    parts = [b"--x\r\nContent-Type: application/pidf+xml\r\n\r\n" + PIDF]
    parts += [b"--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP, b"--x--\r\n"]
    description = description_of(message('multipart/mixed;boundary="x"', b"\r\n".join(parts)))

    assert description is not None
    assert description.audio is not None


@pytest.mark.parametrize(
    ("kind", "body", "encoding", "status"),
    [
        ("text/plain", b"hello", "identity", 415),
        (None, b"hello", "identity", 415),
        ("application/sdp", SDP, "gzip", 415),
        ("application/sdp", b"nonsense", "identity", 400),
        ("multipart/mixed;boundary=x", b"--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--", "identity", 415),
        ("multipart/mixed", b"\xff\x00--", "identity", 415),
    ],
)
def test_what_cannot_be_used_says_how_to_refuse_it(kind: str | None, body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(UnusableBody) as refused:
        description_of(message(kind, body, Content_Encoding=encoding))

    assert refused.value.status == status


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= # \r\n", "#"),
        ("application/dtmf-relay", b"Duration=160\r\nSignal=d\r\n", "D"),
        ("application/dtmf-relay", b"Signal=11\r\nDuration=160\r\n", "#"),
        ("application/dtmf-relay", b"Signal=16\r\n", None),
        ("application/dtmf", b"*", "*"),
        ("application/dtmf", b" 0\r\n", "0"),
        ("application/dtmf-relay", b"Signal=flash\r\n", None),
        ("application/dtmf", b"", None),
        ("application/dtmf", b"\xff", None),
        ("text/plain", b"5", None),
    ],
)
def test_a_digit_is_read_or_none(kind: str, body: bytes, digit: str | None) -> None:
    assert digit_of(message(kind, body)) == digit
