"""A telephone without a desk: calls and takes calls over our own SIP stack and media engine.

What a person does with it is an `Errand`: speak, press keys, wait until the other side has gone, hang up. What
happens meanwhile is told as `News`; `Softphone.attend` returns whether the two ever talked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from channels.media.client import MediaEngine, MediaSettings
from channels.media.leg import MediaLeg, PlayEnd
from channels.sip.connections import ListenAddress, Target
from channels.sip.leg import SipLeg
from channels.sip.leg_sound import LegSound
from channels.sip.offer_answer import CODECS, Abilities
from channels.sip.registration import Account, Registration
from channels.sip.session import Session
from channels.sip.session_events import Progress
from channels.sip.session_out import Callee
from channels.sip.target import DEFAULT_PORT
from channels.sip.uri import NameAddr, Uri
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from gateway.domain.call import CallId, Leg, LegId, Role
from gateway.domain.errors import OurMistake, Refused, Unavailable
from gateway.ports.telephony import DigitPressed, HeldByPeer, LegEnded

SILENCE_LIMIT = 60.0
"""Seconds without any sound's packets after which the other side counts as gone."""
HANG_UP_LIMIT = 2.0
_PEER = "anyone"
_ABILITIES = Abilities(codecs=CODECS, comfort_noise=True)


# --- what happens, and what to do ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A provisional answer; with ``early_media`` there is something to hear already."""

    status: int
    reason: str
    early_media: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedUp:
    """The two are connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A WAV has been played; ``is_whole`` False when it was cut short or could not be played."""

    path: Path
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysSent:
    """We pressed these keys."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHeard:
    """The other side pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The other side put us on hold, or took us back."""

    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """It is over; by whom, and why."""

    by_peer: bool
    reason: str


News = Progressed | PickedUp | Spoken | KeysSent | KeyHeard | Held | HungUp
Tell = Callable[[News], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Order: speak this WAV, after what is being spoken."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Order: press these keys."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Order: end the call."""


Order = Play | Press | HangUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What to do once connected; times in seconds.

    ``play`` is spoken first; ``digits`` are pressed ``after`` seconds. Unless ``stays``, we hang up when both are done.
    ``record`` keeps what is heard. ``limit`` bounds the ringing, and again the talking.
    """

    play: Path | None = None
    digits: str = ""
    after: float = 0.0
    stays: bool = False
    record: Path | None = None
    limit: float = 60.0


# --- the telephone ---------------------------------------------------------------------------------------------


class _Anyone(Trunk):
    """A softphone has no trunks: whoever calls is let through."""

    __slots__ = ()

    def sends_from(self, source: Target) -> bool:
        """Everybody."""
        return True


class Call:
    """One call of the telephone, made or taken."""

    def __init__(self, leg: SipLeg, media: MediaLeg, *, is_outgoing: bool) -> None:
        self.leg = leg
        self.media = media
        self.is_outgoing = is_outgoing


class Softphone:
    """Use as an async context manager; with an *account* it is registered while inside.

    Entering raises `OSError` when *listen* cannot be bound, and what `Registration` raises.
    """

    def __init__(self, listen: ListenAddress, account: Account | None = None) -> None:
        far_end = account.registrar if account else Target(listen.transport, "127.0.0.1", DEFAULT_PORT)
        anyone = Trunk(name=_PEER, target=far_end) if account else _Anyone(name=_PEER, target=far_end)
        self._account = account
        self._agent = UserAgent(
            UserAgentSettings(listen=[listen], trunks=[anyone], user_agent="jiesu phone", hang_up_limit=HANG_UP_LIMIT),
            self._take,
        )
        self._is_ipv6 = ":" in listen.host
        self._media = MediaEngine(
            MediaSettings(ipv6_address=listen.host) if self._is_ipv6 else MediaSettings(address=listen.host)
        )
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._following: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._stack.enter_async_context(self._media)
            await self._stack.enter_async_context(self._agent)
            if self._account is not None:
                await self._stack.enter_async_context(Registration(self._agent.endpoint, self._account))
        except BaseException:
            await self._stack.aclose()  # not told of the failure: a task group in there would wrap it in a group
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        await asyncio.gather(*self._following, return_exceptions=True)

    @property
    def address(self) -> ListenAddress:
        """Where it listens, with the port it was given."""
        return self._agent.addresses[0]

    async def call(self, uri: Uri, *, number: str = "", tell: Tell = lambda news: None) -> Call:
        """Send an INVITE to *uri* as *number* and return at once. Raises `OurMistake` for what is no sip: address."""
        if uri.scheme != "sip" or not uri.host:
            raise OurMistake(f"{uri} cannot be called; give sip:NUMBER@ADDRESS:PORT")
        transport = (uri.params.get("transport") or self.address.transport).lower()
        target = Target(transport, uri.host, uri.port or DEFAULT_PORT)
        account = self._account
        leg = _new_leg(uri.user or "")
        media = await self._media.open_leg(leg.id, ipv6=self._is_ipv6)
        try:
            local = self._agent.endpoint.local_uri(target)
            home = account.address if account else local
            from_ = NameAddr(uri=Uri(user=number or home.user or "anonymous", host=home.host, port=home.port))
            sound = LegSound(media, address=local.host, abilities=_ABILITIES)
            callee = Callee(
                uri=str(uri), target=target, peer=_PEER, credentials=account.credentials if account else None
            )
            session = await self._agent.invite(callee, offer=sound.offer(), from_=from_)
        except BaseException:
            await media.close()
            raise
        live = SipLeg(
            leg,
            session,
            sound,
            prompt=lambda name: None,
            silence_limit=SILENCE_LIMIT,
            on_progress=lambda progress: tell(_progressed(progress)),
        )
        self._follow(live)
        return Call(live, media, is_outgoing=True)

    async def next_call(self) -> Call:
        """Wait until somebody rings."""
        while True:
            call = await self._incoming.get()
            if not call.media.closed.done():
                return call

    async def attend(self, call: Call, errand: Errand, orders: AsyncIterator[Order], tell: Tell) -> bool:
        """Carry an errand through, from ringing to the end; say whether the two talked. *orders* come while they do."""
        if not await self._connected(call, errand):
            tell(await _end_of(call))
            return False
        tell(PickedUp())
        if errand.record is not None:
            call.media.record(errand.record, time.monotonic())
        async with asyncio.TaskGroup() as talking:
            work = [
                talking.create_task(_run(call, errand, tell), name="errand"),
                talking.create_task(_obey(call, orders, tell), name="orders"),
            ]
            try:
                async with asyncio.timeout(errand.limit):
                    end = await _follow_news(call, tell)
            except TimeoutError:
                await call.leg.hang_up("time is up")
                end = await _follow_news(call, tell)
            for task in work:
                task.cancel()
        tell(end)
        await call.media.close()
        return True

    async def _connected(self, call: Call, errand: Errand) -> bool:
        """Wait for an answer, or answer."""
        try:
            if call.is_outgoing:
                await call.leg.answered(errand.limit)
            else:
                await call.leg.answer()
        except (Unavailable, Refused):
            return False
        return True

    async def _take(self, session: Session) -> None:
        """Ring, and let whoever attends the telephone answer."""
        leg = _new_leg(session.caller.uri.user or "")
        media = await self._media.open_leg(leg.id, ipv6=self._is_ipv6)
        host = self._agent.endpoint.local_uri(session.fallback).host
        sound = LegSound(media, address=host, abilities=_ABILITIES)
        live = SipLeg(leg, session, sound, prompt=lambda name: None, silence_limit=SILENCE_LIMIT)
        with suppress(Unavailable):
            await live.ring()
        self._incoming.put_nowait(Call(live, media, is_outgoing=False))
        await live.run()

    def _follow(self, live: SipLeg) -> None:
        task = asyncio.get_running_loop().create_task(live.run(), name=f"leg {live.leg.id}")
        self._following.add(task)
        task.add_done_callback(self._following.discard)


# --- carrying it out -------------------------------------------------------------------------------------------


async def no_orders() -> AsyncIterator[Order]:
    """Nobody says anything more."""
    nothing: tuple[Order, ...] = ()
    for order in nothing:
        yield order


async def _run(call: Call, errand: Errand, tell: Tell) -> None:
    async with asyncio.TaskGroup() as both:
        if errand.digits:
            both.create_task(_press_later(call, errand, tell), name="keys")
        if errand.play is not None:
            both.create_task(_speak(call, errand.play, tell), name="speech")
    if not errand.stays:
        await call.leg.hang_up("done")


async def _press_later(call: Call, errand: Errand, tell: Tell) -> None:
    await asyncio.sleep(errand.after)
    _press(call, errand.digits, tell)


async def _obey(call: Call, orders: AsyncIterator[Order], tell: Tell) -> None:
    """Do what is said, one thing after the other; the end of the orders changes nothing."""
    async for order in orders:
        match order:
            case Play(path=path):
                await _speak(call, path, tell)
            case Press(digits=digits):
                _press(call, digits, tell)
            case HangUp():
                await call.leg.hang_up("done")


async def _speak(call: Call, path: Path, tell: Tell) -> None:
    end = await call.media.play(path)
    tell(Spoken(path=path, is_whole=end is PlayEnd.FINISHED))


def _press(call: Call, digits: str, tell: Tell) -> None:
    call.media.send_digits(digits)
    tell(KeysSent(digits=digits))


async def _follow_news(call: Call, tell: Tell) -> HungUp:
    async for news in call.leg.news():
        match news:
            case DigitPressed(digit=digit):
                tell(KeyHeard(digit=digit))
            case HeldByPeer(held=held):
                tell(Held(held=held))
            case LegEnded(by_peer=by_peer, reason=reason):
                return HungUp(by_peer=by_peer, reason=reason)
    return HungUp(by_peer=False, reason="")


async def _end_of(call: Call) -> HungUp:
    return await _follow_news(call, lambda news: None)


def _progressed(progress: Progress) -> Progressed:
    return Progressed(status=progress.status, reason=progress.reason, early_media=progress.description is not None)


def _new_leg(number: str) -> Leg:
    return Leg(id=LegId(uuid4().hex[:12]), call_id=CallId("phone"), role=Role.CITIZEN, number=number)
