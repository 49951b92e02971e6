"""One telephone leg in the gateway's hands: a SIP session and its media leg, as `gateway.ports.telephony.LiveLeg`.

Signalling says who is there, media carries the sound; this is where both meet. What they agree on is `LegSound`'s; the
leg closes it when the session ends, whoever ended it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import structlog

from channels.media.leg import Digit, Heard, LegStatistics, Silent, Troubled
from channels.media.quality import Quality
from channels.sip.leg_sound import LegSound
from channels.sip.offer_answer import NotAcceptable
from channels.sip.sdp import SessionDescription
from channels.sip.session import Session
from channels.sip.session_events import (
    Answered,
    Ended,
    InfoDigit,
    Progress,
    Rejected,
    Renegotiated,
    SessionEvent,
    SessionOver,
)
from channels.sip.session_in import IncomingSession
from gateway.domain.call import Leg, LegEvent, LegId, LegState
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.telephony import (
    AskedToRefer,
    DigitPressed,
    HeldByPeer,
    LegEnded,
    LegFigures,
    LegNews,
    SoundFailed,
    SoundQuality,
    TakenOver,
    TapFrame,
    WentSilent,
)

log = structlog.get_logger(__name__)


class SipLeg:
    """A leg, incoming or outgoing. `run` follows session and media and must run as long as the leg lives.

    *on_progress* hears of every provisional answer to an INVITE of ours.
    """

    def __init__(
        self,
        leg: Leg,
        session: Session,
        sound: LegSound,
        *,
        prompt: Callable[[str], Path | None],
        silence_limit: float,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._leg = leg
        self._session = session
        self._sound = sound
        self._media = sound.media
        self._prompt = prompt
        self._silence_limit = silence_limit
        self._on_progress = on_progress
        self._news: asyncio.Queue[LegNews] = asyncio.Queue()
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._figures: asyncio.Future[LegFigures] = asyncio.get_running_loop().create_future()
        self._deaf: asyncio.TimerHandle | None = None
        sound.on_hold = self._put_on_hold
        session.renegotiate = sound.renegotiate

    # -- what services do with it ----------------------------------------------------------------------------

    @property
    def leg(self) -> Leg:
        """The leg as it stands now."""
        return self._leg

    @property
    def invited_at(self) -> float:
        """When the INVITE arrived or went out, by the monotonic clock."""
        return self._session.invited_at

    async def ring(self) -> None:
        """Send 180. Raises `Unavailable` when the caller has gone."""
        try:
            await self._session.ring()
        except SessionOver as error:
            raise Unavailable(str(error)) from error

    async def answer(self) -> None:
        """Answer; on an INVITE without an offer, with our own. Raises `Refused` (488) and `Unavailable`."""
        offer = self._session.remote_offer
        try:
            description = self._sound.offer() if offer is None else self._sound.answer(offer)
        except NotAcceptable as error:
            await self._session.reject(error.status)
            raise Refused(str(error)) from error
        try:
            await self._session.answer(description)
        except SessionOver as error:
            raise Unavailable(str(error)) from error
        self._leg = self._leg.after(LegEvent.ANSWERED)

    async def answered(self, limit: float) -> None:
        """Wait for the far end's answer, *limit* seconds at most; see `gateway.ports.telephony.LiveLeg.answered`."""
        try:
            async with asyncio.timeout(limit):
                await asyncio.shield(self._answered)
        except TimeoutError:
            await self.hang_up("no answer")
            raise Unavailable(f"no answer within {limit:g} s") from None

    async def hang_up(self, reason: str = "") -> None:
        """End the leg; its last signalling goes on in the background."""
        self._session.release(reason)

    def join(self, bridge: str) -> None:
        """Hear and be heard by all legs of *bridge*."""
        self._media.bridge(bridge)

    def listen(self, bridge: str) -> None:
        """Hear all legs of *bridge* unheard."""
        self._media.listen(bridge)

    def whisper(self, bridge: str, to: LegId) -> None:
        """Hear all legs of *bridge*, heard by the leg *to* alone."""
        self._media.whisper(bridge, to)

    def leave(self) -> None:
        """Be alone."""
        self._media.bridge(None)

    def play(self, prompt: str, *, loop: bool = False) -> Awaitable[object]:
        """Play a prompt by its id; one that is missing is silent and logged."""
        path = self._prompt(prompt)
        if path is None:
            log.warning("prompt.missing", prompt=prompt, leg_id=self._leg.id)
            silence = asyncio.get_running_loop().create_future()
            silence.set_result(None)
            return silence
        return self._media.play(path, loop=loop, over_bridge=True)

    def stop_playing(self) -> None:
        """Stop the prompt, if one plays."""
        self._media.stop_playing()

    def record(self, path: Path, zero: float) -> None:
        """Record what this leg says, left, and what it hears, right; sample 0 of the WAV is the instant *zero*."""
        self._media.record_both(path, zero, resume=True)

    def stop_recording(self) -> None:
        """Complete the recording before the leg ends."""
        self._media.stop_recording_both()

    async def tap(self, zero: float) -> AsyncIterator[TapFrame]:
        """Follow what this leg says."""
        async for frame in self._media.tap(zero):
            yield TapFrame(at=frame.at, pcm=frame.pcm)

    async def news(self) -> AsyncIterator[LegNews]:
        """Follow what happens; ends after `LegEnded`."""
        while True:
            news = await self._news.get()
            yield news
            if isinstance(news, LegEnded):
                return

    async def figures(self) -> LegFigures:
        """Wait until the leg's sound is closed and its recording whole; return how it was heard."""
        return await asyncio.shield(self._figures)

    # -- following session and media -------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the session to its end, then close the media leg and tell `LegEnded`."""
        end = LegEnded(by_peer=False, reason="failure")
        try:
            async with asyncio.TaskGroup() as following:
                sound = following.create_task(self._follow_media(), name=f"media {self._leg.id}")
                followed = None
                while followed is not self._session:
                    followed = self._session
                    async for event in followed.events():
                        if followed is self._session:
                            end = self._take(event) or end
                sound.cancel()
        finally:
            self._session.release("failure")
            if self._deaf is not None:
                self._deaf.cancel()
            if not self._answered.done():
                self._answered.set_exception(Unavailable(end.reason))
                self._answered.exception()
            if self._leg.state is not LegState.ENDED:
                self._leg = self._leg.after(LegEvent.ENDED)
            self._news.put_nowait(end)
            self._figures.set_result(self._measured(await self._media.close()))
            log.info("leg.ended", leg_id=self._leg.id, by_peer=end.by_peer)

    def _take(self, event: SessionEvent) -> LegEnded | None:
        match event:
            case Progress(description=description):
                if description is not None:
                    self._sound.take_answer(description)
                self._on_progress(event)
            case Answered(description=description):
                self._take_answered(description)
            case Renegotiated(description=description, is_answer=True):
                self._sound.take_answer(description)
            case InfoDigit(digit=digit):
                self._news.put_nowait(DigitPressed(digit=digit))
            case Rejected(status=status, reason=reason, is_local=is_local):
                words = f"{status} {reason}"
                self._fail(Unavailable(words) if is_local or status in (408, 480, 500, 503) else Refused(words))
                return LegEnded(by_peer=not is_local, reason=words)
            case Ended(by_peer=by_peer, reason=reason):
                return LegEnded(by_peer=by_peer, reason=reason)
        return None

    def _take_answered(self, description: SessionDescription | None) -> None:
        if description is not None and not self._sound.take_answer(description):
            self._fail(Refused("no common codec"))
            self._session.release("no common codec")
            return
        if not self._answered.done():
            if self._leg.state is LegState.RINGING:
                self._leg = self._leg.after(LegEvent.ANSWERED)
            self._answered.set_result(None)

    def _fail(self, failure: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(failure)
            self._answered.exception()

    async def _follow_media(self) -> None:
        async for event in self._media.events():
            match event:
                case Digit(digit=digit):
                    self._news.put_nowait(DigitPressed(digit=digit))
                case Silent(seconds=seconds, announced=False):
                    self._went_silent(seconds)
                case Heard():
                    self._came_back()
                case Troubled(reason=reason):
                    self._news.put_nowait(SoundFailed(reason=reason))
                case Quality():
                    self._news.put_nowait(_sound_quality(event))

    def _measured(self, statistics: LegStatistics) -> LegFigures:
        return LegFigures(
            codec=self._sound.codec,
            srtp=self._sound.suite,
            received=statistics.received,
            sent=statistics.sent,
            lost=statistics.lost,
            late=statistics.late,
            concealed=statistics.concealed,
            quality=_sound_quality(statistics.quality),
        )

    def _went_silent(self, seconds: float) -> None:
        """Tell it; a leg that stays silent for its limit, and is not on hold, is dead."""
        if self._sound.is_held or self._deaf is not None:
            return
        self._news.put_nowait(WentSilent(silent=True))
        remaining = max(0.0, self._silence_limit - seconds)
        self._deaf = asyncio.get_running_loop().call_later(remaining, self._session.release, "no media")

    def _came_back(self) -> None:
        if self._deaf is not None:
            self._deaf.cancel()
            self._deaf = None
            self._news.put_nowait(WentSilent(silent=False))

    def refer(self, asked: AskedToRefer) -> None:
        """The far end asks for somebody else (REFER)."""
        self._news.put_nowait(asked)

    async def adopt(self, session: IncomingSession, caller: str = "") -> None:
        """Go on with *session*, which replaces ours (RFC 3891): the telephone of *caller* has taken the call over.

        Raises `Refused` when there is nothing to agree on, or the other has gone; the old call then stands.
        """
        offer = session.remote_offer
        try:
            if offer is None:
                raise NotAcceptable("a call that replaces another brings its own offer")
            description, agreement = self._sound.propose(offer)
        except NotAcceptable as error:
            await session.reject(error.status)
            raise Refused(str(error)) from error
        await session.answer(description)
        session.renegotiate = self._sound.renegotiate
        self._session = session
        self._sound.agree(description, agreement)
        self._news.put_nowait(TakenOver(caller=caller))
        log.info("leg.taken_over", leg_id=self._leg.id)

    def _put_on_hold(self, held: bool) -> None:
        self._came_back()
        if self._leg.state is not LegState.RINGING:
            self._leg = self._leg.after(LegEvent.PUT_ON_HOLD if held else LegEvent.RESUMED)
        self._news.put_nowait(HeldByPeer(held=held))


def _sound_quality(quality: Quality) -> SoundQuality:
    return SoundQuality(
        lost=quality.lost,
        jitter=quality.jitter,
        far_lost=quality.far_lost,
        far_jitter=quality.far_jitter,
        round_trip=quality.round_trip,
    )
