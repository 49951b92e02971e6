"""What the recogniser process says on its socket; here it runs in a thread of this process."""

from __future__ import annotations

import socket
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import vosk

from asr import wire
from asr.models import DEMO_MODEL
from asr.probe import load_and_hear
from asr.process import Process
from gateway.framing import FrameReader

SPEECH = Path(__file__).parents[3] / "gateway" / "demo_speech" / "citizen_water_1.wav"
PATIENCE = 30.0


class Client:
    """The other end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = FrameReader()
        self._pending: list[bytes] = []

    def ask(self, *messages: wire.ToProcess) -> None:
        self._connection.sendall(b"".join(map(wire.encode, messages)))

    def next(self) -> wire.FromProcess:
        while not self._pending:
            self._pending = self._frames.feed(self._connection.recv(1 << 16))
        return wire.from_process(self._pending.pop(0))

    def until_closed(self, stream: int) -> list[wire.FromProcess]:
        told = [self.next()]
        while told[-1] != wire.Closed(stream):
            told.append(self.next())
        return told


@pytest.fixture
def client() -> Iterator[Client]:
    vosk.SetLogLevel(-1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(PATIENCE)
        process = threading.Thread(target=Process(vosk.Model(str(DEMO_MODEL)), 8000, theirs).serve)
        process.start()
        yield Client(ours)
        ours.close()
        process.join(PATIENCE)
        assert not process.is_alive()


def audio(stream: int, position: int) -> list[wire.Audio]:
    with wave.open(str(SPEECH)) as file:
        pcm = bytes(file.readframes(file.getnframes()))
    return [wire.Audio(stream, position + start // 2, pcm[start : start + 1600]) for start in range(0, len(pcm), 1600)]


def test_it_says_when_it_is_ready_then_words_and_how_far_it_is(client: Client) -> None:
    client.ask(wire.Listen(7), *audio(7, 80_000), wire.Finish(7))

    assert client.next() == wire.Ready(8000)
    told = client.until_closed(7)
    heard = [message for message in told if isinstance(message, wire.Heard)]
    taken = [message.position for message in told if isinstance(message, wire.Taken)]
    assert not heard[0].is_final
    assert "".join(word.text for message in heard if message.is_final for word in message.words).startswith("你好")
    assert heard[0].words[0].start >= 10.0
    assert taken == sorted(taken)
    assert all(message.settled <= message.position for message in told if isinstance(message, wire.Taken))


def test_a_stream_that_is_forgotten_or_unknown_is_not_answered(client: Client) -> None:
    client.ask(wire.Listen(1), wire.Forget(1), *audio(1, 0), wire.Finish(1), wire.Finish(9))
    client.ask(wire.Listen(2), wire.Finish(2))

    assert [client.next(), client.next()] == [wire.Ready(8000), wire.Closed(2)]


def test_silence_brings_no_words(client: Client) -> None:
    client.ask(wire.Listen(1), *(wire.Audio(1, 800 * turn, bytes(1600)) for turn in range(100)), wire.Finish(1))

    client.next()
    told = client.until_closed(1)
    assert [message for message in told if isinstance(message, wire.Heard)] == []
    assert told[-2] == wire.Taken(1, 80_000, 80_000)


def test_a_probe_lets_a_model_hear_at_its_rate() -> None:
    assert load_and_hear(DEMO_MODEL).rate == 8000
