"""Parsing and writing SIP messages (RFC 3261 7, 18.3; RFC 4475 and 5118)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.sip.message import (
    BadMessage,
    Headers,
    Message,
    Request,
    Response,
    StreamParser,
    make_response,
    parse,
)
from tests.fakes.sip_messages import DATA, INVITE, SDP, damaged, invite, messages


def request_of(raw: bytes) -> Request:
    message = parse(raw)
    assert isinstance(message, Request)
    return message


def refusal_of(raw: bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        parse(raw)
    return caught.value


def torture(name: str) -> bytes:
    return (DATA / f"{name}.dat").read_bytes()


def test_a_typical_invite_is_understood() -> None:
    request = request_of(INVITE)

    assert (request.method, request.uri, request.body) == ("INVITE", "sip:12345@192.0.2.10:5060", SDP)
    assert request.cseq == (314159, "INVITE")
    assert request.call_id == "a84b4c76e66710@192.0.2.1"
    assert request.from_.uri.subscriber == "5550100"
    assert request.to.tag is None
    assert request.via.branch == "z9hG4bK776asdhds"
    assert request.encode() == INVITE


@pytest.mark.parametrize(
    "name",
    [
        "rfc4475/wsinv",
        "rfc4475/intmeth",
        "rfc4475/esc01",
        "rfc4475/escnull",
        "rfc4475/esc02",
        "rfc4475/lwsdisp",
        "rfc4475/dblreq",
        "rfc4475/semiuri",
        "rfc4475/unreason",
        "rfc4475/noreason",
        "rfc4475/unkscm",
        "rfc4475/novelsc",
        "rfc4475/unksm2",
        "rfc4475/inv2543",
        "rfc5118/ipv6-good",
        "rfc5118/port-ambiguous",
        "rfc5118/port-unambiguous",
        "rfc5118/via-received-param-with-delim",
        "rfc5118/via-received-param-no-delim",
        "rfc5118/mult-ip-in-sdp",
        "rfc5118/ipv4-mapped-ipv6",
    ],
)
def test_a_tortuous_but_valid_message_is_accepted_and_keeps_its_meaning(name: str) -> None:
    message = parse(torture(name))

    assert message is not None
    again = parse(message.encode())
    assert again is not None
    assert (again.call_id, again.cseq, again.from_, again.to, again.via, again.body) == (
        message.call_id,
        message.cseq,
        message.from_,
        message.to,
        message.via,
        message.body,
    )


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("rfc4475/badinv01", 400, "Via"),
        ("rfc4475/clerr", 400, "Content-Length"),
        ("rfc4475/ncl", 400, "Content-Length"),
        ("rfc4475/mcl01", 400, "Content-Length"),
        ("rfc4475/scalar02", 400, "CSeq"),
        ("rfc4475/scalarlg", None, "CSeq"),
        ("rfc4475/quotbal", 400, "To"),
        ("rfc4475/ltgtruri", 400, "Request-URI"),
        ("rfc4475/lwsruri", 400, "request line"),
        ("rfc4475/lwsstart", 400, "request line"),
        ("rfc4475/trws", 400, "request line"),
        ("rfc4475/escruri", 400, "Request-URI"),
        ("rfc4475/badaspec", 400, "To"),
        ("rfc4475/baddn", 400, "From"),
        ("rfc4475/badvers", 505, "Version"),
        ("rfc4475/mismatch01", 400, "CSeq"),
        ("rfc4475/mismatch02", 400, "CSeq"),
        ("rfc4475/multi01", 400, "More than one"),
        ("rfc4475/insuf", 400, "Missing"),
        ("rfc4475/bigcode", None, "status line"),
        ("rfc5118/ipv6-bad", 400, "Request-URI"),
    ],
)
def test_a_broken_message_is_refused_with_what_is_wrong(name: str, status: int | None, reason: str) -> None:
    refusal = refusal_of(torture(name))

    assert refusal.status == status
    assert reason in refusal.reason
    assert (refusal.request is None) == (status is None)


def test_every_header_may_be_folded_compact_and_spaced() -> None:
    request = request_of(torture("rfc4475/wsinv"))

    assert request.cseq == (9, "INVITE")
    assert request.to.tag == "1918181833n"
    assert request.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert request.headers.get("Subject") == ""
    assert [value.split(";")[0].split()[-1] for value in request.headers.all("Via")] == [
        "192.0.2.2",
        "spindle.example.com",
        "192.168.255.111",
    ]


def test_bytes_behind_the_body_of_a_datagram_are_ignored() -> None:
    request = request_of(torture("rfc4475/dblreq"))

    assert (request.method, request.body) == ("REGISTER", b"")


def test_without_content_length_the_body_is_the_rest_of_the_datagram() -> None:
    assert request_of(invite(content_length=None)).body == SDP


@pytest.mark.parametrize("header", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_missing_mandatory_header_is_named(header: str) -> None:
    refusal = refusal_of(invite(**{header.lower().replace("-", "_"): None}))

    assert (refusal.status, refusal.reason) == (400, f"Missing {header}")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ({"cseq": "2147483648 INVITE"}, "Malformed CSeq"),
        ({"cseq": "-1 INVITE"}, "Malformed CSeq"),
        ({"cseq": "1"}, "Malformed CSeq"),
        ({"cseq": "1 INVITE now"}, "Malformed CSeq"),
        ({"call_id": "two words"}, "Malformed Call-ID"),
        ({"call_id": "\udcff"}, "Malformed Call-ID"),
        ({"max_forwards": "256"}, "Malformed Max-Forwards"),
        ({"max_forwards": "-1"}, "Malformed Max-Forwards"),
        ({"max_forwards": "¹"}, "Malformed Max-Forwards"),
        ({"content_length": "1e2"}, "Malformed Content-Length"),
        ({"content_length": "9" * 5000}, "Malformed Content-Length"),
        ({"via": ","}, "Malformed Via"),
    ],
)
def test_a_malformed_header_is_named(lines: dict[str, str], reason: str) -> None:
    refusal = refusal_of(invite(**lines))

    assert (refusal.status, refusal.reason) == (400, reason)


@pytest.mark.parametrize("line", [b"no colon", b"two words: 1", b": nameless", b"\xe5\xbc\xa0: 1"])
def test_a_line_that_is_no_header_is_passed_over(line: bytes) -> None:
    request = request_of(INVITE.replace(b"\r\nMax", b"\r\n" + line + b"\r\nMax"))

    assert request == parse(INVITE)


@pytest.mark.parametrize("uri", [b"sip:\xd5\xc5@h", b"sip:", b"sip:a@h:0x1", b"12345"])
def test_a_malformed_request_uri_is_refused(uri: bytes) -> None:
    refusal = refusal_of(INVITE.replace(b"sip:12345@192.0.2.10:5060", uri))

    assert refusal.status == 400
    assert refusal.reason.startswith("Malformed Request-URI")


def test_the_largest_numbers_are_accepted() -> None:
    request = request_of(invite(cseq="0000002147483647 INVITE", max_forwards="255"))

    assert request.cseq == (2147483647, "INVITE")


@pytest.mark.parametrize(
    "raw",
    [
        INVITE.replace(b"INVITE", b"ACK").replace(b"To:", b"Too:"),
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/3.0 200 OK\r\n" + INVITE.partition(b"\r\n")[2],
        b"SIP/2.0 099 OK\r\n" + INVITE.partition(b"\r\n")[2],
        b"SIP/2.0 700 OK\r\n" + INVITE.partition(b"\r\n")[2],
        b"SIP/2.0 2000 OK\r\n" + INVITE.partition(b"\r\n")[2],
        b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"\x00\x01\x00\x00\x21\x12\xa4\x42",
        b"jaK",
        bytes(range(256)) * 256,
    ],
)
def test_what_cannot_be_answered_is_dropped(raw: bytes) -> None:
    assert refusal_of(raw).status is None


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0", b"\r\n\0"])
def test_a_keep_alive_is_no_message(raw: bytes) -> None:
    assert parse(raw) is None
    assert StreamParser().feed(raw) == []


def test_line_breaks_before_a_message_are_skipped() -> None:
    assert parse(b"\r\n\r\n" + INVITE) == parse(INVITE)


@pytest.mark.parametrize("stray", [b"\r", b"\n", b"\n\r"])
def test_a_stray_line_break_cannot_smuggle_a_header_into_our_answer(stray: bytes) -> None:
    refusal = refusal_of(INVITE.replace(b"Alice", b"A" + stray + b"Route: <sip:evil.example.com>"))

    assert refusal.status == 400
    assert refusal.request is not None
    assert "Route" not in refusal.request.headers
    assert stray not in make_response(refusal.request, 400).encode().replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"SIP/2.0 200", ""),
        (b"SIP/2.0 200 ", ""),
        (b"sip/2.0 200  odd  reason ", " odd  reason "),
        ("SIP/2.0 486 用户忙".encode(), "用户忙"),
        ("SIP/2.0 486 用户忙".encode("gbk"), "用户忙"),
        (b"SIP/2.0 603 \xff\xe9", "ÿé"),
    ],
)
def test_a_response_may_give_any_reason(line: bytes, reason: str) -> None:
    response = parse(line + b"\r\n" + INVITE.partition(b"\r\n")[2])

    assert isinstance(response, Response)
    assert response.reason == reason


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_name_goes_back_with_the_bytes_it_came_with(charset: str) -> None:
    line = 'From: "王昞" <sip:5550100@192.0.2.1>;tag=1'.encode(charset)
    request = request_of(INVITE.replace(b'From: "Alice" <sip:5550100@192.0.2.1>;tag=1928301774', line))

    assert request.from_.display == "王昞"
    assert line in make_response(request, 180, to_tag="x").encode()


def test_a_telephone_number_is_kept_digit_for_digit() -> None:
    raw = INVITE.replace(b"<sip:12345@192.0.2.10>", b"<tel:12345;phone-context=+86-10>")
    raw = raw.replace(b"INVITE sip:12345@192.0.2.10:5060", b"INVITE tel:+86-10-12345")
    request = request_of(raw)

    assert request.uri == "tel:+86-10-12345"
    assert str(request.to.uri) == "tel:12345;phone-context=+86-10"


def test_an_unknown_scheme_is_left_for_the_user_agent_to_refuse() -> None:
    assert request_of(torture("rfc4475/unkscm")).uri.startswith("nobodyKnowsThisScheme:")


def test_a_multipart_body_is_kept_whole() -> None:
    body = b"--b\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--b\r\n\r\n\0\xff\r\n--b--\r\n"
    raw = invite(content_type="multipart/mixed;boundary=b", content_length=str(len(body))).removesuffix(SDP) + body

    assert request_of(raw).body == body


def test_every_contact_is_found_on_one_line_or_several() -> None:
    request = request_of(invite(contact='"a, b" <sip:a@h;x=1,2>;q=1, <sip:b@h>').replace(b"To:", b"m: sip:c@h\r\nTo:"))

    assert request.headers.all("Contact") == ["sip:c@h", '"a, b" <sip:a@h;x=1,2>;q=1', "<sip:b@h>"]


def test_headers_are_found_in_any_case_and_form() -> None:
    headers = Headers([("v", "SIP/2.0/UDP a"), ("VIA", "SIP/2.0/UDP b, SIP/2.0/UDP c"), ("x-Foo", "1"), ("X-FOO", "2")])

    assert headers.all("Via") == ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]
    assert headers.all("X-foo") == ["1", "2"]
    assert list(headers)[1] == ("Via", "SIP/2.0/UDP b, SIP/2.0/UDP c")
    assert "V" in headers
    assert "Route" not in headers
    assert headers.get("Route", "none") == "none"


def test_headers_change_in_place() -> None:
    headers = Headers([("To", "a"), ("Route", "b"), ("Route", "c"), ("From", "d")])
    original = headers.copy()

    headers.set("route", "e")
    headers.prepend("Via", "f")
    headers.remove("From")
    headers.set("Subject", "g")

    assert list(headers) == [("Via", "f"), ("To", "a"), ("Route", "e"), ("Subject", "g")]
    assert len(original) == 4
    assert original != headers


@pytest.mark.parametrize(("name", "value"), [("X", "a\r\nY: b"), ("X", "a\nb"), ("X Y", "a"), ("", "a"), ("X:", "a")])
def test_no_header_can_break_a_message_apart(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"break|name"):
        Headers().add(name, value)


def test_a_header_that_is_not_there_is_asked_for_in_vain() -> None:
    with pytest.raises(ValueError, match="Call-ID"):
        _ = Request(method="OPTIONS", uri="sip:a").call_id


def test_no_start_line_can_break_a_message_apart() -> None:
    with pytest.raises(ValueError, match="start line"):
        Response(status=200, reason="OK\r\nX: y").encode()


def test_a_response_repeats_what_identifies_the_request() -> None:
    raw = invite(record_route="<sip:p1.example.com;lr>", timestamp="54").replace(b"Via:", b"v: SIP/2.0/UDP p1\r\nVia:")
    request = request_of(raw)

    ringing = make_response(request, 180, to_tag="abc", headers=[("Contact", "<sip:us@192.0.2.10>")])
    busy = make_response(request, 486, "忙", to_tag="abc")

    assert ringing.headers.all("Via") == request.headers.all("Via")
    assert ringing.headers.all("Record-Route") == ["<sip:p1.example.com;lr>"]
    assert str(ringing.to) == "<sip:12345@192.0.2.10>;tag=abc"
    assert (ringing.call_id, ringing.cseq, ringing.reason) == (request.call_id, request.cseq, "Ringing")
    assert "Record-Route" not in busy.headers
    assert busy.reason == "忙"


def test_trying_has_the_timestamp_and_no_tag() -> None:
    trying = make_response(request_of(invite(timestamp="54")), 100, to_tag="abc")

    assert trying.headers.get("Timestamp") == "54"
    assert trying.to.tag is None


def test_a_tag_is_not_put_on_twice() -> None:
    request = request_of(invite(to="<sip:12345@192.0.2.10>;tag=first"))

    assert make_response(request, 200, to_tag="second").to.tag == "first"


def test_a_refusal_can_be_written_for_a_request_that_was_not_understood() -> None:
    refusal = refusal_of(torture("rfc4475/quotbal"))
    assert refusal.request is not None

    response = make_response(refusal.request, 400, refusal.reason, to_tag="x", body=b"?", content_type="text/plain")

    assert response.encode().startswith(b"SIP/2.0 400 Malformed To\r\nVia: SIP/2.0/UDP 192.0.2.1")
    assert response.headers.get("To") == '"Mr. J. User <sip:j.user@example.com>'


def test_a_stream_carries_messages_and_keep_alives() -> None:
    parser = StreamParser()

    received = parser.feed(b"\r\n\r\n" + INVITE + b"\r\n\r\n" + INVITE + INVITE[:100])
    received += parser.feed(INVITE[100:])

    assert received == [parse(INVITE)] * 3


def test_a_bad_message_does_not_end_the_stream() -> None:
    parser = StreamParser()

    bad, good = parser.feed(invite(cseq="0") + INVITE)

    assert isinstance(bad, BadMessage)
    assert good == parse(INVITE)
    assert not parser.broken


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (invite(content_length="-1"), 400),
        (invite(content_length=None), 400),
        (invite(content_length="1048577"), 513),
        (b"GET / HTTP/1.1\r\n\r\n", None),
        (b"INVITE sip:a SIP/2.0\r\nX: " + b"x" * 66_000, None),
    ],
)
def test_a_stream_without_framing_is_given_up(raw: bytes, status: int | None) -> None:
    parser = StreamParser()

    (bad,) = parser.feed(raw)

    assert isinstance(bad, BadMessage)
    assert bad.status == status
    assert parser.broken
    assert parser.feed(INVITE) == []


def test_a_message_without_body_may_lack_content_length_on_a_stream() -> None:
    raw = invite(content_length=None, content_type=None).removesuffix(SDP)

    assert StreamParser().feed(raw + INVITE) == [parse(raw), parse(INVITE)]


def outcome(parser: StreamParser, pieces: list[bytes]) -> list[Message | tuple[int | None, str]]:
    received = [message for piece in pieces for message in parser.feed(piece)]
    return [(each.status, each.reason) if isinstance(each, BadMessage) else each for each in received]


@given(messages())
def test_messages_survive_a_round_trip(message: Message) -> None:
    assert parse(message.encode()) == message


@given(st.lists(messages(), max_size=4), st.data())
def test_a_stream_gives_the_same_messages_however_it_is_cut(sent: list[Message], data: st.DataObject) -> None:
    whole = b"\r\n".join(message.encode() for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert outcome(StreamParser(), pieces) == sent


@given(st.lists(damaged() | st.binary(max_size=40), max_size=3), st.data())
def test_a_damaged_stream_means_the_same_however_it_is_cut(sent: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    small = {"max_head": 400, "max_body": 500}

    assert outcome(StreamParser(**small), pieces) == outcome(StreamParser(**small), [whole])


@given(st.binary(max_size=300) | damaged())
@example(INVITE[:-1])
@example(b"\r\n")
def test_any_datagram_is_a_message_a_keep_alive_or_refused(raw: bytes) -> None:
    try:
        message = parse(raw)
    except BadMessage as bad:
        if bad.request is not None and bad.status is not None:
            make_response(bad.request, bad.status, bad.reason, to_tag="x").encode()
        return
    if message is None:
        return
    again = parse(message.encode())
    assert again is not None
    assert (again.via, again.cseq, again.from_, again.to) == (message.via, message.cseq, message.from_, message.to)
    if isinstance(message, Request):
        assert parse(make_response(message, 200, to_tag="x").encode()) is not None
