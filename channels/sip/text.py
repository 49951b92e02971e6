"""The text of a SIP message: UTF-8 by RFC 3261 7.1, GBK or worse in the field.

Inside a message text is *wire text*: the bytes decoded as UTF-8, with every byte that is not
UTF-8 kept as a lone surrogate (PEP 383). So whatever is copied from one message into another
leaves as the same bytes. Wire text that people will read, or that is stored, goes through
`readable` first.
"""

from __future__ import annotations

import re
from typing import Literal

Charset = Literal["utf-8", "gb18030", "latin-1"]

LWS = " \t"
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]"
QUOTED = r'"(?:[^"\\]++|\\.)*+"'

_is_token = re.compile(rf"{TOKEN}++", re.ASCII).fullmatch
# An unterminated quote or bracket runs to the end, so that no input is scanned twice.
_next_comma = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|<[^>]*+>?+|,', re.DOTALL)


def from_wire(raw: bytes) -> str:
    """Return *raw* as wire text."""
    return raw.decode("utf-8", "surrogateescape")


def to_wire(text: str) -> bytes:
    """Return the bytes that *text* stands for."""
    return text.encode("utf-8", "surrogateescape")


def charset_of(text: str) -> Charset:
    """Say how the bytes behind *text* are best understood: UTF-8, else GB 18030, else Latin-1."""
    if text.isascii():
        return "utf-8"
    try:
        text.encode("utf-8")
        return "utf-8"
    except UnicodeEncodeError:
        raw = to_wire(text)
    try:
        return "gb18030" if raw.decode("gb18030").encode("gb18030") == raw else "latin-1"
    except UnicodeError:
        return "latin-1"


def readable(text: str) -> str:
    """Return wire text as people read it; the result is always valid Unicode."""
    charset = charset_of(text)
    return text if charset == "utf-8" else to_wire(text).decode(charset)


def wire_text(text: str, charset: Charset) -> str:
    """Undo `readable`: return *text* as the wire text whose bytes are in *charset*."""
    return text if charset == "utf-8" else from_wire(text.encode(charset))


def is_token(text: str) -> bool:
    """Say whether *text* is a token of RFC 3261 25.1."""
    return _is_token(text) is not None


def quote(text: str) -> str:
    """Return *text* as a quoted-string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """Return what a quoted-string says; anything else is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if "\\" in text else text[1:-1]


def split_list(value: str) -> list[str]:
    """Split a header value at its commas, but not inside quotes or angle brackets.

    Empty elements are left out. GBK is understood before it is split, since the second byte of
    a character may be a backslash.
    """
    if "," not in value:
        value = value.strip(LWS)
        return [value] if value else []
    if '"' not in value and "<" not in value:
        parts = value.split(",")
    else:
        charset = charset_of(value)
        plain = value if charset == "utf-8" else to_wire(value).decode(charset)
        commas = [found.start() for found in _next_comma.finditer(plain) if found[0] == ","]
        edges = zip([0, *(at + 1 for at in commas)], [*commas, len(plain)], strict=True)
        parts = [wire_text(plain[start:end], charset) for start, end in edges]
    return [part for part in (part.strip(LWS) for part in parts) if part]
