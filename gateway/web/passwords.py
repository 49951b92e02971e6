"""Passwords of the console: Argon2id hashes (RFC 9106), made and checked off the event loop."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain.account import Account, AccountRole
from gateway.ports.memory import Accounts

SHORTEST = 10
LONGEST = 200
"""Characters of a password."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's recommendation of 19 MiB and two passes; old hashes carry their own cost."""
_threads = ThreadPoolExecutor(2, thread_name_prefix="password")
"""At most two at once: a hash takes a core for tens of milliseconds, and calls need the rest of the machine."""


async def hashed(password: str) -> str:
    """Return the encoded hash of *password*."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(account: Account | None, password: str) -> bool:
    """Say whether *password* opens *account*; takes as long for an account that does not exist."""
    fits = await asyncio.get_running_loop().run_in_executor(_threads, _verified, account, password)
    return fits and account is not None


def _verified(account: Account | None, password: str) -> bool:
    try:
        return _hasher.verify(account.password_hash if account else _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex())


async def ensure_first_account(accounts: Accounts) -> str | None:
    """Make the account ``admin`` when there is none at all, and return its password, to be shown once.

    Raises `Unavailable` while the store cannot.
    """
    if await accounts.accounts():
        return None
    password = secrets.token_urlsafe(12)
    await accounts.save_account(
        Account(
            name="admin",
            display_name="管理员",
            role=AccountRole.ADMINISTRATOR,
            password_hash=await hashed(password),
        )
    )
    return password
