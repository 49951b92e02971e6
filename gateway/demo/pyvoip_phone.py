"""A desk telephone that is not ours: pyVoIP in a process of its own, obeying a line of text at a time.

The first line of standard input is JSON: ``server``, ``port``, ``user``, ``password``, ``recordings``. Then come orders
as for `jiesu phone --orders`: ``play WAV``, ``keys DIGITS``, ``hangup``; their end signs off. What happens is told in
JSON on standard output, a line each: ``registered``, ``ringing``, ``answered``, ``spoken``, ``keys sent``, ``ended``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyVoIP
from pyVoIP.VoIP import CallState, InvalidStateError, VoIPCall, VoIPPhone

from gateway.demo.pyvoip_rtp import G711Client

ADDRESS = "127.0.0.1"
EXPIRES = 3600
"""Seconds; pyVoIP loses whatever else arrives while it refreshes its registration, so that it does so rarely."""
REGISTRATION_LIMIT = 20.0
FAREWELL_LIMIT = 3.0
MOST_TRIES = 10
_LOOK_EVERY = 0.02

pyVoIP.RTP.RTPClient = G711Client  # type: ignore[misc]  # VoIPCall looks it up there for every call


class DeskTelephone:
    """One telephone with one call at a time."""

    def __init__(self, user: str, recordings: Path) -> None:
        self._user = user
        self._recordings = recordings
        self._telling = threading.Lock()
        self._call: VoIPCall | None = None
        self._sound: G711Client
        self._count = 0

    def tell(self, event: str, **values: Any) -> None:
        """Say what happened."""
        with self._telling, suppress(BrokenPipeError):
            print(json.dumps({"event": event, **values}, ensure_ascii=False), flush=True)

    def answer(self, call: VoIPCall) -> None:
        """Answer, and follow the call to its end; pyVoIP gives every call a thread."""
        self._count += 1
        recording = self._recordings / f"{self._user}-{self._count}.wav"
        self.tell("ringing")
        call.answer()
        (self._sound,) = call.RTPClients  # type: ignore[assignment]
        self._call = call
        self.tell("answered")
        while call.state is CallState.ANSWERED:
            time.sleep(_LOOK_EVERY)
        self._call = None
        self._sound.stop()
        self._sound.recording.save(recording)
        self.tell("ended", recording=str(recording))

    def obey(self, line: str) -> None:
        """Carry out one order; one that makes no sense now is told."""
        verb, _, rest = line.strip().partition(" ")
        call = self._call
        if call is None:
            self.tell("not understood", reason=f"{verb}: there is no call")
            return
        match verb:
            case "play":
                with wave.open(rest, "rb") as file:
                    pcm = file.readframes(file.getnframes())
                self._sound.say(pcm, lambda: self.tell("spoken", path=rest, is_whole=True))
            case "keys":
                for key in rest:
                    self._sound.press(key)
                self.tell("keys sent", digits=rest)
            case "hangup":
                with suppress(InvalidStateError):
                    call.hangup()
            case _:
                self.tell("not understood", reason=f"no such order: {verb}")


def main() -> int:
    """Serve until the orders end; return the exit code."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    place = json.loads(sys.stdin.readline())
    telephone = DeskTelephone(place["user"], Path(place["recordings"]))
    phone = _registered(place, telephone)
    if phone is None:
        telephone.tell("failed", reason="cannot register")
        return 1
    telephone.tell("registered", user=place["user"])
    for line in sys.stdin:
        telephone.obey(line)
    leaving = threading.Thread(target=phone.stop, daemon=True)
    leaving.start()
    leaving.join(FAREWELL_LIMIT)  # pyVoIP would wait half a minute for a registrar that has gone
    return 0


def _registered(place: dict[str, Any], telephone: DeskTelephone) -> VoIPPhone | None:
    """Start pyVoIP at a free port and wait until it is registered."""
    for _ in range(MOST_TRIES):
        phone = VoIPPhone(
            place["server"],
            place["port"],
            place["user"],
            place["password"],
            myIP=ADDRESS,
            sipPort=_free_port(),
            callCallback=telephone.answer,
        )
        phone.sip.default_expires = EXPIRES
        try:
            phone.start()
        except OSError:
            continue  # somebody else took the port meanwhile
        deadline = time.monotonic() + REGISTRATION_LIMIT
        while time.monotonic() < deadline:
            if phone.get_status() is pyVoIP.VoIP.PhoneStatus.REGISTERED:
                return phone
            time.sleep(_LOOK_EVERY)
        return None
    return None


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind((ADDRESS, 0))
        return int(trial.getsockname()[1])


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # pyVoIP's threads have no end of their own
