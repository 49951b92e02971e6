"""Where every message ends up, by whatever way it came: read, checked, and taken by the house, or counted as automatic.

Shell between the pure reader and `Intake`. Whoever puts something in acknowledges it to its peer only after `put` has
returned.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from channels.mail.automatic import Automatic, Notice, Outcome
from channels.mail.checks import SenderChecks, Sending
from channels.mail.dmarc import Findings
from channels.mail.identity import Identity
from channels.mail.reading import Mail, read
from gateway.domain.contact import ChannelKind
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryReport, DeliveryState, IncomingMessage, Intake, Part

SMALL = 16 * 1024
"""Octets of a plain message that is read at once, in less than a millisecond; others are read in a thread."""
SAME_WITHIN = timedelta(hours=24)
"""For how long two messages without id and date, alike in every octet, are one: peers that got no answer come again."""

_STATES = {
    Outcome.FAILED: DeliveryState.FAILED,
    Outcome.DELIVERED: DeliveryState.DELIVERED,
    Outcome.READ: DeliveryState.READ,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a message came. ``mail_from`` is the reverse path, "" the empty one, None where nobody knows it."""

    received_at: datetime
    recipients: tuple[str, ...]
    mail_from: str | None = None
    peer: str = ""
    helo: str = ""


class Letterbox:
    """One for all ways in. Without *checks* nothing is found out about senders."""

    def __init__(self, intake: Intake, identity: Identity, checks: SenderChecks | None) -> None:
        self._intake = intake
        self._identity = identity
        self._checks = checks
        self.counts: Counter[str] = Counter()
        """Messages by what became of them: ``taken``, ``repeated``, or the kind of automatic mail."""

    async def put(self, octets: bytes, envelope: Envelope) -> None:
        """Return once *octets*, a whole message, is kept. Raises `Unavailable` and `Refused` as `Intake.take` does."""
        if len(octets) <= SMALL and b"html" not in octets:
            mail = self._read(octets, envelope)
        else:
            mail = await asyncio.to_thread(self._read, octets, envelope)
        bounced = next(filter(None, map(self._identity.bounced_id, envelope.recipients)), "")
        if self._identity.is_own_id(mail.external_id):
            await self._set_aside(Automatic.LOOP, mail, envelope, "")
        elif mail.automatic is not None:
            await self._set_aside(mail.automatic, mail, envelope, bounced)
        else:
            await self._take(octets, mail, envelope)

    def _read(self, octets: bytes, envelope: Envelope) -> Mail:
        return read(octets, envelope_from=envelope.mail_from, own_token=self._identity.loop_token)

    async def _take(self, octets: bytes, mail: Mail, envelope: Envelope) -> None:
        findings = Findings()
        domain = mail.sender.rpartition("@")[2]
        if self._checks is not None and domain:
            sending = Sending(peer=envelope.peer, helo=envelope.helo, mail_from=envelope.mail_from or "")
            findings = await self._checks.of(octets, domain, sending)
        taken = await self._intake.take(
            IncomingMessage(
                channel=ChannelKind.MAIL,
                external_id=mail.external_id,
                sender=mail.sender,
                sender_name=mail.sender_name,
                addressee=self._addressee(mail, envelope),
                received_at=envelope.received_at,
                subject=mail.subject,
                text=mail.text,
                parts=tuple(Part(name=f.name, declared_type=f.declared_type, content=f.content) for f in mail.files),
                is_proven=findings.dmarc == "pass" and mail.senders == 1,
                answers=mail.answers,
                ticket_id=TicketId(mail.ticket) if mail.ticket else None,
                original=octets,
                repeated_within=None if mail.has_id or mail.sent_at else SAME_WITHIN,
                values=_values(mail, findings),
            )
        )
        self.counts["repeated" if taken.is_repeated else "taken"] += 1
        log.debug(
            "mail.taken",
            contact_id=taken.contact_id,
            ticket_id=taken.ticket_id,
            repeated=taken.is_repeated,
            dmarc=findings.dmarc,
        )

    def _addressee(self, mail: Mail, envelope: Envelope) -> str:
        """Return the address of ours that the writer used: the one that he sees, if it is ours."""
        if self._identity.is_ours(mail.addressee):
            return mail.addressee
        return next(iter(envelope.recipients), mail.addressee)

    async def _set_aside(self, kind: Automatic, mail: Mail, envelope: Envelope, bounced: str) -> None:
        """Count what a machine wrote, and pass on what it says of a message of ours.

        *bounced* is the message whose return path was used. Whatever comes there with an empty one is its bounce.
        """
        notice = mail.notice
        if bounced and kind is Automatic.GENERATED:
            kind, notice = Automatic.BOUNCE, Notice(outcome=Outcome.FAILED)
        about = next(filter(self._identity.is_own_id, notice.about), bounced) if notice else ""
        if notice and about and notice.outcome in _STATES:
            await self._intake.report(
                DeliveryReport(
                    channel=ChannelKind.MAIL,
                    sent_id=about,
                    state=_STATES[notice.outcome],
                    at=envelope.received_at,
                    reason=notice.reason,
                )
            )
        self.counts[kind.value] += 1
        log.info("mail.automatic", kind=kind.value, about=about)


def _values(mail: Mail, findings: Findings) -> Mapping[str, Json]:
    values: dict[str, Json] = dict(findings.as_values())
    if mail.sent_at is not None:
        values["sent_at"] = mail.sent_at.isoformat()
    if mail.reply_to and mail.reply_to != mail.sender:
        values["reply_to"] = mail.reply_to
    if mail.remarks:
        values["remarks"] = list(mail.remarks)
    return values
