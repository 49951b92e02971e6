"""An ordinary call: greeted, brought to an agent, its ticket filled while people talk, its end written down."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.domain.call import CallId, LegState, Role
from gateway.domain.ticket import TicketState
from gateway.domain.transcript import Gap
from gateway.services.desk import Presence
from gateway.services.exchange import Limits
from gateway.services.switchboard import Switchboard, recover
from tests.fakes.hotline import hotline
from tests.fakes.telephony import FarEnd
from tests.fakes.virtual_time import run_virtually


def test_the_ticket_is_filled_before_the_call_ends(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in()
            assert citizen.heard_prompts == ["greeting"]
            await asyncio.sleep(5)
            await line.say(citizen, "我要投诉我们阳光小区停水三天了没人管")
            await line.ledger.settle(1.0)

            ticket = await line.store.ticket(call.record.ticket.id)
            assert ticket is not None
            assert (ticket.category, ticket.matter, ticket.unit) == ("complaint", "water_supply", "water")
            assert "阳光小区" in ticket.elements.place
            assert ticket.agent == "8001"
            line.telephony.leg(Role.AGENT).far_end_hangs_up()
            closed = await line.over(call)
            assert (closed.state, closed.ending) == (TicketState.TAKEN, "finished")
            assert citizen.heard_prompts[-1] == "call_ending"

    run_virtually(story())


def test_what_an_agent_wrote_is_not_overwritten_by_later_words(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in()
            await asyncio.sleep(5)
            await line.say(citizen, "我们阳光小区停水三天了")
            await line.ledger.settle(1.0)
            await line.editor.edit(
                call.record.ticket.id, {"elements.place": "幸福小区"}, revision=call.record.ticket.revision, by="8001"
            )
            await line.say(citizen, "就在阳光小区三号楼")
            citizen.far_end_hangs_up()

            ticket = await line.over(call)

            assert ticket.elements.place == "幸福小区"
            assert "elements.place" in ticket.edited

    run_virtually(story())


def test_a_citizen_nobody_answers_is_told_so_within_the_queues_limit(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path, limits=Limits(queue=60.0)) as line:
            call, citizen = await line.call_in()
            await asyncio.sleep(70)
            ticket = await line.over(call)

            assert citizen.heard_prompts[0] == "greeting"
            assert citizen.heard_prompts[-1] == "no_agent_answers"
            assert ticket.ending == "no agent"

    run_virtually(story())


def test_an_agent_who_does_not_answer_gives_way_to_one_who_signs_in_later(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["8001"] = FarEnd(answers_after=None)
            line.sign_in()
            _, citizen = await line.call_in()
            await asyncio.sleep(21)
            assert line.desk.agents[0].presence is Presence.WRAP_UP
            line.telephony.far_ends["8001"] = FarEnd()
            await asyncio.sleep(40)

            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_an_agent_whose_line_breaks_is_replaced(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            _, citizen = await line.call_in()
            await asyncio.sleep(5)
            line.telephony.leg(Role.AGENT).transport_fails()
            await asyncio.sleep(20)

            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert citizen.leg.state is LegState.TALKING

    run_virtually(story())


def test_callers_are_served_in_their_order(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            _, first = await line.call_in()
            _, second = await line.call_in()
            line.sign_in()
            await asyncio.sleep(10)
            assert line.telephony.hears(first) == {Role.AGENT}
            assert line.desk.queue_length == 1
            line.telephony.leg(Role.AGENT).far_end_hangs_up()
            await asyncio.sleep(30)

            assert line.telephony.hears(second) == {Role.AGENT}

    run_virtually(story())


def test_a_caller_whom_all_agents_are_too_busy_for_is_told_to_wait_and_at_last_that_they_are_busy(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with hotline(tmp_path, limits=Limits(queue=60.0)) as line:
            line.sign_in()
            await line.call_in()
            await asyncio.sleep(5)
            _, second = await line.call_in()
            await asyncio.sleep(75)

            assert second.heard_prompts == ["greeting", "please_wait", "ringback", "agents_busy"]

    run_virtually(story())


def test_a_caller_who_gives_up_while_an_agent_rings_frees_the_agent(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["8001"] = FarEnd(answers_after=15.0)
            line.sign_in()
            call, citizen = await line.call_in()
            await asyncio.sleep(5)
            citizen.far_end_hangs_up()
            await line.over(call)
            await asyncio.sleep(1)

            assert line.telephony.leg(Role.AGENT).leg.state is LegState.ENDED
            assert line.desk.agents[0].presence is Presence.READY

    run_virtually(story())


def test_a_gap_in_hearing_is_written_into_the_transcript(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            gap = Gap(leg_id=citizen.leg.id, start=1.0, end=2.5, reason="recogniser lost")
            line.recognizer.listen(citizen.leg.id).put(gap)
            await asyncio.sleep(0.1)
            citizen.far_end_hangs_up()
            await line.over(call)

            assert await line.store.transcript(call.id) == [gap]

    run_virtually(story())


def test_words_that_were_none_are_taken_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            await line.say(citizen, "着火了", final=False)
            assert [said.utterance.start for said in call.record.said]
            await line.say(citizen, "", final=True)

            assert not call.record.said
            assert not call.record.conversation.turns
            assert line.told(call, "emergency.withdrawn")

    run_virtually(story())


def test_a_call_cut_off_by_a_crash_says_so_after_the_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, _ = await line.call_in()
            await line.ledger.settle(1.0)

            cut = await recover(line.store, line.clock)

            assert [ticket.id for ticket in cut] == [call.record.ticket.id]
            ticket = await line.store.ticket(call.record.ticket.id)
            assert ticket is not None
            assert ticket.state is TicketState.CUT_OFF
            assert await recover(line.store, line.clock) == []

    run_virtually(story())


def test_a_gateway_that_stops_ends_its_calls_and_writes_why(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            async with Switchboard(line.exchange) as switchboard:
                switchboard.take(line.telephony.incoming(CallId("last")), CallId("last"))
                await asyncio.sleep(1)
                ticket_id = switchboard.call(CallId("last")).record.ticket.id
            await line.ledger.settle(1.0)

            ticket = await line.store.ticket(ticket_id)
            assert ticket is not None
            assert ticket.ending == "gateway stopped"
            assert line.telephony.leg(Role.CITIZEN).leg.state is LegState.ENDED

    run_virtually(story())
