"""One leg as call control handles it: what is wanted of it, kept here so that a new media process can be told again."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, Literal

import structlog

from channels.media import wideband, wire
from channels.media.feed import Feed
from channels.media.g711 import Law
from channels.media.quality import UNKNOWN, Quality
from channels.media.secure import SrtpKeys

log = structlog.get_logger(__name__)

LawName = Literal["PCMU", "PCMA", "G722"]

_TAP_BACKLOG: Final = 10.0
_EVENT_BACKLOG: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStatistics:
    """What a leg received and sent, in packets; ``concealed`` in seconds. ``restarts`` counts new streams in it.

    ``quality`` is as of the last reports; RTCP's figures of the far end are in it.
    """

    received: int = 0
    sent: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    restarts: int = 0
    foreign: int = 0
    malformed: int = 0
    concealed: float = 0.0
    quality: Quality = UNKNOWN


@dataclass(frozen=True, slots=True)
class TapFrame:
    """What a leg said: ``pcm`` is int16 little endian at 8 kHz, its first sample at second ``at`` of the call."""

    at: float
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """The far end pressed a key, at this instant of the monotonic clock."""

    digit: str
    at: float


@dataclass(frozen=True, slots=True)
class Silent:
    """No RTP has come for this many seconds; said again after each further stretch of that length.

    ``announced``: the far end said before that it would be silent (RFC 3389).
    """

    seconds: float
    announced: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """RTP comes again."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """Something asked of the leg failed, such as its recording; the leg goes on. Told once for each reason."""

    reason: str


LegEvent = Digit | Silent | Heard | Quality | Troubled


class PlayEnd(Enum):
    """How a prompt ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class _Playing:
    order: wire.Play
    began: float
    ended: asyncio.Future[PlayEnd]


class MediaLeg:
    """One leg; made by `MediaEngine.open_leg`. Every method but `close` returns at once and is carried out in order."""

    def __init__(self, leg_id: str, address: str, send: Callable[[wire.Command], None], *, ipv6: bool = False) -> None:
        self.id = leg_id
        self.is_ipv6 = ipv6
        self.address = address
        """The address to offer in SDP."""
        self.port = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[LegStatistics] = asyncio.get_running_loop().create_future()
        self.is_closing = False
        self._send = send
        self._connection: wire.Connect | None = None
        self._bridge: wire.Bridge | None = None
        self._playing: _Playing | None = None
        self._recordings: dict[int, wire.Record] = {}
        self._taps: dict[int, tuple[wire.Tap, Feed[TapFrame]]] = {}
        self._listeners: list[Feed[LegEvent]] = []
        self._troubles: set[str] = set()
        self._count = 0

    def connect(
        self,
        address: str,
        port: int,
        *,
        law: LawName,
        payload_type: int | None = None,
        telephone_event: int | None = None,
        sends: bool = True,
        receives: bool = True,
        comfort_noise: bool = False,
        rtcp_mux: bool = False,
        rtcp: tuple[str, int] | None = None,
        srtp: SrtpKeys | None = None,
    ) -> None:
        """Send to, and listen to, this far end; called again, it re-targets the stream.

        *address* is numeric and of the leg's family: ValueError if not.
        *payload_type* defaults to the law's static one. *telephone_event* is
        the payload type of RFC 4733, None if the peer takes none (keys are then sent as tones). *sends* and
        *receives* are ours: False, False is on hold. *comfort_noise* if the peer takes RFC 3389 (payload type 13):
        silence is then announced to it instead of sent; the peer's own is understood in any case. Reports (RTCP) go to
        *rtcp* (RFC 3605), to the same port if *rtcp_mux* (RFC 5761), else to the port above. With *srtp* both are
        sealed, and what comes in clear is refused.
        """
        for host in (address, *([rtcp[0]] if rtcp else [])):
            found = ipaddress.ip_address(host)
            if found.version != (6 if self.is_ipv6 else 4) or (found.version == 6 and found.ipv4_mapped):
                raise ValueError(f"{host} is no address that this leg can send to")
        kind, static_type = (wideband.KIND, wideband.PAYLOAD_TYPE) if law == "G722" else _kind(Law[law])
        self._connection = wire.Connect(
            leg=self.id,
            address=address,
            port=port,
            law=kind,
            payload_type=static_type if payload_type is None else payload_type,
            telephone_event=telephone_event,
            sends=sends,
            receives=receives,
            comfort_noise=comfort_noise,
            rtcp_mux=rtcp_mux,
            rtcp=rtcp,
            srtp=srtp,
        )
        self._send(self._connection)

    def bridge(self, name: str | None) -> None:
        """Join the bridge *name*, leaving any other; None is alone."""
        self._join(wire.Bridge(self.id, name))

    def listen(self, name: str) -> None:
        """Hear the bridge *name* without being heard on it; leaves any other. `bridge` joins it."""
        self._join(wire.Bridge(self.id, name, heard=False))

    def whisper(self, name: str, to: str) -> None:
        """Hear the bridge *name*, heard on it by the leg with the id *to* alone; leaves any other."""
        self._join(wire.Bridge(self.id, name, heard=False, whispers_to=to))

    def play(self, path: Path | str, *, loop: bool = False, over_bridge: bool = False) -> asyncio.Future[PlayEnd]:
        """Play a WAV to the far end, instead of its bridge or mixed over it; the future says how it ended.

        It never raises: a file that cannot be played is logged and ends as `PlayEnd.FAILED`.
        """
        self.stop_playing()
        self._count += 1
        order = wire.Play(self.id, self._count, str(Path(path).absolute()), loop, over_bridge)
        ended: asyncio.Future[PlayEnd] = asyncio.get_running_loop().create_future()
        self._playing = _Playing(order, time.monotonic(), ended)
        self._send(order)
        return ended

    def stop_playing(self) -> None:
        """End the prompt, if one is being played."""
        if self._playing is not None:
            self._send(wire.StopPlaying(self.id))
            self._end_playing(PlayEnd.STOPPED)

    def send_digits(self, digits: str) -> None:
        """Press these keys (0-9 * # A-D), one after the other."""
        self._send(wire.SendDigits(self.id, digits))

    def record(self, path: Path | str, zero: float) -> None:
        """Write what this leg says to a WAV whose sample 0 is the monotonic instant *zero*, until `close`."""
        self._record(path, zero, 1)

    def stop_recording(self) -> None:
        """Complete the recording before the leg ends."""
        self._stop_recording(1)

    def record_both(self, path: Path | str, zero: float, *, resume: bool = False) -> None:
        """Write a WAV of two tracks, left what this leg says, right what it hears; beside `record`, and like it.

        With *resume* what the file holds stays, for a recording that begins again after `stop_recording_both`.
        """
        self._record(path, zero, 2, resume=resume)

    def stop_recording_both(self) -> None:
        """Complete the recording of two tracks before the leg ends."""
        self._stop_recording(2)

    def tap(self, zero: float, period: float = 0.1) -> Feed[TapFrame]:
        """Return what this leg says from now on, a frame each *period* seconds (1 at most), timed from *zero*.

        The first and the last frame, and those at a gap, may be shorter. It ends when the leg does or by its
        ``close()`` (it is a context manager too). A reader more than 10 s behind loses the oldest frames.
        """
        self._count += 1
        order = wire.Tap(self.id, self._count, zero, period)
        feed: Feed[TapFrame] = Feed(max(1, int(_TAP_BACKLOG / period)), lambda: self._untap(order.number))
        self._taps[order.number] = (order, feed)
        self._send(order)
        return feed

    def events(self) -> Feed[LegEvent]:
        """Return what happens on this leg from now on, for one reader; it ends when the leg does."""
        feed: Feed[LegEvent] = Feed(_EVENT_BACKLOG)
        self._listeners.append(feed)
        return feed

    async def close(self) -> LegStatistics:
        """End the leg, give its port back, and return what it did; again, and it returns the same."""
        if not self.closed.done():
            self.is_closing = True
            self.forget_wishes()
            self._send(wire.Close(self.id))
        return await asyncio.shield(self.closed)

    def forget_wishes(self) -> None:
        """End prompt, taps and events: the leg is over."""
        self._connection = None
        self._recordings.clear()
        self._end_playing(PlayEnd.STOPPED)
        for _, feed in list(self._taps.values()):
            feed.close()
        for listener in self._listeners:
            listener.close()

    def orders(self, now: float) -> Iterator[wire.Command]:
        """Say all that is wanted of this leg once more, to a media process that has never heard of it."""
        yield wire.Open(self.id, self.port, self.is_ipv6)
        if self._connection is not None:
            yield self._connection
        if self._bridge is not None:
            yield self._bridge
        if self._playing is not None:
            order = self._playing.order
            yield wire.Play(self.id, order.number, order.path, order.loop, order.over_bridge, now - self._playing.began)
        for recording in self._recordings.values():
            yield wire.Record(self.id, recording.path, recording.zero, recording.tracks, resume=True)
        for order_, _ in self._taps.values():
            yield order_

    def take(self, event: wire.Event) -> None:
        """Take what the media process says of this leg."""
        match event:
            case wire.Tapped(_, number, at, pcm):
                if number in self._taps:
                    self._taps[number][1].put(TapFrame(at, pcm))
            case wire.PlayEnded():
                if self._playing is not None and self._playing.order.number == event.number:
                    how = PlayEnd.FINISHED if event.finished else PlayEnd.STOPPED
                    self._end_playing(PlayEnd.FAILED if event.failure else how)
            case wire.DigitHeard(_, digit, at):
                self._tell(Digit(digit, at))
            case wire.WentSilent(_, seconds, announced):
                self._tell(Silent(seconds, announced))
            case wire.HeardAgain():
                self._tell(Heard())
            case wire.QualityKnown(_, quality):
                self._tell(quality)
            case wire.Trouble(_, reason) if reason not in self._troubles:
                self._troubles.add(reason)
                log.warning("media.troubled", leg_id=self.id, reason=reason)
                self._tell(Troubled(reason))
            case wire.Closed():
                self.end(_statistics(event))

    def end(self, statistics: LegStatistics) -> None:
        """Let `close` return."""
        if not self.closed.done():
            self.closed.set_result(statistics)

    def _join(self, bridge: wire.Bridge) -> None:
        self._bridge = bridge
        self._send(bridge)

    def _record(self, path: Path | str, zero: float, tracks: int, *, resume: bool = False) -> None:
        self._recordings[tracks] = wire.Record(self.id, str(Path(path).absolute()), zero, tracks, resume)
        self._send(self._recordings[tracks])

    def _stop_recording(self, tracks: int) -> None:
        self._recordings.pop(tracks, None)
        self._send(wire.StopRecording(self.id, tracks))

    def _tell(self, event: LegEvent) -> None:
        for listener in self._listeners:
            listener.put(event)

    def _untap(self, number: int) -> None:
        if self._taps.pop(number, None) is not None:
            self._send(wire.Untap(self.id, number))

    def _end_playing(self, how: PlayEnd) -> None:
        playing, self._playing = self._playing, None
        if playing is not None and not playing.ended.done():
            playing.ended.set_result(how)


def _kind(law: Law) -> tuple[int, int]:
    return int(law), law.payload_type


def _statistics(closed: wire.Closed) -> LegStatistics:
    return LegStatistics(
        received=closed.received,
        sent=closed.sent,
        lost=closed.lost,
        late=closed.late,
        duplicates=closed.duplicates,
        restarts=closed.restarts,
        foreign=closed.foreign,
        malformed=closed.malformed,
        concealed=closed.concealed_samples / 8000,
        quality=closed.quality,
    )
