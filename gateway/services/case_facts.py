"""What casework writes into the journal: facts of cases, and the commands that people gave, with what they stated."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import datetime
from enum import Enum
from typing import Any

from gateway.domain import events
from gateway.domain.case import COMMANDS, CaseId, Command, Fact
from gateway.domain.casework import Actor
from gateway.domain.json import Json
from gateway.domain.rules import Span
from gateway.domain.ticket import TicketId
from gateway.services.case_messages import plain

_WORD = {kind: word for word, kind in COMMANDS.items()}
_PRIVATE = ("petitioner",)
"""Fields of commands that the journal does not repeat; the ticket has them."""


def commanded(command: Command, by: Actor, case: CaseId, now: datetime) -> Fact:
    """Return the fact that somebody gave a command, with what he said."""
    said = stated(command)
    details = {"do": _WORD[type(command)], "by": by.name, "as": by.kind.value, **({"said": said} if said else {})}
    return Fact(at=now, case=case, name="commanded", details=details)


def stated(command: Command) -> dict[str, Any]:
    """Return the fields that a command states."""
    return {
        field.name: _worded(getattr(command, field.name))
        for field in fields(command)
        if field.name not in _PRIVATE and (field.default is MISSING or getattr(command, field.name) != field.default)
    }


def _worded(value: Any) -> Any:
    if isinstance(value, Span):
        return str(value)
    return value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value


def journalled(fact: Fact, ticket_id: TicketId, revision: int, **more: Json) -> events.Fact:
    """Return *fact* as the journal keeps it."""
    values: dict[str, Json] = {"rows": list(fact.rows), "revision": revision, **plain(fact.details), **more}
    return events.Fact(kind=f"case.{fact.name}", at=fact.at, ticket_id=ticket_id, values=values)
