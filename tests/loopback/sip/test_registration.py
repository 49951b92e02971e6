"""Our own telephone at a registrar: bound, refreshed, taken back, refused."""

from __future__ import annotations

import asyncio

import pytest

from channels.sip.connections import ListenAddress, Target
from channels.sip.registrar import Expiry
from channels.sip.registration import Account, Registration
from channels.sip.user_agent import UserAgent, UserAgentSettings
from gateway.domain.errors import Refused, Unavailable
from tests.fakes.sip import LIMIT, QUICK, ignore, udp, user_agent


def registrar(expiry: Expiry) -> UserAgent:
    settings = UserAgentSettings(
        listen=[ListenAddress("udp", "127.0.0.1", 0)], telephones={"7001": "secret"}, timers=QUICK, expiry=expiry
    )
    return UserAgent(settings, ignore)


def account(at: UserAgent, password: str = "secret") -> Account:
    return Account(user="7001", password=password, registrar=Target("udp", "127.0.0.1", udp(at).port))


async def test_a_telephone_is_bound_inside_the_block_and_only_there() -> None:
    async with registrar(Expiry()) as home, user_agent() as telephone:
        async with Registration(telephone.endpoint, account(home)):
            binding = home.registrar.contact("7001")
        after = home.registrar.contact("7001")

    assert binding is not None
    assert binding.target.port == udp(telephone).port
    assert after is None


async def test_what_is_granted_shortly_is_refreshed_in_time() -> None:
    async with (
        registrar(Expiry(default=1, least=1, most=1)) as home,
        user_agent() as telephone,
        Registration(telephone.endpoint, account(home)),
        asyncio.timeout(LIMIT),
    ):
        first = home.registrar.contact("7001")
        while home.registrar.contact("7001") == first:  # noqa: ASYNC110 - a refresh is told to nobody
            await asyncio.sleep(0.02)
        second = home.registrar.contact("7001")

    assert first is not None
    assert second is not None
    assert second.expires_at > first.expires_at
    assert (second.call_id, second.cseq > first.cseq) == (first.call_id, True)


async def test_a_registrar_that_wants_longer_gets_longer() -> None:
    async with (
        registrar(Expiry(least=600)) as home,
        user_agent() as telephone,
        Registration(telephone.endpoint, account(home)),
    ):
        binding = home.registrar.contact("7001")
        now = home.endpoint.now()

    assert binding is not None
    assert binding.expires_at - now > 500


async def test_a_wrong_password_is_refused() -> None:
    async with registrar(Expiry()) as home, user_agent() as telephone:
        with pytest.raises(Refused, match="401"):
            async with Registration(telephone.endpoint, account(home, "guess")):
                pass


async def test_a_registrar_that_is_not_there_is_unavailable() -> None:
    async with registrar(Expiry()) as home:
        gone = account(home)
    async with user_agent() as telephone:
        with pytest.raises(Unavailable):
            async with Registration(telephone.endpoint, gone):
                pass
