"""The media engine as call control sees it: it starts the media process, and starts it again when it dies.

What is wanted of every leg is kept on this side. When the media process is gone, a new one is told all of it, so
calls go on after a short gap, on the same ports.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from channels.media import wire
from channels.media.leg import LegStatistics, MediaLeg
from gateway.domain.errors import OurMistake, Unavailable
from gateway.framing import FrameReader, frame
from gateway.outbox import Outbox

log = structlog.get_logger(__name__)

_ROOT: Final = Path(__file__).resolve().parents[2]
_ANSWER_LIMIT: Final = 3.0
_PULSE_LIMIT: Final = 5.0
_SECOND_LOOK: Final = 0.5
_END_LIMIT: Final = 3.0
_SHORTEST_LIFE: Final = 1.0
_READ_SIZE: Final = 1 << 18
_KEPT_MEMORY: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """How the media process is to serve.

    *address* is the local IPv4 address to bind, *ipv6_address* the IPv6 one, None for no IPv6; *advertised* is what to
    offer to peers if that differs (behind NAT).
    *ports* is the range of RTP ports, of which the even ones are used; (0, 0) leaves them to the operating system. A
    port rests *port_rest* seconds between calls. *silent_after* seconds without RTP are reported. *plain_sockets* makes
    a system call a packet even where the kernel takes batches (io_uring).
    """

    address: str = "127.0.0.1"
    ipv6_address: str | None = None
    advertised: str | None = None
    ports: tuple[int, int] = (0, 0)
    capacity: int = 1024
    port_rest: float = 5.0
    silent_after: float = 5.0
    plain_sockets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStatistics:
    """The media process since it last started; times in seconds. ``restarts`` counts over the engine's life."""

    legs: int = 0
    restarts: int = 0
    ticks: int = 0
    late_ticks: int = 0
    skipped_ticks: int = 0
    worst_lateness: float = 0.0
    packets_in: int = 0
    packets_out: int = 0
    packets_lost: int = 0
    packets_foreign: int = 0
    packets_malformed: int = 0
    tap_frames_dropped: int = 0
    cpu_seconds: float = 0.0


class MediaEngine:
    """All telephone audio of this node; an async context manager, whose block is the life of the media process."""

    def __init__(self, settings: MediaSettings, *, on_restart: Callable[[], None] | None = None) -> None:
        self.restarted = asyncio.Event()
        """Set when a dead media process has been replaced and told of every leg; the reader clears it."""
        self._settings = settings
        self._on_restart = on_restart
        self._legs: dict[str, MediaLeg] = {}
        self._outbox: Outbox | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._pulse: wire.Pulse | None = None
        self._restarts = 0
        self.is_serving = False
        """Whether the media process that runs now has said anything yet; one that dies at its start never does."""
        self._closing = False
        self._stack = AsyncExitStack()

    @property
    def pid(self) -> int | None:
        """The media process's id, None while there is none."""
        return self._process.pid if self._process is not None else None

    async def __aenter__(self) -> Self:
        reader = await self._start()
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(self._supervise(reader), name="media supervisor")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        for leg in self._legs.values():
            leg.forget_wishes()
        if self._outbox is not None:
            self._outbox.close()
        await self._stack.__aexit__(kind, error, trace)
        for leg in self._legs.values():
            leg.end(LegStatistics())
        self._legs.clear()

    @property
    def speaks_ipv6(self) -> bool:
        """Whether legs can have IPv6 addresses."""
        return self._settings.ipv6_address is not None

    async def open_leg(self, leg_id: str, *, ipv6: bool = False) -> MediaLeg:
        """Reserve an RTP port for a leg. Raises `Unavailable` when there is none, `OurMistake` if the leg is open."""
        if leg_id in self._legs or self._closing:
            raise OurMistake(f"leg {leg_id} is open already, or the engine is closing")
        settings = self._settings
        bound = settings.ipv6_address if ipv6 else settings.address
        if bound is None:
            raise Unavailable("the media process has no IPv6 address")
        leg = MediaLeg(leg_id, settings.advertised or bound, self._send, ipv6=ipv6)
        self._legs[leg_id] = leg
        leg.closed.add_done_callback(lambda _: self._legs.pop(leg_id, None))
        self._send(wire.Open(leg_id, ipv6=ipv6))
        try:
            async with asyncio.timeout(_ANSWER_LIMIT):
                await leg.opened
        except BaseException as error:
            self._send(wire.Close(leg_id))
            self._legs.pop(leg_id, None)
            if isinstance(error, TimeoutError):
                raise Unavailable("the media process does not answer") from error
            raise
        return leg

    def statistics(self) -> MediaStatistics:
        """Return the figures of the last second."""
        pulse = self._pulse
        if pulse is None:
            return MediaStatistics(legs=len(self._legs), restarts=self._restarts)
        return MediaStatistics(
            legs=len(self._legs),
            restarts=self._restarts,
            ticks=pulse.ticks,
            late_ticks=pulse.late_ticks,
            skipped_ticks=pulse.skipped_ticks,
            worst_lateness=pulse.worst_lateness,
            packets_in=pulse.packets_in,
            packets_out=pulse.packets_out,
            packets_lost=pulse.packets_lost,
            packets_foreign=pulse.packets_foreign,
            packets_malformed=pulse.packets_malformed,
            tap_frames_dropped=pulse.events_dropped,
            cpu_seconds=pulse.cpu_seconds,
        )

    def _send(self, command: wire.Command) -> None:
        """Send *command*; while there is no media process, what it wants is remembered by the leg instead."""
        if self._outbox is not None and not self._outbox.is_closing:
            self._outbox.send(frame(wire.encode(command)))
        elif isinstance(command, wire.Close) and command.leg in self._legs:
            self._legs[command.leg].end(LegStatistics())

    async def _start(self) -> asyncio.StreamReader:
        """Start a media process and tell it all that is wanted."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "channels.media.process",
                    str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    env=_environment(),
                )
            except BaseException:
                ours.close()
                raise
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        self._outbox = Outbox(writer)
        settings = self._settings
        self._send(
            wire.Start(
                address=settings.address,
                ipv6_address=settings.ipv6_address,
                low_port=settings.ports[0],
                high_port=settings.ports[1],
                capacity=settings.capacity,
                port_rest=settings.port_rest,
                silent_after=settings.silent_after,
                plain_sockets=settings.plain_sockets,
            )
        )
        now = time.monotonic()
        for leg in self._legs.values():
            if leg.is_closing:  # what the last process was told of it died with it
                leg.end(LegStatistics())
                continue
            for order in leg.orders(now):
                self._send(order)
        return reader

    async def _supervise(self, reader: asyncio.StreamReader) -> None:
        """Read what the media process says; replace it when it is gone or has fallen silent."""
        try:
            while True:
                began = time.monotonic()
                await self._listen(reader)
                await self._bury()
                if self._closing:
                    return
                log.error("media.died", legs=len(self._legs), lived=round(time.monotonic() - began, 3))
                if time.monotonic() - began < _SHORTEST_LIFE:
                    await asyncio.sleep(_SHORTEST_LIFE)
                reader = await self._replace()
                self._restarts += 1
                self.restarted.set()
                log.warning("media.restarted", legs=len(self._legs), restarts=self._restarts)
                if self._on_restart is not None:
                    self._on_restart()
        finally:
            await self._bury()

    async def _replace(self) -> asyncio.StreamReader:
        """Start another media process, trying until the system lets us."""
        while True:
            try:
                return await self._start()
            except OSError as error:
                log.error("media.not_started", reason=str(error))
                await asyncio.sleep(_SHORTEST_LIFE)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Pass events on until the connection ends or no pulse has come for `_PULSE_LIMIT` seconds."""
        frames = FrameReader()
        with suppress(ConnectionError, TimeoutError):
            while octets := await _read(reader):
                for body in frames.feed(octets):
                    self._take(wire.read_event(body))

    def _take(self, event: wire.Event) -> None:
        self.is_serving = True
        if isinstance(event, wire.Pulse):
            self._pulse = event
            return
        leg = self._legs.get(event.leg)
        if leg is None:
            return
        match event:
            case wire.Opened(_, port):
                leg.port = port
                if not leg.opened.done():
                    leg.opened.set_result(None)
            case wire.NotOpened(_, reason):
                if not leg.opened.done():
                    leg.opened.set_exception(Unavailable(reason))
                else:
                    log.error("media.leg_lost", leg_id=leg.id, reason=reason)
            case wire.Followed():
                log.info("media.followed", leg_id=leg.id)
            case _:
                if isinstance(event, wire.PlayEnded) and event.failure:
                    log.warning("media.prompt_failed", leg_id=leg.id, reason=event.failure)
                leg.take(event)

    async def _bury(self) -> None:
        """Close the connection and make sure that the process is gone."""
        self.is_serving = False
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.close()
            with suppress(ConnectionError):
                await outbox.wait_closed()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            async with asyncio.timeout(_END_LIMIT if self._closing else 0.1):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Return what comes next. Raises `TimeoutError` when nothing does.

    A loop that was busy for longer than the limit finds its timer and the octets together: it looks again before it
    believes the timer.
    """
    try:
        async with asyncio.timeout(_PULSE_LIMIT):
            return await reader.read(_READ_SIZE)
    except TimeoutError:
        async with asyncio.timeout(_SECOND_LOOK):
            return await reader.read(_READ_SIZE)


def _environment() -> dict[str, str]:
    """Return the environment of the media process: this checkout importable, numpy without threads of its own.

    The C library keeps the memory of a step for the next one; given back and taken anew, it faults in page by page.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": str(_KEPT_MEMORY // 2),
        "MALLOC_TRIM_THRESHOLD_": str(_KEPT_MEMORY),
        "MALLOC_TOP_PAD_": str(_KEPT_MEMORY // 2),
    }
