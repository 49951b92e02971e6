"""Speech recognition as the services use it: a supervised recogniser process behind `gateway.ports.hearing.Recognizer`.

The process may be killed at any moment. Calls do not notice: their audio waits in `asr.recognition`, a new process is
started (at once the first time, then with growing pauses), and each transcript goes on after a `Gap`. A process that
stops answering is killed, which leads to the same road.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import TracebackType
from typing import Self

import msgspec
import structlog

from asr import wire
from asr.models import ModelChoice
from asr.probe import environment, how_it_ended
from asr.recognition import LOADING, LOST, UNAVAILABLE, LegRecognition, Send
from gateway.domain.call import LegId
from gateway.domain.errors import PeerError
from gateway.framing import FrameReader
from gateway.outbox import Outbox
from gateway.ports.hearing import ModelDescription

FAILURES_TO_GIVE_UP = 5
"""Processes in a row that ended soon after their start, before nobody is expected to listen."""
STEADY = 30.0
"""Seconds a process must have heard for its end not to count as one of a row."""
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the next start, by failures in a row; the last one stays."""
LOAD_LIMIT = 300.0
STUCK_AFTER = 30.0
"""Seconds in which a process that has audio must decode some of it."""
FINISH_LIMIT = 10.0
WATCH_EVERY = 1.0

log = structlog.get_logger(__name__)


class VoskRecognizer:
    """Implements `gateway.ports.hearing.Recognizer`. Entering starts the process and does not wait for its model.

    *on_loading* is called every second of loading, with the seconds so far; *on_lost* with the reason when a process
    that heard has ended; *on_back* when one hears (again), with the seconds nobody heard.
    """

    def __init__(
        self,
        choice: ModelChoice,
        *,
        on_loading: Callable[[float], None] = lambda seconds: None,
        on_lost: Callable[[str], None] = lambda reason: None,
        on_back: Callable[[float], None] = lambda seconds: None,
        back_off: tuple[float, ...] = BACK_OFF,
        finish_limit: float = FINISH_LIMIT,
    ) -> None:
        self._choice = choice
        self._on_loading = on_loading
        self._on_lost = on_lost
        self._on_back = on_back
        self._back_off = back_off
        self._finish_limit = finish_limit
        self._open: dict[int, LegRecognition] = {}
        self._numbers = itertools.count(1)
        self._send: Send | None = None
        self._outage = LOADING
        self._heard = asyncio.Event()
        self._deaf_since = time.monotonic()
        self._stack = AsyncExitStack()
        self.pid: int | None = None
        self.restarts = 0

    @property
    def model(self) -> ModelDescription:
        """The model that listens."""
        return self._choice.description

    @property
    def available(self) -> bool:
        """Whether somebody listens or soon will: False after several failures in a row, until a process hears again."""
        return self._outage != UNAVAILABLE

    @property
    def is_hearing(self) -> bool:
        """Whether a process has its model loaded and listens at this moment."""
        return self._send is not None

    async def hearing(self) -> None:
        """Wait until a process listens."""
        await self._heard.wait()

    def listen(self, leg_id: LegId) -> LegRecognition:
        """Begin to hear a leg; audio waits while no process listens."""
        stream = next(self._numbers)
        recognition = LegRecognition(
            leg_id,
            stream,
            outage=self._outage,
            finish_limit=self._finish_limit,
            ended=functools.partial(self._open.pop, stream, None),
        )
        self._open[stream] = recognition
        if self._send is not None:
            recognition.connect(self._send)
        return recognition

    async def __aenter__(self) -> Self:
        """Start the process."""
        self._deaf_since = time.monotonic()
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        supervisor = tasks.create_task(self._supervise(), name="asr supervisor")
        self._stack.callback(supervisor.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """End the process; recognitions that are still open end with a gap."""
        try:
            return await self._stack.__aexit__(kind, error, trace)
        finally:
            for recognition in tuple(self._open.values()):
                recognition.close()

    # Supervision.

    async def _supervise(self) -> None:
        failures = 0
        try:
            while True:
                try:
                    heard_for, reason = await self._live()
                except OSError as error:  # no process, no descriptors, no memory: as good as a process that ended
                    heard_for, reason = 0.0, str(error)
                failures = 1 if heard_for > STEADY else failures + 1
                if failures >= FAILURES_TO_GIVE_UP:
                    self._fall_silent(UNAVAILABLE)
                pause = self._back_off[min(failures, len(self._back_off)) - 1]
                log.warning("asr.lost", model=self._choice.path.name, reason=reason, failures=failures, next_in=pause)
                await asyncio.sleep(pause)
                self.restarts += 1
        finally:
            self._fall_silent(UNAVAILABLE)

    async def _live(self) -> tuple[float, str]:
        """Run one process to its end; return how long it heard, in seconds, and why it ended."""
        begun = time.monotonic()
        async with self._process() as (process, reader, outbox):
            watch = _Watch(self, process, begun)
            async with asyncio.TaskGroup() as tasks:
                complaint = tasks.create_task(_last_line(process), name="asr complaint")
                watching = tasks.create_task(watch.run(), name="asr watch")
                await self._take_all(reader, lambda message: outbox.send(wire.encode(message)), watch)
                watching.cancel()
                status = await process.wait()
        reason = "; ".join(filter(None, [watch.verdict, complaint.result(), how_it_ended(status)]))
        was_hearing = self.is_hearing
        self._fall_silent(LOST if self.available else UNAVAILABLE)
        if was_hearing:
            self._on_lost(reason)
        return (time.monotonic() - watch.heard_since if watch.heard_since else 0.0), reason

    async def _take_all(self, reader: asyncio.StreamReader, send: Send, watch: _Watch) -> None:
        """Pass on what the process says until it ends, or is ended because it makes no sense."""
        frames = FrameReader()
        try:
            while received := await reader.read(1 << 16):
                watch.told_at = time.monotonic()
                for message in map(wire.from_process, frames.feed(received)):
                    if isinstance(message, wire.Ready):
                        watch.heard_since = time.monotonic()
                        self._go_on(send, watch.heard_since - watch.begun)
                    elif recognition := self._open.get(message.stream):
                        recognition.receive(message)
        except OSError:  # it ended in the middle of a sentence
            return
        except (PeerError, msgspec.DecodeError) as error:
            watch.kill(f"the process talks nonsense: {error}")

    @asynccontextmanager
    async def _process(
        self,
    ) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader, Outbox]]:
        """Have a recogniser process and a connection to it; leaving kills it."""
        async with AsyncExitStack() as stack:
            ours, theirs = map(stack.enter_context, socket.socketpair())
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "asr.process", "--model", str(self._choice.path.resolve()), "--socket", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=environment(),
            )
            theirs.close()
            stack.push_async_callback(_end, process)
            reader, writer = await asyncio.open_connection(sock=ours)
            outbox = Outbox(writer)
            stack.push_async_callback(_hang_up, outbox)
            self.pid = process.pid
            stack.callback(setattr, self, "pid", None)
            yield process, reader, outbox

    def _go_on(self, send: Send, loaded_in: float) -> None:
        self._send, self._outage = send, LOST
        deaf_for = time.monotonic() - self._deaf_since
        log.info(
            "asr.back",
            model=self._choice.path.name,
            pid=self.pid,
            loaded_in=round(loaded_in, 2),
            restarts=self.restarts,
        )
        for recognition in tuple(self._open.values()):
            recognition.connect(send)
        self._heard.set()
        self._on_back(deaf_for)

    def _fall_silent(self, outage: str) -> None:
        if self._send is not None:
            self._deaf_since = time.monotonic()
        self._send, self._outage = None, outage
        self._heard.clear()
        for recognition in tuple(self._open.values()):
            recognition.disconnect(outage)

    def loading(self, seconds: float) -> None:
        """Tell whoever wants to know that the model has been loading for so many seconds."""
        self._on_loading(seconds)

    def undecoded(self) -> int:
        """Return the samples that are with the process, of all streams."""
        return sum(recognition.undecoded for recognition in self._open.values())


class _Watch:
    """Looks after one process: reports loading, and kills it when it takes too long to load or stops decoding."""

    def __init__(self, recognizer: VoskRecognizer, process: asyncio.subprocess.Process, begun: float) -> None:
        self._recognizer = recognizer
        self._process = process
        self.begun = begun
        self.heard_since: float | None = None
        self.told_at = begun
        self.verdict = ""

    async def run(self) -> None:
        owed_since = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_EVERY)
            now = time.monotonic()
            if self.heard_since is None:
                self._recognizer.loading(now - self.begun)
                if now - self.begun > LOAD_LIMIT:
                    self.kill(f"the model was not loaded within {LOAD_LIMIT:g} s")
                continue
            if not self._recognizer.undecoded():
                owed_since = now
            elif now - max(owed_since, self.told_at) > STUCK_AFTER:
                self.kill(f"nothing was decoded for {STUCK_AFTER:g} s")

    def kill(self, verdict: str) -> None:
        """End the process, for the reason *verdict*."""
        self.verdict = verdict
        with suppress(ProcessLookupError):
            self._process.kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _hang_up(outbox: Outbox) -> None:
    outbox.close()
    with suppress(OSError):
        await outbox.wait_closed()


async def _last_line(process: asyncio.subprocess.Process) -> str:
    """Return the last line the process wrote to its standard error; reading it keeps the pipe from filling."""
    end = b""
    if process.stderr is not None:
        while written := await process.stderr.read(1 << 12):
            end = (end + written)[-(1 << 12) :]
    return end.decode(errors="replace").strip().rpartition("\n")[-1]
