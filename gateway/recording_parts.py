"""The archive of recordings, put together: one thread that packs, and gives way to everything else."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from channels.media.packing import Unpackable, pack
from config.settings import Settings
from config.values import Duration
from gateway.domain.errors import Unavailable
from gateway.ports.clock import Clock
from gateway.ports.memory import Store
from gateway.ports.recordings import Packed
from gateway.services.archive import Archive
from gateway.services.ledger import Ledger

_NICENESS = 10


class OpusPacker:
    """Packs to Opus; see `channels.media.packing`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="packing", initializer=_give_way)

    async def pack(self, recording: Path) -> Packed | None:
        """See `gateway.ports.recordings.Packer`."""
        try:
            packed = await asyncio.get_running_loop().run_in_executor(self._thread, pack, recording)
        except Unpackable as error:
            raise Unavailable(str(error)) from error
        if packed is None:
            return None
        return Packed(path=packed.path, sha256=packed.sha256, seconds=packed.seconds)

    def close(self) -> None:
        """End the thread after what it is at."""
        self._thread.shutdown(cancel_futures=True)


@asynccontextmanager
async def open_archive(
    settings: Settings, store: Store, ledger: Ledger, clock: Clock, folder: Path
) -> AsyncIterator[Archive]:
    """Pack and delete recordings below *folder* for as long as the block lasts."""
    kept = settings.media.keep_recordings
    packer = OpusPacker()
    try:
        async with Archive(
            store, ledger, clock, folder, packer, keep=Duration.parse(kept) if kept else None
        ) as archive:
            yield archive
    finally:
        await asyncio.to_thread(packer.close)


def _give_way() -> None:
    with suppress(OSError):  # niceness is a thread's own on Linux
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
