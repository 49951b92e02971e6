"""URIs, name-addr and Via values (RFC 3261 19.1, 20.10, 20.42)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.text import from_wire, split_list, to_wire
from channels.sip.uri import BadAddress, NameAddr, Uri, Via
from tests.fakes.sip_messages import name_addrs, uris, vias


def test_a_sip_uri_has_all_its_parts() -> None:
    uri = Uri.parse("SIP:alice:secret@example.com:5061;transport=tcp;LR?Subject=a&Priority=b")

    assert (uri.scheme, uri.user, uri.host, uri.port) == ("sip", "alice:secret", "example.com", 5061)
    assert uri.params == {"transport": "tcp", "lr": None}
    assert uri.headers == "Subject=a&Priority=b"
    assert uri.subscriber == "alice"


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@example.com",
        "sip:[2001:db8::1]:5060;lr",
        "sip:%61lice%40home@example.com",
        "sip:user;par=u%40example.net@example.com",
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@example.com",
        "tel:+86-(10)-1234.5",
        "tel:12345;phone-context=+86-10",
        "tel:*31#119;phone-context=example.com",
        "urn:service:sos.fire",
        "soap.beep://192.0.2.103:3002",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(Uri.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "subscriber"),
    [
        ("tel:+86-10-12345", "+86-10-12345"),
        ("sip:%2B861012345@h", "+861012345"),
        ("sip:+861012345;phone-context=x@h;user=phone", "+861012345"),
        ("sip:%E5%BC%A0@h", "张"),
        ("sip:%D5%C5@h", "张"),
        ("sip:张@h", "张"),
        ("sip:h", ""),
        ("urn:service:sos", ""),
    ],
)
def test_the_subscriber_is_unescaped_and_bare(text: str, subscriber: str) -> None:
    assert Uri.parse(text).subscriber == subscriber


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "alice@example.com",
        "sip:@example.com",
        "sip:a b@example.com",
        "sip:a@b@example.com",
        "sip:a@example.com:65536",
        "sip:a@example.com:-1",
        "sip:a@example.com:",
        "sip:2001:db8::10",
        "sip:a@[2001:db8::1",
        "sip:a@example.com;;lr",
        "sip:a@example.com?",
        "urn:",
        "tel:",
        "tel:alice",
        "<sip:a@example.com>",
        "sip:a@example.com ",
    ],
)
def test_what_the_grammar_forbids_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        Uri.parse(text)


def test_a_name_addr_is_read_through_odd_whitespace() -> None:
    address = NameAddr.parse('"J Rosenberg \\\\\\""       <sip:jdrosen@example.com>  ;  tag = 98asjd8')

    assert address.display == 'J Rosenberg \\"'
    assert address.tag == "98asjd8"


def test_parameters_of_a_bare_address_belong_to_the_header() -> None:
    address = NameAddr.parse("sip:+5550100@example.com;user=phone;tag=a")

    assert address.uri == Uri(user="+5550100", host="example.com")
    assert address.params == {"user": "phone", "tag": "a"}


def test_a_quoted_parameter_may_hold_anything_and_keeps_its_quotes() -> None:
    address = NameAddr.parse('<sip:a@h>;+sip.instance="<urn:uuid:1;2,\\"3>";q=0.5')

    assert address.params == {"+sip.instance": '"<urn:uuid:1;2,\\"3>"', "q": "0.5"}


@pytest.mark.parametrize("display", ["张三", '"张三"', "caller", "two tokens", "张三 (办公室)"])
def test_a_display_name_needs_no_quotes(display: str) -> None:
    assert NameAddr.parse(f"{display}<sip:a@h>").display == display.strip('"')


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("name", ["张三", "王昞", '咔淺\\\\\\"'])
def test_a_chinese_display_name_is_readable_and_keeps_its_bytes(name: str, charset: str) -> None:
    # 昞 and 淺 end in a backslash byte in GBK.
    raw = f'"{name}" <sip:a@h>;tag=1'.encode(charset)

    address = NameAddr.parse(from_wire(raw))

    assert address.display == name.replace('\\\\\\"', '\\"')
    assert to_wire(str(address)) == raw


def test_a_display_name_in_no_known_charset_keeps_its_bytes() -> None:
    raw = b'"\xff\xe9" <sip:a@h>'

    assert to_wire(str(NameAddr.parse(from_wire(raw)))) == raw


@pytest.mark.parametrize(
    "text",
    [
        '"Mr. J. User <sip:j.user@example.com>',
        "Bell, Alexander <sip:a.g.bell@example.com>",
        '"Watson, Thomas" < t.watson@example.org >',
        '"Joe" <sip:joe@example.org>;;;;',
        "<sip:a@h",
        "<sip:a@h>tag=1",
        "sip:user@example.com?Route=%3Csip:example.com%3E",
        '"a" sip:b@h',
        "",
    ],
)
def test_a_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        NameAddr.parse(text)


def test_a_tag_is_put_on_without_touching_the_rest() -> None:
    address = NameAddr.parse('"Bob" <sip:bob@h>;x=1')

    assert str(address.with_tag("77")) == '"Bob" <sip:bob@h>;x=1;tag=77'
    assert address.tag is None


def test_a_via_is_read_through_odd_whitespace() -> None:
    via = Via.parse("SIP  / 2.0  / tcp     spindle.example.com : 5062  ;  branch  =   z9hG4bK9ikj8 ; rport")

    assert (via.transport, via.sent_by, via.branch) == ("TCP", "spindle.example.com:5062", "z9hG4bK9ikj8")
    assert via.params["rport"] is None


def test_a_via_may_come_from_ipv6() -> None:
    via = Via.parse("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3")

    assert via.host == "2001:db8::9:1"
    assert via.params["received"] == "2001:db8::9:255"


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0/UDP", "SIP/7.0/UDP h", "SIP/2.0/UDP h;;,;,,", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h i"]
)
def test_a_malformed_via_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        Via.parse(text)


def test_a_list_is_split_outside_quotes_and_brackets_only() -> None:
    assert split_list('"a, \\", b" <sip:a,b@h>;x="," , , <sip:c@h>,d') == [
        '"a, \\", b" <sip:a,b@h>;x=","',
        "<sip:c@h>",
        "d",
    ]


def test_a_list_of_gbk_names_is_split_between_characters() -> None:
    raw = '"昞" <sip:a@h>, "b,c" <sip:d@h>'.encode("gb18030")

    assert [to_wire(value) for value in split_list(from_wire(raw))] == [
        '"昞" <sip:a@h>'.encode("gb18030"),
        b'"b,c" <sip:d@h>',
    ]


@given(uris)
def test_uris_survive_a_round_trip(uri: Uri) -> None:
    assert Uri.parse(str(uri)) == uri


@given(name_addrs)
def test_name_addrs_survive_a_round_trip(address: NameAddr) -> None:
    assert NameAddr.parse(str(address)) == address


@given(vias)
def test_vias_survive_a_round_trip(via: Via) -> None:
    assert Via.parse(str(via)) == via


@given(st.binary(), st.sampled_from([Uri.parse, NameAddr.parse, Via.parse, split_list]))
def test_anything_is_read_or_refused(raw: bytes, parse: object) -> None:
    assert callable(parse)

    with contextlib.suppress(BadAddress):
        parse(from_wire(raw))
