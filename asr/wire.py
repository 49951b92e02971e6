"""What the recogniser process and its client say to one another: msgpack messages, framed by `gateway.framing`.

Positions are samples at 8 kHz of the call (sample 0 is second 0.0 of the call), so that neither skipped silence nor a
restarted process can move a word. Times of words are seconds of the call.
"""

from __future__ import annotations

import msgspec

from gateway.framing import frame

RATE = 8000


class Listen(msgspec.Struct, frozen=True, tag=True):
    """Open a stream. Client to process, as are `Audio`, `Finish` and `Forget`."""

    stream: int


class Audio(msgspec.Struct, frozen=True, tag=True):
    """int16 little-endian 8 kHz PCM that begins at *position*."""

    stream: int
    position: int
    pcm: bytes


class Finish(msgspec.Struct, frozen=True, tag=True):
    """No more audio: flush the last words, then answer `Closed`."""

    stream: int


class Forget(msgspec.Struct, frozen=True, tag=True):
    """Nobody wants this stream any more."""

    stream: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The model is loaded. Process to client, as are `Heard`, `Taken` and `Closed`."""

    rate: int


class HeardWord(msgspec.Struct, frozen=True, array_like=True):
    """A word with its times in seconds of the call."""

    text: str
    start: float
    end: float


class Heard(msgspec.Struct, frozen=True, tag=True):
    """The words of the utterance being spoken, or of the one just ended (``is_final``)."""

    stream: int
    is_final: bool
    words: tuple[HeardWord, ...]


class Taken(msgspec.Struct, frozen=True, tag=True):
    """Audio up to *position* has been decoded; up to *settled* nothing is still being made of it."""

    stream: int
    position: int
    settled: int


class Closed(msgspec.Struct, frozen=True, tag=True):
    """The last words of this stream have been sent."""

    stream: int


ToProcess = Listen | Audio | Finish | Forget
FromProcess = Ready | Heard | Taken | Closed

_encoder = msgspec.msgpack.Encoder()
_to_process: msgspec.msgpack.Decoder[ToProcess] = msgspec.msgpack.Decoder(ToProcess)
_from_process: msgspec.msgpack.Decoder[FromProcess] = msgspec.msgpack.Decoder(FromProcess)


def encode(message: ToProcess | FromProcess) -> bytes:
    """Return *message* as a frame."""
    return frame(_encoder.encode(message))


def to_process(payload: bytes) -> ToProcess:
    """Return the message a client sent. Raises `msgspec.DecodeError`."""
    return _to_process.decode(payload)


def from_process(payload: bytes) -> FromProcess:
    """Return the message a process sent. Raises `msgspec.DecodeError`."""
    return _from_process.decode(payload)
