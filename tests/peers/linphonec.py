"""linphonec as a telephone: it plays a WAV to the far end and records what it hears; commands go to standard input."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.peers.baresip import free_ports
from tests.peers.ear import load
from tests.peers.gateway import until
from tests.peers.rtp import Pcm

_CONFIGURATION = """
[sip]
sip_port={port}
sip_tcp_port={port}
sip_tls_port=0
guess_hostname=0
contact=sip:{user}@127.0.0.1
use_ipv6=0
[rtp]
audio_rtp_port={rtp}
[net]
firewall_policy=0
[sound]
echocancellation=0
"""


class Linphonec:
    """One telephone; an async context manager. It is called at its ``address`` and says *speech* (8 kHz, mono)."""

    def __init__(self, folder: Path, user: str, speech: Path, *, answers: bool = False) -> None:
        self.user = user
        self.port, self._rtp = free_ports(2)
        self._folder = folder / f"linphonec-{user}"
        self._folder.mkdir()
        self._log = self._folder / "log"
        self._recorded = self._folder / "heard.wav"
        self._speech = speech
        self._answers = answers
        self._process: asyncio.subprocess.Process

    @property
    def address(self) -> str:
        """Where it is called, as ``host:port``."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text(errors="replace")

    @property
    def heard(self) -> Pcm:
        """What it has heard, int16 [samples], 8 kHz."""
        return load(self._recorded)

    async def __aenter__(self) -> Self:
        settings = self._folder / "linphonerc"
        text = _CONFIGURATION.format(port=self.port, rtp=self._rtp, user=self.user)
        settings.write_text(text, encoding="utf-8")
        (self._folder / ".local/share/linphone").mkdir(parents=True)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("linphonec", "-c", str(settings), *(["-a"] if self._answers else [])),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(self._folder)},
            )
        await self.says("linphonec>")
        await self.command("ipv6 disable")
        await self.command("nat 127.0.0.1")
        await self.command("firewall nat")
        await self.command("soundcard use files")
        await self.says("wav files")
        await self.command(f"play {self._speech}")
        await self.command(f"record {self._recorded}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError, ConnectionError):
                await self.command("quit")
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def command(self, words: str) -> None:
        """Type a command; digits alone are pressed keys."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n".encode())
        await self._process.stdin.drain()

    async def says(self, words: str) -> None:
        """Wait until it has printed *words*."""

        async def found() -> bool:
            return words in self.log

        await until(f"linphonec of {self.user} says {words}", found)

    async def register(self, registrar: str, password: str) -> None:
        """Begin to be a telephone of *registrar* (``host:port``)."""
        await self.command(f"register sip:{self.user}@{registrar} sip:{registrar} {password}")
