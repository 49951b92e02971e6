"""A number is proven on the page and by an app with the code that was sent to it."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession

from channels.web.house import conversation_of
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import GatewayError, Refused, Unavailable
from tests.fakes.citizens import APP_BEARER, BEARER, KEY, TOKEN, Street


async def asked(
    visitor: ClientSession, url: str, body: dict[str, Any], headers: dict[str, str] = BEARER, method: str = "POST"
) -> int:
    async with visitor.request(method, url, json=body, headers=headers) as answer:
        return answer.status


async def test_a_code_proves_the_number_of_the_conversation_that_asked_for_it(
    place: Street, visitor: ClientSession
) -> None:
    url = f"{place.url}/web/verification"
    assert await asked(visitor, url, {"to": "13800000001"}) == 204
    assert await asked(visitor, f"{url}/confirmed", {"code": "654321"}) == 403
    stranger = {"Authorization": f"Bearer {'s' * 43}"}
    assert await asked(visitor, f"{url}/confirmed", {"code": "123456"}, stranger) == 403
    assert await asked(visitor, f"{url}/confirmed", {"code": "123456"}) == 204
    assert place.house.verification.asked == [(ChannelKind.WEB, conversation_of(TOKEN), "13800000001")]


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Refused("no way"), 422), (Unavailable("too many", retry_after=60.0), 429), (Unavailable("store away"), 503)],
)
async def test_whoever_gets_no_code_is_told_why(
    place: Street, visitor: ClientSession, failure: GatewayError, status: int
) -> None:
    place.house.verification.fail = failure

    assert await asked(visitor, f"{place.url}/web/verification", {"to": "13800000001"}) == status


@pytest.mark.parametrize("body", [{}, {"to": 1}, {"to": ""}, {"to": "x" * 300}])
async def test_nonsense_asks_for_nothing(place: Street, visitor: ClientSession, body: dict[str, Any]) -> None:
    assert await asked(visitor, f"{place.url}/web/verification", body) == 422
    assert place.house.verification.asked == []


async def test_an_app_proves_numbers_for_its_own_conversations_only(place: Street, visitor: ClientSession) -> None:
    headers = {**APP_BEARER, "Idempotency-Key": KEY}
    async with visitor.post(f"{place.url}/app/v1/matters", json={"text": "路灯坏了"}, headers=headers) as answer:
        conversation = (await answer.json())["conversation"]
    url = f"{place.url}/app/v1/conversations/{conversation}/verification"
    other = f"{place.url}/app/v1/conversations/city-app.{'0' * 40}/verification"

    assert await asked(visitor, url, {"to": "13800000001"}, APP_BEARER) == 204
    assert await asked(visitor, url, {"code": "123456"}, APP_BEARER, "PUT") == 204
    assert await asked(visitor, other, {"to": "13800000001"}, APP_BEARER) == 404
