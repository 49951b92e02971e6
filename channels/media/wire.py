"""What call control and the media process say to each other: msgpack over one socket pair, framed by `gateway.framing`.

Commands are carried out in order; only `Open` and `Close` are answered. Instants are seconds of the machine's monotonic
clock, which both processes share.
"""

from __future__ import annotations

import msgspec

from channels.media.quality import UNKNOWN, Quality
from channels.media.secure import SrtpKeys


class Start(msgspec.Struct, frozen=True, tag=True):
    """First command of a connection: what the process is to be."""

    address: str
    low_port: int
    high_port: int
    capacity: int
    port_rest: float
    silent_after: float
    plain_sockets: bool = False
    ipv6_address: str | None = None


class Open(msgspec.Struct, frozen=True, tag=True):
    """Reserve an RTP port for a leg: this one, or any of the range if *port* is 0."""

    leg: str
    port: int = 0
    ipv6: bool = False


class Connect(msgspec.Struct, frozen=True, tag=True):
    """Where a leg's far end is, and how it wants to be spoken to; a later one replaces an earlier."""

    leg: str
    address: str
    port: int
    law: int
    payload_type: int
    telephone_event: int | None
    sends: bool
    receives: bool
    comfort_noise: bool = False
    rtcp_mux: bool = False
    rtcp: tuple[str, int] | None = None
    srtp: SrtpKeys | None = None


class Close(msgspec.Struct, frozen=True, tag=True):
    """End a leg; answered by `Closed`."""

    leg: str


class Bridge(msgspec.Struct, frozen=True, tag=True):
    """Put a leg on the bridge of this name, or on none.

    If not *heard* it only listens there, but is heard by the leg *whispers_to*, if that is on the bridge too.
    """

    leg: str
    name: str | None
    heard: bool = True
    whispers_to: str | None = None


class Play(msgspec.Struct, frozen=True, tag=True):
    """Play a WAV file to a leg from second *start* on; answered by `PlayEnded`, some time."""

    leg: str
    number: int
    path: str
    loop: bool
    over_bridge: bool
    start: float = 0.0


class StopPlaying(msgspec.Struct, frozen=True, tag=True):
    """End what a leg is being played."""

    leg: str


class SendDigits(msgspec.Struct, frozen=True, tag=True):
    """Press keys towards a leg's far end."""

    leg: str
    digits: str


class Record(msgspec.Struct, frozen=True, tag=True):
    """Record a leg; sample 0 is the instant *zero*. *resume* keeps what the file holds.

    *tracks* is 1 for what the leg says, 2 for that (left) and what it hears (right); there may be one of each.
    """

    leg: str
    path: str
    zero: float
    tracks: int = 1
    resume: bool = False


class StopRecording(msgspec.Struct, frozen=True, tag=True):
    """Complete a leg's recording of so many tracks."""

    leg: str
    tracks: int = 1


class Tap(msgspec.Struct, frozen=True, tag=True):
    """Send what a leg says, in `Tapped` of *period* seconds."""

    leg: str
    number: int
    zero: float
    period: float


class Untap(msgspec.Struct, frozen=True, tag=True):
    """End one tap of a leg."""

    leg: str
    number: int


Command = (
    Start | Open | Connect | Close | Bridge | Play | StopPlaying | SendDigits | Record | StopRecording | Tap | Untap
)


class Opened(msgspec.Struct, frozen=True, tag=True):
    """A leg has its port."""

    leg: str
    port: int


class NotOpened(msgspec.Struct, frozen=True, tag=True):
    """A leg could not be had, and why."""

    leg: str
    reason: str


class Closed(msgspec.Struct, frozen=True, tag=True):
    """A leg has ended; what it received and sent, in packets (concealment in samples)."""

    leg: str
    received: int
    sent: int
    lost: int
    late: int
    duplicates: int
    restarts: int
    foreign: int
    malformed: int
    concealed_samples: int
    quality: Quality = UNKNOWN


class PlayEnded(msgspec.Struct, frozen=True, tag=True):
    """A prompt has ended: finished, stopped, or failed for this reason."""

    leg: str
    number: int
    finished: bool
    failure: str | None = None


class DigitHeard(msgspec.Struct, frozen=True, tag=True):
    """The far end has pressed a key."""

    leg: str
    digit: str
    at: float


class WentSilent(msgspec.Struct, frozen=True, tag=True):
    """No RTP has come from the far end for this long; *announced* if it said before that it would be silent."""

    leg: str
    seconds: float
    announced: bool = False


class HeardAgain(msgspec.Struct, frozen=True, tag=True):
    """RTP comes again after a `WentSilent`."""

    leg: str


class QualityKnown(msgspec.Struct, frozen=True, tag=True):
    """How well a leg is heard at both ends, each time that reports are sent."""

    leg: str
    quality: Quality


class Followed(msgspec.Struct, frozen=True, tag=True):
    """A leg's far end turned out to be at another address than it signalled."""

    leg: str
    address: str
    port: int


class Tapped(msgspec.Struct, frozen=True, tag=True):
    """What a leg said: int16 little endian at 8 kHz, from *at* seconds after the tap's zero."""

    leg: str
    number: int
    at: float
    pcm: bytes


class Trouble(msgspec.Struct, frozen=True, tag=True):
    """A command failed or a file could not be written; the leg goes on."""

    leg: str
    reason: str


class Pulse(msgspec.Struct, frozen=True, tag=True):
    """Sent each second: the process is alive, and what it has done since it started."""

    legs: int
    ticks: int
    late_ticks: int
    skipped_ticks: int
    worst_lateness: float
    packets_in: int
    packets_out: int
    packets_lost: int
    packets_foreign: int
    packets_malformed: int
    events_dropped: int
    cpu_seconds: float


Event = (
    Opened
    | NotOpened
    | Closed
    | PlayEnded
    | DigitHeard
    | WentSilent
    | HeardAgain
    | QualityKnown
    | Followed
    | Tapped
    | Trouble
    | Pulse
)

_encoder = msgspec.msgpack.Encoder()
_commands: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_events: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(message: Command | Event) -> bytes:
    """Return *message* as the body of a frame."""
    return _encoder.encode(message)


def read_command(body: bytes) -> Command:
    """Read one command; raises `msgspec.DecodeError`."""
    return _commands.decode(body)


def read_event(body: bytes) -> Event:
    """Read one event; raises `msgspec.DecodeError`."""
    return _events.decode(body)
