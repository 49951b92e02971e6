"""A recogniser that hears what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.domain.call import LegId
from gateway.domain.transcript import Gap, Utterance, Word
from gateway.ports.hearing import ModelDescription

LAST_WORDS = 0.3
"""Seconds in which the last words may still come."""


class ScriptedRecognition:
    """The hearing of one leg, fed by the test."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Utterance | Gap | None] = asyncio.Queue()

    def hear(self, pcm: bytes, at: float) -> None: ...

    async def finish(self) -> None:
        await asyncio.sleep(LAST_WORDS)
        self._heard.put_nowait(None)

    def put(self, heard: Utterance | Gap) -> None:
        self._heard.put_nowait(heard)

    async def __aiter__(self) -> AsyncIterator[Utterance | Gap]:
        while (heard := await self._heard.get()) is not None:
            yield heard


class ScriptedRecognizer:
    """`gateway.ports.hearing.Recognizer` whose words come from `say`."""

    def __init__(self) -> None:
        self.model = ModelDescription(name="scripted", kind="demo", words_zh="测试")
        self.available = True
        self._legs: dict[LegId, ScriptedRecognition] = {}
        self._numbers: dict[LegId, int] = {}

    def listen(self, leg_id: LegId) -> ScriptedRecognition:
        return self._legs.setdefault(leg_id, ScriptedRecognition())

    def say(self, leg_id: LegId, text: str, at: float, *, final: bool = True) -> None:
        """Let *text* be heard at *at* seconds of the call; a partial keeps its number until its final."""
        number = self._numbers.setdefault(leg_id, 0)
        words = tuple(Word(text=c, start=at + i * 0.2, end=at + (i + 1) * 0.2) for i, c in enumerate(text))
        end = at + 0.2 * len(text)
        self.listen(leg_id).put(
            Utterance(leg_id=leg_id, number=number, text=text, start=at, end=end, is_final=final, words=words)
        )
        self._numbers[leg_id] += final
