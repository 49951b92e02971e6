"""The work order (工单): what a citizen wants, pre-filled while it is being heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import NewType

from gateway.domain.call import CallId
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.decision import Decision

TicketId = NewType("TicketId", str)
"""Shown to people as it is: the date and a running number of the day, such as ``20261121-000042``."""


class TicketState(Enum):
    """Where a ticket stands at the front door; the closed loop behind it comes with casework."""

    OPEN = "open"
    HANDED_TO_EMERGENCY = "handed_to_emergency"
    TAKEN = "taken"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """The six elements of a matter (六要素, SZ-4.1), each as heard, empty while unheard."""

    time: str = ""
    place: str = ""
    person: str = ""
    cause: str = ""
    course: str = ""
    outcome: str = ""

    def merged(self, later: Elements) -> Elements:
        """Return these elements with every element that *later* knows taken from it."""
        return Elements(**{f.name: getattr(later, f.name) or getattr(self, f.name) for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One matter (工单).

    ``summary`` is the petitioner's own words, joined; ``edited`` names the fields an agent has written,
    with the revision at which he last did; automatic filling leaves them alone from then on. ``is_text_only``: the
    petitioner must never be called; ``wants_person``: he asked for a person instead of the text assistant.
    ``revision`` counts committed changes from 1.
    """

    id: TicketId
    contact_id: ContactId
    channel: ChannelKind
    call_id: CallId | None
    caller: str
    received_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    agent: str = ""
    state: TicketState = TicketState.OPEN
    category: str = ""
    matter: str = ""
    unit: str = ""
    emergency_line: str = ""
    elements: Elements = Elements()
    summary: str = ""
    ending: str = ""
    decisions: tuple[Decision, ...] = ()
    edited: Mapping[str, int] = field(default_factory=dict)
    is_text_only: bool = False
    wants_person: bool = False
    revision: int = 1
