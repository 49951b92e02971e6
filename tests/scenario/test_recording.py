"""What is recorded of a call, and what is kept of how it was heard."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.domain.call import Role
from gateway.ports.telephony import SoundQuality
from gateway.services.feed import CallChanged
from tests.fakes.hotline import hotline
from tests.fakes.virtual_time import run_virtually


def test_the_citizens_leg_is_recorded_throughout_and_the_agents_while_he_is_alone_with_the_unit(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in()
            await asyncio.sleep(5)
            agent = line.telephony.leg(Role.AGENT)
            assert (citizen.is_recording, agent.is_recording) == (True, False)
            transfer = call.start_transfer("water")
            await asyncio.sleep(4.5)
            assert (citizen.is_recording, agent.is_recording) == (True, True)
            transfer.join()
            await asyncio.sleep(0.1)
            assert (citizen.is_recording, agent.is_recording) == (True, False)
            citizen.far_end_hangs_up()
            await line.over(call)
            closed = {fact.values["leg"] for fact in line.told(call, "recording.closed")}

        assert closed == {citizen.leg.id, agent.leg.id}
        assert not line.telephony.leg(Role.UNIT).recording

    run_virtually(story())


def test_how_well_a_leg_is_heard_is_told_while_it_lives_and_kept_when_it_ends(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            with line.feed.watch() as told:
                citizen.is_heard(SoundQuality(lost=0.05, round_trip=0.04))
                async for item in told:
                    if item == CallChanged(call_id=call.id):
                        break
            quality = call.floor.citizen.quality
            citizen.far_end_hangs_up()
            await line.over(call)

        assert quality is not None
        assert quality.is_poor
        (measured,) = line.told(call, "leg.measured")
        assert measured.values["leg"] == citizen.leg.id

    run_virtually(story())


def test_a_recording_that_fails_in_the_call_is_on_the_page_and_in_the_journal(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            citizen.sound_fails("no space left on device")
            await asyncio.sleep(0.1)
            told = [fact.values["task"] for fact in line.told(call, "call.degraded")]
            citizen.far_end_hangs_up()
            await line.over(call)

        assert told == ["recording"]

    run_virtually(story())


def test_a_disk_that_takes_no_recording_does_not_end_the_call(tmp_path: Path) -> None:
    async def story() -> None:
        folder = tmp_path / "recordings"
        folder.touch()  # no folder at all
        async with hotline(folder) as line:
            call, citizen = await line.call_in()
            await asyncio.sleep(1)
            assert call.record.ticket.answered_at is not None
            citizen.far_end_hangs_up()
            await line.over(call)

        assert [fact.values["task"] for fact in line.told(call, "call.degraded")] == ["recording"]
        assert not line.told(call, "recording.closed")

    run_virtually(story())
