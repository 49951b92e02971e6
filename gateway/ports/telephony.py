"""Telephony as the services see it: legs, what happens to them, and calls going out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.domain.call import CallId, Destination, Leg, LegId, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.ticket import TicketId

POOR_LOSS = 0.03
POOR_JITTER = 0.06
POOR_ROUND_TRIP = 0.4
"""From where a leg's sound counts as poor: a part of one, and seconds."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundQuality:
    """How well a leg is heard here, and, by the ``far`` figures, at its far end; told every few seconds (RTCP).

    Losses are parts of one since the last time, the rest is in seconds; None where the far end does not say.
    """

    lost: float = 0.0
    jitter: float = 0.0
    far_lost: float | None = None
    far_jitter: float | None = None
    round_trip: float | None = None

    @property
    def is_poor(self) -> bool:
        """Whether people will notice: words are lost, or they begin to talk across one another (ITU-T G.114)."""
        return (
            max(self.lost, self.far_lost or 0.0) >= POOR_LOSS
            or max(self.jitter, self.far_jitter or 0.0) >= POOR_JITTER
            or (self.round_trip or 0.0) >= POOR_ROUND_TRIP
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFailed:
    """Something about the leg's sound failed, such as its recording on a full disk; people talk on."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFigures:
    """What there was to hear on a leg: counts in packets, ``concealed`` in seconds, ``quality`` as of its end.

    ``codec`` is "" if it was never connected, ``srtp`` the suite that sealed it, "" where it was in clear.
    """

    codec: str = ""
    srtp: str = ""
    received: int = 0
    sent: int = 0
    lost: int = 0
    late: int = 0
    concealed: float = 0.0
    quality: SoundQuality = SoundQuality()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkState:
    """How a trunk (中继) fares: "unknown", "in service", "out of service" or "not registered", since when.

    ``answer`` is the status of its last answer to our OPTIONS, ``answered_at`` when that came; None before the first.
    """

    name: str
    status: str
    since: datetime
    answer: int | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedToRefer:
    """The far end asks that the citizen be brought to somebody else (REFER).

    To a number that the settings give an emergency line or a unit, or to the hotline's own agents where
    ``destination`` is None; anywhere else is refused before anybody hears of it. ``ringing`` says that somebody is
    called for it, ``report`` takes whether it was done, once.
    """

    destination: Destination | None
    ringing: Callable[[], None]
    report: Callable[[bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """Another telephone has taken the leg over (Replaces); ``caller`` is its number, "" when withheld."""

    caller: str


LegNews = AskedToRefer | TakenOver | DigitPressed | HeldByPeer | WentSilent | SoundQuality | SoundFailed | LegEnded


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

    def listen(self, bridge: str) -> None:
        """Let this leg hear all legs of *bridge* unheard, leaving the one it was in."""
        ...

    def whisper(self, bridge: str, to: LegId) -> None:
        """Let this leg hear all legs of *bridge*, heard there by the leg *to* alone, leaving the one it was in."""
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
        """Record what this leg says (left) and hears (right) to a WAV whose sample 0 is the monotonic instant *zero*.

        It ends with the leg, or with `stop_recording`, after which it may go on in the same file.
        """
        ...

    def stop_recording(self) -> None:
        """Complete the recording, if there is one."""
        ...

    async def figures(self) -> LegFigures:
        """Wait until the leg has ended and its recording is whole; return how it was heard."""
        ...

    def tap(self, zero: float) -> AsyncIterator[TapFrame]:
        """Follow what this leg says, as it says it; ends with the leg."""
        ...

    def news(self) -> AsyncIterator[LegNews]:
        """Follow what happens to this leg; ends after `LegEnded`. One reader."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOn:
    """What came with a call that an emergency line passes to us (NM-2.2c), each part empty where nothing came.

    ``line`` is the line, ``referred_by`` who transferred the call, ``reference`` the number of the matter there.
    """

    line: EmergencyLine
    referred_by: str = ""
    reference: str = ""
    place: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall:
    """A citizen's call that a trunk or telephone offers us, not answered yet.

    ``dialled`` is what she dialled, as dialled; ``merged`` the merged line's number, if that is one. ``passed_on`` is
    what came along where an emergency line passes her to us. ``is_excess``: there is no room for it, it is only told.
    """

    leg: LiveLeg
    external_id: str
    caller: str
    dialled: str
    merged: str = ""
    passed_on: PassedOn | None = None
    is_excess: bool = False


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
