"""What was written by a machine, and must neither open a ticket nor be answered (RFC 3834, RFC 3464, RFC 8098)."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A machine's word about the message ``message_id``; ``reason`` is its status code and its words."""

    message_id: str
    outcome: Outcome
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
_ACTIONS = {"failed": Outcome.FAILED, "delivered": Outcome.DELIVERED, "relayed": Outcome.DELIVERED}
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
    if _SUBJECT.match(subject) or headers.raw("x-autoreply") or headers.raw("x-autorespond"):
        return Automatic.OUT_OF_OFFICE
    submitted = headers.token("auto-submitted")
    precedence = headers.token("precedence")
    if submitted.startswith("auto-replied") or precedence == "auto_reply":
        return Automatic.OUT_OF_OFFICE if report != "delivery-status" else Automatic.BOUNCE
    if (
        is_report
        or _AUTOMATIC_SENDERS.match(sender)
        or (sender.startswith("postmaster@") and _RETURNED.match(subject))
        or headers.raw("x-failed-recipients")
    ):
        return Automatic.BOUNCE
    if envelope_from == "" or headers.raw("return-path") == "<>":
        return Automatic.BOUNCE if _RETURNED.match(subject) or headers.ids("references") else Automatic.GENERATED
    if headers.raw("list-id") or headers.raw("list-post"):
        return Automatic.LIST
    if precedence in ("bulk", "list", "junk"):
        return Automatic.BULK
    if submitted and submitted != "no":
        return Automatic.GENERATED
    return None


def notices(message: Message, kind: Automatic | None, original: bytes) -> Iterator[Notice]:
    """Yield what a bounce or receipt says, and about which message ids; our own are for the caller to tell.

    A bounce without the standard's parts names its message in a copy of its header, or in References.
    """
    if kind not in (Automatic.BOUNCE, Automatic.RECEIPT):
        return
    headers = Headers(message)
    outcome: Outcome | None = Outcome.READ if kind is Automatic.RECEIPT else Outcome.FAILED
    reason = ""
    named: dict[str, None] = {}
    for part in message.walk():
        inner = Headers(part)
        type_ = inner.token("content-type")
        if type_ == "message/delivery-status":
            outcome, reason = _status(part)
        elif type_ == "message/disposition-notification":
            fields = _fields(_inside(part))
            named.update(dict.fromkeys(re.findall(r"<([^<>\s]+)>", fields.get("original-message-id", ""))))
            if "displayed" not in fields.get("disposition", "").lower():
                return
        elif type_ == "text/rfc822-headers":
            found = _IDS.findall(content_of(part, inner))
            named.update((each.decode("utf-8", "replace"), None) for each in found)
        elif part is not message:
            named.update(dict.fromkeys(inner.ids("message-id")))
    if outcome is None:
        return
    named.update(dict.fromkeys([*headers.ids("in-reply-to"), *headers.ids("references")]))
    body = original.partition(b"\r\n\r\n")[2] or original.partition(b"\n\n")[2]
    named.update((each.decode("utf-8", "replace"), None) for each in _IDS.findall(body[:200_000]))
    for message_id in named:
        yield Notice(message_id=one_line(message_id), outcome=outcome, reason=one_line(reason))


def _status(part: Message) -> tuple[Outcome | None, str]:
    """Return the worst that a delivery status says (RFC 3464 2.3); no outcome for a mere delay."""
    found: list[tuple[Outcome | None, str]] = []
    for block in re.split(r"\r?\n[ \t]*\r?\n", _inside(part)):
        fields = _fields(block)
        if action := fields.get("action", "").lower():
            status, said = fields.get("status", ""), fields.get("diagnostic-code", "")
            found.append((_ACTIONS.get(action), f"{status} {said}".strip()[:300]))
    return next((each for each in found if each[0] is Outcome.FAILED), found[0] if found else (Outcome.FAILED, ""))


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
