"""Addresses in SIP: URIs (RFC 3261 19.1, RFC 3966), name-addr (20.10) and Via values (20.42).

Parsers raise BadAddress on what the grammar forbids and keep everything else as it was written:
users stay escaped, `tel:` numbers keep every digit and separator, parameter values keep their
quotes. Parameter names are folded to lower case; a parameter without "=" has the value None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_to_bytes

from channels.sip.text import (
    LWS,
    QUOTED,
    TOKEN,
    Charset,
    charset_of,
    from_wire,
    quote,
    readable,
    to_wire,
    unquote,
    wire_text,
)

Params = dict[str, str | None]
_Matcher = Callable[[str, int], "re.Match[str] | None"]

_HOST = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9._\-]++"
_SWS = r"[ \t]*+"
_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):").match
_host_port = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?", re.ASCII).fullmatch
_user = re.compile(r"[^\s<>\"@]++").fullmatch
_uri_param = re.compile(r";([^;=?\s<>\"]++)(?:=([^;=?\s<>\"]*+))?").match
_uri_headers = re.compile(r"[^\s<>\"]*+").fullmatch
_header_param = re.compile(
    rf"{_SWS};{_SWS}({TOKEN}++){_SWS}(?:={_SWS}({QUOTED}|[^;,\"\s<>]*+){_SWS})?", re.ASCII | re.DOTALL
).match
_quoted = re.compile(QUOTED, re.DOTALL).match
_via = re.compile(
    rf"SIP{_SWS}/{_SWS}2\.0{_SWS}/{_SWS}({TOKEN}++)[ \t]++({_HOST}){_SWS}(?::{_SWS}([0-9]{{1,5}}))?{_SWS}",
    re.ASCII | re.IGNORECASE,
).match
_tel = re.compile(r"\+?[0-9A-Fa-f*#.()\-]++").fullmatch


class BadAddress(ValueError):
    """What stands where an address should does not follow the grammar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """A SIP, SIPS or `tel:` URI; of any other scheme only ``scheme`` and ``opaque`` are known.

    ``user`` is the userinfo as written (still escaped, with its password if there is one); for
    `tel:` it is the number. ``host`` has no brackets around an IPv6 address and is "" where the
    scheme has none.
    """

    scheme: str = "sip"
    user: str | None = None
    host: str = ""
    port: int | None = None
    params: Params = field(default_factory=dict)
    headers: str = ""
    opaque: str = ""

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI as it stands in a request line or between angle brackets."""
        found = _scheme(text)
        if not found:
            raise BadAddress("URI without a scheme")
        scheme, rest = found[1].lower(), text[found.end() :]
        if scheme in ("sip", "sips"):
            return _parse_sip(scheme, rest)
        if scheme == "tel":
            number, semicolon, params = rest.partition(";")
            if not _tel(number):
                raise BadAddress("malformed telephone number")
            return cls(scheme=scheme, user=number, params=_uri_params(semicolon + params))
        if not rest or not _uri_headers(rest):
            raise BadAddress(f"malformed {scheme} URI")
        return cls(scheme=scheme, opaque=rest)

    @property
    def subscriber(self) -> str:
        """Whom this URI names, unescaped: the user without password, or the telephone number.

        The parameters of a number in a SIP URI (``+8612345;phone-context=...``) are left out.
        """
        if not self.user:
            return ""
        name = self.user
        if self.scheme != "tel":
            name = name.partition(":")[0]
            if name[:1] in "+0123456789*#":
                name = name.partition(";")[0]
        return readable(from_wire(unquote_to_bytes(to_wire(name)))) if "%" in name else readable(name)

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        text = f"{self.scheme}:"
        if self.scheme == "tel":
            text += self.user or ""
        else:
            text += f"{self.user}@{_bracketed(self.host)}" if self.user is not None else _bracketed(self.host)
            if self.port is not None:
                text += f":{self.port}"
        text += _params_text(self.params)
        return f"{text}?{self.headers}" if self.headers else text


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAddr:
    """The value of From, To, Contact, Route and their like: a URI with name and parameters.

    ``display`` is readable text ("" when there is none). ``charset`` remembers how it came, so
    that `str` gives back wire text with the same bytes.
    """

    display: str = ""
    uri: Uri
    params: Params = field(default_factory=dict)
    charset: Charset = "utf-8"

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Read one value, with or without angle brackets (RFC 3261 20.10)."""
        charset = charset_of(text)
        text = (text if charset == "utf-8" else readable(text)).strip(LWS)
        display, address = _split_display(text)
        if address.startswith("<"):
            uri, closed, params = address[1:].partition(">")
            if not closed:
                raise BadAddress("unbalanced angle brackets")
            uri = uri.strip(LWS)
        else:
            uri, semicolon, params = address.partition(";")
            uri, params = uri.rstrip(LWS), semicolon + params
            if "," in uri or "?" in uri:
                raise BadAddress("a URI with comma or question mark needs angle brackets")
        return cls(display=display, uri=Uri.parse(uri), params=_header_params(params), charset=charset)

    @property
    def tag(self) -> str | None:
        """The dialog tag, None where there is none."""
        return self.params.get("tag")

    def with_tag(self, tag: str) -> NameAddr:
        """Return this address with its tag set."""
        return replace(self, params={**self.params, "tag": tag})

    def __str__(self) -> str:
        name = f"{quote(self.display)} " if self.display else ""
        return wire_text(f"{name}<{self.uri}>{_params_text(self.params)}", self.charset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """One hop of a message's way. ``transport`` is in capitals, ``host`` has no brackets."""

    transport: str
    host: str
    port: int | None = None
    params: Params = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read one Via value."""
        found = _via(text.strip(LWS))
        if not found:
            raise BadAddress("malformed sent-protocol or sent-by")
        transport, host, port = found.groups()
        return cls(
            transport=transport.upper(),
            host=_unbracketed(host),
            port=_port(port),
            params=_header_params(found.string[found.end() :]),
        )

    @property
    def branch(self) -> str | None:
        """The transaction's branch, None from a peer older than RFC 3261."""
        return self.params.get("branch")

    @property
    def sent_by(self) -> str:
        """Host and port as written, for comparison."""
        return _bracketed(self.host) + (f":{self.port}" if self.port is not None else "")

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{_params_text(self.params)}"


def _parse_sip(scheme: str, rest: str) -> Uri:
    user, at, rest = rest.rpartition("@")
    if at and not _user(user):
        raise BadAddress("malformed user")
    rest, question, headers = rest.partition("?")
    if question and not (headers and _uri_headers(headers)):
        raise BadAddress("malformed URI headers")
    host_port, semicolon, params = rest.partition(";")
    found = _host_port(host_port)
    if not found:
        raise BadAddress("malformed host or port")
    return Uri(
        scheme=scheme,
        user=user if at else None,
        host=_unbracketed(found[1]),
        port=_port(found[2]),
        params=_uri_params(semicolon + params) if semicolon else {},
        headers=headers,
    )


def _split_display(text: str) -> tuple[str, str]:
    """Part a display name from the address behind it."""
    if text.startswith('"'):
        found = _quoted(text)
        address = text[found.end() :].lstrip(LWS) if found else ""
        if not found or not address.startswith("<"):
            raise BadAddress("unbalanced quotes")
        return unquote(found[0]), address
    display, bracket, _ = text.partition("<")
    if not bracket or ":" in display or ";" in display:
        return "", text
    display = display.strip(LWS)
    if "," in display or '"' in display:
        raise BadAddress("a display name with comma or quote needs quotes")
    return display, text[text.index("<") :]


def _uri_params(text: str) -> Params:
    return _collect(_uri_param, text)


def _header_params(text: str) -> Params:
    return _collect(_header_param, text.strip(LWS))


def _collect(match: _Matcher, text: str) -> Params:
    params: Params = {}
    at = 0
    while at < len(text):
        found = match(text, at)
        if not found:
            raise BadAddress("malformed parameter")
        name, value = found.groups()
        params.setdefault(name.lower(), value)
        at = found.end()
    return params


def _params_text(params: Params) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params.items())


def _port(digits: str | None) -> int | None:
    if digits is None:
        return None
    port = int(digits)
    if port > 65535:
        raise BadAddress("port above 65535")
    return port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _unbracketed(host: str) -> str:
    return host[1:-1] if host[0] == "[" else host
