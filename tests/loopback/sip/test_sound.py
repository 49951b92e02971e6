"""Sound as two sides agree on it, over real sockets: what each plays the other hears, sealed or in clear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from channels.media import wav
from channels.media.client import MediaEngine, MediaSettings
from channels.media.leg import MediaLeg
from channels.sip.call_control import CallSettings, SipCallControl
from channels.sip.connections import ListenAddress, Target
from channels.sip.leg import SipLeg
from channels.sip.leg_sound import LegSound, sealing
from channels.sip.offer_answer import Abilities, CodecName, NotAcceptable
from channels.sip.sdes import Srtp
from channels.sip.session import Session
from channels.sip.session_events import Answered, Rejected
from channels.sip.tls import Tls
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from gateway.domain.call import CallId, Destination, Role
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.telephony import IncomingCall, SoundQuality, Story
from tests.fakes.sip import HOTLINE, LIMIT, QUICK, Listener, callee
from tests.peers.rtp import level, tone

FILES = Path("tests/data/tls")
NEAR_TONE, FAR_TONE = 500, 900
STORY = Story(ticket_id=None, caller="", place="", summary="", reason="test")


def certificate(owner: str) -> Tls:
    return Tls(certificate=FILES / f"{owner}.pem", key=FILES / f"{owner}.key", authorities=FILES / "ca.pem")


def play(leg: MediaLeg, folder: Path, frequency: int) -> None:
    path = folder / f"{frequency}.wav"
    samples = tone(frequency, 1.0)
    path.write_bytes(wav.header(len(samples)) + samples.astype("<i2").tobytes())
    leg.play(path, loop=True)


async def hears(leg: MediaLeg, frequency: int) -> bool:
    """Wait until this leg's far end says *frequency*, loud."""
    async with asyncio.timeout(LIMIT):
        async for frame in leg.tap(0.0):
            if level(np.frombuffer(frame.pcm, "<i2"), frequency) > 4000:
                return True
    return False


class FarEnd:
    """Another telephone system: our user agent and a media process of its own."""

    def __init__(self, agent: UserAgent, media: MediaEngine, abilities: Abilities, host: str) -> None:
        self.agent, self._media, self._abilities, self._host = agent, media, abilities, host
        self.sounds: asyncio.Queue[LegSound] = asyncio.Queue()
        self._count = 0

    async def sound(self) -> LegSound:
        self._count += 1
        leg = await self._media.open_leg(f"far {self._count}", ipv6=":" in self._host)
        return LegSound(leg, address=self._host, abilities=self._abilities)

    async def take(self, session: Session) -> None:
        sound = await self.sound()
        offer = session.remote_offer
        try:
            description = sound.offer() if offer is None else sound.answer(offer)
        except NotAcceptable:
            return await session.reject(488)
        session.renegotiate = sound.renegotiate
        await session.answer(description)
        async for event in session.events():
            if isinstance(event, Answered):
                assert event.description is None or sound.take_answer(event.description)
                self.sounds.put_nowait(sound)

    async def call(self, target: Target) -> tuple[Session, LegSound]:
        """Call the gateway."""
        sound = await self.sound()
        session = await self.agent.invite(callee(target, "12345"), offer=sound.offer(), from_=HOTLINE)
        session.renegotiate = sound.renegotiate
        return session, sound


@dataclass
class Near:
    """The gateway's side, and the calls that come in."""

    calling: SipCallControl
    media: MediaEngine
    calls: asyncio.Queue[IncomingCall]
    target: Target

    async def answered(self) -> SipLeg:
        """Answer the call that comes in."""
        leg = (await self.calls.get()).leg
        assert isinstance(leg, SipLeg)
        await leg.answer()
        return leg

    async def call(self) -> SipLeg:
        """Call the far end, and wait until it answers."""
        leg = await self.calling.originate(CallId("c"), Role.UNIT, Destination(number="1", trunk="carrier"), STORY)
        await leg.answered(LIMIT)
        return leg


@asynccontextmanager
async def both(
    *,
    host: str = "127.0.0.1",
    transport: str = "tls",
    near: Srtp = Srtp.OFF,
    far: Abilities | None = None,
    codecs: tuple[CodecName, ...] = ("PCMA", "PCMU", "G722"),
    late_offers: bool = False,
) -> AsyncIterator[tuple[Near, FarEnd]]:
    """Let a gateway and another system call each other over a trunk."""
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
    listen = [ListenAddress(transport, host, 0)]
    media_settings = MediaSettings(capacity=4, ipv6_address="::1", silent_after=30)
    abilities = far or Abilities(codecs=codecs, comfort_noise=True, sealing=sealing(Srtp.OFF, is_secure=True))
    taking: list[FarEnd] = []
    far_agent = UserAgent(
        UserAgentSettings(
            listen=listen,
            trunks=[Trunk(name="gateway", target=Target(transport, host, 9), sources=(host,))],
            tls=certificate("gateway"),
            timers=QUICK,
            hang_up_limit=0,
        ),
        lambda session: taking[0].take(session),
    )
    async with MediaEngine(media_settings) as far_media, far_agent, MediaEngine(media_settings) as media:
        taking.append(FarEnd(far_agent, far_media, abilities, host))
        sip = UserAgentSettings(
            listen=listen,
            trunks=[Trunk(name="carrier", target=far_agent.addresses[0], sources=(host,))],
            tls=certificate("gateway"),
            timers=QUICK,
            hang_up_limit=0,
        )
        settings = CallSettings(
            hotline_numbers={},
            codecs=codecs,
            comfort_noise=True,
            srtp={"carrier": near},
            late_offers={"carrier"} if late_offers else (),
            prompts={},
            check_interval=3600.0,
            check_limit=0.01,
        )
        async with SipCallControl(
            settings,
            sip,
            media,
            take=lambda incoming, call_id: calls.put_nowait(incoming),
            telephone_changed=lambda user, there: None,
        ) as calling:
            yield Near(calling, media, calls, calling.agent.addresses[0]), taking[0]


async def they_talk(near: SipLeg, far: LegSound, folder: Path) -> None:
    """Claim that each hears the other."""
    play(near._media, folder, NEAR_TONE)
    play(far.media, folder, FAR_TONE)
    assert await hears(near._media, FAR_TONE)
    assert await hears(far.media, NEAR_TONE)


def knows(policy: Srtp, codecs: tuple[CodecName, ...] = ("PCMA",)) -> Abilities:
    return Abilities(codecs=codecs, comfort_noise=True, sealing=sealing(policy, is_secure=True))


SUITE = "AES_CM_128_HMAC_SHA1_80"
AGREED = [
    (Srtp.OFF, Srtp.OFF, ""),
    (Srtp.OFFERED, Srtp.OFF, ""),
    (Srtp.OFFERED, Srtp.OFFERED, SUITE),
    (Srtp.OFFERED, Srtp.REQUIRED, SUITE),
    (Srtp.REQUIRED, Srtp.OFFERED, SUITE),
    (Srtp.REQUIRED, Srtp.REQUIRED, SUITE),
]


@pytest.mark.parametrize(("near", "far", "suite"), AGREED)
async def test_a_call_that_comes_in_over_tls_is_sealed_as_both_want(
    near: Srtp, far: Srtp, suite: str, tmp_path: Path
) -> None:
    async with both(near=near, far=knows(far)) as (gateway, carrier):
        session, sound = await carrier.call(gateway.target)
        leg = await gateway.answered()
        answered = await Listener(session).next(Answered)
        assert answered.description is not None
        assert sound.take_answer(answered.description)
        await they_talk(leg, sound, tmp_path)
        await session.hang_up()
        figures = await leg.figures()

    assert (figures.srtp, sound.suite) == (suite, suite)
    assert figures.codec == "PCMA"
    assert figures.received > 0


@pytest.mark.parametrize(("near", "far", "suite"), AGREED)
async def test_a_call_that_goes_out_over_tls_is_sealed_as_both_want(
    near: Srtp, far: Srtp, suite: str, tmp_path: Path
) -> None:
    async with both(near=near, far=knows(far)) as (gateway, carrier):
        leg = await gateway.call()
        sound = await carrier.sounds.get()
        await they_talk(leg, sound, tmp_path)
        await leg.hang_up()
        figures = await leg.figures()

    assert (figures.srtp, sound.suite) == (suite, suite)


@pytest.mark.parametrize(("near", "far", "suite"), [AGREED[0], AGREED[2], AGREED[5]])
async def test_where_the_far_end_makes_the_offer_each_hears_the_other(
    near: Srtp, far: Srtp, suite: str, tmp_path: Path
) -> None:
    async with both(near=near, far=knows(far), late_offers=True) as (gateway, carrier):
        leg = await gateway.call()
        sound = await carrier.sounds.get()
        await they_talk(leg, sound, tmp_path)
        await leg.hang_up()
        figures = await leg.figures()

    assert (figures.srtp, sound.suite) == (suite, suite)
    assert figures.codec == "PCMA"


async def test_an_offer_in_clear_is_refused_where_the_trunk_requires_srtp() -> None:
    async with both(near=Srtp.REQUIRED, far=knows(Srtp.OFF), late_offers=True) as (gateway, _):
        with pytest.raises(Unavailable, match="488"):
            await gateway.call()


async def test_a_call_in_clear_is_refused_where_the_trunk_requires_srtp() -> None:
    async with both(near=Srtp.REQUIRED, far=knows(Srtp.OFF)) as (gateway, carrier):
        session, _ = await carrier.call(gateway.target)
        with pytest.raises(Refused, match="SRTP"):
            await gateway.answered()
        rejected = await Listener(session).next(Rejected)
        with pytest.raises(Refused, match="488"):
            await gateway.call()

    assert rejected.status == 488


async def test_a_trunk_that_requires_srtp_is_refused_over_signalling_in_clear() -> None:
    async with both(transport="udp", near=Srtp.REQUIRED, far=knows(Srtp.REQUIRED)) as (gateway, carrier):
        session, _ = await carrier.call(gateway.target)
        with pytest.raises(Refused, match="SRTP"):
            await gateway.answered()
        rejected = await Listener(session).next(Rejected)

    assert rejected.status == 488


async def test_keys_and_ports_hold_through_a_reinvite_that_moves_the_sound(tmp_path: Path) -> None:
    async with both(near=Srtp.REQUIRED, far=knows(Srtp.REQUIRED)) as (gateway, carrier):
        session, sound = await carrier.call(gateway.target)
        leg = await gateway.answered()
        listener = Listener(session)
        first = (await listener.next(Answered)).description
        assert first is not None
        assert sound.take_answer(first)
        await they_talk(leg, sound, tmp_path)
        elsewhere = await carrier.sound()
        second = await session.reoffer(elsewhere.offer())
        assert elsewhere.take_answer(second)
        await they_talk(leg, elsewhere, tmp_path)
        await session.hang_up()

    assert first.audio is not None
    assert second.audio is not None
    assert second.audio.port == first.audio.port
    assert second.audio.cryptos == first.audio.cryptos
    assert second.origin.version == first.origin.version + (second.audio != first.audio)


async def test_wideband_is_spoken_with_who_prefers_it(tmp_path: Path) -> None:
    async with both(transport="udp", far=knows(Srtp.OFF, ("G722", "PCMA"))) as (gateway, carrier):
        session, sound = await carrier.call(gateway.target)
        leg = await gateway.answered()
        answered = await Listener(session).next(Answered)
        assert answered.description is not None
        assert sound.take_answer(answered.description)
        await they_talk(leg, sound, tmp_path)
        await session.hang_up()
        figures = await leg.figures()

    assert figures.codec == sound.codec == "G722"


@pytest.mark.parametrize("goes_out", [True, False])
async def test_sound_goes_by_ipv6_where_signalling_does(goes_out: bool, tmp_path: Path) -> None:
    async with both(host="::1", transport="udp", far=knows(Srtp.OFF)) as (gateway, carrier):
        if goes_out:
            leg = await gateway.call()
            sound = await carrier.sounds.get()
        else:
            session, sound = await carrier.call(gateway.target)
            leg = await gateway.answered()
            answered = await Listener(session).next(Answered)
            assert answered.description is not None
            assert answered.description.audio is not None
            assert answered.description.audio.address == "::1"
            assert sound.take_answer(answered.description)
        await they_talk(leg, sound, tmp_path)
        await leg.hang_up()
        figures = await leg.figures()

    assert figures.received > 0


async def test_both_ends_know_how_well_each_is_heard_and_how_far_away_they_are(tmp_path: Path) -> None:
    async with both(transport="udp", far=knows(Srtp.OFF)) as (gateway, carrier):
        leg = await gateway.call()
        await they_talk(leg, await carrier.sounds.get(), tmp_path)
        async with asyncio.timeout(3 * LIMIT):
            quality = await anext(
                news async for news in leg.news() if isinstance(news, SoundQuality) and news.round_trip is not None
            )
        await leg.hang_up()
        figures = await leg.figures()

    assert quality.round_trip is not None
    assert quality.far_lost is not None
    assert figures.quality.round_trip is not None


async def test_a_supervisor_hears_all_and_is_heard_by_the_agent_alone_until_he_joins(tmp_path: Path) -> None:
    async with both() as (gateway, carrier):
        legs, far = [], []
        for _ in ("citizen", "agent", "supervisor"):
            legs.append(await gateway.call())
            far.append((await carrier.sounds.get()).media)
        citizen, agent, supervisor = legs
        for sound, frequency in zip(far, (500, 900, 1300), strict=True):
            play(sound, tmp_path, frequency)
        for leg in (citizen, agent):
            leg.join("call")
        supervisor.listen("call")
        assert await hears(far[2], 500)
        assert await hears(far[2], 900)

        supervisor.whisper("call", agent.leg.id)
        assert await hears(far[1], 1300)
        assert not await soon_hears(far[0], 1300)

        supervisor.join("call")
        assert await hears(far[0], 1300)


async def soon_hears(leg: MediaLeg, frequency: int) -> bool:
    """Whether this leg's far end says *frequency* in the next half second of sound."""
    frames = 0
    async for frame in leg.tap(0.0):
        if level(np.frombuffer(frame.pcm, "<i2"), frequency) > 2000:
            return True
        frames += 1
        if frames == 5:
            break
    return False
