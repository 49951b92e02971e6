"""Place and story of an emergency beside an offer: written as the RFCs ask, and read where another line sends them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import SMTP
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.bodies import SDP, BodyPart, description_of, multipart, part_of
from channels.sip.emergency_data import Along, EmergencyData, along
from channels.sip.headers import Headers
from channels.sip.location import PIDF, location_document, place_in, printable
from channels.sip.message import Request
from channels.sip.passing_on import citizens_number, passed_on
from gateway.domain.emergency import EmergencyLine
from tests.fakes.sip import offer

AT = datetime(2026, 11, 21, 2, 3, 4, tzinfo=UTC)
POLICE = EmergencyLine("110")


def data(place: str = "红山区阳光小区", words: str = "阳光小区着火了", caller: str = "13800000001") -> Along:
    return along(
        EmergencyData(
            reference="20261121-100304-0042",
            provider="12345",
            contact="sip:12345@192.0.2.1",
            caller=caller,
            place=place,
            words=words,
            at=AT,
        )
    )


def invite(*headers: tuple[str, str], body: bytes = b"") -> Request:
    held = Headers()
    for name, value in headers:
        held.add(name, value)
    return Request(method="INVITE", uri="sip:12345@192.0.2.1", headers=held, body=body)


def whole(parts: Along) -> Request:
    kind, body = multipart([BodyPart(kind=SDP, octets=offer().encode()), *parts.parts])
    return invite(("Content-Type", kind), *parts.headers, body=body)


def test_the_body_holds_the_offer_and_every_part_that_a_header_names() -> None:
    request = whole(data())
    head = f"Content-Type: {request.headers.get('Content-Type')}\r\n\r\n".encode()
    named = {part["Content-ID"] for part in BytesParser(policy=SMTP).parsebytes(head + request.body).walk()}

    assert description_of(request) is not None
    assert request.headers.get("Geolocation") == "<cid:place.20261121-100304-0042@jiesu.invalid>"
    assert request.headers.get("Geolocation-Routing") == "no"
    purposes = [value.partition(";")[2] for value in request.headers.lines("Call-Info")]
    assert purposes == ["purpose=EmergencyCallData.ProviderInfo", "purpose=EmergencyCallData.Comment"]
    for value in (*request.headers.lines("Geolocation"), *request.headers.lines("Call-Info")):
        assert f"<{value.partition(';')[0].removeprefix('<cid:').removesuffix('>')}>" in named


def test_the_place_stands_in_a_civic_address_in_the_callers_words() -> None:
    document = part_of(whole(data()), PIDF)

    assert document is not None
    root = ElementTree.fromstring(document)
    assert root.get("entity") == "tel:13800000001;phone-context=+86"
    civic = root.find(".//{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}civicAddress")
    assert civic is not None
    assert [(part.tag.partition("}")[2], part.text) for part in civic] == [("country", "CN"), ("LOC", "红山区阳光小区")]
    assert root.findtext(".//{urn:ietf:params:xml:ns:pidf}timestamp") == "2026-11-21T02:03:04Z"


def test_nothing_is_said_of_a_place_that_nobody_named() -> None:
    parts = data(place=" ", caller="")

    assert "Geolocation" not in dict(parts.headers)
    assert [part.kind for part in parts.parts] == [
        "application/EmergencyCallData.ProviderInfo+xml",
        "application/EmergencyCallData.Comment+xml",
    ]


@given(st.text(), st.text())
def test_whatever_was_said_is_well_formed_and_read_back(place: str, words: str) -> None:
    request = whole(data(place=place, words=words))
    document = part_of(request, PIDF)

    assert description_of(request) is not None
    assert (place_in(document) if document else "") == printable(place)[:500]
    for part in data(place=place, words=words).parts:
        ElementTree.fromstring(part.octets)


@given(st.binary() | st.sampled_from([b"<!DOCTYPE a>", b"<presence/>", b"<a>" * 9000]))
def test_a_document_of_somebody_else_never_breaks_anything(document: bytes) -> None:
    assert place_in(document) == ""


def test_the_civic_parts_of_another_exchange_are_read_from_the_province_to_the_room() -> None:
    document = (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr">'
        "<tuple><status><ca:civicAddress><ca:HNO>7号</ca:HNO><ca:RD>人民路</ca:RD><ca:A3>红山区</ca:A3>"
        "<ca:country>CN</ca:country></ca:civicAddress></status></tuple></presence>"
    )

    assert place_in(document.encode()) == "红山区人民路7号"


def test_what_an_emergency_line_sends_along_is_read() -> None:
    request = invite(
        ("Referred-By", '"值班员" <sip:1102@110.invalid>'),
        ("X-Jiesu-Ticket", "JQ-7"),
        ("X-Jiesu-Caller", "13900000009"),
        ("Subject", "邻居半夜噪音扰民"),
        ("Content-Type", PIDF),
        body=location_document("松山区", entity="tel:110;phone-context=+86", at=AT),
    )
    came = passed_on(request, POLICE)

    assert (came.line, came.referred_by, came.reference) == ("110", "1102", "JQ-7")
    assert (came.place, came.summary) == ("松山区", "邻居半夜噪音扰民")
    assert citizens_number(request) == "13900000009"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("04" + "噪音".encode().hex() + ";encoding=hex", "噪音"),
        ("噪音".encode().hex() + ";purpose=isdn-uui;encoding=hex", "噪音"),
        ("zz;encoding=hex", ""),
        ("ff;encoding=hex", ""),
        ("abcd;encoding=base64", ""),
        ("", ""),
    ],
)
def test_user_to_user_is_the_summary_where_there_is_no_subject(value: str, told: str) -> None:
    assert passed_on(invite(("User-to-User", value)), POLICE).summary == told


@given(st.text(alphabet=st.characters(blacklist_characters="\r\n\0")))
def test_no_header_of_theirs_breaks_anything(value: str) -> None:
    names = ("Referred-By", "X-Jiesu-Ticket", "X-Jiesu-Caller", "X-Jiesu-Place", "Subject", "User-to-User")
    request = invite(*((name, value) for name in names))

    passed_on(request, POLICE)
    citizens_number(request)
