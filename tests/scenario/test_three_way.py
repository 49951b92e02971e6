"""Who else may come into a call: a unit's other telephones, merged lines' own seats, supervisors, and desks that give
a citizen back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.call import Attendance, CallId, Destination, LegState, Role
from gateway.domain.casework import Channel
from gateway.domain.decision import DecisionKind
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import Refused
from gateway.domain.ticket import Elements, TicketState
from gateway.domain.transfer import HandOffState, TransferState
from gateway.ports.telephony import PassedOn
from gateway.services.exchange import Limits
from gateway.services.live_call import LiveCall
from tests.fakes.hotline import Hotline, hotline
from tests.fakes.telephony import FakeLeg, FarEnd
from tests.fakes.virtual_time import run_virtually

FIRE = EmergencyLine("119")
OFF_HOURS = 10 * 3600.0
"""From 9 o'clock on a Friday, when the fakes' clock begins."""


async def talking(line: Hotline) -> tuple[LiveCall, FakeLeg]:
    line.sign_in()
    call, citizen = await line.call_in()
    await asyncio.sleep(5)
    assert line.telephony.hears(citizen) == {Role.AGENT}
    return call, citizen


def origins(call: LiveCall) -> dict[str, set[str]]:
    """Return the origins on the ticket, with the obligations that each cites."""
    return {
        decision.outcome: {reason.citation.obligation for reason in decision.reasons if reason.citation}
        for decision in call.record.ticket.decisions
        if decision.kind is DecisionKind.ORIGIN
    }


# -- units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "number"), [(0.0, "9001"), (OFF_HOURS, "9009")], ids=["open", "closed"])
def test_office_hours_choose_the_units_telephone(tmp_path: Path, later: float, number: str) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            await asyncio.sleep(later)
            call, _ = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(2)

            assert line.telephony.leg(Role.UNIT).leg.number == number
            assert transfer.reason == ("office_hours" if not later else "off_hours")

    run_virtually(story())


@pytest.mark.parametrize("first", [FarEnd(answers_after=None), FarEnd(refusal="486 Busy Here"), FarEnd(is_there=False)])
def test_a_unit_number_that_fails_gives_way_to_the_next_and_the_agent_sees_why(tmp_path: Path, first: FarEnd) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["9001"] = first
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(33)

            assert transfer.state is TransferState.ANSWERED
            assert line.telephony.leg(Role.UNIT).leg.number == "9009"
            assert [(attempt.number, bool(attempt.failure)) for attempt in transfer.attempts] == [
                ("9001", True),
                ("9009", False),
            ]
            transfer.join()
            await asyncio.sleep(0.1)
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.UNIT}

    run_virtually(story())


def test_when_no_number_answers_the_agent_has_the_citizen_back_with_the_reason(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["9001"] = FarEnd(answers_after=None)
            line.telephony.far_ends["9009"] = FarEnd(refusal="486 Busy Here")
            call, citizen = await talking(line)
            transfer = call.start_transfer("water")
            await asyncio.sleep(35)

            assert transfer.state is TransferState.RETRIEVED
            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert transfer.attempts[-1].failure == "486 Busy Here"
            assert line.told(call, "transfer.unit_failed")[-1].values["detail"] == "486 Busy Here"

    run_virtually(story())


# -- merged lines -----------------------------------------------------------------------------------------------------


def test_a_merged_number_has_its_prompt_and_stands_on_the_ticket(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in(dialled="12329", merged="12329")
            await asyncio.sleep(10)

            assert citizen.heard_prompts[:2] == ["greeting", "merged_whole"]
            assert origins(call) == {"12329": {"NM-2.1a"}}
            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_a_sub_centre_has_its_own_agents_first_and_others_when_they_do_not_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in("8001")
            line.sign_in("8002")
            call, _ = await line.call_in(merged="12369")
            await asyncio.sleep(10)
            assert call.record.ticket.agent == "8002"

            line.telephony.far_ends["8002"] = FarEnd(answers_after=None)
            other, citizen = await line.call_in(merged="12369")
            await asyncio.sleep(60)
            assert other.record.ticket.agent == "8001"
            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_a_sub_centres_own_seats_are_its_units_telephones(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in(merged="96116")
            await asyncio.sleep(10)

            assert line.telephony.hears(citizen) == {Role.UNIT}
            assert call.record.ticket.unit == "water"

    run_virtually(story())


def test_a_sub_centres_seat_may_pass_its_caller_on_to_the_hotlines_agents(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            _, citizen = await line.call_in(merged="96116")
            await asyncio.sleep(10)
            reports = line.telephony.leg(Role.UNIT).refers_to(None)
            await asyncio.sleep(8)

            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert reports == [True]

    run_virtually(story())


# -- calls that come back ---------------------------------------------------------------------------------------------


PASSED_ON = PassedOn(line=EmergencyLine("110"), referred_by="110", reference="JQ-7", summary="邻居半夜噪音扰民")


def test_what_an_emergency_line_passes_on_says_so_and_brings_its_story(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in(passed_on=PASSED_ON)
            await asyncio.sleep(10)
            citizen.far_end_hangs_up()
            ticket = await line.over(call)

            assert "NM-2.2c" in origins(call)["110"]
            (decision,) = [each for each in ticket.decisions if each.kind is DecisionKind.ORIGIN]
            assert "JQ-7" in decision.reasons[0].evidence
            assert "噪音扰民" in ticket.summary
            assert ticket.matter == "noise"

    run_virtually(story())


def test_a_desk_that_gives_the_citizen_back_keeps_her_until_an_agent_has_her(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(5)
            desk = line.telephony.leg(Role.EMERGENCY_DESK)
            desk.press("1")
            await asyncio.sleep(20)
            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}

            line.telephony.far_ends["8001"] = FarEnd(answers_after=5.0)
            reports = desk.refers_to(None)
            await asyncio.sleep(3)
            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}
            await asyncio.sleep(5)

            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert desk.leg.state is LegState.ENDED
            assert reports == [True]
            assert call.hand_offs[FIRE].state is HandOffState.RETURNED
            assert call.record.ticket.state is TicketState.OPEN
            assert "NM-2.2c" in origins(call)["119"]

    run_virtually(story())


def test_a_desk_that_gives_her_back_and_hangs_up_at_once_leaves_her_to_the_next_agent(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(5)
            desk = line.telephony.leg(Role.EMERGENCY_DESK)
            desk.press("1")
            await asyncio.sleep(20)
            desk.refers_to(None)
            desk.far_end_hangs_up()
            await asyncio.sleep(10)

            assert line.telephony.hears(citizen) == {Role.AGENT}
            assert call.record.ticket.state is TicketState.OPEN

    run_virtually(story())


def test_a_desk_without_an_agent_to_give_her_back_to_is_told_so_and_keeps_her(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path, limits=Limits(brief=3.0, queue=40.0)) as line:
            _, citizen = await line.call_in()
            await line.say(citizen, "着火了")
            await asyncio.sleep(25)
            desk = line.telephony.leg(Role.EMERGENCY_DESK)
            desk.press("1")
            await asyncio.sleep(1)
            reports = desk.refers_to(None)
            await asyncio.sleep(60)

            assert reports == [False]
            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}
            again = desk.refers_to(None)
            await asyncio.sleep(60)
            assert again == [False], "it was tried again"
            desk.far_end_hangs_up()
            await asyncio.sleep(60)
            assert citizen.leg.state is LegState.ENDED

    run_virtually(story())


@pytest.mark.parametrize("destination", [None, Destination(number="13800000002")])
def test_nobody_else_gets_anything_by_asking(tmp_path: Path, destination: Destination | None) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            _, citizen = await talking(line)
            legs = len(line.telephony.legs)
            reports = [leg.refers_to(destination) for leg in (citizen, line.telephony.leg(Role.AGENT))]
            await asyncio.sleep(5)

            assert reports == [[False], [False]]
            assert len(line.telephony.legs) == legs
            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_an_agents_telephone_starts_the_transfer_to_a_unit_and_hears_how_it_goes(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            agent = line.telephony.leg(Role.AGENT)
            reports = agent.refers_to(Destination(number="9009"))
            await asyncio.sleep(2)
            transfer = call.live_transfer()
            assert (transfer.state, reports) == (TransferState.ANSWERED, ["ringing"])
            assert line.telephony.hears(agent) == {Role.UNIT}

            again = agent.refers_to(Destination(number="9001"))
            transfer.join()
            await asyncio.sleep(1)
            assert (reports, again) == (["ringing", True], [False])
            agent.far_end_hangs_up()
            await asyncio.sleep(1)
            assert transfer.state is TransferState.HANDED_OVER
            assert line.telephony.hears(citizen) == {Role.UNIT}

    run_virtually(story())


def test_an_agents_telephone_is_told_when_the_unit_it_asked_for_is_not_reached(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.telephony.far_ends["9001"] = line.telephony.far_ends["9009"] = FarEnd(refusal="486 Busy Here")
            call, citizen = await talking(line)
            reports = line.telephony.leg(Role.AGENT).refers_to(Destination(number="9001"))
            await asyncio.sleep(5)

            assert reports == ["ringing", False]
            assert call.transfer is not None
            assert call.transfer.state is TransferState.RETRIEVED
            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_a_citizens_telephone_starts_no_transfer(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            reports = citizen.refers_to(Destination(number="9001"))
            await asyncio.sleep(5)

            assert reports == [False]
            assert call.transfer is None

    run_virtually(story())


def test_a_desk_may_refer_to_another_lines_number(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            reports = line.telephony.leg(Role.AGENT).refers_to(Destination(number="119"))
            await asyncio.sleep(6)
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}
            line.telephony.leg(Role.EMERGENCY_DESK).press("1")
            await asyncio.sleep(1)

            assert reports == [True]
            assert call.hand_offs[FIRE].state is HandOffState.ACCEPTED

    run_virtually(story())


def test_a_call_that_its_transferor_leaves_has_the_citizens_number(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            citizen.is_taken_over_by("13900000009")
            await asyncio.sleep(0.1)

            assert call.record.ticket.caller == "13900000009"

    run_virtually(story())


# -- the desk's brief -------------------------------------------------------------------------------------------------


def test_the_desk_hears_line_matter_place_and_number_before_it_is_joined(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path, limits=Limits()) as line:
            call, citizen = await talking(line)
            place = Elements(place="赤峰市红山区阳光小区")
            call.record.change(lambda ticket: replace(ticket, elements=place, edited={"elements.place": 2}))
            await line.say(citizen, "着火了")
            await asyncio.sleep(1.2)
            desk = line.telephony.leg(Role.EMERGENCY_DESK)
            await asyncio.sleep(9)
            assert line.telephony.hears(citizen) == {Role.AGENT}, "the brief is not over"
            await asyncio.sleep(4)

            assert desk.heard_prompts == [
                "desk_brief_119",
                "matter_fire",
                "brief_place",
                "place_hongshan",
                "brief_number",
                *(f"digit_{digit}" for digit in "13800000001"),
            ]
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.EMERGENCY_DESK}

    run_virtually(story())


def test_the_accepting_key_ends_the_brief(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path, limits=Limits()) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "着火了")
            await asyncio.sleep(2)
            line.telephony.leg(Role.EMERGENCY_DESK).press("1")
            await asyncio.sleep(0.2)

            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}
            assert call.hand_offs[FIRE].state is HandOffState.ACCEPTED

    run_virtually(story())


def test_the_lines_own_system_is_told_each_step_in_writing(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            await line.say(citizen, "阳光小区着火了")
            await asyncio.sleep(6)
            line.telephony.leg(Role.EMERGENCY_DESK).press("1")
            await asyncio.sleep(1)
            await line.ledger.settle(5.0)

            told = await line.store.cases.messages(Channel.EMERGENCY)
            assert {message.values["state"] for message in told} == {"accepted", "dialling", "joined"}
            assert {message.to for message in told} == {"119"}
            assert {message.values["caller"] for message in told} == {call.record.ticket.caller}

    run_virtually(story())


def test_a_false_alarm_before_anything_rang_is_told_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await line.call_in()
            await line.say(citizen, "着火了", final=False)
            call.hand_off(FIRE).dismiss("8001")
            await line.ledger.settle(5.0)

            assert not await line.store.cases.messages(Channel.EMERGENCY)

    run_virtually(story())


# -- supervisors ------------------------------------------------------------------------------------------------------


def test_a_supervisor_listens_whispers_and_joins(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            call.supervise("chief", "9900", Attendance.LISTENING)
            await asyncio.sleep(2)
            chief, agent = line.telephony.leg(Role.SUPERVISOR), line.telephony.leg(Role.AGENT)
            assert (chief.listens_to, chief.whispers_to) == (str(call.id), None)
            assert line.telephony.hears(citizen) == {Role.AGENT}

            call.supervise("chief", "9900", Attendance.WHISPERING)
            assert chief.whispers_to == agent.leg.id
            assert line.telephony.hears(citizen) == {Role.AGENT}

            call.supervise("chief", "9900", Attendance.JOINED)
            assert line.telephony.hears(citizen) == {Role.AGENT, Role.SUPERVISOR}

            await call.end_supervision("chief")
            await asyncio.sleep(0.1)
            assert line.telephony.hears(citizen) == {Role.AGENT}
            kinds = [fact.kind for fact in call.record.facts if fact.kind.startswith("supervision.")]
            assert kinds == [f"supervision.{word}" for word in ("listening", "whispering", "joined", "ended")]

    run_virtually(story())


def test_who_whispered_to_an_agent_that_left_only_listens(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, _ = await talking(line)
            call.supervise("chief", "9900", Attendance.WHISPERING)
            await asyncio.sleep(2)
            line.telephony.leg(Role.AGENT).transport_fails()
            await asyncio.sleep(0.1)

            assert call.supervisions["chief"].attendance is Attendance.LISTENING
            assert line.telephony.leg(Role.SUPERVISOR).whispers_to is None

    run_virtually(story())


def test_a_citizen_whom_only_a_supervisor_hears_still_waits_for_an_agent(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, citizen = await talking(line)
            call.supervise("chief", "9900", Attendance.JOINED)
            await asyncio.sleep(2)
            line.telephony.leg(Role.AGENT).transport_fails()
            await asyncio.sleep(1)
            assert line.telephony.hears(citizen) == {Role.SUPERVISOR}
            call.supervise("chief", "9900", Attendance.LISTENING)
            await asyncio.sleep(30)

            assert line.telephony.hears(citizen) == {Role.AGENT}

    run_virtually(story())


def test_a_supervisor_needs_a_telephone_and_somebody_to_whisper_to(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            call, _ = await line.call_in()
            with pytest.raises(Refused, match="no telephone"):
                call.supervise("chief", "1", Attendance.LISTENING)
            with pytest.raises(Refused, match="no agent"):
                call.supervise("chief", "9900", Attendance.WHISPERING)
            with pytest.raises(Refused, match="does not attend"):
                await call.end_supervision("chief")

    run_virtually(story())


# -- queues and load --------------------------------------------------------------------------------------------------


def test_who_waits_is_told_how_many_are_before_her_and_again_when_that_changes(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            await talking(line)
            _, second = await line.call_in()
            _, third = await line.call_in()
            await asyncio.sleep(10)
            assert "please_wait" in second.heard_prompts
            assert "queue_ahead_1" in third.heard_prompts

            second.far_end_hangs_up()
            await asyncio.sleep(40)
            assert third.heard_prompts[-2:] == ["please_wait", "ringback"]

    run_virtually(story())


def test_a_call_for_which_there_is_no_room_is_told_so_and_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            call, citizen = await line.call_in(is_excess=True)
            ticket = await line.over(call)

            assert citizen.heard_prompts == ["overloaded", "call_ending"]
            assert ticket.ending == "overloaded"

    run_virtually(story())


def test_an_emergency_finds_room_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            _, citizen = await line.call_in(is_excess=True)
            await line.say(citizen, "着火了")
            await asyncio.sleep(20)

            assert line.telephony.hears(citizen) == {Role.EMERGENCY_DESK}

    run_virtually(story())


def test_a_caller_who_gives_up_before_the_answer_leaves_a_ticket_that_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with hotline(tmp_path) as line:
            line.sign_in()
            incoming = line.telephony.incoming(CallId("gone"))
            line.telephony.leg(Role.CITIZEN).far_end_hangs_up()
            line.switchboard.take(incoming, incoming.leg.leg.call_id)
            call = line.switchboard.call(incoming.leg.leg.call_id)
            ticket = await line.over(call)

            assert ticket.ending == "never answered"
            assert ticket.answered_at is None

    run_virtually(story())
