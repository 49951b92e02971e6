"""The archive of recordings (录音档案): packs what calls leave behind, and deletes what has been kept long enough.

A recording is written as WAV while the call lives. Once that is closed and its hash is in the journal, the archive
packs it, journals the packed file's hash, and deletes the WAV when the store has all of it. What a crash left unpacked
is packed at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from gateway.domain.call import CallId
from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.ports.clock import Clock
from gateway.ports.memory import CallLeg, Store
from gateway.ports.recordings import Packer
from gateway.services.ledger import Ledger

log = structlog.get_logger(__name__)

WRITTEN, PACKED = ".wav", ".opus"
ROUND = 3600.0
"""Seconds between looks for recordings that have been kept long enough."""
STORE_LIMIT = 60.0
"""Seconds to wait for the store before a file is left for another time."""


class Archive:
    """Use as an async context manager, entered before calls are taken; *keep* is how long, None is for ever."""

    def __init__(
        self, store: Store, ledger: Ledger, clock: Clock, folder: Path, packer: Packer, *, keep: timedelta | None = None
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._folder = folder
        self._packer = packer
        self._keep = keep
        self._waiting: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Find what a crash left, and start packing."""
        for path in await asyncio.to_thread(_files, self._folder, WRITTEN):
            self._waiting.put_nowait(partial(self._take_in, path))
        self._tasks.append(asyncio.create_task(self._run(), name="archive"))
        if self._keep is not None:
            self._tasks.append(asyncio.create_task(self._clear_out(self._keep), name="archive rounds"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what waits is packed at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, leg: CallLeg, ticket_id: TicketId | None) -> None:
        """Pack a leg's closed recording, some time."""
        self._waiting.put_nowait(partial(self._pack, leg, ticket_id))

    async def settle(self) -> None:
        """Wait until all that was found and taken is dealt with."""
        await self._waiting.join()

    # -- packing ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            work = await self._waiting.get()
            try:
                await work()
            except (Unavailable, OSError) as failure:
                log.error("recording.not_packed", reason=str(failure))
            finally:
                self._waiting.task_done()

    async def _take_in(self, path: Path) -> None:
        """Take in a WAV that was there at the start: not packed yet, or packed and not yet deleted."""
        leg = await self._leg_of(path)
        if leg is not None:
            await self._pack(leg, await self._ticket_of(leg.call_id))
        elif await self._leg_of(path.with_suffix(PACKED)) is not None:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _pack(self, leg: CallLeg, ticket_id: TicketId | None) -> None:
        path = self._folder / leg.recording
        if not leg.sha256:
            digest = await asyncio.to_thread(sha256_of, path)
            self._tell("recording.closed", leg, ticket_id, file=leg.recording, sha256=digest)
        packed = await self._packer.pack(path)
        if packed is None:
            await self._drop_empty(path, leg, ticket_id)
            return
        kept = replace(leg, recording=packed.path.relative_to(self._folder).as_posix(), sha256=packed.sha256)
        self._ledger.write(lambda tx: tx.save_leg(kept))
        self._tell(
            "recording.packed",
            leg,
            ticket_id,
            file=kept.recording,
            sha256=packed.sha256,
            seconds=round(packed.seconds, 3),
        )
        await self._ledger.settle(STORE_LIMIT)
        if await self._leg_of(packed.path) is not None:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _drop_empty(self, path: Path, leg: CallLeg, ticket_id: TicketId | None) -> None:
        """Delete a recording that was begun and holds nothing, once the store knows that there is none."""
        self._ledger.write(lambda tx: tx.save_leg(replace(leg, recording="", sha256="")))
        self._tell("recording.empty", leg, ticket_id, file=leg.recording)
        await self._ledger.settle(STORE_LIMIT)
        if await self._leg_of(path) is None:
            await asyncio.to_thread(_delete, path)

    # -- deleting --------------------------------------------------------------------------------------------

    async def _clear_out(self, keep: timedelta) -> None:
        while True:
            try:
                await self.delete_expired(keep)
            except (Unavailable, OSError) as failure:
                log.error("recordings.not_deleted", reason=str(failure))
            await asyncio.sleep(ROUND)

    async def delete_expired(self, keep: timedelta) -> None:
        """Delete the recordings that were last written longer than *keep* ago, each after the journal says so."""
        oldest = (self._clock.now() - keep).timestamp()
        for path in await asyncio.to_thread(_files, self._folder, WRITTEN, PACKED, before=oldest):
            leg = await self._leg_of(path)
            if leg is not None:
                gone = replace(leg, recording="")
                ticket_id = await self._ticket_of(leg.call_id)
                self._ledger.write(lambda tx, gone=gone: tx.save_leg(gone))  # type: ignore[misc]
                self._tell("recording.deleted", leg, ticket_id, file=leg.recording, sha256=leg.sha256)
                await self._ledger.settle(STORE_LIMIT)
                if await self._leg_of(path) is not None:
                    continue
            await asyncio.to_thread(_delete, path)

    async def _leg_of(self, path: Path) -> CallLeg | None:
        """Return the leg whose recording *path* is, as the store has it."""
        file = path.relative_to(self._folder).as_posix()
        legs = await self._store.legs(CallId(path.parent.name))
        return next((leg for leg in legs if leg.recording == file), None)

    async def _ticket_of(self, call_id: CallId) -> TicketId | None:
        entries = await self._store.entries(call_id=call_id, limit=1)
        return entries[0].fact.ticket_id if entries else None

    def _tell(self, kind: str, leg: CallLeg, ticket_id: TicketId | None, **values: Json) -> None:
        self._ledger.tell(
            Fact(
                kind=kind,
                at=self._clock.now(),
                call_id=leg.call_id,
                ticket_id=ticket_id,
                values={"leg": leg.leg_id, **values},
            )
        )


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal; blocks on the disk. Raises `OSError`."""
    with path.open("rb") as recording:
        return hashlib.file_digest(recording, "sha256").hexdigest()


def _files(folder: Path, *suffixes: str, before: float | None = None) -> list[Path]:
    """Return the recordings below *folder*, those last written before the instant *before* (seconds since 1970)."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in suffixes)
    return [path for path in found if before is None or path.stat().st_mtime < before]


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
