"""Who is signed in to the console, over restarts and nodes. Each method raises `Unavailable` without a store."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from gateway.domain.account import SignIn


class SignIns(Protocol):
    """What is remembered of people who are signed in."""

    async def sign_in(self, key: str) -> SignIn | None:
        """Return who is signed in under *key*, also when that is over."""
        ...

    async def save_sign_in(self, sign_in: SignIn, now: datetime) -> None:
        """Keep a new one, and forget those that were over by *now*."""
        ...

    async def end_sign_in(self, key: str) -> None:
        """Forget one."""
        ...

    async def end_sign_ins(self, account: str, *, kept: str = "") -> None:
        """Forget all of *account* but the one under the key *kept*."""
        ...
