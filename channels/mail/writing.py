"""What goes out, as octets (RFC 5322): threaded under what it answers, and marked so that no machine answers it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from channels.mail.automatic import LOOP_FIELD
from channels.mail.body import File
from channels.mail.headers import one_line
from channels.mail.reading import HASHED, bare_subject

MOST_REFERENCES = 12
SUBJECT_LIMIT = 120

_ID = re.compile(r"[!-;=?-~]{1,900}")
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be written. ``sender`` and ``to`` are mailboxes; ``answers`` are message ids, the nearest first.

    ``subject`` is that of the conversation, ``ticket`` its number; ``message_id`` has no brackets.
    """

    message_id: str
    sender: str
    sender_name: str
    to: str
    subject: str
    ticket: str
    text: str
    answers: Sequence[str]
    files: Sequence[File]
    loop_token: str


def written(draft: Draft, date: datetime) -> bytes:
    """Return the message. Raises `ValueError` for an address that is none."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(draft.sender, draft.sender_name)
    message["To"] = _address(draft.to)
    message["Subject"] = _subject(draft)
    message["Date"] = format_datetime(date)
    message["Message-ID"] = f"<{draft.message_id}>"
    known = [each for each in draft.answers if _ID.fullmatch(each) and not each.startswith(HASHED)]
    if known:
        message["In-Reply-To"] = f"<{known[0]}>"
        message["References"] = " ".join(f"<{each}>" for each in reversed(known[:MOST_REFERENCES]))
    message["Auto-Submitted"] = "auto-replied" if draft.answers else "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message[LOOP_FIELD.title()] = draft.loop_token
    message.set_content(draft.text, charset="utf-8", cte="base64")
    for file in draft.files:
        main, _, sub = file.declared_type.partition("/")
        if main in ("multipart", "message") or not sub:
            main, sub = "application", "octet-stream"
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=one_line(file.name) or "file")
    return message.as_bytes()


def _address(mailbox: str, name: str = "") -> Address:
    user, at, domain = mailbox.rpartition("@")
    if not at or not user or not domain or not mailbox.isprintable() or " " in mailbox:
        raise ValueError("no mailbox")
    return Address(one_line(name), user, domain)


def _subject(draft: Draft) -> str:
    subject = bare_subject(one_line(draft.subject))[:SUBJECT_LIMIT]
    ticket = f"[{draft.ticket}]" if draft.ticket else ""
    if not subject:
        return f"{one_line(draft.sender_name)} {ticket}".strip()
    return f"{'Re: ' if draft.answers else ''}{subject} {ticket}".strip()
