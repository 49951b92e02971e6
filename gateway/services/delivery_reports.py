"""What peers report about messages of ours (回执), also when the report is faster than our note that one went out."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from gateway.domain.contact import ChannelKind
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.ports.correspondence import Sent
from gateway.ports.intake import DeliveryReport, DeliveryState
from gateway.ports.memory import Transaction

EARLY = timedelta(seconds=60)
"""How long a report about a message that nobody knows waits for it."""


class _Early(msgspec.Struct, frozen=True):
    state: DeliveryState
    at: datetime
    reason: str


def take_report(tx: Transaction, report: DeliveryReport, now: datetime) -> Fact | None:
    """Enter *report*, and return the fact of it; None when nothing is changed by it.

    One about an unknown message is kept for `EARLY`: the peer may have been faster than our own commit.
    """
    sent = tx.correspondence.sent(report.channel, report.sent_id)
    if sent is not None:
        return _entered(tx, sent, report)
    before = Sent(
        channel=report.channel,
        sent_id=report.sent_id,
        message_key="",
        ticket_id=TicketId(""),
        state=DeliveryState.ACCEPTED,
        at=report.at,
    )
    known = early_report(tx, report.channel, report.sent_id, now)
    after = (before.after(known) if known else before).after(report)
    kept = msgspec.json.encode(_Early(after.state, after.at, after.reason)).decode()
    tx.correspondence.keep(_key(report.channel, report.sent_id), kept, now + EARLY)
    return None


def note_sent(tx: Transaction, sent: Sent, now: datetime) -> Fact | None:
    """Enter that a peer took a message, and what it has said of it already; return the fact of the latter."""
    tx.correspondence.save_sent(sent)
    report = early_report(tx, sent.channel, sent.sent_id, now)
    return None if report is None else _entered(tx, sent, report)


def early_report(tx: Transaction, channel: ChannelKind, sent_id: str, now: datetime) -> DeliveryReport | None:
    """Return the report about a message that was not known when it came."""
    kept = tx.correspondence.value(_key(channel, sent_id), now)
    if kept is None:
        return None
    early = msgspec.json.decode(kept, type=_Early)
    return DeliveryReport(channel=channel, sent_id=sent_id, state=early.state, at=early.at, reason=early.reason)


def _entered(tx: Transaction, sent: Sent, report: DeliveryReport) -> Fact | None:
    changed = sent.after(report)
    if changed is sent:
        return None
    tx.correspondence.save_sent(changed)
    values: dict[str, Json] = {"message": sent.message_key, "state": report.state.value}
    if report.reason:
        values["reason"] = report.reason
    fact = Fact(kind="message.reported", at=report.at, ticket_id=sent.ticket_id, values=values)
    tx.append(fact)
    return fact


def _key(channel: ChannelKind, sent_id: str) -> str:
    return f"report {channel.value} {sent_id}"
