"""Telephony as the services see it: legs, what happens to them, and calls going out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.domain.call import CallId, Destination, Leg, Role
from gateway.domain.ticket import TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class TapFrame:
    """A stretch of what one leg said: int16 little-endian mono PCM at 8 kHz, ``at`` in seconds of the call."""

    at: float
    pcm: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed:
    """The far end pressed a key (RFC 4733 or SIP INFO)."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldByPeer:
    """The far end put us on hold (True) or took us back (False)."""

    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WentSilent:
    """No media has come for a while (``silent``), or it came back."""

    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded:
    """The leg is gone. ``by_peer`` tells who ended it, ``reason`` why, in the protocol's words."""

    by_peer: bool
    reason: str


LegNews = DigitPressed | HeldByPeer | WentSilent | LegEnded


class LiveLeg(Protocol):
    """One leg in the gateway's hands, from its first ring to its end."""

    @property
    def leg(self) -> Leg:
        """The leg as it stands now."""
        ...

    @property
    def invited_at(self) -> float:
        """When its INVITE arrived or went out, by the monotonic clock."""
        ...

    async def ring(self) -> None:
        """Tell an incoming caller that we are ringing (180)."""
        ...

    async def answer(self) -> None:
        """Answer an incoming leg. Raises `Refused` when no common codec exists, `Unavailable` when it is gone."""
        ...

    async def answered(self, limit: float) -> None:
        """Wait until an outgoing leg is answered; *limit* in seconds.

        Raises `Unavailable` when nobody answers in time and `Refused` when the far end declines; the leg is ended then.
        """
        ...

    async def hang_up(self, reason: str = "") -> None:
        """End the leg, whatever its state; a second call does nothing."""
        ...

    def join(self, bridge: str) -> None:
        """Let this leg hear and be heard by all legs of *bridge*, leaving the one it was in."""
        ...

    def leave(self) -> None:
        """Take this leg out of its bridge; it is alone then."""
        ...

    def play(self, prompt: str, *, loop: bool = False) -> Awaitable[object]:
        """Play a prompt to this leg over whatever it hears; the result ends when the prompt does. One at a time."""
        ...

    def stop_playing(self) -> None:
        """Stop the prompt, if one plays."""
        ...

    def record(self, path: Path, zero: float) -> None:
        """Record what this leg says to a WAV whose sample 0 is the monotonic instant *zero*."""
        ...

    def tap(self, zero: float) -> AsyncIterator[TapFrame]:
        """Follow what this leg says, as it says it; ends with the leg."""
        ...

    def news(self) -> AsyncIterator[LegNews]:
        """Follow what happens to this leg; ends after `LegEnded`. One reader."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall:
    """A citizen's call that a trunk or telephone offers us, not answered yet."""

    leg: LiveLeg
    external_id: str
    caller: str
    dialled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What goes along with an outgoing leg: who is behind it, and why it is made."""

    ticket_id: TicketId | None
    caller: str
    place: str
    summary: str
    reason: str


class CallControl(Protocol):
    """Telephony as the services see it."""

    async def originate(self, call_id: CallId, role: Role, destination: Destination, story: Story) -> LiveLeg:
        """Send an INVITE to *destination* and return at once, ringing.

        Raises `Unavailable` when the destination is not registered or its trunk is out of service.
        """
        ...

    def is_reachable(self, destination: Destination) -> bool:
        """Tell whether *destination* could be rung now."""
        ...
