"""One leg's hearing on the client's side: audio waits here, utterances come out, and what nobody heard becomes a gap.

This is the only queue between a leg and the recogniser process: the process is sent at most `WINDOW` of undecoded
audio. While it is slow, loading or dead the queue holds the newest `BACKLOG`; older audio is dropped and reported as
one `Gap` when recognition goes on. Audio is sent once: what was being decoded when a process died is given up, because
it may be what killed it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from asr import wire
from gateway.domain.call import LegId
from gateway.domain.transcript import Gap, Utterance, Word

RATE = wire.RATE
CHUNK = RATE // 10
"""Samples sent at a time: 0.1 s, so that the recogniser is asked for its reading ten times a second."""
WINDOW = 2 * RATE
"""Samples that may be with the process and not decoded yet."""
BACKLOG = 10 * RATE
"""Samples that wait at most; the oldest go first."""
CONTIGUOUS = RATE // 100
"""Samples by which a frame's time may differ from the end of the frame before it and still follow it."""

# Why nobody heard a stretch.
OVERRUN = "overrun"
LOST = "recogniser lost"
LOADING = "model loading"
UNAVAILABLE = "recogniser unavailable"

Send = Callable[[wire.ToProcess], None]


class LegRecognition:
    """Implements `gateway.ports.hearing.Recognition`. Made by `asr.recogniser.VoskRecognizer.listen`."""

    def __init__(
        self, leg_id: LegId, stream: int, *, outage: str, finish_limit: float, ended: Callable[[], object]
    ) -> None:
        self.stream = stream
        self._leg_id = leg_id
        self._finish_limit = finish_limit
        self._ended = ended
        self._send: Send | None = None
        self._outage = outage
        self._waiting: deque[tuple[int, bytearray]] = deque()
        self._backlog = 0
        self._sent = self._taken = self._settled = 0
        self._missed: tuple[int, str] | None = None
        self._number = 0
        self._partial: tuple[wire.HeardWord, ...] = ()
        self._is_finishing = self._is_flushing = False
        self._closed = asyncio.Event()
        self._news: deque[Utterance | Gap] = deque()
        self._something = asyncio.Event()

    @property
    def undecoded(self) -> int:
        """Samples that are with the process."""
        return self._sent - self._taken

    def hear(self, pcm: bytes, at: float) -> None:
        """Take int16 little-endian 8 kHz PCM whose first sample was said at *at* seconds of the call. Never blocks."""
        if self._is_finishing or self._closed.is_set() or not pcm:
            return
        self._append(round(at * RATE), pcm)
        while self._backlog > BACKLOG:
            position, oldest = self._waiting.popleft()
            self._backlog -= len(oldest) // 2
            self._miss(position, OVERRUN if self._send else self._outage)
        self._pump()

    async def finish(self) -> None:
        """Flush the last words; the iteration ends after them, or after a limit without them."""
        if self._is_finishing:
            return
        self._is_finishing = True
        if self._send is None and self._outage == UNAVAILABLE:
            self.close()
            return
        self._pump()
        try:
            async with asyncio.timeout(self._finish_limit):
                await self._closed.wait()
        except TimeoutError:
            self.close()

    async def __aiter__(self) -> AsyncIterator[Utterance | Gap]:
        """Yield what was heard, and the gaps; one reader. Leaving the loop early ends the recognition."""
        try:
            while True:
                while self._news:
                    yield self._news.popleft()
                if self._closed.is_set():
                    return
                self._something.clear()
                await self._something.wait()
        finally:
            if not self._closed.is_set():
                self._tell(wire.Forget(self.stream))
                self.close()

    # What the recogniser tells its recognitions.

    def connect(self, send: Send) -> None:
        """A process hears now."""
        self._send, self._is_flushing = send, False
        self._tell(wire.Listen(self.stream))
        self._pump()

    def disconnect(self, outage: str) -> None:
        """The process is gone, for the reason *outage*."""
        if self._send is None:
            self._outage = outage
            if outage == UNAVAILABLE and self._is_finishing:
                self.close()
            return
        self._send, self._outage = None, outage
        start = self._settled
        if self._partial:
            start = max(start, round(self._partial[-1].end * RATE))
            self._say(self._partial, is_final=True)  # what was understood so far stands
        if self._sent:
            self._miss(start, outage)
        self._taken = self._settled = self._sent
        if self._is_finishing and (not self._waiting or outage == UNAVAILABLE):
            self.close()

    def receive(self, message: wire.Heard | wire.Taken | wire.Closed) -> None:
        """Take what the process says about this stream."""
        match message:
            case wire.Heard(_, is_final, words):
                self._say(words, is_final=is_final)
            case wire.Taken(_, position, settled):
                self._taken, self._settled = position, settled
                self._pump()
            case wire.Closed():
                self.close()

    # Audio.

    def _append(self, position: int, pcm: bytes) -> None:
        self._backlog += len(pcm) // 2
        if self._waiting:
            start, newest = self._waiting[-1]
            follows = abs(start + len(newest) // 2 - position) <= CONTIGUOUS
            if follows and len(newest) < 2 * CHUNK:
                newest += pcm
                return
            if follows:
                position = start + len(newest) // 2
        self._waiting.append((position, bytearray(pcm)))

    def _pump(self) -> None:
        """Send what may be sent."""
        while self._send and self._waiting and self.undecoded < WINDOW:
            position, pcm = self._waiting[0]
            if len(pcm) < 2 * CHUNK and len(self._waiting) == 1 and not self._is_finishing:
                return
            self._waiting.popleft()
            self._backlog -= len(pcm) // 2
            self._report_gap(position)
            if not self.undecoded:
                self._taken = self._settled = position  # nothing is owed for a jump in time
            self._sent = position + len(pcm) // 2
            self._tell(wire.Audio(self.stream, position, bytes(pcm)))
        if self._is_finishing and not self._waiting and not self._is_flushing:
            self._is_flushing = self._send is not None
            self._tell(wire.Finish(self.stream))

    def _tell(self, message: wire.ToProcess) -> None:
        if self._send is not None:
            self._send(message)

    def _miss(self, position: int, reason: str) -> None:
        if self._missed is None:
            self._missed = (position, reason)

    def _report_gap(self, end: int) -> None:
        if self._missed is not None:
            start, reason = self._missed
            self._missed = None
            self._publish(Gap(leg_id=self._leg_id, start=start / RATE, end=max(start, end) / RATE, reason=reason))

    # Words.

    def _say(self, words: Iterable[wire.HeardWord], *, is_final: bool) -> None:
        """Publish words; a final without any takes back the partial that stands (it was no speech after all)."""
        heard = tuple(words)
        spoken = tuple(Word(text=word.text, start=word.start, end=word.end) for word in heard)
        place = heard or (self._partial if is_final else ())
        self._partial = () if is_final else heard
        if not place:
            return
        utterance = Utterance(
            leg_id=self._leg_id,
            number=self._number,
            text=joined(word.text for word in spoken),
            start=place[0].start,
            end=place[-1].end,
            is_final=is_final,
            words=spoken,
        )
        self._publish(utterance)
        self._number += is_final

    def _publish(self, news: Utterance | Gap) -> None:
        """Queue *news*; a partial nobody has read yet gives way to what replaces it, so the queue stays short."""
        newest = self._news[-1] if self._news else None
        if isinstance(newest, Utterance) and isinstance(news, Utterance) and newest.number == news.number:
            self._news.pop()
        self._news.append(news)
        self._something.set()

    def close(self) -> None:
        """End the iteration after what is known; audio that nobody heard becomes a gap."""
        if self._closed.is_set():
            return
        if self._waiting:
            self._miss(self._waiting[0][0], OVERRUN if self._send else self._outage)
            position, pcm = self._waiting[-1]
            self._sent = position + len(pcm) // 2
            self._waiting.clear()
        self._report_gap(self._sent)
        self._send = None
        self._closed.set()
        self._something.set()
        self._ended()


def joined(words: Iterable[str]) -> str:
    """Join recognised words: Chinese without blanks, as it is written, one blank between words in Latin letters."""
    text = ""
    for word in words:
        text += f" {word}" if text[-1:].isascii() and text and word[:1].isascii() else word
    return text
