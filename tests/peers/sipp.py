"""SIPp as a carrier and as an emergency desk, by the scenarios of `tests/data/sipp`.

A scenario is SIPp's own XML with the parts that all of them share written once, as ``@name@`` (see `PARTS`). What is
run is written out whole beside its error log, so that a failed scenario can be repeated by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self, cast

from tests.peers.baresip import free_ports
from tests.peers.gateway import LIMIT

SCENARIOS = Path(__file__).parents[1] / "data" / "sipp"

PARTS = {
    "dialog": """\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      Contact: <sip:[caller]@[local_ip]:[local_port];transport=[transport]>
      Max-Forwards: 70""",
    "again": """\
[last_Via:]
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]
      Call-ID: [call_id]
      Max-Forwards: 70""",
    "reply": """\
[last_Via:]
      [last_From:]
      [last_To:];tag=[pid]SIPp[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      [last_Record-Route:]
      Contact: <sip:desk@[local_ip]:[local_port];transport=[transport]>""",
    "confirm": """\
SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0
""",
    "session": """\
v=0
      o=SIPp 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0""",
    "sdp": """\
Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=SIPp 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8 0 101
      a=rtpmap:8 PCMA/8000
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15""",
}


class Sipp:
    """One run of one scenario; an async context manager that ends it if nobody waited for its end.

    With *target* (``host:port``) it calls, without it it waits for calls at *port*. *caller* and *service* are the
    numbers that call and are called.
    """

    _next_media = 30000

    def __init__(
        self,
        folder: Path,
        scenario: str,
        *,
        target: str = "",
        local: str = "127.0.0.1",
        port: int = 0,
        caller: str = "13900000000",
        service: str = "12345",
        calls: int = 1,
        rate: int = 10,
        transport: str = "u1",
        options: Iterable[str] = (),
        limit: float = LIMIT,
    ) -> None:
        stem = f"{scenario}-{caller}-{port}"
        self._scenario = folder / f"{stem}.xml"
        self._errors = folder / f"{stem}.err"
        self._messages = folder / f"{stem}.msg"
        self._screen = folder / f"{stem}.out"
        self._limit = limit
        self._scenario.write_text(_written_out(scenario), encoding="utf-8")
        Sipp._next_media += 4
        self._command = [
            *("sipp", *([target] if target else []), "-sf", str(self._scenario), "-s", service),
            *("-i", local, "-mp", str(Sipp._next_media), "-t", transport, "-key", "caller", caller),
            *("-m", str(calls), "-r", str(rate), "-timeout", f"{limit:g}s", "-timeout_error", "-nostdin"),
            *(
                "-trace_msg",
                "-message_file",
                str(self._messages),
                "-trace_err",
                "-error_file",
                str(self._errors),
                "-p",
                str(port or free_ports()[0]),
                *options,
            ),
        ]
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        with self._screen.open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=screen, stderr=screen
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def has_heard(self, words: str, *, times: int = 1) -> bool:
        """Whether *words* have come so many times."""
        return self._messages.exists() and self._messages.read_text(errors="replace").count(words) >= times

    async def done(self) -> None:
        """Wait until the scenario has been played to its end; fail with SIPp's own error log when it was not."""
        async with asyncio.timeout(self._limit + 5.0):
            status = await self._process.wait()
        if status == 0:
            return
        errors = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        screen = self._screen.read_text(errors="replace")
        raise AssertionError(f"SIPp ended with {status}: {' '.join(self._command)}\n{errors[-4000:]}\n{screen[-2500:]}")


async def play(folder: Path, scenario: str, **how: object) -> None:
    """Play one scenario to its end; *how* is what `Sipp` takes."""
    async with Sipp(folder, scenario, **how) as sipp:  # type: ignore[arg-type]
        await sipp.done()


def _written_out(scenario: str) -> str:
    text = (SCENARIOS / f"{scenario}.xml").read_text(encoding="utf-8")
    for name, part in PARTS.items():
        text = text.replace(f"@{name}@", part)
    return text


class Lamp(asyncio.DatagramProtocol):
    """Something that answers one OPTIONS at a trunk's address, as the gateway asks for when it starts, and no more."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self._host = host
        self.asked = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        lines = data.decode(errors="replace").split("\r\n")
        kept = [line for line in lines[1:] if line.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))]
        answer = "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""])
        if self._transport is not None and lines[0].startswith("OPTIONS "):
            self._transport.sendto(answer.encode(), addr)
            self.asked.set()
