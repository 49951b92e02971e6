from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.account import Account, AccountRole
from gateway.domain.errors import Unavailable
from gateway.web.sessions import CHECKED_FOR, SEEN_AGAIN_AFTER, Allowance, Guesses, Sessions
from tests.fakes.console import MemoryAccounts
from tests.fakes.sign_ins import MemorySignIns
from tests.fakes.store import SetClock

ACCOUNT = Account(name="agent", display_name="李静", role=AccountRole.AGENT, password_hash="")


class Door:
    """A console's sessions, over what a store remembers of them; another one over the same store is another node."""

    def __init__(self, other: Door | None = None) -> None:
        self.clock: SetClock = other.clock if other else SetClock()
        self.sign_ins: MemorySignIns = other.sign_ins if other else MemorySignIns()
        self.accounts: MemoryAccounts = other.accounts if other else MemoryAccounts()
        self.accounts.known[ACCOUNT.name] = ACCOUNT
        self.sessions = Sessions(self.sign_ins, self.accounts, self.clock, lifetime=100.0)

    def wait(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)
        self.clock.seconds += seconds


async def test_a_session_is_found_by_its_token_until_it_ends() -> None:
    door = Door()
    token = await door.sessions.open(ACCOUNT)

    door.wait(99.9)
    assert await door.sessions.find(token) is not None
    assert await door.sessions.find("") is None
    door.wait(0.1)
    assert await door.sessions.find(token) is None
    assert await Door(door).sessions.find(token) is None


async def test_tokens_are_not_kept() -> None:
    door = Door()
    token = await door.sessions.open(ACCOUNT)

    assert token not in repr(await door.sessions.find(token))
    assert token not in repr(door.sign_ins.known)
    assert len(token) >= 43


async def test_a_restart_signs_nobody_out() -> None:
    door = Door()
    token = await door.sessions.open(ACCOUNT)

    session = await Door(door).sessions.find(token)

    assert session is not None
    assert session.account == ACCOUNT


async def test_a_sign_out_and_a_new_role_are_known_at_every_node_within_seconds() -> None:
    here = Door()
    there = Door(here)
    token = await here.sessions.open(ACCOUNT)
    assert await there.sessions.find(token) is not None

    here.accounts.known[ACCOUNT.name] = promoted = replace(ACCOUNT, role=AccountRole.SUPERVISOR)
    here.wait(CHECKED_FOR)
    session = await there.sessions.find(token)
    assert session is not None
    assert session.account == promoted
    await here.sessions.close(session)
    here.wait(CHECKED_FOR)

    assert await there.sessions.find(token) is None
    assert not there.sessions.is_open(session)


async def test_who_is_at_work_stays_at_work_while_the_store_is_away() -> None:
    door = Door()
    token = await door.sessions.open(ACCOUNT)

    door.sign_ins.failing = True
    door.wait(50.0)

    assert await door.sessions.find(token) is not None
    with pytest.raises(Unavailable):
        await Door(door).sessions.find(token)


async def test_only_the_other_sessions_of_an_account_are_closed() -> None:
    door = Door()
    mine, elsewhere = await door.sessions.open(ACCOUNT), await door.sessions.open(ACCOUNT)
    kept = await door.sessions.find(mine)

    await door.sessions.close_others("agent", kept=kept)

    assert await door.sessions.find(mine) is kept
    assert await door.sessions.find(elsewhere) is None


async def test_the_same_thing_is_news_again_after_a_while() -> None:
    door = Door()
    session = await door.sessions.find(await door.sessions.open(ACCOUNT))
    assert session is not None

    assert session.sees("ticket", 0.0)
    assert not session.sees("ticket", SEEN_AGAIN_AFTER - 1)
    assert session.sees("another", 1.0)
    assert session.sees("ticket", SEEN_AGAIN_AFTER)


def test_guessing_is_slowed_for_one_account_from_one_address_first() -> None:
    guesses = Guesses(pair=Allowance(failures=2, within=60.0))
    for at in (0.0, 10.0):
        guesses.tried("agent", "192.0.2.1", at)

    assert guesses.wait("agent", "192.0.2.1", 20.0) == 40.0
    assert guesses.wait("agent", "192.0.2.2", 20.0) == 0.0
    assert guesses.wait("other", "192.0.2.1", 20.0) == 0.0
    assert guesses.wait("agent", "192.0.2.1", 60.0) == 0.0


def test_one_address_may_not_guess_through_all_accounts() -> None:
    guesses = Guesses(address=Allowance(failures=3, within=60.0))
    for n in range(3):
        guesses.tried(f"agent{n}", "192.0.2.1", float(n))

    assert guesses.wait("agent9", "192.0.2.1", 3.0) == 57.0
    assert guesses.wait("agent9", "192.0.2.2", 3.0) == 0.0


def test_one_account_may_not_be_guessed_from_everywhere() -> None:
    guesses = Guesses(account=Allowance(failures=3, within=60.0))
    for n in range(3):
        guesses.tried("admin", f"192.0.2.{n}", 0.0)

    assert guesses.wait("admin", "192.0.2.99", 1.0) == 59.0


def test_the_right_password_forgives_the_wrong_ones() -> None:
    guesses = Guesses(pair=Allowance(failures=2, within=60.0))
    guesses.tried("agent", "192.0.2.1", 0.0)
    guesses.tried("agent", "192.0.2.1", 1.0)

    guesses.succeeded("agent", "192.0.2.1")

    assert guesses.wait("agent", "192.0.2.1", 2.0) == 0.0
