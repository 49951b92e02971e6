"""Asterisk's ConfBridge as a yardstick, in a Debian chroot of its own; calls are set up by a SIP caller of 60 lines.

Debian 12 has no Asterisk, so Debian 11's (16.28) is installed into a folder by debootstrap, once: 65 s, 563 MB, root.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MIRROR = "http://deb.debian.org/debian"
_SIP_PORT = 25070
TARGET = f"127.0.0.1:{_SIP_PORT}"
"""Where it speaks SIP over UDP: 7... is a conference, 8... answers and waits."""
_PACKAGES = "apt-get install -y -q --no-install-recommends asterisk"
_CONFIGURATION = {
    "asterisk.conf": """[directories]
astetcdir => /etc/asterisk
astmoddir => /usr/lib/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => /var/lib/asterisk
astkeydir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astspooldir => /var/spool/asterisk
astrundir => /var/run/asterisk
astlogdir => /var/log/asterisk
""",
    "modules.conf": """[modules]
autoload = yes
noload = chan_sip.so
noload = chan_iax2.so
noload = chan_unistim.so
noload = chan_skinny.so
noload = chan_mgcp.so
noload = pbx_dundi.so
noload = res_hep.so
""",
    "pjsip.conf": f"""[transport-udp]
type=transport
protocol=udp
bind=127.0.0.1:{_SIP_PORT}
[trunk]
type=endpoint
transport=transport-udp
context=from-trunk
disallow=all
allow=alaw,ulaw
direct_media=no
media_address=127.0.0.1
bind_rtp_to_media_address=yes
rtp_symmetric=yes
[trunk]
type=identify
endpoint=trunk
match=127.0.0.1
""",
    "extensions.conf": """[from-trunk]
exten => _7X.,1,Answer()
 same => n,ConfBridge(${EXTEN})
exten => _8X.,1,Answer()
 same => n,Wait(30)
""",
    "confbridge.conf": """[general]
[default_bridge]
type=bridge
[default_user]
type=user
announce_only_user=no
quiet=yes
""",
    "rtp.conf": "[general]\nrtpstart=26000\nrtpend=29999\n",
    "http.conf": "[general]\nenabled = no\n",
}


class NotToBeHad(Exception):
    """What is missing for Asterisk to run here, in one line."""


def install(folder: Path) -> None:
    """Make *folder* a chroot with Asterisk in it, unless it is one; raises `NotToBeHad`."""
    if os.geteuid():
        raise NotToBeHad("chroot needs root")
    if (folder / "usr/sbin/asterisk").exists():
        return
    if shutil.which("debootstrap") is None:
        raise NotToBeHad("debootstrap is not installed")
    for command in (
        ["debootstrap", "--variant=minbase", "bullseye", str(folder), _MIRROR],
        ["chroot", str(folder), "sh", "-c", _PACKAGES],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotToBeHad(f"{' '.join(command[:2])} failed: {(done.stdout + done.stderr).strip().splitlines()[-1]}")


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """Run Asterisk in *folder*, with real-time priority as the media process has it, and yield its process id."""
    for name, text in _CONFIGURATION.items():
        (folder / "etc/asterisk" / name).write_text(text)
    (folder / "run/asterisk").mkdir(parents=True, exist_ok=True)
    command = ["chroot", str(folder), "asterisk", "-f", "-n", "-p"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as it:
        try:
            yield it.pid
        finally:
            it.terminate()
            try:
                it.wait(5)
            except subprocess.TimeoutExpired:
                it.kill()


def wait() -> None:
    """Wait until it answers. Raises `NotToBeHad`."""
    call("80000", 24100, 8)


def call(number: str, rtp_port: int, payload_type: int) -> int:
    """Call *number* from 127.0.0.1:*rtp_port* in one codec; return the RTP port that answers, raises `NotToBeHad`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip:
        sip.bind(("127.0.0.1", 0))
        sip.connect(("127.0.0.1", _SIP_PORT))
        own = f"127.0.0.1:{sip.getsockname()[1]}"
        codec = {0: "PCMU", 8: "PCMA"}[payload_type]
        body = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {rtp_port} RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} {codec}/8000\r\na=ptime:20\r\n"
        )

        def request(method: str, to_tag: str, content: str) -> bytes:
            return (
                f"{method} sip:{number}@127.0.0.1:{_SIP_PORT} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{method}{rtp_port}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:benchmark@{own}>;tag={rtp_port}\r\nTo: <sip:{number}@127.0.0.1>{to_tag}\r\n"
                f"Call-ID: {rtp_port}@{own}\r\nCSeq: 1 {method}\r\nContact: <sip:benchmark@{own}>\r\n"
                f"Content-Type: application/sdp\r\nContent-Length: {len(content)}\r\n\r\n{content}"
            ).encode()

        sip.settimeout(0.5)
        for _ in range(20):
            try:
                sip.send(request("INVITE", "", body))
                while True:
                    answer = sip.recv(8192).decode()
                    status = int(answer.split(" ", 2)[1])
                    if status >= 200:
                        break
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.2)
                continue
            port, tag = re.search(r"m=audio (\d+)", answer), re.search(r"\nTo:[^\r]*(;tag=[^\r;]*)", answer)
            if status != 200 or port is None or tag is None:
                raise NotToBeHad(f"Asterisk answered {status}")
            sip.send(request("ACK", tag[1], ""))
            return int(port[1])
    raise NotToBeHad("Asterisk does not answer")
