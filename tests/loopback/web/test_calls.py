"""The agent's keys on live calls."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.domain.call import Role
from gateway.domain.transfer import HandOffState, TransferState
from gateway.services.desk import Presence
from tests.fakes.console import PASSWORD, Office
from tests.fakes.telephony import FarEnd


async def post(client: ClientSession, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
    async with client.post(path, json=body) as answer:
        return answer.status, await answer.json()


async def test_a_live_call_is_shown_with_its_words_and_its_caller_masked(place: Office, agent: ClientSession) -> None:
    call, citizen = await place.talking()
    place.say(citizen, "我家停水三天了", 1.0)
    place.say(citizen, "在红山", 3.0, final=False)
    await place.until(lambda: len(call.record.said) == 2)

    async with agent.get("/api/calls") as answer:
        text = await answer.text()
        shown = (await answer.json())["calls"][0]

    assert shown["call"]["state"] == "talking"
    assert [(leg["role"], leg["number"], leg["joined"]) for leg in shown["call"]["legs"]] == [
        ("citizen", "138****0001", True),
        ("agent", "8001", True),
    ]
    assert [(said["text"], said["final"]) for said in shown["said"]] == [("我家停水三天了", True), ("在红山", False)]
    assert shown["ticket"]["caller"] == "138****0001"
    assert "13800000001" not in text


async def test_an_emergency_key_hands_the_citizen_over(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()
    base = f"/api/calls/{call.id}/hand-offs"

    status, shown = await post(agent, base, {"line": "120"})
    assert (status, shown["state"], shown["hand_offs"][0]["by"]) == (200, "emergency", "agent")
    await place.until(lambda: call.hand_offs and all(h.state is HandOffState.JOINED for h in call.hand_offs.values()))
    status, _ = await post(agent, f"{base}/120/accept")
    assert status == 200
    await place.until(lambda: all(h.state is HandOffState.ACCEPTED for h in call.hand_offs.values()))

    async with agent.get(f"/api/calls/{call.id}") as answer:
        hand_off = (await answer.json())["call"]["hand_offs"][0]
    assert [step["event"] for step in hand_off["steps"]] == [
        "suspected",
        "invited",
        "desk_answered",
        "desk_joined",
        "desk_accepted",
    ]
    assert [fact.values["action"] for fact in place.line.told(call, "action.taken")] == [
        "hand_off.start",
        "hand_off.accept",
    ]


async def test_a_false_alarm_is_dismissed_before_the_desk_is_joined(place: Office, agent: ClientSession) -> None:
    place.line.telephony.far_ends["120"] = FarEnd(answers_after=None)
    call, _ = await place.talking()
    await post(agent, f"/api/calls/{call.id}/hand-offs", {"line": "120"})
    await place.until(lambda: place.line.told(call, "handoff.invited"))

    status, shown = await post(agent, f"/api/calls/{call.id}/hand-offs/120/dismiss")

    assert status == 200
    assert shown["hand_offs"][0]["state"] == "dismissed"
    assert (await post(agent, f"/api/calls/{call.id}/hand-offs/120/confirm"))[0] == 409


async def test_confirming_is_taken_while_the_desk_rings(place: Office, agent: ClientSession) -> None:
    place.line.telephony.far_ends["120"] = FarEnd(answers_after=None)
    call, _ = await place.talking()
    await post(agent, f"/api/calls/{call.id}/hand-offs", {"line": "120"})
    await place.until(lambda: place.line.told(call, "handoff.invited"))

    status, shown = await post(agent, f"/api/calls/{call.id}/hand-offs/120/confirm")

    assert (status, shown["hand_offs"][0]["state"]) == (200, "dialling")


async def test_a_unit_is_consulted_joined_and_left(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()
    base = f"/api/calls/{call.id}/transfer"

    status, _ = await post(agent, base, {"unit": "water"})
    assert status == 200
    transfer = call.live_transfer()
    await place.until(lambda: transfer.state is TransferState.ANSWERED)
    assert (await post(agent, f"{base}/leave"))[0] == 409
    assert (await post(agent, f"{base}/join"))[0] == 200
    await place.until(lambda: transfer.state is TransferState.JOINED)
    assert (await post(agent, f"{base}/leave"))[0] == 200
    await place.until(lambda: transfer.state is TransferState.HANDED_OVER)

    assert place.line.telephony.hears(place.line.telephony.leg(Role.CITIZEN)) == {Role.UNIT}


async def test_a_citizen_is_taken_back_from_a_unit(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()
    await post(agent, f"/api/calls/{call.id}/transfer", {"unit": "water"})
    transfer = call.live_transfer()

    status, _ = await post(agent, f"/api/calls/{call.id}/transfer/retrieve")

    assert status == 200
    await place.until(lambda: not transfer.is_live)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("hand-offs", {"line": "999"}),
        ("hand-offs/119/confirm", None),
        ("hand-offs/119/accept", None),
        ("transfer", {"unit": "nobody"}),
        ("transfer/join", None),
        ("transfer/retrieve", None),
        ("transfer/leave", None),
    ],
)
async def test_what_makes_no_sense_now_is_refused_in_chinese(
    place: Office, agent: ClientSession, path: str, body: dict[str, str] | None
) -> None:
    call, _ = await place.talking()

    status, problem = await post(agent, f"/api/calls/{call.id}/{path}", body)

    assert status == 409
    assert problem["error"]["code"] == "refused"
    assert any("\u4e00" <= character <= "\u9fff" for character in problem["error"]["message"])


async def test_a_call_that_is_over_is_not_found(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()
    await place.end(call)

    status, problem = await post(agent, f"/api/calls/{call.id}/finish")

    assert (status, problem["error"]["code"]) == (404, "not_found")


async def test_another_agents_call_is_left_alone(place: Office) -> None:
    call, _ = await place.talking()
    async with place.signed_in("other") as other, place.signed_in("admin") as admin:
        assert (await post(other, f"/api/calls/{call.id}/hand-offs", {"line": "119"}))[0] == 403
        assert (await post(admin, f"/api/calls/{call.id}/hand-offs", {"line": "119"}))[0] == 200


async def test_finishing_ends_the_call_for_everybody(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()

    assert (await post(agent, f"/api/calls/{call.id}/finish"))[0] == 200
    ticket = await place.line.over(call)

    assert ticket.ending == "ended by agent"


async def test_an_agent_takes_a_rest_and_comes_back(place: Office, agent: ClientSession) -> None:
    for paused, presence in ((True, Presence.PAUSED), (False, Presence.READY)):
        async with agent.put("/api/agents/self/pause", json={"paused": paused}) as answer:
            assert answer.status == 200
        assert place.line.desk.agents[0].presence is presence


async def test_who_has_no_seat_cannot_rest(admin: ClientSession) -> None:
    async with admin.put("/api/agents/self/pause", json={"paused": True}) as answer:
        assert answer.status == 409


async def test_a_rest_in_the_middle_of_a_call_is_refused(place: Office, agent: ClientSession) -> None:
    await place.talking()
    async with agent.put("/api/agents/self/pause", json={"paused": True}) as answer:
        assert answer.status == 409
        assert (await answer.json())["error"]["code"] == "not_now"


async def test_a_unit_that_nobody_answers_at_is_shown_with_why_and_gets_a_ticket_instead(
    place: Office, agent: ClientSession
) -> None:
    for number in ("9001", "9009"):
        place.line.telephony.far_ends[number] = FarEnd(refusal="486 Busy Here")
    call, citizen = await place.talking()
    place.say(citizen, "我家停水三天了", 1.0)
    await place.until(lambda: call.record.ticket.matter == "water_supply")
    await post(agent, f"/api/calls/{call.id}/transfer", {"unit": "water"})
    await place.until(lambda: call.transfer and call.transfer.state is TransferState.RETRIEVED)
    async with agent.get(f"/api/calls/{call.id}") as answer:
        shown = (await answer.json())["call"]["transfer"]
    assert shown["attempts"][-1] == {"number": "9009", "failure": "486 Busy Here"}

    path = f"/api/calls/{call.id}/transfer/ticket"
    assert (await post(agent, path, {"unit": "sewage"}))[0] in (409, 422)
    status, _ = await post(agent, path, {"unit": "water"})

    assert status == 200
    async with agent.get(f"/api/cases/{call.record.ticket.id}") as answer:
        case = (await answer.json())["case"]
    assert (case["stage"], case["unit"]) == ("dispatched", "water")
    assert call.record.ticket.unit == "water"
    citizen.far_end_hangs_up()
    await place.line.over(call)


async def test_a_ticket_instead_needs_a_category(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()

    status, problem = await post(agent, f"/api/calls/{call.id}/transfer/ticket", {"unit": "water"})

    assert (status, problem["error"]["code"], problem["error"]["field"]) == (409, "missing", "category")


async def test_a_supervisor_attends_and_everybody_at_the_console_sees_it(place: Office, agent: ClientSession) -> None:
    call, citizen = await place.talking()
    path = f"/api/calls/{call.id}/supervision"
    async with place.signed_in("leader") as leader:
        async with leader.put(path, json={"attendance": "listening"}) as answer:
            assert answer.status == 200
        await place.until(lambda: place.line.told(call, "supervision.listening"))
        async with leader.put(path, json={"attendance": "whispering"}) as answer:
            shown = await answer.json()
        assert shown["supervisions"] == [{"by": "leader", "attendance": "whispering", "ringing": False}]
        async with agent.get(f"/api/calls/{call.id}") as answer:
            seen = (await answer.json())["call"]
        assert seen["supervisions"] == shown["supervisions"]
        assert [leg["joined"] for leg in seen["legs"] if leg["role"] == "supervisor"] == [False]
        assert place.line.telephony.hears(citizen) == {Role.AGENT}
        async with leader.delete(path) as answer:
            assert answer.status == 200
        await place.until(lambda: place.line.told(call, "supervision.ended"))
        async with leader.delete(path) as answer:
            assert answer.status == 409


async def test_a_supervisors_seat_is_given_to_his_account(place: Office) -> None:
    call, _ = await place.talking()
    async with place.signed_in("admin") as admin:
        change = {"display_name": "赵班长", "role": "supervisor", "agent_id": "9900", "password": PASSWORD}
        async with admin.put("/api/accounts/chief", json=change) as answer:
            assert answer.status == 200, await answer.text()
    async with place.signed_in("chief") as chief:
        async with chief.put(f"/api/calls/{call.id}/supervision", json={"attendance": "listening"}) as answer:
            assert answer.status == 200
        await place.until(lambda: place.line.told(call, "supervision.listening"))


async def test_only_supervisors_attend_and_only_with_a_telephone(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()
    path = f"/api/calls/{call.id}/supervision"

    async with agent.put(path, json={"attendance": "listening"}) as answer:
        assert answer.status == 403
    async with place.signed_in("admin") as admin, admin.put(path, json={"attendance": "listening"}) as answer:
        assert answer.status == 409
