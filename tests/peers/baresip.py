"""baresip 1.0 as somebody's telephone: it speaks WAV files, and records what it hears.

It is steered over its `ctrl_tcp` module: netstrings of JSON (https://cr.yp.to/proto/netstrings.txt).
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from tests.peers.ear import load
from tests.peers.gateway import LIMIT, until
from tests.peers.rtp import Pcm

MODULES = Path("/usr/lib/baresip/modules")
TLS = Path("tests/data/tls/gateway").absolute()
"""A certificate for the loopback, without its suffix, and its key."""

_CONFIG = """\
poll_method epoll
sip_listen {host}:{sip}
call_max_calls 4
audio_path /nowhere
audio_player aubridge,sink
audio_source aufile,{speech}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
net_interface {bare_host}
rtp_ports {rtp}-{rtp_last}
jitter_buffer_type fixed
jitter_buffer_delay 2-10
module_path {modules}
module g711.so
module g722.so
module srtp.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
module_app debug_cmd.so
sip_certificate {certificate}
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {recordings}
"""


def free_ports(count: int = 1) -> list[int]:
    """Return ports of the loopback that are free over UDP and TCP, outside the range that the system gives out."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20000, 26000)
        if port not in ports and _is_free(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


class Baresip:
    """One telephone; an async context manager. Its number is *user*, its ears and its voice lie in *folder*.

    With a *password* it registers at *registrar* (``host:port``), else it is called at its own ``address``, over TLS at
    the port above. *encryption* is its ``mediaenc``.
    """

    _next_rtp = 27000

    def __init__(
        self,
        folder: Path,
        user: str,
        speech: Path,
        *,
        registrar: str = "",
        password: str = "",
        answers: bool = True,
        codecs: str = "PCMA/8000/1,PCMU/8000/1",
        host: str = "127.0.0.1",
        encryption: str = "",
    ) -> None:
        self.user = user
        self.host = f"[{host}]" if ":" in host else host
        self.events: list[dict[str, Any]] = []
        self._folder = folder / f"baresip-{user}"
        self.port, self._control_port = free_ports(2)
        self._log = self._folder / "log"
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter
        self._reading: asyncio.Task[None]
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        more = f";mediaenc={encryption}" if encryption else ""
        self._write_configuration(speech, registrar, password, "auto" if answers else "manual", codecs, more)

    @property
    def address(self) -> str:
        """Where it is called, as ``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text(errors="replace")

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("baresip", "-6" if ":" in self.host else "-4", "-f", str(self._folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        reader = await until("baresip takes commands", self._connect)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(5.0):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._reading.cancel()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        await asyncio.wait([self._reading])

    # -- what it is told -------------------------------------------------------------------------------------

    async def dial(self, uri: str) -> None:
        """Call *uri*."""
        await self.command("dial", uri)

    async def hang_up(self) -> None:
        """End the call."""
        await self.command("hangup")

    async def press(self, digit: str) -> None:
        """Press a key, as an RFC 4733 event."""
        await self.command("sndcode", digit)

    async def say(self, speech: Path) -> None:
        """Go on with another WAV, which must be padded with silence to outlast the call."""
        await self.command("ausrc", f"aufile,{speech}")

    async def command(self, name: str, params: str = "") -> dict[str, Any]:
        """Give any command and return the response to it."""
        token = f"{name}{len(self._answers)}"
        self._answers[token] = asyncio.get_running_loop().create_future()
        octets = json.dumps({"command": name, "params": params, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(octets), octets))
        async with asyncio.timeout(LIMIT):
            await self._writer.drain()
            answer = await self._answers[token]
        assert answer.get("ok"), f"{self.user}: {name} {params}: {answer}"
        return answer

    # -- what it tells ---------------------------------------------------------------------------------------

    async def event(self, kind: str, *, count: int = 1, limit: float = LIMIT) -> dict[str, Any]:
        """Wait for the *count*-th event of this type (``CALL_ESTABLISHED``, ``CALL_CLOSED``, ``REGISTER_OK`` ...)."""

        async def found() -> dict[str, Any] | None:
            alike = [event for event in self.events if event.get("type") == kind]
            return alike[count - 1] if len(alike) >= count else None

        try:
            return await until(f"{self.user}: {kind}", found, limit=limit)
        except AssertionError as missing:
            raise AssertionError(f"{missing}\n{self.events}\n{self.log[-3000:]}") from None

    @property
    def heard(self) -> Pcm:
        """Everything it has heard, call after call."""
        parts = [load(path) for path in sorted(self._folder.glob("dump-*-dec.wav"))]
        return np.concatenate([np.zeros(0, np.int16), *parts])

    # -- inside ----------------------------------------------------------------------------------------------

    def _write_configuration(
        self, speech: Path, registrar: str, password: str, mode: str, codecs: str, more: str
    ) -> None:
        self._folder.mkdir()
        rtp = Baresip._next_rtp
        Baresip._next_rtp += 40
        self._folder.joinpath("config").write_text(
            _CONFIG.format(
                host=self.host,
                bare_host=self.host.strip("[]"),
                certificate=self._certificate(),
                sip=self.port,
                speech=speech,
                rtp=rtp,
                rtp_last=rtp + 38,
                modules=MODULES,
                control=self._control_port,
                recordings=self._folder,
            )
        )
        registration = f"regint=60;auth_user={self.user};auth_pass={password}" if password else "regint=0"
        account = f"<sip:{self.user}@{registrar or self.address}>;{registration};answermode={mode}{more}"
        account += f";audio_codecs={codecs}"
        self._folder.joinpath("accounts").write_text(account + "\n")

    def _certificate(self) -> Path:
        """Write the certificate and key that it shows over TLS, in one file."""
        path = self._folder / "certificate.pem"
        path.write_text(TLS.with_suffix(".pem").read_text() + TLS.with_suffix(".key").read_text())
        return path

    async def _connect(self) -> asyncio.StreamReader | None:
        assert self._process is not None
        assert self._process.returncode is None, f"baresip ended:\n{self.log}"
        try:
            reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control_port)
        except ConnectionError:
            return None
        return reader

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int((await reader.readuntil(b":"))[:-1])
                message = json.loads((await reader.readexactly(size + 1))[:-1])
                if message.get("response"):
                    self._answers[message["token"]].set_result(message)
                else:
                    self.events.append(message)
