"""The doors for machines, the page itself, and failures that stay where they are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType

from gateway.web.server import ROUTES, STATIC, Console
from tests.fakes.console import Office


async def test_health_is_good_while_calls_can_be_taken(place: Office) -> None:
    place.components["recogniser"] = "not listening"
    async with place.visitor() as nobody, nobody.get("/healthz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"taking_calls": True, "components": dict(place.components)}


@pytest.mark.parametrize("component", ["sip", "media"])
async def test_health_is_bad_when_no_call_can_be_taken(place: Office, component: str) -> None:
    place.components[component] = "restarting"
    async with place.visitor() as nobody, nobody.get("/healthz") as answer:
        assert answer.status == 503


async def test_metrics_are_for_this_machine(place: Office) -> None:
    async with place.visitor() as nobody:
        async with nobody.get("/metrics") as answer:
            assert answer.status == 200
            assert "jiesu_calls_total" in await answer.text()
        async with nobody.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}) as answer:
            assert answer.status == 403


async def test_metrics_go_to_whoever_has_the_token(place: Office) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer secret"}
    async with (
        Console(place.fresh_parts(), "127.0.0.1", 0, metrics_token="secret") as console,
        ClientSession(console.url) as nobody,
        nobody.get("/metrics", headers=forwarded) as answer,
    ):
        assert answer.status == 200


async def test_answers_are_counted(place: Office) -> None:
    async with place.visitor() as nobody:
        async with nobody.get("/healthz"):
            pass
        async with nobody.get("/metrics") as answer:
            counted = await answer.text()
    assert 'jiesu_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in counted


async def test_the_description_has_every_route_and_every_type_it_names(agent: ClientSession) -> None:
    async with agent.get("/api/openapi.json") as answer:
        description: dict[str, Any] = await answer.json()
        named = set(re.findall(r'"#/components/schemas/([^"]+)"', await answer.text()))

    assert description["openapi"] == "3.1.0"
    assert {(path, method) for path, methods in description["paths"].items() for method in methods} == {
        (route.path, route.method.lower()) for route in ROUTES
    }
    assert named <= set(description["components"]["schemas"])


async def test_names_of_ids_are_given(agent: ClientSession) -> None:
    async with agent.get("/api/catalogue") as answer:
        catalogue = await answer.json()
    assert catalogue["lines"]["119"] == "消防"
    assert catalogue["units"] == {"water": "自来水公司"}
    assert catalogue["matters"]["water_supply"] == "供水"


async def test_the_page_allows_no_foreign_and_no_inline_script(place: Office) -> None:
    async with place.visitor() as nobody, nobody.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()

    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in re.sub(r"<!doctype[^>]*>", "", page)
    assert re.search(r"<script(?![^>]*\ssrc=)", page) is None


async def test_every_file_the_page_names_is_there(place: Office) -> None:
    sources = [STATIC / "index.html", *STATIC.glob("js/**/*.js")]
    named = {
        name for source in sources for name in re.findall(r'"(/static/[^"]+)"', source.read_text(encoding="utf-8"))
    }
    async with place.visitor() as nobody:
        for name in sorted(named):
            async with nobody.get(name) as answer:
                assert answer.status == 200, name


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/api/nothing"])
async def test_what_is_not_there_is_not_found(place: Office, path: str) -> None:
    async with place.visitor() as nobody, nobody.get(path) as answer:
        assert answer.status in (403, 404)


async def test_a_failure_of_ours_is_a_problem_and_calls_go_on(place: Office, agent: ClientSession) -> None:
    call, citizen = await place.talking()
    place.components["sip"] = "ok"
    place.parts.switchboard.calls["broken"] = None  # type: ignore[index, assignment]

    async with agent.get("/api/calls") as answer:
        assert answer.status == 500
        assert (await answer.json())["error"]["code"] == "our_fault"

    del place.parts.switchboard.calls["broken"]  # type: ignore[arg-type]
    place.say(citizen, "还在吗", 1.0)
    await place.until(lambda: call.record.said)
    assert call.floor.company


async def test_a_failure_while_a_page_watches_ends_that_connection_only(place: Office, agent: ClientSession) -> None:
    place.parts.switchboard.calls["broken"] = None  # type: ignore[index, assignment]
    async with agent.ws_connect("/api/live") as socket:
        message = await socket.receive(timeout=10.0)
    del place.parts.switchboard.calls["broken"]  # type: ignore[arg-type]

    assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR)
    async with agent.get("/api/calls") as answer:
        assert answer.status == 200


async def test_an_address_in_use_is_said_at_the_start(place: Office) -> None:
    port = int(place.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        async with Console(place.fresh_parts(), "127.0.0.1", port):
            pass


async def test_how_the_gateway_fares_can_be_asked(place: Office, agent: ClientSession) -> None:
    place.components["store"] = "behind"
    async with agent.get("/api/system") as answer:
        told = await answer.json()
    assert told["degraded"] == {"store": "behind"}
    assert told["trunks"] == []
    assert (told["listening"], told["model_kind"], told["versions"]) == (True, "demo", {"jiesu": "0.1.0"})


async def test_a_console_that_stops_sends_its_pages_away(place: Office) -> None:
    async with Console(place.fresh_parts(), "127.0.0.1", 0) as console:
        client = place.visitor_at(console.url)
        await place.sign_in(client, "agent")
        socket = await client.ws_connect("/api/live")
        await socket.receive_json(timeout=10.0)
    message = await socket.receive(timeout=10.0)
    await client.close()

    assert message.data == 1001
