"""Who may speak on a leg and where it sends: forged packets, re-INVITEs, NAT, silence, new streams."""

from __future__ import annotations

import struct

from channels.media.client import MediaEngine
from channels.media.leg import Heard, Silent
from tests.peers.media_call import call_in
from tests.peers.rtp import RtpPhone, level


async def test_one_forged_packet_captures_neither_ear_nor_mouth(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as bert, RtpPhone() as thief:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        anna.hum(500)
        bert.hum(900)
        await anna.hear(0.2)
        thief.speaking = False
        thief.remote = anna.remote
        for number in range(3):
            thief.send(bytes(160), payload_type=0, timestamp=number * 160)
        heard = await anna.hear(0.4)
        statistics = await leg.close()

    assert level(heard, 900) > 5500
    assert thief.heard == []
    assert statistics.foreign == 3


async def test_a_thief_who_goes_on_is_ignored_while_the_far_end_speaks(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as thief:
        leg = await call_in(engine, anna, "a")
        await anna.hear(0.1)
        thief.remote = anna.remote
        await anna.hear(1.0)
        statistics = await leg.close()

    assert thief.heard == []
    assert statistics.foreign > 30


async def test_a_telephone_behind_nat_is_followed_when_the_signalled_address_is_silent(engine: MediaEngine) -> None:
    async with RtpPhone() as behind_nat, RtpPhone() as signalled:
        signalled.speaking = False
        await call_in(engine, signalled, "a")
        behind_nat.remote = signalled.remote

        assert (await behind_nat.hear(0.2)).shape == (1600,)


async def test_a_re_invite_moves_the_one_stream_and_never_starts_a_second(engine: MediaEngine) -> None:
    async with RtpPhone() as old, RtpPhone() as new, RtpPhone() as bert:
        leg = await call_in(engine, old, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        bert.hum(900)
        await old.hear(0.3)
        leg.connect(new.host, new.port, law="PCMA", telephone_event=101)
        new.remote = old.remote
        old.speaking = False
        first = await new.until(lambda packet: True)
        already = len(old.heard)
        heard = await new.hear(0.3)

    assert len(old.heard) == already
    assert first.payload_type == 8
    assert first.ssrc == old.heard[0].ssrc
    assert level(heard, 900) > 5500


async def test_a_held_leg_gets_nothing_and_is_not_heard(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as bert:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        anna.hum(500)
        await bert.hear(0.3)
        leg.connect(anna.host, anna.port, law="PCMU", sends=False, receives=False)
        await bert.hear(0.1)
        already, heard = len(anna.heard), await bert.hear(0.3)
        held_for = len(anna.heard) - already
        leg.connect(anna.host, anna.port, law="PCMU")
        resumed = await anna.until(lambda packet: True)
        await bert.hear(0.2)
        again = await bert.hear(0.2)

    assert held_for == 0
    assert not heard.any()
    assert resumed.marker
    assert level(again, 500) > 5500


async def test_a_new_ssrc_noise_and_empty_datagrams_do_not_deafen_a_leg(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as bert:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        anna.hum(500)
        await bert.hear(0.3)
        for noise in (b"", b"\x80", b"\xff" * 12, bytes(2000), b"\xbf" + bytes(30), bytes(12)):
            anna.send_raw(noise)
        anna.ssrc, anna.sequence, anna.timestamp = 77, 5, 99
        await bert.hear(0.3)
        heard = await bert.hear(0.3)
        statistics = await leg.close()

    assert level(heard, 500) > 5500
    assert statistics.malformed == 6
    assert statistics.restarts == 2


async def test_header_extensions_sources_and_padding_are_taken_off(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as bert:
        anna.speaking = False
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        decorated = 0x80 | 0x20 | 0x10 | 2
        for number in range(5):
            fixed = struct.pack("!BBHII", decorated, 0, number, number * 160, 5)
            anna.send_raw(fixed + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + b"\x10" * 160 + b"\x00\x00\x03")
        await bert.until(lambda packet: packet.payload == b"\x10" * 160)
        statistics = await leg.close()

    assert (statistics.received, statistics.malformed) == (5, 0)


async def test_silence_is_reported_and_its_end_too(engine: MediaEngine) -> None:
    async with RtpPhone() as anna:
        leg = await call_in(engine, anna, "a")
        events = leg.events()
        await anna.hear(0.2)
        anna.speaking = False
        first = await anext(events)
        anna.speaking = True
        second = await anext(events)

    assert isinstance(first, Silent)
    assert 0.4 <= first.seconds < 2
    assert second == Heard()
