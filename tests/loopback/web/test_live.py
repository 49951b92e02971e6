"""The live messages, over a real WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSCloseCode, WSMsgType, WSServerHandshakeError

from gateway.ports.telephony import TrunkState
from gateway.services.feed import BACKLOG
from gateway.web.messages import LAGGED, SIGNED_OUT
from tests.fakes.console import Office


@asynccontextmanager
async def page(client: ClientSession) -> AsyncIterator[ClientWebSocketResponse]:
    async with client.ws_connect("/api/live") as socket:
        yield socket


async def follow(socket: ClientWebSocketResponse, call_id: str) -> Any:
    """Ask for the words of a call; return the snapshot that comes for it."""
    await socket.send_json({"type": "follow", "call_id": call_id})
    return await until(socket, "snapshot")


async def until(socket: ClientWebSocketResponse, kind: str, **wanted: Any) -> Any:
    """Read on to the first message of *kind* that has *wanted*."""
    while True:
        message = await socket.receive_json(timeout=10.0)
        if message["type"] == kind and all(message[name] == value for name, value in wanted.items()):
            return message


async def test_a_page_begins_with_everything_as_it_stands(place: Office, agent: ClientSession) -> None:
    call, citizen = await place.talking()
    place.say(citizen, "喂你好", 1.0, final=False)
    await place.until(lambda: call.record.said)

    async with page(agent) as socket:
        snapshot = await socket.receive_json(timeout=10.0)
        followed = (await follow(socket, call.id))["followed"]

    assert snapshot["type"] == "snapshot"
    assert snapshot["followed"] is None
    assert snapshot["calls"][0]["ticket"]["caller"] == "138****0001"
    assert [said["text"] for said in followed["said"]] == ["喂你好"]
    assert "call.answered" in [fact["kind"] for fact in followed["facts"]]
    assert [(a["id"], a["presence"]) for a in snapshot["agents"]] == [("8001", "in_call"), ("8002", "signed_out")]
    assert snapshot["system"]["model_words"] == "测试"


async def test_what_happens_is_told_in_order(place: Office, agent: ClientSession) -> None:
    async with page(agent) as socket:
        await until(socket, "snapshot")
        call, citizen = await place.talking()
        new = await until(socket, "call")
        assert new["call"]["id"] == call.id
        assert (await until(socket, "ticket"))["ticket"]["call_id"] == call.id
        await follow(socket, call.id)
        place.say(citizen, "我家", 1.0, final=False)
        place.say(citizen, "我家停水三天了", 1.0)
        words = [(await until(socket, "said"))["said"] for _ in range(2)]
        assert [(said["text"], said["number"], said["final"]) for said in words] == [
            ("我家", 0, False),
            ("我家停水三天了", 0, True),
        ]
        filled = await until(socket, "ticket")
        assert filled["ticket"]["matter"] == "water_supply"
        citizen.far_end_hangs_up()
        assert await until(socket, "call_over") == {
            "type": "call_over",
            "call_id": call.id,
            "ending": "citizen hung up",
        }


async def test_the_words_of_other_calls_are_not_told(place: Office, agent: ClientSession) -> None:
    _, citizen = await place.talking()
    other, waiting = await place.line.call_in()
    async with page(agent) as socket:
        await until(socket, "snapshot")
        await follow(socket, other.id)
        place.say(citizen, "我姓王", 1.0)
        place.say(waiting, "喂", 1.0)
        told = await until(socket, "said")

    assert (told["call_id"], told["said"]["text"]) == (other.id, "喂")


async def test_a_page_that_talks_nonsense_is_sent_away(place: Office, agent: ClientSession) -> None:
    async with page(agent) as socket:
        await until(socket, "snapshot")
        await socket.send_str("hello")
        message = await socket.receive(timeout=10.0)

    assert message.data == WSCloseCode.POLICY_VIOLATION


async def test_an_emergency_comes_with_its_phrase_and_steps(place: Office, agent: ClientSession) -> None:
    _call, citizen = await place.talking()
    async with page(agent) as socket:
        await until(socket, "snapshot")
        place.say(citizen, "我家着火了", 2.0, final=False)
        while True:
            told = await until(socket, "call")
            steps = [step["event"] for hand_off in told["call"]["hand_offs"] for step in hand_off["steps"]]
            if "desk_answered" in steps:
                break

    assert told["call"]["state"] == "emergency"
    assert told["call"]["hand_offs"][0]["phrase"] in "我家着火了"
    assert [steps.index(event) for event in ("suspected", "invited", "desk_answered")] == [0, 1, 2]


async def test_agents_and_system_are_told_when_they_change(place: Office, agent: ClientSession) -> None:
    async with page(agent) as socket:
        await until(socket, "snapshot")
        place.line.desk.telephone_changed("8002", True)
        agents = await until(socket, "agents")
        place.components["trunk carrier"] = "out of service"
        system = await until(socket, "system")

    assert [a["presence"] for a in agents["agents"]] == ["ready", "ready"]
    assert system["system"]["degraded"] == {"trunk carrier": "out of service"}


async def test_how_each_trunk_fares_is_told_with_its_last_answer(place: Office, agent: ClientSession) -> None:
    at = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
    known = TrunkState(name="telecom", status="in service", since=at, answer=200, answered_at=at)
    place.trunks = [known, TrunkState(name="mobile", status="unknown", since=at)]
    async with page(agent) as socket:
        first = (await until(socket, "snapshot"))["system"]["trunks"]
        place.trunks[1] = replace(place.trunks[1], status="out of service")
        second = (await until(socket, "system"))["system"]["trunks"]

    assert first[0] == {
        "name": "telecom",
        "status": "in service",
        "since": "2026-11-20T02:30:00Z",
        "answer": 200,
        "answered_at": "2026-11-20T02:30:00Z",
    }
    assert [trunk["status"] for trunk in first] == ["in service", "unknown"]
    assert (second[1]["status"], second[1]["answer"], second[1]["answered_at"]) == ("out of service", None, None)


async def test_a_page_that_lags_is_sent_away_to_take_a_fresh_snapshot(place: Office, agent: ClientSession) -> None:
    call, citizen = await place.talking()
    async with page(agent) as socket:
        await until(socket, "snapshot")
        for n in range(BACKLOG + 1):
            call.record.tell("digit.pressed", leg=citizen.leg.id, digit=str(n % 10))
        message = await socket.receive(timeout=10.0)
        while message.type is WSMsgType.TEXT:
            message = await socket.receive(timeout=10.0)

    assert (message.type, message.data) == (WSMsgType.CLOSE, LAGGED)


async def test_signing_out_closes_the_page(place: Office, agent: ClientSession) -> None:
    async with page(agent) as socket:
        await until(socket, "snapshot")
        async with agent.delete("/api/session"):
            pass
        message = await socket.receive(timeout=10.0)
        while message.type is WSMsgType.TEXT:
            message = await socket.receive(timeout=10.0)

    assert message.data == SIGNED_OUT


async def test_another_sites_page_cannot_watch(place: Office, agent: ClientSession) -> None:
    with pytest.raises(WSServerHandshakeError) as refusal:
        await agent.ws_connect("/api/live", origin="https://evil.example")
    assert refusal.value.status == 403


async def test_a_page_that_leaves_is_forgotten(place: Office, agent: ClientSession) -> None:
    async with page(agent) as socket:
        await until(socket, "snapshot")
    call, _ = await place.talking()
    async with page(agent) as socket:
        snapshot = await until(socket, "snapshot")

    assert [shown["call"]["id"] for shown in snapshot["calls"]] == [call.id]
