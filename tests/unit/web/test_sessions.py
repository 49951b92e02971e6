from __future__ import annotations

from gateway.domain.account import Account, AccountRole
from gateway.web.sessions import SEEN_AGAIN_AFTER, Allowance, Guesses, Sessions

ACCOUNT = Account(name="agent", display_name="李静", role=AccountRole.AGENT, password_hash="")


def test_a_session_is_found_by_its_token_until_it_ends() -> None:
    sessions = Sessions(lifetime=100.0)
    token = sessions.open(ACCOUNT, now=0.0)

    assert sessions.find(token, 99.9) is not None
    assert sessions.find(token, 100.0) is None
    assert sessions.find(token, 1.0) is None
    assert sessions.find("", 1.0) is None


def test_tokens_are_not_kept() -> None:
    sessions = Sessions(lifetime=100.0)
    token = sessions.open(ACCOUNT, now=0.0)
    session = sessions.find(token, 1.0)

    assert session is not None
    assert token not in repr(session)
    assert len(token) >= 43


def test_only_the_other_sessions_of_an_account_are_closed() -> None:
    sessions = Sessions(lifetime=100.0)
    mine, elsewhere = sessions.open(ACCOUNT, 0.0), sessions.open(ACCOUNT, 0.0)
    kept = sessions.find(mine, 1.0)

    sessions.close_others("agent", kept=kept)

    assert sessions.find(mine, 1.0) is kept
    assert sessions.find(elsewhere, 1.0) is None


def test_the_same_thing_is_news_again_after_a_while() -> None:
    sessions = Sessions(lifetime=10_000.0)
    session = sessions.find(sessions.open(ACCOUNT, 0.0), 0.0)
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
