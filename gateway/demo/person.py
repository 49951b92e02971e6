"""Somebody at a telephone: a process that is told what to say, and tells what happens to it.

The same few words go to pyVoIP (`gateway.demo.pyvoip_phone`) and to our own softphone (`jiesu phone --orders --json`).
Every such process ends when its standard input does, so that none outlives the demonstration, however that ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.demo.chronicle import STEP_LIMIT
from gateway.demo.failure import StepMissing

log = structlog.get_logger(__name__)

PAUSE = 0.5
"""Seconds between two people's sentences: a listener's breath."""
FAREWELL_LIMIT = 6.0
_ROOT: Final = Path(__file__).resolve().parents[2]


class Person:
    """One person; `follow` must run as long as the person is there."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, errors: Path) -> None:
        self.name = name
        self._process = process
        self._errors = errors
        self._events: list[dict[str, Any]] = []
        self._seen = 0
        self._changed = asyncio.Event()
        self._is_leaving = False

    @classmethod
    async def arrive(cls, name: str, arguments: Sequence[str], folder: Path, first_line: str = "") -> Person:
        """Start ``python -m *arguments*``; what it complains of is kept in *folder*."""
        errors = folder / f"{name}.log"
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with errors.open("ab") as complaints:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-W",
                "ignore",
                "-m",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaints,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C is for the demonstration, which lets everybody leave in good order
            )
        person = cls(name, process, errors)
        if first_line:
            person._order(first_line)
        return person

    async def follow(self) -> None:
        """Hear what happens until the process ends. Raises `StepMissing` when it ends too early."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            with suppress(ValueError):
                self._events.append(json.loads(line))
                self._changed.set()
                self._changed.clear()
        code = await self._process.wait()
        if not self._is_leaving:
            raise StepMissing(f"the telephone of {self.name} ended unexpectedly ({code}): {self._last_words()}")

    async def next(self, event: str) -> dict[str, Any]:
        """Wait for the next event of that name."""
        try:
            async with asyncio.timeout(STEP_LIMIT):
                while True:
                    for at in range(self._seen, len(self._events)):
                        if self._events[at]["event"] == event:
                            self._seen = at + 1
                            return self._events[at]
                    await self._changed.wait()
        except TimeoutError:
            told = ", ".join(each["event"] for each in self._events[-4:])
            raise StepMissing(
                f"{self.name}: no {event!r} within {STEP_LIMIT:g} s (last: {told or 'nothing'})"
            ) from None

    async def say(self, path: Path) -> None:
        """Speak a WAV to its end, then let others breathe."""
        self._order(f"play {path}")
        spoken = await self.next("spoken")
        if not spoken["is_whole"]:
            raise StepMissing(f"{self.name} was cut short at {path.name}")
        await asyncio.sleep(PAUSE)

    def press(self, digits: str) -> None:
        """Press keys."""
        self._order(f"keys {digits}")

    def hang_up(self) -> None:
        """Hang up."""
        self._order("hangup")

    def may_leave(self) -> None:
        """The end of this process is no surprise from now on."""
        self._is_leaving = True

    async def leave(self) -> None:
        """End the process: by the end of its orders, else by force."""
        self.may_leave()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(FAREWELL_LIMIT):
                await self._process.wait()
        except TimeoutError:
            log.warning("demo.telephone_killed", name=self.name)
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()

    def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def _last_words(self) -> str:
        try:
            lines = self._errors.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else "it said nothing"
