"""Real sockets, a real media process: who hears whom."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import pairwise

from channels.media.client import MediaEngine
from tests.peers.media_call import call_in
from tests.peers.rtp import RtpPhone, level

TONES = (500.0, 1100.0, 1900.0)


async def test_two_parties_hear_each_other_across_laws(engine: MediaEngine) -> None:
    async with RtpPhone("PCMU") as anna, RtpPhone("PCMA") as bert:
        await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        anna.hum(TONES[0])
        bert.hum(TONES[1])
        await anna.hear(0.3)
        heard_by_anna, heard_by_bert = await anna.hear(0.5), await bert.hear(0.5)

    assert level(heard_by_anna, TONES[1]) > 5000
    assert level(heard_by_anna, TONES[0]) < 100
    assert level(heard_by_bert, TONES[0]) > 5000
    assert level(heard_by_bert, TONES[1]) < 100


async def test_three_parties_hear_the_two_others_and_not_themselves(engine: MediaEngine) -> None:
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(RtpPhone(law)) for law in ("PCMU", "PCMA", "PCMU")]
        for number, (phone, frequency) in enumerate(zip(phones, TONES, strict=True)):
            await call_in(engine, phone, f"leg {number}", "desk")
            phone.hum(frequency)
        await phones[0].hear(0.3)

        for phone, own in zip(phones, TONES, strict=True):
            heard = await phone.hear(0.5)
            for frequency in TONES:
                assert (level(heard, frequency) > 5000) == (frequency != own)


async def test_a_leg_that_changes_bridges_leaves_the_first(engine: MediaEngine) -> None:
    async with RtpPhone() as anna, RtpPhone() as bert, RtpPhone() as cora:
        leg = await call_in(engine, anna, "a", "one")
        await call_in(engine, bert, "b", "one")
        await call_in(engine, cora, "c", "two")
        anna.hum(TONES[0])
        await bert.hear(0.3)
        assert level(await bert.hear(0.2), TONES[0]) > 5000
        leg.bridge("two")
        await cora.hear(0.2)
        in_the_second, in_the_first = await cora.hear(0.2), await bert.hear(0.2)
        leg.bridge(None)
        await cora.hear(0.2)
        nowhere = await cora.hear(0.2)

    assert level(in_the_second, TONES[0]) > 5000
    assert not in_the_first.any()
    assert not nowhere.any()


async def test_loss_and_reordering_on_the_way_leave_a_tone_whole(engine: MediaEngine) -> None:
    async with RtpPhone(passes=lambda n: n % 20 != 7, swap_every=6) as anna, RtpPhone() as bert:
        leg = await call_in(engine, anna, "a", "talk")
        await call_in(engine, bert, "b", "talk")
        anna.hum(TONES[0])
        await bert.hear(0.3)
        heard = await bert.hear(2.0)
        statistics = await leg.close()

    assert level(heard, TONES[0]) > 5000
    frames = abs(heard.reshape(-1, 160).astype(int)).max(axis=1)
    assert (frames > 3000).all()
    assert statistics.lost > 0
    assert statistics.concealed > 0


async def test_silence_is_sent_without_pause_when_nobody_speaks(engine: MediaEngine) -> None:
    async with RtpPhone() as anna:
        anna.speaking = False
        await call_in(engine, anna, "a")
        heard = await anna.hear(0.4)

    assert not heard.any()
    assert {packet.ssrc for packet in anna.heard} == {anna.heard[0].ssrc}
    numbers = [packet.sequence for packet in anna.heard]
    assert [(b - a) & 0xFFFF for a, b in pairwise(numbers)] == [1] * (len(numbers) - 1)
    assert [packet.marker for packet in anna.heard] == [True] + [False] * (len(numbers) - 1)


async def test_other_packet_lengths_are_heard_as_well(engine: MediaEngine) -> None:
    async with RtpPhone(frame=80) as ten, RtpPhone(frame=480) as sixty, RtpPhone() as bert:
        await call_in(engine, ten, "10 ms", "talk")
        await call_in(engine, sixty, "60 ms", "talk")
        await call_in(engine, bert, "b", "talk")
        ten.hum(TONES[0])
        sixty.hum(TONES[1])
        await bert.hear(0.4)
        heard = await bert.hear(0.5)

    assert level(heard, TONES[0]) > 5000
    assert level(heard, TONES[1]) > 5000


async def test_a_supervisor_listens_then_whispers_then_joins(engine: MediaEngine) -> None:
    async with RtpPhone() as citizen, RtpPhone("PCMA") as agent, RtpPhone() as supervisor:
        await call_in(engine, citizen, "citizen", "talk")
        await call_in(engine, agent, "agent", "talk")
        leg = await call_in(engine, supervisor, "supervisor")
        for phone, frequency in zip((citizen, agent, supervisor), TONES, strict=True):
            phone.hum(frequency)
        heard_by = []
        leg.listen("talk")
        await citizen.hear(0.4)
        heard_by.append([level(await phone.hear(0.2), TONES[2]) > 5000 for phone in (citizen, agent)])
        heard = await supervisor.hear(0.2)
        assert all(level(heard, frequency) > 5000 for frequency in TONES[:2])
        leg.whisper("talk", to="agent")
        await citizen.hear(0.2)
        heard_by.append([level(await phone.hear(0.2), TONES[2]) > 5000 for phone in (citizen, agent)])
        leg.bridge("talk")
        await citizen.hear(0.2)
        heard_by.append([level(await phone.hear(0.2), TONES[2]) > 5000 for phone in (citizen, agent)])

    assert heard_by == [[False, False], [False, True], [True, True]]
