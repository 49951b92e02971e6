"""The recogniser process: one Vosk model, one recogniser per stream, words out as audio comes in.

Started by `asr.recogniser` as ``python -m asr.process --model FOLDER --socket FD``. It is a process of its own because
libvosk aborts the process it is in on some bad models and some bad luck, and a call must outlive that. It ends when the
socket does, so it cannot outlive its gateway. libvosk releases the GIL while it decodes: a small pool of threads keeps
the cores busy, and each stream is worked on by one thread at a time, as libvosk demands.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import traceback
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import vosk

from asr import wire
from asr.ear import Ear, Words
from asr.models import input_rate
from gateway.framing import FrameReader

THREADS = min(4, os.cpu_count() or 1)
BROKEN = 70
"""Exit status when a stream could not be decoded (EX_SOFTWARE)."""


def main(arguments: list[str] | None = None) -> None:
    """Serve the socket until it ends."""
    parser = argparse.ArgumentParser(prog="asr.process", description="recogniser process of jiesu")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of a connected stream socket")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the gateway's to act on; we end when it hangs up
    vosk.SetLogLevel(-1)
    with socket.socket(fileno=chosen.socket) as connection:
        model = vosk.Model(str(chosen.model))
        Process(model, input_rate(chosen.model), connection).serve()


class Process:
    """The streams of one connection."""

    def __init__(self, model: vosk.Model, rate: int, connection: socket.socket) -> None:
        self._model = model
        self._rate = rate
        self._connection = connection
        self._sending = threading.Lock()
        self._streams: dict[int, _Stream] = {}

    def serve(self) -> None:
        """Take messages until the other side is gone."""
        frames = FrameReader()
        self.send(wire.Ready(self._rate))
        with ThreadPoolExecutor(THREADS, thread_name_prefix="ear") as pool:
            while received := self._connection.recv(1 << 16):
                for payload in frames.feed(received):
                    self._take(wire.to_process(payload), pool)
            pool.shutdown(wait=False, cancel_futures=True)

    def send(self, message: wire.FromProcess) -> None:
        """Send from any thread; a client that is gone is noticed by `serve`."""
        with self._sending:
            try:
                self._connection.sendall(wire.encode(message))
            except OSError:
                return

    def _take(self, message: wire.ToProcess, pool: ThreadPoolExecutor) -> None:
        match message:
            case wire.Listen(stream):
                self._streams[stream] = _Stream(stream, self, pool)
            case wire.Audio(stream) if stream in self._streams:
                self._streams[stream].put(message)
            case wire.Finish(stream) if stream in self._streams:
                self._streams.pop(stream).put(message)
            case wire.Forget(stream):
                self._streams.pop(stream, None)

    def new_ear(self, stream: int) -> Ear:
        """Make the ear of a stream."""
        engine = vosk.KaldiRecognizer(self._model, self._rate)
        engine.SetWords(True)

        def say(words: Words, is_final: bool) -> None:
            self.send(wire.Heard(stream, is_final, words))

        return Ear(engine, self._rate, say)


class _Stream:
    """Audio of one stream waiting for its turn; never in two threads at once."""

    def __init__(self, number: int, process: Process, pool: ThreadPoolExecutor) -> None:
        self._number = number
        self._process = process
        self._pool = pool
        self._ear: Ear | None = None
        self._waiting: deque[wire.Audio | wire.Finish] = deque()
        self._guard = threading.Lock()
        self._is_busy = False

    def put(self, message: wire.Audio | wire.Finish) -> None:
        with self._guard:
            self._waiting.append(message)
            if self._is_busy:
                return
            self._is_busy = True
        self._pool.submit(self._work)

    def _work(self) -> None:
        try:
            while (message := self._next()) is not None:
                self._hear(message)
        except Exception:  # a pool would keep it to itself; the supervisor must see this process end
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(BROKEN)

    def _next(self) -> wire.Audio | wire.Finish | None:
        with self._guard:
            self._is_busy = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _hear(self, message: wire.Audio | wire.Finish) -> None:
        if self._ear is None:
            self._ear = self._process.new_ear(self._number)
        if isinstance(message, wire.Finish):
            self._ear.finish()
            self._process.send(wire.Closed(self._number))
            return
        self._ear.hear(message.position, message.pcm)
        self._process.send(wire.Taken(self._number, self._ear.taken, self._ear.settled))


if __name__ == "__main__":
    main()
