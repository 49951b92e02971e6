"""What was written by a machine, and must neither open a ticket nor be answered (RFC 3834, RFC 3464, RFC 8098)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from enum import Enum

from channels.mail.body import content_of
from channels.mail.headers import Headers, one_line

MOST_HOPS = 50
"""Received fields from which a message is taken for one that goes round in circles (RFC 5321 6.3)."""
LOOP_FIELD = "x-loop"


class Automatic(Enum):
    """Kinds of automatic mail, as they are counted and logged."""

    LOOP = "loop"
    BOUNCE = "bounce"
    RECEIPT = "receipt"
    OUT_OF_OFFICE = "out_of_office"
    LIST = "list"
    BULK = "bulk"
    GENERATED = "generated"


class Outcome(Enum):
    """What a notice says of a message."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A machine's word about a message: one of ``about``, the likeliest first; ``reason`` is its code and its words."""

    outcome: Outcome
    about: tuple[str, ...] = ()
    reason: str = ""


_SUBJECT = re.compile(
    r"^\s*[\[【(]?\s*"
    r"(?:自动回复|自動回覆|自动答复|自动应答|Auto(?:matic)?[- ]?(?:reply|response)|Out of(?: the)? office)"
    r"\s*[\]】)]?\s*(?:[:：]|$)",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"^\s*(?:系统退信|系統退信|退信通知|退信|邮件退回|Undeliver(?:able|ed)|Delivery (?:Status Notification|failure)|"
    r"Returned mail|Mail delivery failed|failure notice)",
    re.IGNORECASE,
)
_AUTOMATIC_SENDERS = re.compile(r"^(?:mailer-daemon|mail-daemon|mdaemon)(?:@|$)")
_ACTIONS = {
    "failed": Outcome.FAILED,
    "delayed": Outcome.DELAYED,
    "delivered": Outcome.DELIVERED,
    "relayed": Outcome.DELIVERED,
    "expanded": Outcome.DELIVERED,
}
_IDS = re.compile(rb"(?im)^message-id:[ \t]*(?:\r?\n[ \t]+)?<([^<>\s]{1,998})>")


def kind_of(headers: Headers, sender: str, envelope_from: str | None, own_token: str) -> Automatic | None:
    """Say what kind of machine wrote a message; None for a person.

    *envelope_from* is ``""`` for the empty reverse path, and None where nobody knows. *own_token* is what our own
    messages carry in ``X-Loop``.
    """
    if own_token in headers.all(LOOP_FIELD) or headers.count("received") > MOST_HOPS:
        return Automatic.LOOP
    is_report = headers.token("content-type") == "multipart/report"
    report = headers.parameters("content-type").get("report-type", "").lower() if is_report else ""
    if report == "disposition-notification":
        return Automatic.RECEIPT
    subject = headers.text("subject")
    if (
        is_report
        or _AUTOMATIC_SENDERS.match(sender)
        or (sender.startswith("postmaster@") and _RETURNED.match(subject))
        or headers.raw("x-failed-recipients")
    ):
        return Automatic.BOUNCE
    submitted, precedence = headers.token("auto-submitted"), headers.token("precedence")
    if (
        _SUBJECT.match(subject)
        or submitted == "auto-replied"
        or precedence == "auto_reply"
        or headers.raw("x-autoreply")
        or headers.raw("x-autorespond")
    ):
        return Automatic.OUT_OF_OFFICE
    if envelope_from == "" or headers.raw("return-path") == "<>":
        return Automatic.BOUNCE if _RETURNED.match(subject) or headers.ids("references") else Automatic.GENERATED
    if headers.raw("list-id") or headers.raw("list-post"):
        return Automatic.LIST
    if precedence in ("bulk", "list", "junk"):
        return Automatic.BULK
    if submitted and submitted != "no":
        return Automatic.GENERATED
    return None


def notice_of(message: Message, kind: Automatic | None, original: bytes) -> Notice | None:
    """Return what a bounce or a receipt says; None for anything else, and for a receipt that says nothing.

    A bounce without the standard's parts names its message in a copy of its header, or in what it answers.
    """
    if kind not in (Automatic.BOUNCE, Automatic.RECEIPT):
        return None
    headers = Headers(message)
    outcome, reason = (Outcome.READ, "") if kind is Automatic.RECEIPT else (Outcome.FAILED, "")
    about: list[str] = []
    for part in message.walk():
        inner = Headers(part)
        type_ = inner.token("content-type")
        if type_ == "message/delivery-status":
            outcome, reason = _status(part)
        elif type_ == "message/disposition-notification":
            fields = _fields(_inside(part))
            about += re.findall(r"<([^<>\s]+)>", fields.get("original-message-id", ""))
            if "displayed" not in fields.get("disposition", "").lower():
                return None
        elif type_ == "text/rfc822-headers":
            about += _ids_in(content_of(part, inner))
        elif part is not message:
            about += inner.ids("message-id")
    body = original.partition(b"\r\n\r\n")[2] or original.partition(b"\n\n")[2]
    about += [*_ids_in(body[:200_000]), *headers.ids("in-reply-to"), *reversed(headers.ids("references"))]
    return Notice(outcome=outcome, about=tuple(dict.fromkeys(map(one_line, about))), reason=one_line(reason))


def _ids_in(octets: bytes) -> list[str]:
    return [found.decode("utf-8", "replace") for found in _IDS.findall(octets)]


def _status(part: Message) -> tuple[Outcome, str]:
    """Return the worst that a delivery status says of a recipient (RFC 3464 2.3)."""
    found: list[tuple[Outcome, str]] = []
    for block in re.split(r"\r?\n[ \t]*\r?\n", _inside(part)):
        fields = _fields(block)
        if (outcome := _ACTIONS.get(fields.get("action", "").lower())) is not None:
            found.append((outcome, f"{fields.get('status', '')} {fields.get('diagnostic-code', '')}".strip()[:300]))
    failed = (each for each in found if each[0] is Outcome.FAILED)
    return next(failed, found[0] if found else (Outcome.FAILED, ""))


def _inside(part: Message) -> str:
    if not part.is_multipart():
        return content_of(part, Headers(part)).decode("utf-8", "replace")
    blocks = part.get_payload()
    if not isinstance(blocks, list):
        return ""
    messages = [block for block in blocks if isinstance(block, Message)]
    text = "\n\n".join("\n".join(f"{name}: {value}" for name, value in each.raw_items()) for each in messages)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _fields(text: str) -> dict[str, str]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", text)
    pairs = (line.partition(":") for line in unfolded.splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}
