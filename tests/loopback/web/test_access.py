"""Who gets in, and what keeps others out."""

from __future__ import annotations

import re

import pytest
from aiohttp import ClientSession, CookieJar

from gateway.domain.account import AccountRole
from gateway.http_api.routes import Route
from gateway.web.passwords import ensure_first_account, matches
from gateway.web.server import ROUTES, Console
from gateway.web.sessions import COOKIE
from tests.fakes.console import PASSWORD, MemoryAccounts, Office

CLOSED = [route for route in ROUTES if not route.is_open]


def address(route: Route) -> str:
    return re.sub(r"\{\w+\}", "x", route.path)


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_needs_a_session_or_a_partners_key(place: Office, route: Route) -> None:
    async with place.visitor() as nobody, nobody.request(route.method, address(route), json={}) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["code"] == ("api_key" if route.for_partners else "sign_in")


def test_only_these_doors_are_open() -> None:
    assert {route.path for route in ROUTES if route.is_open} == {
        "/api/session",
        "/healthz",
        "/metrics",
        "/open/knowledge",
        "/open/knowledge/{article_id}",
        "/open/publications",
    }


@pytest.mark.parametrize("path", ["/api/journal", "/api/accounts"])
async def test_an_agent_is_kept_from_what_is_not_his(agent: ClientSession, path: str) -> None:
    async with agent.get(path) as answer:
        assert answer.status == 403


async def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(place: Office) -> None:
    async with (
        place.visitor() as nobody,
        nobody.post("/api/session", json={"name": "agent", "password": PASSWORD}) as answer,
    ):
        cookie = answer.headers["Set-Cookie"]

    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_behind_a_tls_proxy_the_cookie_is_secure(place: Office) -> None:
    async with (
        Console(place.fresh_parts(), "127.0.0.1", 0, secure_cookies=True) as console,
        ClientSession(console.url) as nobody,
        nobody.post("/api/session", json={"name": "agent", "password": PASSWORD}) as answer,
    ):
        assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("name", ["agent", "nobody"])
async def test_a_wrong_password_and_an_unknown_name_look_alike(place: Office, name: str) -> None:
    async with (
        place.visitor() as nobody,
        nobody.post("/api/session", json={"name": name, "password": "wrong"}) as answer,
    ):
        assert answer.status == 401
        assert (await answer.json())["error"] == {"code": "wrong_password", "message": "账号或密码不正确"}


async def test_after_five_wrong_passwords_even_the_right_one_must_wait(place: Office) -> None:
    async with place.visitor() as nobody:
        for _ in range(5):
            async with nobody.post("/api/session", json={"name": "agent", "password": "wrong"}) as answer:
                assert answer.status == 401
        async with nobody.post("/api/session", json={"name": "agent", "password": PASSWORD}) as answer:
            assert answer.status == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 300
        async with nobody.post("/api/session", json={"name": "other", "password": PASSWORD}) as answer:
            assert answer.status == 200


async def test_another_sites_page_is_refused(place: Office, agent: ClientSession) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        async with agent.put("/api/agents/self/pause", json={"paused": True}, headers=headers) as answer:
            assert answer.status == 403
            assert (await answer.json())["error"]["code"] == "wrong_origin"
    async with agent.put("/api/agents/self/pause", json={"paused": True}, headers={"Origin": place.url}) as answer:
        assert answer.status == 200


async def test_a_form_of_another_site_cannot_speak_json(agent: ClientSession) -> None:
    async with agent.put(
        "/api/agents/self/pause", data=b'{"paused":true}', headers={"Content-Type": "text/plain"}
    ) as answer:
        assert answer.status == 415


async def test_signing_out_ends_the_session_itself(place: Office, agent: ClientSession) -> None:
    token = next(cookie.value for cookie in agent.cookie_jar if cookie.key == COOKIE)
    async with agent.delete("/api/session") as answer:
        assert answer.status == 204
    async with (
        ClientSession(place.url, cookie_jar=CookieJar(unsafe=True), cookies={COOKIE: token}) as thief,
        thief.get("/api/session") as answer,
    ):
        assert answer.status == 401


async def test_a_changed_password_ends_the_other_sessions(place: Office, agent: ClientSession) -> None:
    async with place.signed_in("agent") as elsewhere:
        change = {"old": PASSWORD, "new": "another good password"}
        async with agent.put("/api/session/password", json=change) as answer:
            assert answer.status == 204
        async with elsewhere.get("/api/session") as answer:
            assert answer.status == 401
    async with agent.get("/api/session") as answer:
        assert answer.status == 200
    assert await matches(place.accounts.known["agent"], "another good password")


async def test_a_stolen_page_cannot_guess_the_password_either(agent: ClientSession) -> None:
    change = {"old": "wrong", "new": "another good password"}
    for expected in (403, 403, 403, 403, 403, 429):
        async with agent.put("/api/session/password", json=change) as answer:
            assert answer.status == expected


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"old": "wrong", "new": "another good password"}, 403, "old"),
        ({"old": PASSWORD, "new": "short"}, 422, "new"),
        ({"old": PASSWORD, "new": "another good password", "more": 1}, 422, "more"),
        ({"old": PASSWORD}, 422, "new"),
    ],
)
async def test_a_bad_password_change_names_its_field(
    agent: ClientSession, change: dict[str, object], status: int, field: str
) -> None:
    async with agent.put("/api/session/password", json=change) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]["field"] == field


async def test_an_administrator_makes_accounts_that_can_sign_in(place: Office, admin: ClientSession) -> None:
    account = {"display_name": "赵敏", "role": "supervisor", "password": PASSWORD}
    async with admin.put("/api/accounts/zhao", json=account) as answer:
        assert answer.status == 200
    async with place.signed_in("zhao") as supervisor, supervisor.get("/api/journal") as answer:
        assert answer.status == 200
    async with admin.get("/api/accounts") as answer:
        listed = await answer.text()
        assert "赵敏" in listed
        assert "argon2" not in listed


async def test_an_account_that_changes_must_sign_in_again(place: Office, admin: ClientSession) -> None:
    async with place.signed_in("agent") as agent:
        change = {"display_name": "李静", "role": "supervisor", "agent_id": "8001"}
        async with admin.put("/api/accounts/agent", json=change) as answer:
            assert answer.status == 200
        async with agent.get("/api/session") as answer:
            assert answer.status == 401
    assert place.accounts.known["agent"].role is AccountRole.SUPERVISOR


@pytest.mark.parametrize(
    ("name", "account", "status"),
    [
        ("fresh", {"display_name": "新", "role": "agent"}, 422),
        ("a b", {"display_name": "新", "role": "agent", "password": PASSWORD}, 422),
        ("admin", {"display_name": "管理员", "role": "agent"}, 409),
        ("agent", {"display_name": "李静", "role": "agent", "agent_id": "none"}, 422),
        ("agent", {"display_name": "李静", "role": "king"}, 422),
    ],
)
async def test_an_account_that_makes_no_sense_is_refused(
    admin: ClientSession, name: str, account: dict[str, str], status: int
) -> None:
    async with admin.put(f"/api/accounts/{name}", json=account) as answer:
        assert answer.status == status


async def test_the_first_account_gets_a_password_once() -> None:
    accounts = MemoryAccounts()

    password = await ensure_first_account(accounts)

    assert password is not None
    assert await matches(accounts.known["admin"], password)
    assert await ensure_first_account(accounts) is None


async def test_while_the_store_is_away_signing_in_says_when_to_try_again(place: Office) -> None:
    place.accounts.failing = True
    async with (
        place.visitor() as nobody,
        nobody.post("/api/session", json={"name": "agent", "password": PASSWORD}) as answer,
    ):
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "2"


async def test_a_session_does_not_outlive_its_lifetime(place: Office) -> None:
    async with (
        Console(place.fresh_parts(), "127.0.0.1", 0, session_lifetime=0.0) as console,
        ClientSession(console.url, cookie_jar=CookieJar(unsafe=True)) as client,
    ):
        async with client.post("/api/session", json={"name": "agent", "password": PASSWORD}) as answer:
            assert answer.status == 200
        async with client.get("/api/session") as answer:
            assert answer.status == 401
