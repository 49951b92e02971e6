"""Disk work of the media process, in one thread of its own, so that no disk ever holds up the clock.

Recordings grow at given places of a file whose header is right after every write; what is skipped reads as silence.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from channels.media import wav
from channels.media.g711 import Pcm

_MOST_PROMPTS: Final = 64
_MOST_JOBS: Final = 4096

Outcome = Callable[[], None]


class RecordingFile:
    """A WAV file that is whole after every `write`."""

    def __init__(self, path: str, *, resume: bool) -> None:
        """Open *path* anew, or keep what it holds if *resume*; raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if resume else os.O_TRUNC)
        self._file = os.open(path, flags, 0o640)
        self._samples = max(0, os.fstat(self._file).st_size - wav.HEADER_SIZE) // 2
        os.pwrite(self._file, wav.header(self._samples), 0)

    def write(self, start: int, pcm: bytes) -> None:
        """Put *pcm* at sample *start*, then make the header say so."""
        os.pwrite(self._file, pcm, wav.HEADER_SIZE + 2 * start)
        self._samples = max(self._samples, start + len(pcm) // 2)
        os.pwrite(self._file, wav.header(self._samples), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Files:
    """Carries out disk work in the order it was asked for; outcomes wait in `outcomes` for the clock's thread."""

    def __init__(self, on_failure: Callable[[str, str], None]) -> None:
        """*on_failure* is called, in the clock's thread, with a leg and a reason."""
        self.outcomes: deque[Outcome] = deque()
        self._on_failure = on_failure
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(_MOST_JOBS)
        self._recordings: dict[str, RecordingFile] = {}
        self._prompts: dict[str, tuple[int, Pcm]] = {}
        self._thread = threading.Thread(target=self._work, name="media files", daemon=True)
        self._thread.start()

    def open_recording(self, leg: str, path: str, *, resume: bool) -> None:
        """Start the recording of *leg*."""

        def job() -> None:
            self._close(leg)
            self._recordings[leg] = RecordingFile(path, resume=resume)

        self._put(leg, job)

    def write(self, portions: list[tuple[str, int, bytes]]) -> None:
        """Write portions of recordings, as (leg, first sample, pcm)."""

        def job() -> None:
            for leg, start, pcm in portions:
                recording = self._recordings.get(leg)
                if recording is None:
                    continue
                try:
                    recording.write(start, pcm)
                except OSError as error:
                    self._fail(leg, str(error))

        self._put(portions[0][0], job)

    def close_recording(self, leg: str, then: Outcome | None = None) -> None:
        """Complete the recording of *leg*; *then* is called in the clock's thread."""

        def job() -> None:
            try:
                self._close(leg)
            finally:
                if then is not None:
                    self.outcomes.append(then)

        self._put(leg, job)

    def load_prompt(self, leg: str, path: str, then: Callable[[Pcm | None, str], None]) -> None:
        """Read a prompt; *then* gets its samples, or None and the reason, in the clock's thread."""

        def job() -> None:
            try:
                samples = self._prompt(path)
            except (OSError, wav.UnusableWav) as error:
                reason = f"{path}: {error}"
                self.outcomes.append(lambda: then(None, reason))
            else:
                self.outcomes.append(lambda: then(samples, ""))

        self._put(leg, job)

    def finish(self, timeout: float) -> None:
        """Carry out what is left, complete every recording, and end the thread; give up after *timeout* seconds."""
        with suppress(queue.Full):
            self._jobs.put(None, timeout=timeout)
        self._thread.join(timeout)

    def _put(self, leg: str, job: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                job()
            except OSError as error:
                self._fail(leg, str(error))

        try:
            self._jobs.put_nowait(guarded)
        except queue.Full:
            self._on_failure(leg, f"{_MOST_JOBS} disk jobs are waiting")

    def _fail(self, leg: str, reason: str) -> None:
        self.outcomes.append(lambda: self._on_failure(leg, reason))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        for leg in list(self._recordings):
            self._close(leg)

    def _close(self, leg: str) -> None:
        recording = self._recordings.pop(leg, None)
        if recording is not None:
            recording.close()

    def _prompt(self, path: str) -> Pcm:
        changed = os.stat(path).st_mtime_ns
        known = self._prompts.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        samples = wav.parse(Path(path).read_bytes())
        if len(self._prompts) >= _MOST_PROMPTS:
            self._prompts.pop(next(iter(self._prompts)))
        self._prompts[path] = (changed, samples)
        return samples
