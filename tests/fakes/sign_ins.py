"""Who is signed in, in memory (`gateway.ports.sign_ins`). It passes the contract suite."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.account import SignIn
from gateway.domain.errors import Unavailable


class MemorySignIns:
    """`gateway.ports.sign_ins.SignIns`; ``failing`` makes it unavailable."""

    def __init__(self) -> None:
        self.known: dict[str, SignIn] = {}
        self.failing = False

    async def sign_in(self, key: str) -> SignIn | None:
        self._reach()
        return self.known.get(key)

    async def save_sign_in(self, sign_in: SignIn, now: datetime) -> None:
        self._reach()
        self.known = {key: known for key, known in self.known.items() if known.ends > now} | {sign_in.key: sign_in}

    async def end_sign_in(self, key: str) -> None:
        self._reach()
        self.known.pop(key, None)

    async def end_sign_ins(self, account: str, *, kept: str = "") -> None:
        self._reach()
        self.known = {key: known for key, known in self.known.items() if known.account != account or key == kept}

    def _reach(self) -> None:
        if self.failing:
            raise Unavailable("the sign-ins were told to fail", retry_after=2.0)
