"""The words of REFER, NOTIFY and Replaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.headers import Headers
from channels.sip.message import Request
from channels.sip.referral import (
    BadReferral,
    ReferTo,
    Replaces,
    event_of,
    fragment,
    is_terminated,
    read_fragment,
    refer_to_of,
    replaces_of,
    wants_no_notify,
)
from channels.sip.uri import Uri
from tests.fakes.sip_messages import tokens


def request(method: str = "REFER", body: bytes = b"", **headers: str) -> Request:
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method=method, uri="sip:b@example.invalid", headers=Headers(lines), body=body)


@given(tokens, tokens, tokens, st.booleans())
def test_replaces_reads_as_it_writes(call_id: str, to_tag: str, from_tag: str, early_only: bool) -> None:
    replaces = Replaces(call_id=call_id, to_tag=to_tag, from_tag=from_tag, early_only=early_only)

    assert Replaces.parse(str(replaces)) == replaces
    refer_to = ReferTo(uri=Uri(user="119", host="192.0.2.1"), replaces=replaces)
    assert ReferTo.parse(str(refer_to)) == refer_to


@pytest.mark.parametrize(
    "text", ["", "id", "id;to-tag=a", "id;from-tag=a", ";to-tag=a;from-tag=b", "id;to-tag=a;to-tag=c;from-tag=b"]
)
def test_a_malformed_replaces_is_400(text: str) -> None:
    with pytest.raises(BadReferral) as caught:
        Replaces.parse(text)
    assert caught.value.status == 400


def test_refer_to_may_hold_what_is_to_be_replaced() -> None:
    escaped = "<sip:8002@192.0.2.1;method=INVITE?Replaces=12345%40192.0.2.3%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    refer_to = ReferTo.parse(escaped)

    assert str(refer_to.uri) == "sip:8002@192.0.2.1"
    assert refer_to.replaces == Replaces(call_id="12345@192.0.2.3", to_tag="1", from_tag="2")


def test_a_refer_must_say_once_where_to() -> None:
    twice = request(Refer_To="<sip:a@x.invalid>")
    twice.headers.add("Refer-To", "<sip:b@x.invalid>")

    for each in (request(), twice, request(Refer_To="nonsense")):
        with pytest.raises(BadReferral) as caught:
            refer_to_of(each)
        assert caught.value.status == 400


def test_only_calls_can_be_asked_for() -> None:
    with pytest.raises(BadReferral) as caught:
        refer_to_of(request(Refer_To="<sip:a@x.invalid;method=MESSAGE>"))
    assert caught.value.status == 501


def test_two_replaces_or_one_beside_join_are_400() -> None:
    good = "id;to-tag=a;from-tag=b"
    twice = request("INVITE", Replaces=good)
    twice.headers.add("Replaces", good)

    assert replaces_of(request("INVITE")) is None
    assert replaces_of(request("INVITE", Replaces=good)) == Replaces.parse(good)
    for each in (twice, request("INVITE", Replaces=good, Join=good)):
        with pytest.raises(BadReferral):
            replaces_of(each)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (fragment(180), (180, "Ringing")),
        (fragment(486, "忙"), (486, "忙")),
        (b"SIP/2.0 200 OK\r\nTo: x\r\n", (200, "OK")),
        (b"SIP/2.0 100", (100, "")),
    ],
)
def test_a_fragment_tells_how_the_call_goes(body: bytes, expected: tuple[int, str]) -> None:
    notify = request("NOTIFY", body, Content_Type="message/sipfrag;version=2.0", Event="refer;id=7")

    assert read_fragment(notify) == expected
    assert event_of(notify) == "refer"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("text/plain", b"SIP/2.0 200 OK", 415), ("message/sipfrag", b"hello", 400), ("message/sipfrag", b"", 400)],
)
def test_another_body_is_no_news(kind: str, body: bytes, status: int) -> None:
    with pytest.raises(BadReferral) as caught:
        read_fragment(request("NOTIFY", body, Content_Type=kind))
    assert caught.value.status == status


def test_what_refer_sub_and_subscription_state_say() -> None:
    assert wants_no_notify(request(Refer_Sub="false"))
    assert not wants_no_notify(request(Refer_Sub="true"))
    assert not wants_no_notify(request())
    assert is_terminated(request("NOTIFY", Subscription_State="terminated;reason=noresource"))
    assert not is_terminated(request("NOTIFY", Subscription_State="active"))


@given(st.text(max_size=60))
def test_nothing_makes_it_crash(text: str) -> None:
    for parse in (Replaces.parse, ReferTo.parse):
        try:
            parse(text)
        except BadReferral:
            continue
