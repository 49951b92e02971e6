"""Asterisk as a city's PBX: the trunk we register with, telephones that register here, desks and units behind it.

Debian 12 has none, so it lives in a chroot with Debian 11's (`python scripts/peers.py --interop` makes it, as root).
Each one that runs has a folder of its own in there, so that several do not disturb one another.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from scripts.peers import asterisk_root
from tests.peers.baresip import free_ports
from tests.peers.gateway import until

USER, PASSWORD = "hotline", "open-sesame"
"""Whom we register with it as."""
AGENT, AGENT_PASSWORD = "8001", "eight-zero-zero-one"
"""Whom it registers with us as."""
_ALL = """
[directories]
astetcdir => {folder}
astmoddir => /usr/lib/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => {folder}
astkeydir => {folder}
astdatadir => /usr/share/asterisk
astagidir => {folder}
astspooldir => {folder}
astrundir => {folder}
astlogdir => {folder}
"""
_MODULES = """
[modules]
autoload = yes
noload = chan_sip.so
noload = chan_iax2.so
noload = chan_unistim.so
noload = chan_skinny.so
noload = chan_mgcp.so
noload = pbx_dundi.so
noload = res_hep.so
"""
_PJSIP = """
[global]
type = global
endpoint_identifier_order = username,ip
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:{port}
[sounds](!)
type = endpoint
transport = {transport}
context = from-hotline
disallow = all
allow = alaw,ulaw
direct_media = no
dtmf_mode = rfc4733
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
[hotline](sounds)
auth = hotline
aors = hotline
[hotline]
type = auth
username = {user}
password = {password}
[hotline]
type = aor
max_contacts = 1
[jiesu](sounds)
[jiesu]
type = identify
endpoint = jiesu
match = 127.0.0.1
"""
_AGENT = """
[agent]
type = registration
transport = {transport}
outbound_auth = agent
server_uri = sip:{gateway}\\;transport={transport}
client_uri = sip:{agent}@{gateway}
contact_user = {agent}
retry_interval = 2
[agent]
type = auth
username = {agent}
password = {agent_password}
"""
_EXTENSIONS = """
[citizens]
exten => _X.,1,Set(CALLERID(num)={caller})
 same => n,Dial(PJSIP/jiesu/sip:${{EXTEN}}@{gateway}\\;transport={transport})
[speeches]
exten => _[a-z].,1,Wait(1)
 same => n,Playback({folder}/${{EXTEN}})
 same => n,Wait(120)
[from-hotline]
exten => 119,1,Ringing()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Wait(4)
 same => n,SendDTMF(1)
 same => n,Wait(120)
exten => 110,1,Answer()
 same => n,Wait(14)
 same => n,Transfer(PJSIP/sip:12345@{gateway})
 same => n,Wait(120)
exten => 122,1,Busy()
exten => _[89]00X,1,Answer()
 same => n,Wait(120)
"""


class Asterisk:
    """One PBX; an async context manager. What citizens say are the WAV files given to `speech`."""

    def __init__(self, *, transport: str = "udp") -> None:
        self.transport = transport
        self.port, self._rtp = free_ports(2)
        self._root = asterisk_root()
        assert self._root is not None
        self._outside = Path(mkdtemp(prefix="jiesu-asterisk-", dir=self._root / "tmp"))
        self._inside = Path("/") / self._outside.relative_to(self._root)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Where it speaks SIP, as ``host:port``."""
        return f"127.0.0.1:{self.port}"

    def speech(self, path: Path) -> str:
        """Take a WAV of a citizen's (8 kHz, mono, 16 bits); return its name for `call`."""
        shutil.copy(path, self._outside)
        return path.stem

    async def __aenter__(self) -> Self:
        return self

    async def start(self, gateway: str, *, caller: str, with_agent: bool = False) -> None:
        """Begin to work beside the gateway at *gateway*; citizens show *caller*."""
        given = {
            "folder": self._inside,
            "port": self.port,
            "transport": self.transport,
            "gateway": gateway,
            "caller": caller,
            "user": USER,
            "password": PASSWORD,
            "agent": AGENT,
            "agent_password": AGENT_PASSWORD,
        }
        files = {
            "asterisk.conf": _ALL,
            "modules.conf": _MODULES,
            "pjsip.conf": _PJSIP + (_AGENT if with_agent else ""),
            "extensions.conf": _EXTENSIONS,
            "rtp.conf": f"[general]\nrtpstart={26000 + self._rtp % 3000}\nrtpend={26100 + self._rtp % 3000}\n",
            "logger.conf": "[logfiles]\nfull => notice,warning,error\n",
        }
        for name, text in files.items():
            (self._outside / name).write_text(text.format(**given), encoding="utf-8")
        self._process = await asyncio.create_subprocess_exec(
            *("chroot", str(self._root), "asterisk", "-C", str(self._inside / "asterisk.conf"), "-f", "-n"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await until("Asterisk has booted", self._has_booted)

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._outside, ignore_errors=True)

    async def command(self, words: str) -> str:
        """Carry out a command of its console; return what it says."""
        process = await asyncio.create_subprocess_exec(
            *("chroot", str(self._root), "asterisk", "-C", str(self._inside / "asterisk.conf"), "-rx", words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        return told.decode(errors="replace")

    async def call(self, number: str, speech: str) -> None:
        """Have a citizen call *number* and say *speech*."""
        await self.command(f"channel originate Local/{number}@citizens extension {speech}@speeches")

    async def has_channel(self, *words: str) -> bool:
        """Whether one of its channels shows all *words*."""
        channels = (await self.command("core show channels concise")).splitlines()
        return any(all(word in channel for word in words) for channel in channels)

    async def _has_booted(self) -> bool:
        return "fully booted" in (await self.command("core waitfullybooted")).lower()
