"""The two calls, step by step: who says what, and which fact of the gateway each step waits for.

Nobody here acts by the clock: a sentence begins when the one before it has been spoken to its end, a step when the
gateway has told that the one before it has happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.demo.chronicle import Chronicle
from gateway.demo.console_client import AgentConsole
from gateway.demo.person import Person
from gateway.domain.call import CallId

SPEECH: Final = Path(__file__).resolve().parents[1] / "demo_speech"
FIRE_CALLER: Final = "13800000001"
WATER_CALLER: Final = "13800000002"
FIRE_LINE: Final = "119"
WATER_COMPANY: Final = "water"
ACCEPT_KEY: Final = "1"


@dataclass(frozen=True, slots=True)
class Part:
    """Who is on a call: the party's name in the report, its speaker in ``speech.toml``, and whom it must hear."""

    party: str
    speaker: str
    hears: frozenset[str]


@dataclass(frozen=True, slots=True)
class Played:
    """A story that has been played: the call it was, and what each party's telephone recorded."""

    call_id: CallId
    parts: tuple[Part, ...]
    recordings: dict[str, Path]


FIRE_PARTS: Final = (
    Part("citizen", "citizen_fire", frozenset({"agent", "desk"})),
    Part("agent", "agent_fire", frozenset({"citizen", "desk"})),
    Part("desk", "desk_119", frozenset({"citizen", "agent"})),
)
WATER_PARTS: Final = (
    Part("citizen", "citizen_water", frozenset({"agent", "unit"})),
    Part("agent", "agent_water", frozenset({"citizen", "unit"})),
    Part("unit", "unit_water", frozenset({"citizen"})),
)


async def fire(told: Chronicle, citizen: Person, heard: Path, agent: Person, desk: Person) -> Played:
    """A house is on fire: recognised while she speaks, 119 rung, joined and accepting; the agent leaves."""
    call_id = await told.call_of(FIRE_CALLER)
    await told.ticket(call_id, lambda ticket: bool(ticket.agent), "an agent talks with the citizen")
    await agent.next("answered")
    await agent.say(SPEECH / "agent_fire_1.wav")
    await citizen.say(SPEECH / "citizen_fire_1.wav")
    await told.fact("emergency.suspected", call_id)
    await agent.say(SPEECH / "agent_fire_2.wav")
    await told.fact("handoff.desk_joined", call_id)
    await agent.say(SPEECH / "agent_fire_3.wav")
    await desk.say(SPEECH / "desk_119_1.wav")
    await citizen.say(SPEECH / "citizen_fire_2.wav")
    desk.press(ACCEPT_KEY)
    await told.fact("handoff.desk_accepted", call_id)
    agent_heard = await agent.next("ended")
    await citizen.say(SPEECH / "citizen_fire_3.wav")
    await desk.say(SPEECH / "desk_119_2.wav")
    citizen.may_leave()
    desk.hang_up()
    desk_heard = await desk.next("ended")
    await citizen.next("ended")
    await told.fact("call.ended", call_id)
    recordings = {"citizen": heard, "agent": Path(agent_heard["recording"]), "desk": Path(desk_heard["recording"])}
    return Played(call_id, FIRE_PARTS, recordings)


async def water(
    told: Chronicle, citizen: Person, heard: Path, agent: Person, unit: Person, console: AgentConsole
) -> Played:
    """No water for three days: the agent consults the water company, joins the three, and leaves."""
    call_id = await told.call_of(WATER_CALLER)
    await told.ticket(call_id, lambda ticket: bool(ticket.agent), "an agent talks with the citizen")
    await agent.next("answered")
    await agent.say(SPEECH / "agent_water_1.wav")
    await citizen.say(SPEECH / "citizen_water_1.wav")
    await agent.say(SPEECH / "agent_water_2.wav")
    await citizen.say(SPEECH / "citizen_water_2.wav")
    await agent.say(SPEECH / "agent_water_3.wav")
    await told.ticket(call_id, lambda ticket: ticket.unit == WATER_COMPANY, "the ticket names the water company")
    await console.transfer(call_id, WATER_COMPANY)
    await told.fact("transfer.unit_answered", call_id)
    await unit.say(SPEECH / "unit_water_1.wav")
    await console.join(call_id)
    await told.fact("transfer.agent_joined", call_id)
    await citizen.say(SPEECH / "citizen_water_3.wav")
    await console.leave(call_id)
    await told.fact("transfer.agent_left", call_id)
    agent_heard = await agent.next("ended")
    await unit.say(SPEECH / "unit_water_2.wav")
    citizen.may_leave()
    citizen.hang_up()
    await citizen.next("ended")
    unit_heard = await unit.next("ended")
    await told.fact("call.ended", call_id)
    recordings = {"citizen": heard, "agent": Path(agent_heard["recording"]), "unit": Path(unit_heard["recording"])}
    return Played(call_id, WATER_PARTS, recordings)
