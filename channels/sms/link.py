"""One connection to a message centre, made again whenever it is lost (`Link`): the shell around `Session`.

At most `MOST_IN_HAND` deliveries are in hand at once; then the link stops reading until one is done, and the centre,
whose window fills, keeps the others.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo

import structlog

from channels.sms.pace import Pace
from channels.sms.session import Event, Limits, Session
from channels.sms.words import (
    Answer,
    Delivery,
    Dialect,
    Ended,
    Garbage,
    Opened,
    Receipt,
    ShortMessage,
    Submitted,
    Verdict,
)
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock

log = structlog.get_logger(__name__)

MOST_IN_HAND = 64
"""Deliveries being handed over at once."""
CONNECT_LIMIT = 10.0
"""Seconds for a connection to be made."""
FIRST_BACK_OFF = 1.0
LONGEST_BACK_OFF = 60.0
"""Seconds between attempts to connect: at first, and at most after many."""
LEAVE_LIMIT = 2.0
"""Seconds that the centre gets to say goodbye."""
TURN_LIMIT = 30.0
"""Seconds that a message waits for its turn; beyond, it comes back later."""
READ_SIZE = 64 * 1024

Take = Callable[[ShortMessage | Receipt], Awaitable[Answer]]
"""Hands over what was delivered, and returns what the centre is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """Where a message centre is, and how it proves itself; without ``tls`` it does not."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Link:
    """A link to *centre*. Run `run` for as long as it is wanted; `submit` meanwhile."""

    def __init__(
        self,
        name: str,
        centre: Centre,
        dialect: Dialect,
        limits: Limits,
        pace: Pace,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self.name = name
        self.status = "not connected yet"
        self._centre = centre
        self._dialect = dialect
        self._limits = limits
        self._pace = pace
        self._clock = clock
        self._zone = zone
        self._session: Session | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[Submitted]] = {}
        self._window = asyncio.Semaphore(limits.window)
        self._due = asyncio.Event()
        self._is_listening = asyncio.Event()

    async def run(self, take: Take) -> None:
        """Keep the link up for ever; what is delivered goes to *take*."""
        pause = FIRST_BACK_OFF
        while True:
            was_open = False
            try:
                async with asyncio.timeout(CONNECT_LIMIT):
                    reader, writer = await asyncio.open_connection(
                        self._centre.host, self._centre.port, ssl=self._centre.tls
                    )
                was_open = await self._converse(reader, writer, take)
            except (OSError, TimeoutError) as error:
                self.status = f"cannot connect: {type(error).__name__}"
            except Exception as error:  # a link that fails is made again, whatever it was
                self.status = f"failed: {type(error).__name__}"
                log.exception("sms.link_failed", link=self.name)
            log.warning("sms.link_down", link=self.name, reason=self.status)
            if was_open:
                pause = FIRST_BACK_OFF
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(LONGEST_BACK_OFF, pause * 2)

    async def submit(self, message: ShortMessage) -> str:
        """Submit *message* in its turn and return the centre's id of it, "" when it gave none.

        Raises `Unavailable` when the link is down or breaks, or the centre says later; `Refused` when it says never.
        """
        loop = asyncio.get_running_loop()
        wait = self._pace.wait(loop.time())
        if wait > TURN_LIMIT:
            raise Unavailable(f"link {self.name} has its hands full", retry_after=wait)
        await asyncio.sleep(self._pace.take(loop.time()))
        async with self._window:
            session = self._session
            if session is None or not session.is_open or session.room <= 0:
                raise Unavailable(f"link {self.name} is down: {self.status}", retry_after=FIRST_BACK_OFF)
            try:
                sequence = session.submit(message, loop.time())
            except ValueError as error:
                raise Refused(f"link {self.name} cannot say it: {error}") from error
            answer: asyncio.Future[Submitted] = loop.create_future()
            self._answers[sequence] = answer
            try:
                self._flush(session)
                submitted = await answer
            finally:
                self._answers.pop(sequence, None)
        match submitted.verdict:
            case Verdict.ACCEPTED:
                self._pace.go_on()
                return submitted.centre_id
            case Verdict.NEVER:
                raise Refused(f"link {self.name}: {submitted.reason}")
            case Verdict.BUSY:
                rest = self._pace.slow_down(loop.time())
                raise Unavailable(f"link {self.name}: {submitted.reason}", retry_after=rest)
            case Verdict.LATER:
                raise Unavailable(f"link {self.name}: {submitted.reason}")

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Take) -> bool:
        """Live one session and return whether the centre let us in."""
        loop = asyncio.get_running_loop()
        session = self._session = Session(self._dialect, self._limits)
        self._writer = writer
        self.status = "opening"
        self._is_listening.set()
        session.begin(loop.time(), self._clock.now().astimezone(self._zone))
        self._flush(session)
        was_open = False
        try:
            async with asyncio.TaskGroup() as tasks:
                timing = tasks.create_task(self._keep_time(session), name=f"sms {self.name} time")
                hands = asyncio.Semaphore(MOST_IN_HAND)
                try:
                    while octets := await self._read(reader):
                        for event in session.receive(octets, loop.time()):
                            was_open = was_open or isinstance(event, Opened)
                            if isinstance(event, Delivery):
                                await self._have_a_hand(hands, session)
                                tasks.create_task(self._deliver(session, event, hands, take))
                            else:
                                self._hear(event)
                        self._flush(session)
                        await self._drain(writer)
                    self._hear(Ended(reason="the connection was lost"))
                finally:
                    timing.cancel()
        except asyncio.CancelledError:
            await self._leave(session, reader)
            raise
        finally:
            self._hear(Ended(reason="we left"))
            self._session = None
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(LEAVE_LIMIT):
                    await writer.wait_closed()
        return was_open

    async def _deliver(self, session: Session, delivery: Delivery, hands: asyncio.Semaphore, take: Take) -> None:
        try:
            session.answer(delivery, await take(delivery.content))
            self._flush(session)
        finally:
            hands.release()

    async def _have_a_hand(self, hands: asyncio.Semaphore, session: Session) -> None:
        """Wait for a free hand; the centre cannot be blamed for answers that we do not read meanwhile."""
        if hands.locked():
            self._is_listening.clear()
            await hands.acquire()
            session.excuse(asyncio.get_running_loop().time())
            self._is_listening.set()
        else:
            await hands.acquire()

    async def _keep_time(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        while session.deadline is not None:
            self._due.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(session.deadline):
                    await self._due.wait()
            await self._is_listening.wait()
            for event in session.tick(loop.time()):
                self._hear(event)
            self._flush(session)

    def _hear(self, event: Event) -> None:
        match event:
            case Opened():
                self.status = "ok"
                log.info("sms.link_up", link=self.name)
            case Submitted(sequence=sequence):
                answer = self._answers.get(sequence)
                if answer is not None and not answer.done():
                    answer.set_result(event)
            case Garbage(reason=reason):
                log.warning("sms.garbage", link=self.name, reason=reason)
            case Ended(reason=reason):
                self._end(reason)
            case _:
                pass

    def _end(self, reason: str) -> None:
        """Let go of the connection; the first reason is the one that counts."""
        if self.status in ("ok", "opening"):
            self.status = reason
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Unavailable(f"link {self.name} broke: {reason}"))
        if self._session is not None and self._writer is not None and not self._writer.is_closing():
            self._flush(self._session)
            self._writer.close()
            asyncio.get_running_loop().call_later(LEAVE_LIMIT, self._writer.transport.abort)  # nobody reads: no flush

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.read(READ_SIZE)
        except OSError:
            return b""

    async def _drain(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await writer.drain()

    def _flush(self, session: Session) -> None:
        octets = session.octets()
        if octets and self._writer is not None and not self._writer.is_closing():
            self._writer.write(octets)
        self._due.set()

    async def _leave(self, session: Session, reader: asyncio.StreamReader) -> None:
        """Take leave of the centre, as long as it takes and not longer."""
        loop = asyncio.get_running_loop()
        session.leave(loop.time())
        self._flush(session)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(LEAVE_LIMIT):
                while session.deadline is not None and (octets := await reader.read(READ_SIZE)):
                    for _ in session.receive(octets, loop.time()):
                        pass
                    self._flush(session)
