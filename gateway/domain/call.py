"""A telephone call and its legs (通话, 话路): identities, roles and the legal moves of a leg."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import NewType

from gateway.domain.errors import IllegalTransition

CallId = NewType("CallId", str)
LegId = NewType("LegId", str)


class Role(Enum):
    """Who sits at the far end of a leg."""

    CITIZEN = "citizen"
    AGENT = "agent"
    EMERGENCY_DESK = "emergency_desk"
    UNIT = "unit"
    SUPERVISOR = "supervisor"


class Attendance(Enum):
    """How a supervisor attends a call: unheard, heard by its agent alone, or as one of the talkers."""

    LISTENING = "listening"
    WHISPERING = "whispering"
    JOINED = "joined"


class LegState(Enum):
    """Where one leg stands, seen from the gateway."""

    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


class LegEvent(Enum):
    """What may happen to a leg."""

    ANSWERED = "answered"
    PUT_ON_HOLD = "put_on_hold"
    RESUMED = "resumed"
    ENDED = "ended"


_NEXT = {
    (LegState.RINGING, LegEvent.ANSWERED): LegState.TALKING,
    (LegState.TALKING, LegEvent.PUT_ON_HOLD): LegState.HELD,
    (LegState.HELD, LegEvent.RESUMED): LegState.TALKING,
    (LegState.RINGING, LegEvent.ENDED): LegState.ENDED,
    (LegState.TALKING, LegEvent.ENDED): LegState.ENDED,
    (LegState.HELD, LegEvent.ENDED): LegState.ENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Whom to ring: a number at one of our own telephones, or at a named trunk."""

    number: str
    trunk: str | None = None

    def __str__(self) -> str:
        return f"{self.number}@{self.trunk}" if self.trunk else self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNumber:
    """One of several numbers that are tried in order, and how long it may ring, in seconds."""

    destination: Destination
    ring_limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One party's half of a call (话路)."""

    id: LegId
    call_id: CallId
    role: Role
    number: str
    state: LegState = LegState.RINGING

    def after(self, event: LegEvent) -> Leg:
        """Return this leg as it stands once *event* has happened."""
        try:
            return replace(self, state=_NEXT[self.state, event])
        except KeyError:
            raise IllegalTransition(self.state, event) from None
