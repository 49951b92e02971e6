"""A message as its octets (RFC 5322) read into a `Mail`: who wrote, what, about which earlier message, by hand or not.

Reading never fails: what cannot be parsed is shown as text, and the octets are kept beside it by the caller.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32

from channels.mail.automatic import Automatic, Notice, kind_of, notice_of
from channels.mail.body import Body, File, body_of, clean
from channels.mail.charset import decode
from channels.mail.headers import Headers
from channels.mail.quoting import own_words

MOST_BOUNDARIES = 64
"""Boundaries that are parsed; with more the message is read as a single text: the parser tries all at every line."""
LONGEST_TEXT = 20_000
MOST_FILES = 20
"""Characters and files that are handed on; the rest is in the original, and a remark says so."""
ONLY_FILES, NOTHING = "（无正文，见附件）", "（空邮件）"
"""What stands for the text of a message that has none."""
HASHED = "sha256:"
"""What an external id begins with that is made from the content."""

_TICKET = re.compile(r"[\[【\uff3b]\s*(\d{8}-\d{6}-\d{4})\s*[\]】\uff3d]")
_ANSWER = re.compile(r"^\s*(?:re|答复|回复|回覆|答覆)\s*(?:\[\d{1,3}\])?\s*[:：]", re.IGNORECASE)
_FORWARDED = re.compile(r"^\s*(?:fw|fwd|转发|轉寄|轉發)\s*[:：]", re.IGNORECASE)
_PREFIX = re.compile(
    r"^\s*(?:re|fw|fwd|答复|回复|回覆|答覆|转发|轉寄|轉發)\s*(?:\[\d{1,3}\])?\s*[:：]\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message that was read.

    ``external_id`` is its Message-ID without brackets, or a hash where it has none; ``has_id`` tells which, ``sent_at``
    is its Date. ``senders`` counts the addresses it claims to be from. ``answers`` are message ids, nearest first;
    ``ticket`` is the number in the subject. ``remarks`` name what was odd.
    """

    external_id: str
    has_id: bool
    sender: str
    sender_name: str
    senders: int
    reply_to: str
    addressee: str
    subject: str
    sent_at: datetime | None
    text: str
    answers: tuple[str, ...]
    ticket: str
    files: tuple[File, ...]
    automatic: Automatic | None
    notice: Notice | None
    remarks: tuple[str, ...]


def read(octets: bytes, *, envelope_from: str | None = None, own_token: str = "") -> Mail:
    """Read *octets*, a whole message. *envelope_from* is the reverse path, None where nobody knows it."""
    try:
        return _read(octets, _parsed(octets), envelope_from, own_token)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        # What the standard library's parser makes of some messages it cannot handle itself; their header it can.
        return _read(octets, _without_body(octets), envelope_from, own_token, "unparsable")


def bare_subject(subject: str) -> str:
    """Return *subject* without the marks of answers and without ticket numbers."""
    subject = _TICKET.sub("", subject).strip()
    while match := _PREFIX.match(subject):
        subject = subject[match.end() :]
    return re.sub(r"\s{2,}", " ", subject).strip()


def _parsed(octets: bytes) -> Message:
    if octets.count(b"oundary") > MOST_BOUNDARIES or octets.count(b"OUNDARY") > MOST_BOUNDARIES:
        raise ValueError("too many boundaries")
    if octets.startswith((b"From ", b">From ")):  # the first line of a message in an mbox
        octets = octets.partition(b"\n")[2]
    return BytesParser(policy=compat32).parsebytes(octets)


def _without_body(octets: bytes) -> Message:
    """Return the header, and the body as one text."""
    message: Message = BytesHeaderParser(policy=compat32).parsebytes(octets)
    for name in ("Content-Type", "Content-Transfer-Encoding"):
        del message[name]
    return message


def _read(octets: bytes, message: Message, envelope_from: str | None, own_token: str, *remarks: str) -> Mail:
    headers = Headers(message)
    name, sender = headers.mailbox("from")
    remark = set(remarks)
    if not sender:
        remark.add("no_from")
        name, sender = _fallback(headers, name, envelope_from)
    ids = headers.ids("message-id")
    kind = kind_of(headers, sender, envelope_from, own_token)
    subject = headers.text("subject")
    answers = _answers(headers)
    is_answer = not _FORWARDED.match(subject) and bool(answers or _ANSWER.match(subject))
    body = body_of(message, headers, is_answer=is_answer)
    text = own_words(body.text, is_answer=is_answer) or subject
    if not text:
        text = ONLY_FILES if body.files else _last_resort(octets)
    if len(text) > LONGEST_TEXT or len(body.files) > MOST_FILES:
        text, remark = text[:LONGEST_TEXT], remark | {"more_in_original"}
    sent_at = headers.moment("date")
    if sent_at is None:
        remark.add("no_date")
    ticket = _TICKET.search(subject)
    return Mail(
        external_id=ids[0] if ids else _hash(headers, octets),
        has_id=bool(ids),
        sender=sender,
        sender_name=name[:200],
        senders=max(headers.count("from"), headers.mailboxes("from")),
        reply_to=headers.mailbox("reply-to")[1],
        addressee=headers.mailbox("to")[1],
        subject=subject[:500],
        sent_at=sent_at,
        text=text,
        answers=answers,
        ticket=ticket[1] if ticket else "",
        files=tuple(body.files[:MOST_FILES]),
        automatic=kind,
        notice=notice_of(message, kind, octets),
        remarks=tuple(sorted(remark | _defects(body))),
    )


def _fallback(headers: Headers, name: str, envelope_from: str | None) -> tuple[str, str]:
    for field in ("sender", "reply-to"):
        if (found := headers.mailbox(field))[1]:
            return name or found[0], found[1]
    return name, (envelope_from or "").lower()


def _answers(headers: Headers) -> tuple[str, ...]:
    """Return the ids that a message follows: In-Reply-To, then References from its end (RFC 5322 3.6.4)."""
    return tuple(dict.fromkeys([*headers.ids("in-reply-to"), *reversed(headers.ids("references"))]))[:20]


def _hash(headers: Headers, octets: bytes) -> str:
    """Return an id made of what stays the same on every way that a message may take to us."""
    body = re.split(rb"\r?\n\r?\n", octets, maxsplit=1)[-1]
    parts = [*headers.octets("from", "date", "subject"), body.replace(b"\r\n", b"\n").rstrip(b"\n")]
    return HASHED + hashlib.sha256(b"\x00".join(parts)).hexdigest()


def _last_resort(octets: bytes) -> str:
    text = clean(decode(octets[:20_000])).strip()
    return text or NOTHING


def _defects(body: Body) -> set[str]:
    return body.remarks | ({"unreadable_characters"} if "�" in body.text else set())
