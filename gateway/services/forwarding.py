"""Forwarding (转请办理): what somebody wants of a ticket whose master is another platform is sent there, once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from gateway.domain.case import COMMANDS, Command, Fact
from gateway.domain.casework import Actor, CaseRecord, Channel, Message
from gateway.domain.json import Json
from gateway.ports.memory import Transaction
from gateway.services.case_facts import stated

COMMAND = "case.command"
"""The kind of message by which a master is asked to do something."""
DENIED = "case.denied"
"""The kind of message by which a master says that it did not do so."""
_WORD = {kind: word for word, kind in COMMANDS.items()}


def say_no(tx: Transaction, partner: str, case_id: str, key: str, values: Mapping[str, Json], now: datetime) -> None:
    """Tell whoever forwarded a command under *key* that it was not carried out, and why."""
    tx.cases.save_message(
        Message(
            key=f"{key}:{DENIED}",
            channel=Channel.PARTNER,
            to=partner,
            kind=DENIED,
            case_id=case_id,
            text="",
            at=now,
            due=now,
            values=values,
        )
    )


def forward(tx: Transaction, record: CaseRecord, command: Command, by: Actor, now: datetime) -> Fact:
    """Send *command* to the master of a mirror and return the denial that whoever gave it here is told."""
    case, word = record.case, _WORD[type(command)]
    said = stated(command)
    if by.name != f"partner:{case.master}":
        digest = hashlib.sha256(repr((word, sorted(said.items(), key=str))).encode()).hexdigest()[:16]
        key = f"{case.id}:{COMMAND}:{case.master_revision}:{digest}"
        if tx.cases.message(key) is None:
            tx.cases.save_message(
                Message(
                    key=key,
                    channel=Channel.PARTNER,
                    to=case.master,
                    kind=COMMAND,
                    case_id=case.id,
                    text="",
                    at=now,
                    due=now,
                    values={"id": case.master_id, "do": word, "said": said, "by": by.name, "unit": by.unit},
                )
            )
    return Fact(at=now, case=case.id, name="denied", details={"do": word, "why": "mirrored", "master": case.master})
