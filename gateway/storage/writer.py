"""The group-commit writer: one thread takes whatever waits, runs it as one transaction, then wakes every waiter.

One commit costs one wait for the disk, however many units of work share it, so fifty senders who each need
a durable answer share one such wait. This module knows threads and event loops, and no database:
it drives a `Session`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

import structlog

from gateway.domain.errors import Unavailable

T = TypeVar("T")
Tx = TypeVar("Tx")
Tx_co = TypeVar("Tx_co", covariant=True)

log = structlog.get_logger(__name__)

GROUP_LIMIT = 256
"""Units in one commit at most, so that the first of a flood does not wait for the last."""

TEND_EVERY = 1.0
"""Seconds between two visits to an idle session, unless the writer is told otherwise."""

SILENCE_LIMIT = 5.0
"""Seconds without an answer of the session after which the writer calls it lost, though it can but go on waiting."""

RETRY_AFTER = 1.0
"""Seconds after which a refused caller may well succeed."""


class Lost(Unavailable):
    """The session's transaction is gone, whole: the disk is full, the file is locked or away, the line is cut."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=RETRY_AFTER)


class Session(Protocol[Tx_co]):
    """What the writer drives, always from its own thread. Any method but the last two may raise `Lost`."""

    def begin(self) -> None:
        """Open a transaction, opening or reopening the database first when need be."""
        ...

    def run(self, work: Callable[[Tx_co], T]) -> T:
        """Run one unit inside the transaction; whatever else it raises has undone this unit and no other."""
        ...

    def commit(self) -> None:
        """Make the transaction durable."""
        ...

    def tend(self) -> None:
        """Do what may wait: called after every group and about once an idle second, never within a transaction."""
        ...

    def abandon(self) -> None:
        """Drop the transaction and whatever is broken with it."""
        ...

    def close(self) -> None:
        """Let everything go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStatus:
    """How the writer fares: ``error`` is empty while it can write; the rest counts since it was made."""

    error: str = ""
    waiting: int = 0
    units: int = 0
    groups: int = 0
    last_group: int = 0
    largest_group: int = 0


@dataclass(slots=True)
class _Unit(Generic[Tx]):
    """One piece of work with the one who waits for it, in the context (log ids) it was asked for."""

    work: Callable[[Tx], Any]
    waiter: asyncio.Future[Any]
    context: Context = field(default_factory=copy_context)
    result: Any = None
    error: BaseException | None = None

    def deliver(self) -> None:
        """Wake the waiter, on its loop."""
        if self.waiter.done():
            return
        if self.error is None:
            self.waiter.set_result(self.result)
        elif isinstance(self.error, StopIteration):  # a future refuses this one, and its waiter would wait for ever
            self.waiter.set_exception(RuntimeError("a unit of work raised StopIteration"))
        else:
            self.waiter.set_exception(self.error)


class GroupCommitWriter(Generic[Tx]):
    """One thread that owns a `Session`.

    At most *queue_limit* units wait; one more is refused with `Unavailable`, which pushes back on its sender.
    A waiter that is cancelled does not call its unit back: what was handed over is written.
    """

    def __init__(
        self,
        session: Session[Tx],
        *,
        queue_limit: int = 1000,
        tend_every: float = TEND_EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._monotonic = monotonic
        self._asked_at: float | None = None
        self._queue_limit = queue_limit
        self._tend_every = tend_every
        self._queue: deque[_Unit[Tx]] = deque()
        self._arrival = threading.Condition()
        self._closing = False
        self._status = WriterStatus()
        self._thread = threading.Thread(target=self._live, name="store writer", daemon=True)

    def start(self) -> None:
        """Begin to take work."""
        self._thread.start()

    @property
    def status(self) -> WriterStatus:
        """How the writer fares at this moment."""
        status, asked_at = self._status, self._asked_at
        if not status.error and asked_at is not None and self._monotonic() - asked_at > SILENCE_LIMIT:
            status = replace(status, error=f"no answer for {self._monotonic() - asked_at:.0f} s")
        return replace(status, waiting=len(self._queue))

    async def commit(self, work: Callable[[Tx], T]) -> T:
        """Run *work* in the writer's thread and return its result once it is durable.

        Raises what *work* raised, or `Unavailable` when the queue is full, the writer closed or the database lost.
        """
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._arrival:
            if self._closing:
                raise Unavailable("the store is closed")
            if len(self._queue) >= self._queue_limit:
                raise Unavailable(f"{self._queue_limit} units of work wait already", retry_after=RETRY_AFTER)
            self._queue.append(_Unit(work, waiter))
            self._arrival.notify()
        return await waiter

    async def close(self) -> None:
        """Take no more work, finish what waits, and end the thread."""
        with self._arrival:
            self._closing = True
            self._arrival.notify()
        await asyncio.to_thread(self._thread.join)

    def _live(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._write(group)
            self._attempt(self._session.tend)
        self._session.close()

    def _next_group(self) -> list[_Unit[Tx]] | None:
        """Return what waits, nothing after a while of idleness, None when closed and drained."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._queue or self._closing, self._tend_every)
            if self._closing and not self._queue:
                return None
            return [self._queue.popleft() for _ in range(min(len(self._queue), GROUP_LIMIT))]

    def _write(self, group: list[_Unit[Tx]]) -> None:
        lost = self._attempt(lambda: self._run(group))
        for unit in group:
            if lost is not None and unit.error is None:
                unit.error = Unavailable(str(lost), retry_after=lost.retry_after)
                unit.error.__cause__ = lost
        before = self._status
        self._status = replace(
            before,
            units=before.units + len(group),
            groups=before.groups + 1,
            last_group=len(group),
            largest_group=max(before.largest_group, len(group)),
        )
        for loop in {unit.waiter.get_loop() for unit in group}:
            theirs = [unit for unit in group if unit.waiter.get_loop() is loop]
            with suppress(RuntimeError):  # that loop has ended, and its waiters with it
                loop.call_soon_threadsafe(_deliver, theirs)

    def _run(self, group: list[_Unit[Tx]]) -> None:
        self._session.begin()
        for unit in group:
            try:
                unit.result = unit.context.run(self._session.run, unit.work)
            except Lost:
                raise
            except BaseException as error:  # whatever it is, it belongs to the waiter and must not end the writer
                unit.error = error
        self._session.commit()

    def _attempt(self, act: Callable[[], None]) -> Lost | None:
        """Do something with the session; after a loss it is dropped, to be opened anew next time."""
        self._asked_at = self._monotonic()
        try:
            act()
        except Lost as error:
            lost = error
        except Exception as error:  # a fault of ours must not end the writer: everybody would wait for ever
            lost = Lost(f"{type(error).__name__}: {error}")
            lost.__cause__ = error
        else:
            if self._status.error:
                log.info("store.recovered")
                self._status = replace(self._status, error="")
            return None
        finally:
            self._asked_at = None
        self._session.abandon()
        if not self._status.error:
            log.error("store.lost", reason=str(lost))
        self._status = replace(self._status, error=str(lost))
        return lost


def _deliver(units: list[_Unit[Any]]) -> None:
    for unit in units:
        unit.deliver()
