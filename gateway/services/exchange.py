"""The exchange (话务台): everything a live call needs of the gateway, in one value.

The composition root builds it once; a call only reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from gateway.domain.call import Destination
from gateway.domain.emergency import EmergencyLine
from gateway.domain.profile import Profile
from gateway.ports.clock import Clock
from gateway.ports.hearing import Recognizer
from gateway.ports.telephony import CallControl
from gateway.services.casework import Take
from gateway.services.desk import Desk
from gateway.services.feed import Feed
from gateway.services.ledger import Ledger
from routing.conversation import Conversation
from routing.decide import Understanding
from routing.directory import Unit
from routing.emergency import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNumber:
    """One number of an emergency line and how long it may ring, in seconds."""

    destination: Destination
    ring_limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take, in seconds; no citizen waits without one of these running."""

    queue: float = 180.0
    agent_ring: float = 20.0
    no_answer_rest: float = 30.0
    wrap_up: float = 10.0
    unit_ring: float = 30.0
    consultation: float = 120.0
    brief: float = 8.0
    acceptance: float = 30.0
    last_words: float = 3.0
    call: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What calls share.

    ``lines`` gives each emergency line's numbers in the order they are tried. ``take_case`` takes the matter of a call
    that has ended.
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
    unit_numbers: Mapping[str, Destination]
    understand: Callable[[Conversation], Understanding]
    new_watch: Callable[[], Watch]
    recordings: Path
    limits: Limits = Limits()
    greets: bool = True
    take_case: Take | None = None
