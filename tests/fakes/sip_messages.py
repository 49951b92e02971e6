"""Valid SIP messages for tests: one typical INVITE, and Hypothesis strategies for many others."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from channels.sip.message import Headers, Message, Request, Response
from channels.sip.text import from_wire
from channels.sip.uri import NameAddr, Uri, Via

DATA = Path(__file__).parents[1] / "data" / "sip"

SDP = (
    b"v=0\r\no=- 123 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)

INVITE = (
    b"INVITE sip:12345@192.0.2.10:5060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Alice" <sip:5550100@192.0.2.1>;tag=1928301774\r\n'
    b"To: <sip:12345@192.0.2.10>\r\n"
    b"Call-ID: a84b4c76e66710@192.0.2.1\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Contact: <sip:5550100@192.0.2.1:5060>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: %d\r\n\r\n" % len(SDP)
) + SDP


def invite(**lines: str | None) -> bytes:
    """Return the INVITE with header lines replaced (None: left out); keys have "_" for "-"."""
    out = []
    for line in INVITE.removesuffix(SDP).decode().split("\r\n")[:-2]:
        name = line.partition(":")[0].lower().replace("-", "_")
        if name not in lines:
            out.append(line)
        elif (value := lines.pop(name)) is not None:
            out.append(f"{line.partition(':')[0]}: {value}")
    out += [f"{name.replace('_', '-')}: {value}" for name, value in lines.items()]
    return "\r\n".join(out).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + SDP


tokens = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
hosts = st.sampled_from(["192.0.2.1", "example.com", "2001:db8::9:1", "gw-1.example.net"])
ports = st.none() | st.integers(1, 65535)
param_values = st.none() | tokens
users = st.none() | st.from_regex(r"[A-Za-z0-9+%()!*'~&=$,;?/._-]{1,12}", fullmatch=True)
display_names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12
) | st.sampled_from(["张三", "王昞", 'a "quoted\\" name'])


def params_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str | None]]:
    return st.dictionaries(names, param_values, max_size=3)


param_names = tokens.map(str.lower)
uris = st.builds(
    Uri, scheme=st.sampled_from(["sip", "sips"]), user=users, host=hosts, port=ports, params=params_of(param_names)
) | st.builds(
    Uri, scheme=st.just("tel"), user=st.from_regex(r"\+?[0-9().-]{1,15}", fullmatch=True), params=params_of(param_names)
)
name_addrs = st.builds(NameAddr, display=display_names, uri=uris, params=params_of(param_names))
vias = st.builds(
    Via, transport=st.sampled_from(["UDP", "TCP", "TLS"]), host=hosts, port=ports, params=params_of(param_names)
)
values = st.binary(max_size=30).map(lambda raw: from_wire(raw.translate(None, b"\r\n")).strip(" \t"))
extra_headers = st.lists(
    st.tuples(tokens.map("X-{}".format) | st.sampled_from(["Subject", "Allow", "Route"]), values), max_size=4
)
bodies = st.binary(max_size=60)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Draw a valid message as it is after parsing: with its Content-Length."""
    method = draw(tokens)
    body = draw(bodies)
    headers = Headers(
        [
            *(("Via", str(via)) for via in draw(st.lists(vias, min_size=1, max_size=3))),
            ("From", str(draw(name_addrs))),
            ("To", str(draw(name_addrs))),
            ("Call-ID", draw(tokens)),
            ("CSeq", f"{draw(st.integers(0, 2**31 - 1))} {method}"),
            *draw(extra_headers),
            ("Content-Length", str(len(body))),
        ]
    )
    if draw(st.booleans()):
        uri = draw(uris)
        return Request(method=method, uri=str(uri), headers=headers, body=body)
    reason = draw(display_names)
    return Response(status=draw(st.integers(100, 699)), reason=reason, headers=headers, body=body)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes = INVITE) -> bytes:
    """Draw a valid message with a few bytes overwritten, dropped or put in."""
    raw = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        piece = draw(
            st.binary(max_size=3) | st.sampled_from([b"\r\n", b'"', b"<", b">", b",", b";", b":", b" ", b"\0"])
        )
        raw[at : at + draw(st.integers(0, 3))] = piece
    return bytes(raw)
