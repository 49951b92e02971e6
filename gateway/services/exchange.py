"""The exchange (话务台): everything a live call needs of the gateway, in one value.

The composition root builds it once; a call only reads it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from gateway.domain.call import DeskNumber as DeskNumber
from gateway.domain.call import Destination
from gateway.domain.emergency import EmergencyLine
from gateway.domain.merging import MergedLine
from gateway.domain.profile import Profile
from gateway.ports.clock import Clock
from gateway.ports.hearing import Recognizer
from gateway.ports.telephony import CallControl
from gateway.services.archive import Archive
from gateway.services.casework import Take
from gateway.services.desk import Desk
from gateway.services.feed import Feed
from gateway.services.ledger import Ledger
from routing.conversation import Conversation
from routing.decide import Understanding
from routing.directory import Numbers, Telephones, Unit, numbers_at
from routing.emergency import Watch
from routing.working_time import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take, in seconds; no citizen waits without one of these running."""

    queue: float = 180.0
    queue_notice: float = 30.0
    own_seats: float = 30.0
    agent_ring: float = 20.0
    no_answer_rest: float = 30.0
    wrap_up: float = 10.0
    consultation: float = 120.0
    brief: float = 12.0
    acceptance: float = 30.0
    last_words: float = 3.0
    call: float = 3600.0


Restricted = Callable[[str], Awaitable[bool]]
"""Says whether a number is restricted from the telephone at this moment (ZH-9). Raises `Unavailable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What calls share.

    ``lines`` gives each emergency line's numbers in the order they are tried; the systems of ``reported_lines`` are
    told in writing, too. ``telephones`` are the units', ``supervisors`` the supervisors', by the id of who sits there.
    ``merged`` are the merged lines by number. ``prompts`` are all there are, with their words. ``take_case`` takes the
    matter of a call that has ended, ``archive`` its recordings. ``is_restricted`` says who may not telephone for now.
    """

    clock: Clock
    zone: tzinfo
    calls: CallControl
    recognizer: Recognizer
    ledger: Ledger
    feed: Feed
    desk: Desk
    profile: Profile
    lines: Mapping[EmergencyLine, tuple[DeskNumber, ...]]
    units: Mapping[str, Unit]
    telephones: Mapping[str, Telephones]
    understand: Callable[[Conversation], Understanding]
    new_watch: Callable[[], Watch]
    recordings: Path
    limits: Limits = Limits()
    greets: bool = True
    take_case: Take | None = None
    is_restricted: Restricted | None = None
    archive: Archive | None = None
    merged: Mapping[str, MergedLine] = field(default_factory=dict)
    supervisors: Mapping[str, Destination] = field(default_factory=dict)
    reported_lines: frozenset[EmergencyLine] = frozenset()
    prompts: Mapping[str, str] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)

    def numbers_of(self, unit_id: str) -> Numbers | None:
        """Return the numbers at which a unit can be reached now; None when it has no telephone."""
        telephones = self.telephones.get(unit_id)
        return None if telephones is None else numbers_at(telephones, self.clock.now(), self.calendar, self.zone)

    def unit_at(self, destination: Destination) -> str | None:
        """Return the id of the unit that has this number, for consultation or on duty; None when nobody has."""
        for unit_id, telephones in self.telephones.items():
            if destination in (each.destination for each in (*telephones.consultation, *telephones.duty)):
                return unit_id
        return None

    def prompt(self, *ids: str) -> str:
        """Return the first of *ids* that is recorded here, else the last."""
        return next((id_ for id_ in ids if id_ in self.prompts), ids[-1])
