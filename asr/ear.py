"""One leg's ear inside the recogniser process: gate, recogniser and the bookkeeping of time.

A *segment* is what the recogniser gets between two of its final results. Each is contiguous in the call, so one anchor
(where it began in the call, how much the recogniser had been fed before it) turns the recogniser's clock, which counts
only what it was fed, into seconds of the call. Utterances are always closed by ``FinalResult``: it restarts the
recogniser's pipeline, after which its clock is exact again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from asr.gate import FRAME, PRE_ROLL, Gate
from asr.wire import RATE, HeardWord

UNKNOWN = "[unk]"
JUMP = FRAME // 2
"""Samples by which a position may differ from the expected one and still count as contiguous."""

Words = tuple[HeardWord, ...]
Samples = NDArray[np.int16]


class Engine(Protocol):
    """The part of vosk.KaldiRecognizer that an ear uses."""

    def AcceptWaveform(self, data: bytes) -> int:
        """Decode int16 PCM; 1 when the utterance has ended."""
        ...

    def PartialResult(self) -> str:
        """Return ``{"partial": words}``."""
        ...

    def FinalResult(self) -> str:
        """End the utterance and return ``{"result": [{"word", "start", "end"}], "text"}``."""
        ...


class Ear:
    """Hears one stream. *say* is called with (words, is_final); *rate* is what the engine wants, 8000 or 16000."""

    def __init__(self, engine: Engine, rate: int, say: Callable[[Words, bool], None]) -> None:
        self._engine = engine
        self._rate = rate
        self._say = say
        self._gate = Gate()
        self._before: deque[Samples] = deque(maxlen=PRE_ROLL)
        self._rest = np.empty(0, np.int16)
        self._position: int | None = None
        self._fed = 0
        self._segment: _Segment | None = None
        self._resampler: soxr.ResampleStream | None = None
        self.taken = 0

    @property
    def settled(self) -> int:
        """Position up to which nothing is still being made of the audio."""
        return self._segment.position if self._segment else self.taken

    def hear(self, position: int, pcm: bytes) -> None:
        """Take int16 PCM that begins at *position* (samples of the call)."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.int16, copy=False)
        if self._position is None or abs(position - self._position) > JUMP:
            self._break_off(position)
        self.taken = self._position = position + len(samples)
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // FRAME * FRAME
        start = self._position - len(samples)
        self._rest = samples[whole:]
        self._sift(start, samples[:whole].reshape(-1, FRAME))
        self._tell_partial()

    def finish(self) -> None:
        """Say the last words."""
        self._end_segment()

    def _break_off(self, position: int) -> None:
        """Go on at *position* with nothing carried over from before."""
        self._end_segment()
        self._gate.shut()
        self._before.clear()
        self._rest = np.empty(0, np.int16)
        self._position = position

    def _sift(self, start: int, frames: NDArray[np.int16]) -> None:
        """Feed what the gate lets through; one call of the engine for frames that follow one another."""
        passed: list[Samples] = []
        for index, frame in enumerate(frames):
            was_open = self._gate.is_open
            if self._gate.hear(frame):
                if not was_open:
                    passed = [*self._before, frame]
                    self._before.clear()
                else:
                    passed.append(frame)
                continue
            if was_open:
                self._feed(start + index * FRAME, passed)
                self._end_segment()
                passed = []
            self._before.append(frame)
        self._feed(start + len(frames) * FRAME, passed)

    def _feed(self, end: int, frames: list[Samples]) -> None:
        """Give the engine *frames*, which end at position *end*."""
        if not frames:
            return
        samples = np.concatenate(frames)
        if self._segment is None:
            self._segment = _Segment(position=end - len(samples), fed=self._fed / self._rate)
            if self._rate != RATE:
                self._resampler = soxr.ResampleStream(RATE, self._rate, 1, dtype="int16")
        if self._accept(samples, last=False):
            self._end_segment()

    def _accept(self, samples: Samples, *, last: bool) -> bool:
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last=last)
        self._fed += len(samples)
        return bool(len(samples)) and self._engine.AcceptWaveform(samples.astype("<i2").tobytes()) == 1

    def _end_segment(self) -> None:
        if self._segment is None:
            return
        if self._resampler is not None:
            self._accept(np.empty(0, np.int16), last=True)
        result = json.loads(self._engine.FinalResult())
        self._say(tuple(self._segment.timed(result.get("result", ()))), True)
        self._segment = self._resampler = None

    def _tell_partial(self) -> None:
        if self._segment is None:
            return
        reading = json.loads(self._engine.PartialResult()).get("partial", "")  # absent until the first audio
        words = [word for word in reading.split() if word != UNKNOWN]
        if self._segment.now_reads(words, self.taken):
            self._say(self._segment.seen, False)


class _Segment:
    """A contiguous stretch that the engine is hearing."""

    def __init__(self, *, position: int, fed: float) -> None:
        self.position = position
        self.seen: Words = ()
        self._read_at: list[float] = []
        self._offset = position / RATE - fed

    def timed(self, result: list[dict[str, object]]) -> Iterator[HeardWord]:
        """Turn the engine's words into words with seconds of the call."""
        for entry in result:
            if (text := str(entry["word"])) != UNKNOWN:
                start, end = (round(float(str(entry[edge])) + self._offset, 3) for edge in ("start", "end"))
                yield HeardWord(text, start, end)

    def now_reads(self, words: list[str], taken: int) -> bool:
        """Note the best reading after audio up to *taken*; False when it has not changed.

        Vosk can time partial words, but then it tells only those older than its lattice's delay of up to two seconds,
        too late for an emergency. So a word ends here when its last character was first read, which is up to 0.3 s
        late, and begins where the word before it ended; the final result brings the exact times.
        """
        if words == [word.text for word in self.seen]:
            return False
        text, before = "".join(words), "".join(word.text for word in self.seen)
        unchanged = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, before, strict=False)))
        self._read_at[unchanged:] = [taken / RATE] * (len(text) - unchanged)
        seen: list[HeardWord] = []
        start, length = self.position / RATE, 0
        for word in words:
            length += len(word)
            seen.append(HeardWord(word, start, start := self._read_at[length - 1]))
        self.seen = tuple(seen)
        return True
