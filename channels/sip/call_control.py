"""Telephony as the services want it: `CallControl` over the SIP user agent and the media engine.

Calls to the hotline's numbers become legs and are handed on; legs to telephones and trunks are originated; trunks are
asked by OPTIONS whether they live. A failure in one leg ends that leg alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import structlog

from channels.media.client import MediaEngine
from channels.sip.admission import Load, LoadLimits, Refusal
from channels.sip.connections import host_towards
from channels.sip.emergency_data import Along, EmergencyData, along
from channels.sip.identity import ANONYMOUS
from channels.sip.leg import SipLeg
from channels.sip.leg_sound import LegSound, sealing
from channels.sip.numbers import number_of
from channels.sip.offer_answer import LAWS, Abilities, CodecName
from channels.sip.our_numbers import OurNumbers
from channels.sip.passing_on import citizens_number, passed_on
from channels.sip.referring import Referral
from channels.sip.sdes import Srtp
from channels.sip.session import Session
from channels.sip.session_events import SessionOver
from channels.sip.session_in import IncomingSession
from channels.sip.session_out import NOTHING, Callee
from channels.sip.target import Target
from channels.sip.trunk_watch import TrunkWatch, WatchTimes
from channels.sip.uri import NameAddr, Uri
from channels.sip.user_agent import UserAgent, UserAgentSettings
from gateway.domain.call import CallId, Destination, Leg, LegId, Role
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.telephony import AskedToRefer, IncomingCall, PassedOn, Story, TrunkState

log = structlog.get_logger(__name__)

ANY_PEER = {4: Target("udp", "192.0.2.1", 9), 6: Target("udp", "2001:db8::1", 9)}
"""Nobody: the routing table is asked by which address of ours packets leave."""
WORDS_IN_A_HEADER = 120
"""Characters of a story that travel in one header: UDP datagrams should stay whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """What call control is made of; times in seconds.

    ``hotline_numbers`` gives for each trunk the dialled numbers that are the hotline's; a trunk that is not named, and
    our own telephones, have ``hotline_number`` alone; ``merged_numbers`` are everywhere those of merged lines.
    ``line_of`` says which emergency line a peer (a trunk's name, or a telephone's) is that calls with this number.
    Emergency calls over the trunks of ``sends_location`` carry place and story; over those of ``late_offers`` we call
    without an offer, and the callee makes one. ``home_area`` is the area code of local numbers. ``prompts`` maps prompt
    ids to WAV files. ``codecs`` are in order of preference. ``srtp`` says what a trunk wants; one that is not named, or
    a telephone, has its sound in clear.
    """

    hotline_number: str = "12345"
    home_area: str = ""
    hotline_numbers: Mapping[str, Sequence[str]]
    merged_numbers: Sequence[str] = ()
    line_of: Callable[[str, str], EmergencyLine | None] = lambda peer, caller: None
    sends_location: Container[str] = ()
    late_offers: Container[str] = ()
    codecs: Sequence[CodecName] = LAWS
    comfort_noise: bool = False
    srtp: Mapping[str, Srtp] = field(default_factory=dict)
    prompts: Mapping[str, Path]
    load: LoadLimits = field(default_factory=LoadLimits)
    silence_limit: float = 60.0
    check_interval: float = 30.0
    check_limit: float = 4.0


class SipCallControl:
    """Use as an async context manager: while inside, calls come in and are given to *take*."""

    def __init__(
        self,
        settings: CallSettings,
        sip: UserAgentSettings,
        media: MediaEngine,
        *,
        take: Callable[[IncomingCall, CallId], None],
        telephone_changed: Callable[[str, bool], None],
    ) -> None:
        self._settings = settings
        self._media = media
        self._take = take
        self._tasks: set[asyncio.Task[None]] = set()
        self._legs: dict[Session, SipLeg] = {}
        self._load = Load(settings.load)
        self._trunks = {trunk.name for trunk in sip.trunks}
        self._numbers = OurNumbers(
            settings.hotline_number,
            by_trunk=settings.hotline_numbers,
            merged=settings.merged_numbers,
            home_area=settings.home_area,
        )
        self.agent = UserAgent(
            replace(sip, is_hotline=self._numbers.is_ours),
            self._serve,
            on_registered=lambda user: telephone_changed(user, True),
            on_gone=lambda user: telephone_changed(user, False),
        )
        times = WatchTimes(interval=settings.check_interval, limit=settings.check_limit)
        self._watch = TrunkWatch(self.agent, sip.trunks, times)

    async def __aenter__(self) -> Self:
        """Open the sockets."""
        await self.agent.__aenter__()
        self._start(self._watch.run(), "trunks")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up what is left and close the sockets."""
        for task in self._tasks:
            if task.get_name() == "trunks":
                task.cancel()
        await asyncio.sleep(0)
        await self.agent.__aexit__(kind, error, trace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def trunks(self) -> tuple[TrunkState, ...]:
        """How every trunk fares, in the order of the settings."""
        return tuple(self._watch.states.values())

    # -- gateway.ports.telephony.CallControl ---------------------------------------------------------------------------

    async def originate(self, call_id: CallId, role: Role, destination: Destination, story: Story) -> SipLeg:
        """Send an INVITE to *destination*. Raises `Unavailable` when there is no way to it now."""
        callee = self._callee(destination)
        leg = _new_leg(call_id, role, destination.number)
        uri = self.agent.endpoint.local_uri(callee.target)
        sound = await self._sound(leg, uri.host, callee.peer, callee.target)
        try:
            session = await self.agent.invite(
                callee,
                offer=None if callee.peer in self._settings.late_offers else sound.offer(),
                from_=self._from(role, story, uri),
                headers=_headers(role, story),
                along=self._along(role, destination, story, uri),
            )
        except BaseException:
            await sound.media.close()
            raise
        live = self._leg(leg, session, sound)
        self._start(self._live(session, live), f"leg {leg.id}")
        return live

    def is_reachable(self, destination: Destination) -> bool:
        """Tell whether a telephone is registered, or a trunk not known to be out of service."""
        if destination.trunk is None:
            return self.agent.telephone(destination.number) is not None
        return self._watch.is_in_service(destination.trunk)

    # -- incoming --------------------------------------------------------------------------------------------

    async def _serve(self, session: Session) -> None:
        """Turn one INVITE into a leg and follow it to its end."""
        if isinstance(session, IncomingSession) and session.replaces is not None:
            return await self._take_over(session, session.replaces)
        if not self._numbers.is_ours(session.peer, session.called):
            return await session.reject(404)
        caller = self._caller_of(session)
        line = self._settings.line_of(session.peer, caller)
        if line is not None:  # no limit keeps an emergency line from us
            passed = passed_on(session.request, line)
            return await self._follow(session, citizens_number(session.request) or caller, passed_on=passed)
        admission = self._load.enter(session.peer, caller, self.agent.endpoint.now())
        if isinstance(admission, Refusal):
            log.warning("call.not_admitted", peer=session.peer, reason=admission.reason)
            return await session.reject(admission.status, admission.reason, retry_after=admission.retry_after)
        try:
            await self._follow(session, caller, is_excess=admission.is_excess)
        finally:
            self._load.leave(admission)

    async def _follow(
        self, session: Session, caller: str, *, passed_on: PassedOn | None = None, is_excess: bool = False
    ) -> None:
        call_id = CallId(uuid4().hex[:16])
        leg = _new_leg(call_id, Role.CITIZEN, caller)
        offer = session.remote_offer
        theirs = offer.audio if offer is not None else None
        host = self.agent.endpoint.local_uri(session.fallback).host
        try:
            sound = await self._sound(leg, host, session.peer, session.fallback, theirs.address if theirs else "")
        except Unavailable as failure:
            log.error("call.refused", reason=str(failure))
            return await session.reject(503)
        live = self._leg(leg, session, sound)
        dialled = session.originally_called if isinstance(session, IncomingSession) else session.called
        incoming = IncomingCall(
            leg=live,
            external_id=session.id,
            caller=caller,
            dialled=dialled.user or str(dialled),
            merged=self._numbers.merged((dialled, session.called, session.request.to.uri)),
            passed_on=passed_on,
            is_excess=is_excess,
        )
        self._take(incoming, call_id)
        await self._live(session, live)

    async def _take_over(self, session: IncomingSession, replaced: Session) -> None:
        """Let another telephone have the leg of a call (RFC 3891)."""
        leg = self._legs.get(replaced)
        if leg is None:
            return await session.reject(603)
        with suppress(Refused, SessionOver):
            self._legs[session] = leg
            session.on_refer = partial(self._refer, leg)
            await leg.adopt(session, self._caller_of(session))

    async def _live(self, session: Session, leg: SipLeg) -> None:
        """Follow a leg to its end."""
        self._legs[session] = leg
        session.on_refer = partial(self._refer, leg)
        try:
            await leg.run()
        finally:
            for known in [known for known, its in self._legs.items() if its is leg]:
                del self._legs[known]

    def _leg(self, leg: Leg, session: Session, sound: LegSound) -> SipLeg:
        prompt = self._settings.prompts.get
        return SipLeg(leg, session, sound, prompt=prompt, silence_limit=self._settings.silence_limit)

    async def _sound(self, leg: Leg, host: str, peer: str, target: Target, theirs: str = "") -> LegSound:
        """Open a port for a leg towards *target*, in the address family of their sound, or else of the signalling.

        *host* is how we are reached there, *theirs* the address they want sound at, if known. Raises `Unavailable`.
        """
        settings = self._settings
        ipv6 = ":" in (theirs or host) and self._media.speaks_ipv6
        media = await self._media.open_leg(leg.id, ipv6=ipv6)
        policy = settings.srtp.get(peer, Srtp.OFF)
        abilities = Abilities(
            codecs=settings.codecs,
            comfort_noise=settings.comfort_noise,
            sealing=sealing(policy, is_secure=target.transport == "tls"),
        )
        return LegSound(media, address=_media_address(host, ipv6=ipv6), abilities=abilities)

    def _refer(self, leg: SipLeg, referral: Referral) -> bool:
        """Put a far end's REFER before whoever has the call; a citizen's, or one into another call, is declined."""
        if leg.leg.role is Role.CITIZEN or referral.session is not None:
            return False
        destination = None if referral.callee is None else self._destination(referral.callee)
        leg.refer(
            AskedToRefer(
                destination=destination,
                ringing=lambda: referral.report(180),
                report=lambda is_done: referral.report(200 if is_done else 603),
            )
        )
        return True

    def _destination(self, callee: Callee) -> Destination:
        if callee.peer in self._trunks:
            return Destination(number=Uri.parse(callee.uri).user or "", trunk=callee.peer)
        return Destination(number=callee.peer)

    def _caller_of(self, session: Session) -> str:
        """The caller's number as it is dialled here; "" for a caller without one."""
        uri = session.caller.uri
        if uri.host == ANONYMOUS.uri.host:
            return ""
        return number_of(uri, home_area=self._settings.home_area).national

    # -- outgoing --------------------------------------------------------------------------------------------

    def _callee(self, destination: Destination) -> Callee:
        if destination.trunk is not None:
            return self.agent.trunk(destination.trunk, destination.number)
        callee = self.agent.telephone(destination.number)
        if callee is None:
            raise Unavailable(f"telephone {destination.number} is not registered")
        return callee

    def _from(self, role: Role, story: Story, local: Uri) -> NameAddr:
        """Our own telephones see who calls; over a trunk we may only call as ourselves."""
        number = self._settings.hotline_number
        display = story.caller if role is Role.AGENT else f"{number} {story.caller}".strip()
        return NameAddr(uri=Uri(user=number, host=local.host, port=local.port), display=display)

    def _along(self, role: Role, destination: Destination, story: Story, local: Uri) -> Along:
        """Return what an emergency desk gets beside the offer, where its trunk takes that."""
        if role is not Role.EMERGENCY_DESK or destination.trunk not in self._settings.sends_location:
            return NOTHING
        number = self._settings.hotline_number
        return along(
            EmergencyData(
                reference=story.ticket_id or "none",
                provider=number,
                contact=str(Uri(user=number, host=local.host, port=local.port)),
                caller=story.caller,
                place=story.place,
                words=story.summary or story.reason,
                at=datetime.now(UTC),
            )
        )

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(_logged(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _media_address(host: str, *, ipv6: bool) -> str:
    """Return the address for SDP: *host*, or where we are reached in the other family."""
    if (":" in host) == ipv6:
        return host
    anywhere = Target("udp", "::" if ipv6 else "0.0.0.0", 0)
    return host_towards(anywhere, ANY_PEER[6 if ipv6 else 4])


async def _logged(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except Exception:
        log.exception("telephony.failed", task=name)


def _new_leg(call_id: CallId, role: Role, number: str) -> Leg:
    return Leg(id=LegId(uuid4().hex[:12]), call_id=call_id, role=role, number=number)


def _headers(role: Role, story: Story) -> list[tuple[str, str]]:
    """Return what goes along: the ticket for all, the caller's own words for those who must act on them."""
    headers = [("X-Jiesu-Ticket", story.ticket_id or ""), ("X-Jiesu-Reason", story.reason)]
    if role is not Role.AGENT:
        headers.append(("X-Jiesu-Caller", story.caller))
        headers.append(("X-Jiesu-Place", story.place))
        headers.append(("Subject", story.summary))
    return [(name, " ".join(value.split())[:WORDS_IN_A_HEADER]) for name, value in headers if value.strip()]
