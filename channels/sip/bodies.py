"""Session descriptions and digits in the bodies of SIP messages (RFC 3261 7.4, RFC 5621)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import SMTP

from channels.sip.message import Message
from channels.sip.sdp import BadDescription, SessionDescription

SDP = "application/sdp"
DTMF_RELAY = "application/dtmf-relay"
DTMF = "application/dtmf"

# Some gateways write the event numbers of RFC 4733 for the keys beyond 9.
_EVENTS = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_signal = re.compile(r"^\s*Signal\s*=\s*(1[0-5]|[0-9*#A-Da-d])\s*$", re.MULTILINE).search
_digit = re.compile(r"\s*([0-9*#A-Da-d])\s*").fullmatch


BOUNDARY = "jiesu-part"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """One part of a multipart body. With a disposition it need not be understood (RFC 3261 20.11)."""

    kind: str
    octets: bytes
    content_id: str = ""
    disposition: str = ""


class UnusableBody(Exception):
    """A body that a request cannot be served with; ``status`` is what to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def content_type(message: Message) -> str:
    """Return the media type without parameters, in lower case; "" when there is none."""
    return (message.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def description_of(message: Message) -> SessionDescription | None:
    """Return the session description a message carries, alone or in a multipart body; None if it has no body.

    Raises UnusableBody: 415 for another kind of body, 400 for a malformed description.
    """
    if not message.body:
        return None
    if (message.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise UnusableBody(415, "Content-Encoding is not supported")
    kind = content_type(message)
    if kind == SDP:
        body: bytes | None = message.body
    elif kind.startswith("multipart/"):
        body = _part(message, SDP)
    else:
        body = None
    if body is None:
        raise UnusableBody(415, "Unsupported Media Type")
    try:
        return SessionDescription.parse(body)
    except BadDescription as error:
        raise UnusableBody(400, f"Bad session description: {error}") from error


def multipart(parts: Sequence[BodyPart]) -> tuple[str, bytes]:
    """Return the Content-Type and the octets of a body of several parts (RFC 2046 5.1)."""
    boundary = BOUNDARY
    while any(boundary.encode() in part.octets for part in parts):
        boundary += "-"
    body = b"".join(f"--{boundary}\r\n".encode() + _written(part) + b"\r\n" for part in parts)
    return f'multipart/mixed;boundary="{boundary}"', body + f"--{boundary}--\r\n".encode()


def part_of(message: Message, kind: str) -> bytes | None:
    """Return the body, or the part of a multipart body, that is of this media type."""
    own = content_type(message)
    if own == kind.lower():
        return message.body
    return _part(message, kind) if own.startswith("multipart/") else None


def accepts_sdp(message: Message) -> bool:
    """Whether the sender understands session descriptions: it says so, or says nothing of what it accepts."""
    if "Accept" not in message.headers:
        return True
    kinds = {value.partition(";")[0].strip().lower() for value in message.headers.all("Accept")}
    return bool(kinds & {SDP, "application/*", "*/*"})


def digit_of(message: Message) -> str | None:
    """Return the DTMF digit an INFO carries, None if its body is no digit."""
    kind = content_type(message)
    text = message.body.decode("latin-1")
    if kind == DTMF_RELAY:
        found = _signal(text)
    elif kind == DTMF:
        found = _digit(text)
    else:
        return None
    return _EVENTS.get(found[1], found[1].upper()) if found else None


def _written(part: BodyPart) -> bytes:
    headers = [f"Content-Type: {part.kind}"]
    if part.content_id:
        headers.append(f"Content-ID: <{part.content_id}>")
    if part.disposition:
        headers.append(f"Content-Disposition: {part.disposition};handling=optional")
    return "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + part.octets


def _part(message: Message, kind: str) -> bytes | None:
    head = f"Content-Type: {message.headers.get('Content-Type')}\r\n\r\n".encode("utf-8", "surrogateescape")
    for part in BytesParser(policy=SMTP).parsebytes(head + message.body).walk():
        if part.get_content_type() == kind.lower():
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else None
    return None
