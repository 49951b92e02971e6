"""The way out: to a smarthost over SMTP (RFC 5321, 6409) by aiosmtplib, signed with DKIM where there is a key.

A message that is sent twice has the same Message-ID, so that mailboxes which look for repetitions find them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib
import dkim
import structlog

from channels.mail.body import File
from channels.mail.identity import Identity
from channels.mail.writing import Draft, written
from gateway.domain.contact import Attachment
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock
from gateway.ports.intake import Files, OutgoingMessage

LARGEST_FILES = 20 * 1024 * 1024
"""Octets of files that go with one message: what most mailboxes take, once base64 has made a third more of them."""
SIGNED = (
    b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"mime-version", b"content-type",
    b"content-transfer-encoding", b"auto-submitted",
)  # fmt: skip

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """What signs: the domain, the selector under which the DNS has the public half, and the private half as PEM."""

    domain: str
    selector: str
    pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smarthost:
    """Who takes what we send. ``sender`` is the mailbox that we write from, ``limit`` seconds for one message."""

    host: str
    port: int
    sender: str
    sender_name: str
    hostname: str
    encryption: Literal["tls", "starttls", "none"] = "starttls"
    tls: ssl.SSLContext | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    dkim: DkimKey | None = None
    limit: float = 60.0


def connection_to(host: Smarthost) -> aiosmtplib.SMTP:
    """Return what connects, encrypts and signs in as an async context manager; what fails there, it raises."""
    return aiosmtplib.SMTP(
        hostname=host.host,
        port=host.port,
        username=host.username or None,
        password=host.password or None,
        timeout=host.limit,
        use_tls=host.encryption == "tls",
        start_tls=host.encryption == "starttls",
        tls_context=host.tls if host.encryption != "none" else None,
        local_hostname=host.hostname,
    )


class MailWayOut:
    """`gateway.ports.intake.WayOut` for mail."""

    def __init__(self, smarthost: Smarthost, identity: Identity, files: Files, clock: Clock) -> None:
        self._smarthost = smarthost
        self._identity = identity
        self._files = files
        self._clock = clock
        self.problem = ""
        """Why the last message could not be given away, "" when it could."""

    async def send(self, message: OutgoingMessage) -> str:
        """Give *message* to the smarthost and return its Message-ID. Raises `Unavailable` or `Refused`."""
        smarthost = self._smarthost
        message_id = self._identity.message_id(message.key)
        sender = message.sent_from if self._identity.writes_as(message.sent_from) else smarthost.sender
        draft = Draft(
            message_id=message_id,
            sender=sender,
            sender_name=smarthost.sender_name,
            to=message.to,
            subject=message.subject,
            ticket=message.ticket_id or "",
            text=message.text,
            answers=message.answers,
            files=await self._attached(message.files),
            loop_token=self._identity.loop_token,
        )
        try:
            octets = await asyncio.to_thread(self._signed, draft)
        except ValueError as error:
            raise Refused(f"message {message.key} cannot be written: {error}") from error
        await self._give(octets, self._identity.return_path(message_id, sender), message)
        log.info("mail.sent", key=message.key, ticket_id=message.ticket_id, message_id=message_id)
        return message_id

    async def _attached(self, files: Sequence[Attachment]) -> list[File]:
        if sum(file.size for file in files) > LARGEST_FILES:
            raise Refused(f"files of more than {LARGEST_FILES} octets")
        return [
            File(name=file.name, declared_type=file.media_type, content=await self._files.read(file.sha256))
            for file in files
        ]

    def _signed(self, draft: Draft) -> bytes:
        octets = written(draft, self._clock.now())
        key = self._smarthost.dkim
        if key is None:
            return octets
        field_ = dkim.sign(
            octets, key.selector.encode(), key.domain.encode(), key.pem,
            canonicalize=(b"relaxed", b"relaxed"), include_headers=[*SIGNED],
        )  # fmt: skip
        return bytes(field_) + octets

    async def _give(self, octets: bytes, return_path: str, message: OutgoingMessage) -> None:
        host = self._smarthost
        try:
            async with asyncio.timeout(host.limit), connection_to(host) as client:
                await client.sendmail(return_path, [message.to], octets)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise self._failure(message, error.recipients[0]) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise self._away(message, f"refused our password ({error.code})") from error
        except aiosmtplib.SMTPConnectResponseError as error:
            raise self._away(message, f"greeted with {error.code}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise self._failure(message, error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise self._away(message, type(error).__name__) from error
        except (ValueError, UnicodeError) as error:
            raise Refused(f"message {message.key} cannot be sent: {type(error).__name__}") from error
        self.problem = ""

    def _failure(self, message: OutgoingMessage, error: aiosmtplib.SMTPResponseException) -> Unavailable | Refused:
        """Return what an answer to our message means: 5xx is final, anything else may pass."""
        if 500 <= error.code < 600:
            self.problem = ""
            return Refused(f"message {message.key}: the mail server answered {error.code}")
        return self._away(message, f"answered {error.code}")

    def _away(self, message: OutgoingMessage, reason: str) -> Unavailable:
        self.problem = f"smarthost {reason}"
        return Unavailable(f"message {message.key}: the smarthost {reason}")
