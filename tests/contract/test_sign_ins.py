"""What every store owes those who are signed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.account import SignIn

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sign_in(key: str, account: str = "agent", ends: datetime = NOON + HOUR) -> SignIn:
    return SignIn(key=key, account=account, ends=ends)


async def known(store: Any, *keys: str) -> list[str]:
    return [key for key in keys if await store.sign_ins.sign_in(key) is not None]


async def test_a_sign_in_is_found_by_its_key_until_it_is_ended(store: Any) -> None:
    await store.sign_ins.save_sign_in(sign_in("a"), NOON)

    assert await store.sign_ins.sign_in("a") == sign_in("a")
    assert await store.sign_ins.sign_in("b") is None
    await store.sign_ins.end_sign_in("a")
    await store.sign_ins.end_sign_in("a")
    assert await known(store, "a") == []


async def test_all_others_of_an_account_are_ended_together(store: Any) -> None:
    for key, account in (("a", "agent"), ("b", "agent"), ("c", "leader")):
        await store.sign_ins.save_sign_in(sign_in(key, account), NOON)

    await store.sign_ins.end_sign_ins("agent", kept="a")
    assert await known(store, "a", "b", "c") == ["a", "c"]
    await store.sign_ins.end_sign_ins("agent")
    assert await known(store, "a", "b", "c") == ["c"]


async def test_what_is_over_is_forgotten_when_the_next_one_comes(store: Any) -> None:
    await store.sign_ins.save_sign_in(sign_in("old"), NOON)
    await store.sign_ins.save_sign_in(sign_in("new", ends=NOON + 3 * HOUR), NOON + HOUR)

    assert await known(store, "old", "new") == ["new"]
