"""SIP requests and responses, and their bytes (RFC 3261 7, 18.3, 25).

The parser is strict where a guess would be dangerous (framing, routing, identity) and forgiving
elsewhere. It knows no transaction and no dialog, and judges neither methods nor URI schemes:
what it returns can be answered, nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from channels.sip.headers import Headers, header_name
from channels.sip.status import REASONS
from channels.sip.text import LWS, charset_of, from_wire, is_token, readable, to_wire
from channels.sip.uri import BadAddress, NameAddr, Uri, Via

__all__ = ["BadMessage", "Headers", "Message", "Request", "Response", "StreamParser", "make_response", "parse"]

VERSION = "SIP/2.0"
MAX_HEAD = 65_535
MAX_BODY = 1_048_576
MAX_CSEQ = 2**31 - 1

_KEEP_ALIVE = b"\r\n\0"
_MANDATORY = ("via", "from", "to", "call-id", "cseq")
_ONCE = frozenset(("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type"))
_FULL = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}

_status_line = re.compile(r"(SIP/[0-9]++\.[0-9]++) ([0-9]++)(?: (.*+))?", re.ASCII | re.IGNORECASE).fullmatch
_version = re.compile(r"SIP/[0-9]++\.[0-9]++", re.ASCII | re.IGNORECASE).fullmatch
_cseq = re.compile(r"([0-9]++)[ \t]++([^ \t]++)", re.ASCII).fullmatch
_fold = re.compile(r"\r\n[ \t]++")
_stray_break = re.compile(r"\r(?!\n)|(?<!\r)\n")


class _Addressed:
    """What a request and a response are found by; ValueError where a header is missing or malformed."""

    __slots__ = ()
    headers: Headers

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return _required(self.headers, "Call-ID")

    @property
    def cseq(self) -> tuple[int, str]:
        """The number and the method of CSeq."""
        return _parse_cseq(_required(self.headers, "CSeq"))

    @property
    def from_(self) -> NameAddr:
        """Who sent the request that all this is about."""
        return NameAddr.parse(_required(self.headers, "From"))

    @property
    def to(self) -> NameAddr:
        """Whom that request was meant for."""
        return NameAddr.parse(_required(self.headers, "To"))

    @property
    def via(self) -> Via:
        """The topmost Via: where a response goes, and whom a response was for."""
        return _top_via(self.headers)


@dataclass(slots=True, kw_only=True)
class Request(_Addressed):
    """A request; ``uri`` is the Request-URI as received."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = VERSION

    def encode(self) -> bytes:
        """Return the bytes for the wire, with the right Content-Length."""
        return _encode(f"{self.method} {self.uri} {self.version}", self.headers, self.body)


@dataclass(slots=True, kw_only=True)
class Response(_Addressed):
    """A response; ``reason`` is readable text, possibly empty."""

    status: int
    reason: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes for the wire, with the right Content-Length."""
        return _encode(f"{VERSION} {self.status} {self.reason}", self.headers, self.body)


Message = Request | Response


class BadMessage(Exception):
    """What came is no SIP message that could be served.

    ``status`` is what to answer; None means that it must be dropped (responses, ACK, noise).
    ``request`` is as much as was understood, so that the refusal can be addressed: any of its
    headers may be missing or malformed.
    """

    def __init__(self, status: int | None, reason: str, request: Request | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.request = request


def parse(datagram: bytes) -> Message | None:
    """Read one UDP datagram; None for a keep-alive of CRLF or NUL. Raises `BadMessage`."""
    start = _skip_keep_alive(datagram)
    if start == len(datagram):
        return None
    end = datagram.find(b"\r\n\r\n", start)
    if end < 0:
        head = _Head(datagram[start:])
        raise head.bad("No empty line after the headers")
    head = _Head(datagram[start:end])
    body = datagram[end + 4 :]
    length = head.content_length()
    if length is not None and length != len(body):
        if length > len(body):
            raise head.bad("Content-Length is longer than the datagram")
        body = body[:length]
    return head.message(body)


class StreamParser:
    """Messages out of a TCP stream, framed by Content-Length (RFC 3261 18.3).

    Once ``broken`` the stream has lost its framing: the connection must be closed, and what is
    fed further is ignored. The same bytes give the same messages however they are cut.
    """

    def __init__(self, *, max_head: int = MAX_HEAD, max_body: int = MAX_BODY) -> None:
        self.broken = False
        self._max_head = max_head
        self._max_body = max_body
        self._buffer = bytearray()
        self._searched = 0
        self._head: _Head | None = None
        self._length = 0

    def feed(self, received: bytes) -> list[Message | BadMessage]:
        """Take what the socket gave; return the messages that are now complete, bad ones among them."""
        if self.broken:
            return []
        self._buffer += received
        out: list[Message | BadMessage] = []
        try:
            while (message := self._next()) is not None:
                out.append(message)
        except BadMessage as bad:
            self.broken = True
            self._buffer.clear()
            out.append(bad)
        return out

    def _next(self) -> Message | BadMessage | None:
        if self._head is None and not self._read_head():
            return None
        if self._head is None or len(self._buffer) < self._length:
            return None
        head, body = self._head, bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._head = None
        try:
            return head.message(body)
        except BadMessage as bad:
            return bad

    def _read_head(self) -> bool:
        if self._buffer[:1] in _KEEP_ALIVE:
            del self._buffer[: _skip_keep_alive(self._buffer)]
        end = self._buffer.find(b"\r\n\r\n", max(0, self._searched - 3), self._max_head + 4)
        if end < 0:
            if len(self._buffer) >= self._max_head + 4:
                raise BadMessage(None, "Headers too long for a stream")
            self._searched = len(self._buffer)
            return False
        head = _Head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._searched = 0
        if not head.is_sip:
            raise head.bad("Not SIP")
        length = head.content_length()
        if length is None and "Content-Type" in head.headers:
            raise head.bad("Missing Content-Length")
        if length is not None and length > self._max_body:
            raise head.bad("Body too long", status=513)
        self._head, self._length = head, length or 0
        return True


def make_response(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Response:
    """Build a response as RFC 3261 8.2.6 asks, also for a request that `BadMessage` carries.

    *to_tag* is added to a To that has none (never for 100). Record-Route is copied where a
    dialog may come of it (101-299, RFC 3261 12.1.1), Timestamp into a 100.
    """
    response = Response(status=status, reason=REASONS.get(status, "") if reason is None else reason, body=body)
    copied = ["Via", "Record-Route"] if 100 < status < 300 else ["Via"]
    copied += ["From", "To", "Call-ID", "CSeq"]
    if status == 100:
        copied.append("Timestamp")
    for name in copied:
        for value in request.headers.lines(name):
            response.headers.add(name, value)
    if to_tag and status > 100:
        _tag_to(response.headers, to_tag)
    for name, value in headers:
        response.headers.add(name, value)
    if content_type:
        response.headers.set("Content-Type", content_type)
    return response


def _tag_to(headers: Headers, tag: str) -> None:
    """Put *tag* behind a To without one, and leave the rest of the line as its sender wrote it."""
    value = headers.get("To")
    if value is None:
        return
    try:
        has_tag = NameAddr.parse(value).tag is not None
    except ValueError:
        return
    if not has_tag:
        headers.set("To", f"{value};tag={tag}")


class _Head:
    """Start line and headers of one message, before it is known whether they will do."""

    def __init__(self, raw: bytes) -> None:
        text = from_wire(raw)
        self.problem = ""
        if "\r\n " in text or "\r\n\t" in text:
            text = _fold.sub(" ", text)
        lines = text.split("\r\n")
        breaks = len(lines) - 1
        if text.count("\r") != breaks or text.count("\n") != breaks:
            self.problem = "Stray line break in the headers"
            lines = _stray_break.sub(" ", text).split("\r\n")
        self.start_line = lines[0]
        fields: list[tuple[str, str, str]] = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            try:
                key, full = header_name(name.rstrip(LWS))
            except ValueError:
                continue  # RFC 3261 8.2.2: what is malformed and not needed is ignored.
            if colon:
                fields.append((key, full, value.strip(LWS)))
        self.fields = fields
        self.headers = Headers.of_fields(fields)
        self.is_response = self.start_line[:4].upper() == "SIP/"
        self.is_sip = self.is_response or " SIP/" in self.start_line.upper()

    def bad(self, reason: str, status: int = 400) -> BadMessage:
        """Refuse this message, if it can be refused at all."""
        method, _, rest = self.start_line.rstrip(LWS).partition(" ")
        uri, _, version = rest.rpartition(" ")
        if self.is_response or not is_token(method) or version[:4].upper() != "SIP/":
            return BadMessage(None, reason)
        request = Request(method=method, uri=uri, headers=self.headers)
        return BadMessage(None if method == "ACK" else status, reason, request)

    def content_length(self) -> int | None:
        """Return Content-Length; what is no number, or two different ones, loses the framing."""
        values = {value for key, _, value in self.fields if key == "content-length"}
        if not values:
            return None
        value = values.pop()
        if values or not (value.isascii() and value.isdigit() and len(value) < 20):
            raise self.bad("Malformed Content-Length")
        return int(value)

    def message(self, body: bytes) -> Message:
        """Return the message, if it is one."""
        if self.is_response:
            return self._response(body)
        return self._request(body)

    def _response(self, body: bytes) -> Response:
        found = _status_line(self.start_line)
        if not found or found[1].upper() != VERSION or not 100 <= int(found[2][:4]) <= 699 or len(found[2]) != 3:
            raise self.bad("Malformed status line")
        self._check()
        return Response(status=int(found[2]), reason=readable(found[3] or ""), headers=self.headers, body=body)

    def _request(self, body: bytes) -> Request:
        parts = self.start_line.split(" ")
        if _version(parts[-1]) and parts[-1].upper() != VERSION:
            raise self.bad("Version Not Supported", status=505)
        if len(parts) != 3 or not is_token(parts[0]) or parts[2].upper() != VERSION:
            raise self.bad("Malformed request line")
        method, uri, _ = parts
        try:
            if charset_of(uri) != "utf-8":
                raise BadAddress("not UTF-8")
            if Uri.parse(uri).headers:
                raise BadAddress("it carries headers")
        except BadAddress as error:
            raise self.bad(f"Malformed Request-URI: {error}") from error
        if self._check() != method:
            raise self.bad("CSeq method does not match the request")
        return Request(method=method, uri=uri, headers=self.headers, body=body)

    def _check(self) -> str:
        """Hold the headers that routing and matching stand on to the grammar; return CSeq's method."""
        if self.problem:
            raise self.bad(self.problem)
        once: dict[str, str] = {}
        for key, name, value in self.fields:
            if key not in once:
                once[key] = value
            elif key in _ONCE:
                raise self.bad(f"More than one {name}")
        for key in _MANDATORY:
            if not once.get(key):
                raise self.bad(f"Missing {_FULL[key]}")
        name = "Call-ID"
        try:
            if any(sign in once["call-id"] for sign in LWS):
                raise ValueError("whitespace")
            once["call-id"].encode()
            name = "CSeq"
            method = _parse_cseq(once["cseq"])[1]
            name = "From"
            NameAddr.parse(once["from"])
            name = "To"
            NameAddr.parse(once["to"])
            name = "Via"
            _top_via(self.headers)
            name = "Max-Forwards"
            hops = "70" if self.is_response else once.get("max-forwards", "70")
            if not (hops.isascii() and hops.isdigit() and len(hops) < 10 and int(hops) < 256):
                raise ValueError("not a number from 0 to 255")
        except ValueError as error:
            raise self.bad(f"Malformed {name}") from error
        return method


def _skip_keep_alive(received: bytes | bytearray) -> int:
    """Return where the first message may begin: behind CR, LF and NUL."""
    return len(received) - len(received.lstrip(_KEEP_ALIVE))


def _parse_cseq(value: str) -> tuple[int, str]:
    found = _cseq(value)
    if not found or not is_token(found[2]):
        raise ValueError("malformed CSeq")
    digits = found[1].lstrip("0") or "0"
    if len(digits) > 10 or int(digits) > MAX_CSEQ:
        raise ValueError("CSeq number out of range")
    return int(digits), found[2]


def _top_via(headers: Headers) -> Via:
    first = _required(headers, "Via")
    if "," in first:
        values = headers.all("Via")
        first = values[0] if values else ""
    return Via.parse(first)


def _required(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if value is None:
        raise ValueError(f"message without {name}")
    return value


def _encode(start_line: str, headers: Headers, body: bytes) -> bytes:
    if "\r" in start_line or "\n" in start_line:
        raise ValueError("line break in a start line")
    lines = [start_line]
    lines += [f"{name}: {value}" for name, value in headers if name != "Content-Length"]
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return to_wire("\r\n".join(lines)) + body
