"""Telephony without sockets: legs that answer, refuse, press keys and hang up as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.domain.call import CallId, Destination, Leg, LegEvent, LegId, LegState, Role
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.telephony import (
    AskedToRefer,
    DigitPressed,
    IncomingCall,
    LegEnded,
    LegFigures,
    LegNews,
    SoundFailed,
    SoundQuality,
    Story,
    TakenOver,
    TapFrame,
)

PROMPT_LENGTH = 3.0
PIECE_LENGTH = 0.5
PIECES = ("digit_", "matter_", "place_", "brief_")


class FakeLeg:
    """A leg whose far end is the test."""

    def __init__(self, leg: Leg, invited_at: float, answers_after: float | None = None, refusal: str = "") -> None:
        self._leg = leg
        self._invited_at = invited_at
        self._answers_after = answers_after
        self._refusal = refusal
        self._news: asyncio.Queue[LegNews] = asyncio.Queue()
        self._over = asyncio.Event()
        self._playing: asyncio.Future[None] | None = None
        self.bridge: str | None = None
        self.listens_to: str | None = None
        self.whispers_to: LegId | None = None
        self.heard_prompts: list[str] = []
        self.looping: str | None = None
        self.recording: Path | None = None
        self.is_recording = False
        self.story: Story | None = None

    @property
    def leg(self) -> Leg:
        return self._leg

    @property
    def invited_at(self) -> float:
        return self._invited_at

    async def ring(self) -> None: ...

    async def answer(self) -> None:
        if self._leg.state is LegState.ENDED:
            raise Unavailable("the caller has gone")
        self._leg = self._leg.after(LegEvent.ANSWERED)

    async def answered(self, limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                if self._answers_after is None:
                    await self._over.wait()
                else:
                    await asyncio.sleep(self._answers_after)
        except TimeoutError:
            await self.hang_up("no answer")
            raise Unavailable("no answer") from None
        if self._refusal:
            await self.hang_up(self._refusal)
            raise Refused(self._refusal)
        if self._over.is_set():
            raise Unavailable("ended")
        self._leg = self._leg.after(LegEvent.ANSWERED)

    async def hang_up(self, reason: str = "") -> None:
        self._end(LegEnded(by_peer=False, reason=reason))

    def join(self, bridge: str) -> None:
        self.bridge = bridge
        self.listens_to = self.whispers_to = None

    def listen(self, bridge: str) -> None:
        self.bridge = None
        self.listens_to, self.whispers_to = bridge, None

    def whisper(self, bridge: str, to: LegId) -> None:
        self.bridge = None
        self.listens_to, self.whispers_to = bridge, to

    def leave(self) -> None:
        self.bridge = self.listens_to = self.whispers_to = None

    def play(self, prompt: str, *, loop: bool = False) -> Awaitable[None]:
        self.stop_playing()
        self.heard_prompts.append(prompt)
        running = asyncio.get_running_loop()
        playing = self._playing = running.create_future()
        if loop:
            self.looping = prompt
        else:
            length = PIECE_LENGTH if prompt.startswith(PIECES) else PROMPT_LENGTH
            running.call_later(length, _complete, playing)
        return playing

    def stop_playing(self) -> None:
        self.looping = None
        if self._playing is not None and not self._playing.done():
            self._playing.set_result(None)

    def record(self, path: Path, zero: float) -> None:
        path.write_bytes(b"RIFF")
        self.recording, self.is_recording = path, True

    def stop_recording(self) -> None:
        self.is_recording = False

    async def figures(self) -> LegFigures:
        await self._over.wait()
        return LegFigures()

    async def tap(self, zero: float) -> AsyncIterator[TapFrame]:
        await self._over.wait()
        silence: tuple[TapFrame, ...] = ()
        for frame in silence:
            yield frame

    async def news(self) -> AsyncIterator[LegNews]:
        while True:
            news = await self._news.get()
            yield news
            if isinstance(news, LegEnded):
                return

    @property
    def is_being_played(self) -> bool:
        """Whether a prompt plays to this leg at this moment."""
        return self._playing is not None and not self._playing.done()

    # what the far end does

    def press(self, digit: str) -> None:
        self._news.put_nowait(DigitPressed(digit=digit))

    def is_heard(self, quality: SoundQuality) -> None:
        self._news.put_nowait(quality)

    def sound_fails(self, reason: str) -> None:
        self._news.put_nowait(SoundFailed(reason=reason))

    def far_end_hangs_up(self, reason: str = "") -> None:
        self._end(LegEnded(by_peer=True, reason=reason))

    def refers_to(self, destination: Destination | None) -> list[bool | str]:
        """Ask by REFER for another party; what becomes of it is added to the list, "ringing" first."""
        reports: list[bool | str] = []
        self._news.put_nowait(
            AskedToRefer(destination=destination, ringing=lambda: reports.append("ringing"), report=reports.append)
        )
        return reports

    def is_taken_over_by(self, caller: str) -> None:
        self._news.put_nowait(TakenOver(caller=caller))

    def transport_fails(self) -> None:
        self._end(LegEnded(by_peer=False, reason="transport"))

    def _end(self, end: LegEnded) -> None:
        if self._leg.state is not LegState.ENDED:
            self._leg = self._leg.after(LegEvent.ENDED)
            self.bridge = None
            self.stop_playing()
            self._over.set()
            self._news.put_nowait(end)


def _complete(playing: asyncio.Future[None]) -> None:
    if not playing.done():
        playing.set_result(None)


@dataclass
class FarEnd:
    """How a destination behaves: answers after seconds (None: never), or refuses with a reason; or is not there."""

    answers_after: float | None = 1.0
    refusal: str = ""
    is_there: bool = True


@dataclass
class FakeTelephony:
    """`gateway.ports.telephony.CallControl` over scripted far ends, by destination."""

    far_ends: dict[str, FarEnd] = field(default_factory=dict)
    legs: list[FakeLeg] = field(default_factory=list)

    async def originate(self, call_id: CallId, role: Role, destination: Destination, story: Story) -> FakeLeg:
        far_end = self.far_ends.get(str(destination), FarEnd(is_there=False))
        if not far_end.is_there:
            raise Unavailable(f"{destination} is not registered")
        live = self._new_leg(call_id, role, destination.number, far_end)
        live.story = story
        return live

    def is_reachable(self, destination: Destination) -> bool:
        return str(destination) in self.far_ends

    def incoming(
        self, call_id: CallId, caller: str = "13800000001", dialled: str = "12345", **values: Any
    ) -> IncomingCall:
        live = self._new_leg(call_id, Role.CITIZEN, caller, FarEnd())
        return IncomingCall(leg=live, external_id=f"{call_id}@citizen", caller=caller, dialled=dialled, **values)

    def leg(self, role: Role) -> FakeLeg:
        """Return the newest leg of *role*."""
        return next(live for live in reversed(self.legs) if live.leg.role is role)

    def hears(self, live: FakeLeg) -> set[Role]:
        """Return who is on the same bridge as *live*."""
        return {
            other.leg.role for other in self.legs if other is not live and other.bridge and other.bridge == live.bridge
        }

    def _new_leg(self, call_id: CallId, role: Role, number: str, far_end: FarEnd) -> FakeLeg:
        leg = Leg(id=LegId(f"leg{len(self.legs)}"), call_id=call_id, role=role, number=number)
        live = FakeLeg(leg, asyncio.get_running_loop().time(), far_end.answers_after, far_end.refusal)
        self.legs.append(live)
        return live
