"""The hearing of one leg (听写): its audio to the recogniser, the recogniser's words to the call.

A lost recogniser ends words, never the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gateway.domain.transcript import Gap, Utterance
from gateway.ports.hearing import Recognition, Recognizer
from gateway.ports.telephony import LiveLeg

Say = Callable[[Utterance | Gap], None]


async def transcribe(live: LiveLeg, recognizer: Recognizer, zero: float, say: Say, last_words: float) -> None:
    """Pass on what *live* says until it ends, then give the engine *last_words* seconds for its last words.

    Times passed to *say* are seconds of the call, which began at the monotonic instant *zero*.
    """
    recognition = recognizer.listen(live.leg.id)
    async with asyncio.TaskGroup() as hearing:
        passing_on = hearing.create_task(_pass_on(recognition, say), name=f"words {live.leg.id}")
        async for frame in live.tap(zero):
            recognition.hear(frame.pcm, frame.at)
        with suppress(TimeoutError):
            async with asyncio.timeout(last_words):
                await recognition.finish()
                await asyncio.wait([passing_on])
        passing_on.cancel()


async def _pass_on(recognition: Recognition, say: Say) -> None:
    async for heard in recognition:
        say(heard)
