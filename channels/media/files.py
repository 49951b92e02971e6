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
from channels.media.captures import RecordingKey
from channels.media.g711 import Pcm

_MOST_PROMPTS: Final = 64
_MOST_JOBS: Final = 4096

Outcome = Callable[[], None]


class RecordingFile:
    """A WAV file that is whole after every `write`."""

    def __init__(self, path: str, *, resume: bool, tracks: int = 1) -> None:
        """Open *path* anew, or keep what it holds if *resume*; raises OSError."""
        self._tracks = tracks
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if resume else os.O_TRUNC)
        self._file = os.open(path, flags, 0o640)
        self._samples = max(0, os.fstat(self._file).st_size - wav.HEADER_SIZE) // (2 * tracks)
        os.pwrite(self._file, wav.header(self._samples, tracks), 0)

    def write(self, start: int, pcm: bytes) -> None:
        """Put *pcm* at sample *start*, then make the header say so."""
        width = 2 * self._tracks
        os.pwrite(self._file, pcm, wav.HEADER_SIZE + width * start)
        self._samples = max(self._samples, start + len(pcm) // width)
        os.pwrite(self._file, wav.header(self._samples, self._tracks), 0)

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
        self._recordings: dict[RecordingKey, RecordingFile] = {}
        self._prompts: dict[str, tuple[int, Pcm]] = {}
        self._thread = threading.Thread(target=self._work, name="media files", daemon=True)
        self._thread.start()

    def open_recording(self, key: RecordingKey, path: str, *, resume: bool) -> None:
        """Start a recording."""
        leg, tracks = key

        def job() -> None:
            self._close(key)
            self._recordings[key] = RecordingFile(path, resume=resume, tracks=tracks)

        self._put(leg, job)

    def write(self, portions: list[tuple[RecordingKey, int, bytes]]) -> None:
        """Write portions of recordings, as (key, first sample, pcm)."""

        def job() -> None:
            for key, start, pcm in portions:
                leg, _ = key
                recording = self._recordings.get(key)
                if recording is None:
                    continue
                try:
                    recording.write(start, pcm)
                except OSError as error:
                    self._fail(leg, str(error))

        self._put(portions[0][0][0], job)

    def close_recording(self, key: RecordingKey) -> None:
        """Complete a recording."""
        self._put(key[0], lambda: self._close(key))

    def close_recordings(self, leg: str, then: Outcome) -> None:
        """Complete all recordings of *leg*; *then* is called in the clock's thread."""

        def job() -> None:
            try:
                for key in [key for key in self._recordings if key[0] == leg]:
                    self._close(key)
            finally:
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
        _give_way()
        while (job := self._jobs.get()) is not None:
            job()
        for key in list(self._recordings):
            self._close(key)

    def _close(self, key: RecordingKey) -> None:
        recording = self._recordings.pop(key, None)
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


def _give_way() -> None:
    """Come right after the clock where that has real-time priority: at the same, a write could keep it from a core.

    Not behind everything else: who is held up while it holds the interpreter's lock holds up the clock.
    """
    with suppress(OSError):
        priority = os.sched_getparam(0).sched_priority  # of this thread (sched(7))
        if priority > 1:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority - 1))
