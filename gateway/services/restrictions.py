"""Restricted senders (限制使用热线, ZH-9): until when, why, and under which case somebody may not write.

The casebook restricts a petitioner by his address in a case; a number is the same however it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.addresses import mobile_of
from gateway.domain.register import Register
from gateway.domain.ticket import TicketId
from gateway.ports.memory import Transaction
from gateway.services.persons import OF_NUMBERS, From, is_vouched


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """A restriction that runs: ``reason`` as it stands in the register."""

    case: TicketId
    until: datetime
    reason: str


def restriction_of(tx: Transaction, came: From, now: datetime) -> Restriction | None:
    """Return the restriction that runs the longest for whoever sent *came*."""
    addresses = [came.sender]
    if came.channel in OF_NUMBERS and is_vouched(came) and (mobile := mobile_of(came.sender)):
        addresses += [mobile, f"86{mobile}"]
    found = [record for each in dict.fromkeys(addresses) if each and (record := tx.cases.restricting(each, now))]
    ends = [(record.restricted_until, record.id) for record in found if record.restricted_until is not None]
    if not ends:
        return None
    until, case = max(ends)
    paper = tx.registers.latest(Register.RESTRICTION, case)
    return Restriction(case=case, until=until, reason=str(paper.values.get("reason", "")) if paper else "")
