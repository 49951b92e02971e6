"""The body of a message (RFC 2045-2049): its text as a reader would see it, and its files.

Of alternatives the plain text is taken unless it is empty, of HTML what can be seen; every other part is a file. A part
that lies about its encoding is read as far as it goes.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from email.message import Message

from channels.mail.calendar_text import text_of_calendar
from channels.mail.charset import decode
from channels.mail.headers import Headers, base64
from channels.mail.html_text import text_of
from channels.mail.tnef import unwrapped

MOST_PARTS = 400
LONGEST_TEXT = 200_000
"""Characters of text that are looked at; all of it is in the original."""

_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
_NO_FILES = {"message/delivery-status", "message/disposition-notification", "text/rfc822-headers"}
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_UNWRITABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A part that is no text of the message: its name and type as the sender says, and its octets."""

    name: str
    declared_type: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Body:
    """What was found in a message so far. ``texts`` stand one below the other; files only where they are wanted."""

    is_answer: bool
    wants_files: bool = True
    texts: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)
    parts: int = 0

    @property
    def text(self) -> str:
        """All texts, in their order."""
        return clean("\n\n".join(text.strip("\r\n") for text in self.texts if text.strip()))


def body_of(message: Message, headers: Headers, *, is_answer: bool) -> Body:
    """Read the body of *message*, which has *headers*. What was odd is among the ``remarks``."""
    body = Body(is_answer)
    _read(message, headers, body)
    return body


def clean(text: str) -> str:
    """Return *text* with plain line ends, without characters that nobody sees, and not too long."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWRITABLE.sub("", text[:LONGEST_TEXT]).strip("\n")


def content_of(part: Message, headers: Headers) -> bytes:
    """Return the octets of a part, its transfer encoding undone."""
    encoding = headers.token("content-transfer-encoding")
    del part["Content-Transfer-Encoding"]
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    if encoding == "base64":
        return base64(octets)
    if encoding in ("quoted-printable", "quotedprintable"):
        return binascii.a2b_qp(octets)
    return octets


def _read(part: Message, headers: Headers, body: Body) -> None:
    body.parts += 1
    if body.parts > MOST_PARTS:
        body.remarks.add("too_many_parts")
        return
    kind = headers.token("content-type") or "text/plain"
    if kind.startswith("message/") and part.is_multipart():
        _read_enclosed(part, kind, headers, body)
    elif part.is_multipart():
        _read_group(part, kind, body)
    elif kind not in _SIGNATURES:
        _read_leaf(part, kind, headers, body)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _read_group(part: Message, kind: str, body: Body) -> None:
    if kind != "multipart/alternative":
        for child in _children(part):
            _read(child, Headers(child), body)
        return
    readings: list[tuple[bool, str]] = []
    for child in _children(part):
        one = Body(body.is_answer, body.wants_files, parts=body.parts)
        _read(child, Headers(child), one)
        body.parts, body.remarks = one.parts, body.remarks | one.remarks
        body.files += one.files
        if one.text.strip():
            readings.append((Headers(child).token("content-type") in ("text/plain", ""), one.text))
    if readings:
        body.texts.append(next((text for is_plain, text in readings if is_plain), readings[0][1]))


def _read_enclosed(part: Message, kind: str, headers: Headers, body: Body) -> None:
    """Keep a message within a message as a file; its words count where the outer one says nothing."""
    if kind not in ("message/rfc822", "message/global") or not body.wants_files:
        return
    inner = _children(part)[0]
    inner_headers = Headers(inner)
    subject = inner_headers.text("subject")
    name = _file_name(headers) or f"{subject[:80] or 'message'}.eml"
    body.files.append(File(name=name, declared_type=kind, content=_octets(inner)))
    if not body.text.strip():
        inside = Body(is_answer=False, wants_files=False, parts=body.parts)
        _read(inner, inner_headers, inside)
        body.texts.append("\n".join(each for each in (subject, inside.text) if each))


def _octets(message: Message) -> bytes:
    try:
        return message.as_bytes(unixfrom=False)
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return message.as_string().encode("utf-8", "surrogateescape")


def _read_leaf(part: Message, kind: str, headers: Headers, body: Body) -> None:
    name = _file_name(headers)
    if kind in _NO_FILES:
        return
    parameters = headers.parameters("content-type")
    content = content_of(part, headers)
    is_wrapper = kind == "application/ms-tnef" or name.lower() == "winmail.dat"
    if is_wrapper and (wrapped := unwrapped(content)) is not None:
        body.remarks.add("tnef")
        if not body.text.strip():
            body.texts.append(wrapped.text or text_of(wrapped.html, is_answer=body.is_answer))
        body.files += [File(name=name, declared_type="", content=inside) for name, inside in wrapped.files]
        return
    is_shown = headers.token("content-disposition") != "attachment" and not name
    charset = parameters.get("charset", "")
    if kind == "text/calendar":
        body.files.append(File(name=name or "invite.ics", declared_type=kind, content=content))
        if not body.text.strip() and (said := text_of_calendar(decode(content, charset))):
            body.texts.append(said)
    elif is_shown and kind == "text/html":
        if not charset and (match := _CHARSET.search(content[:2048])):
            charset = match[1].decode("ascii")
        body.texts.append(text_of(decode(content, charset), is_answer=body.is_answer))
    elif is_shown and (kind.startswith(("text/plain", "multipart/")) or "/" not in kind):
        text = decode(content, charset)
        body.texts.append(_unflowed(text, parameters) if parameters.get("format", "").lower() == "flowed" else text)
    elif is_shown and kind == "text/enriched":
        body.texts.append(re.sub(r"<[^<>]{0,100}>", "", decode(content, charset)))
    elif content.strip() or name:
        body.files.append(File(name=name, declared_type=kind, content=content))


def _file_name(headers: Headers) -> str:
    name = headers.parameters("content-disposition").get("filename", "")
    name = name or headers.parameters("content-type").get("name", "")
    return re.split(r"[\\/]", clean(name))[-1][:200].strip()


def _unflowed(text: str, parameters: dict[str, str]) -> str:
    """Join the lines that format=flowed broke (RFC 3676 4)."""
    out: list[str] = []
    open_line = False
    for line in text.replace("\r\n", "\n").split("\n"):
        line = line[1:] if line.startswith(" ") else line
        flows = line.endswith(" ") and line != "-- "
        if flows and parameters.get("delsp", "").lower() == "yes":
            line = line[:-1]
        if open_line and not line.startswith(">"):
            out[-1] += line
        else:
            out.append(line)
        open_line = flows and not line.startswith(">")
    return "\n".join(out)
