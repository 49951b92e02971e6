"""Who is signed in (登录会话), and how often one may guess.

A session is 32 random octets in a cookie and an entry in the store, which holds only their hash: a restart signs nobody
out, and every node of a hotline knows them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.account import Account, SignIn
from gateway.domain.errors import Unavailable
from gateway.ports.clock import Clock
from gateway.ports.memory import Accounts
from gateway.ports.sign_ins import SignIns

COOKIE = "jiesu_session"
MOST = 10_000
"""Sessions remembered here at once; the oldest makes room, and is asked for again."""
CHECKED_FOR = 5.0
"""Seconds for which what the store said of a session holds: how long another node's sign-out takes to be known here."""
REMEMBERED = 10_000
"""Sources of failed sign-ins held at once."""
SEEN_AGAIN_AFTER = 600.0
"""Seconds after which looking at the same thing again is worth another entry in the journal."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One signed-in browser. ``checked`` is the monotonic instant at which the store last knew it."""

    key: str
    account: Account
    ends: datetime
    checked: float
    _seen: dict[Hashable, float] = field(default_factory=dict)

    def sees(self, thing: Hashable, now: float) -> bool:
        """Say whether *thing* is looked at anew, and not for the second time in ten minutes."""
        seen_at = self._seen.get(thing)
        if seen_at is not None and now - seen_at < SEEN_AGAIN_AFTER:
            return False
        self._seen[thing] = now
        return True


class Sessions:
    """All sessions, kept by *sign_ins* so that they outlast this process; *lifetime* in seconds.

    What the store said of one holds here for `CHECKED_FOR` seconds, and longer while the store cannot be asked: who is
    at work stays at work.
    """

    def __init__(self, sign_ins: SignIns, accounts: Accounts, clock: Clock, *, lifetime: float) -> None:
        self.lifetime = lifetime
        self._sign_ins = sign_ins
        self._accounts = accounts
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    async def open(self, account: Account) -> str:
        """Begin a session and return what the cookie holds. Raises `Unavailable`."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        sign_in = SignIn(key=_key(token), account=account.name, ends=now + timedelta(seconds=self.lifetime))
        await self._sign_ins.save_sign_in(sign_in, now)
        self._keep(sign_in, account)
        return token

    async def find(self, token: str) -> Session | None:
        """Return the session of a cookie that is still good. Raises `Unavailable` for one that nobody here has seen."""
        key = _key(token)
        known = self._sessions.get(key)
        if known is not None and not self.is_open(known):
            del self._sessions[key]
            return None
        if not token or (known is not None and self._clock.monotonic() - known.checked < CHECKED_FOR):
            return known
        try:
            return await self._asked(key, known)
        except Unavailable:
            if known is None:
                raise
            return known

    def is_open(self, session: Session) -> bool:
        """Say whether *session* still lasts, as far as is known here."""
        return session.key in self._sessions and self._clock.now() < session.ends

    async def close(self, session: Session) -> None:
        """End one session. Raises `Unavailable`."""
        await self._sign_ins.end_sign_in(session.key)
        self._sessions.pop(session.key, None)

    async def close_others(self, name: str, kept: Session | None = None) -> None:
        """End all sessions of account *name* but *kept*. Raises `Unavailable`."""
        await self._sign_ins.end_sign_ins(name, kept=kept.key if kept else "")
        for session in [s for s in self._sessions.values() if s.account.name == name and s is not kept]:
            del self._sessions[session.key]

    async def _asked(self, key: str, known: Session | None) -> Session | None:
        """Return what the store says of a session."""
        sign_in = await self._sign_ins.sign_in(key)
        account = None if sign_in is None else await self._accounts.account(sign_in.account)
        if sign_in is None or account is None or sign_in.ends <= self._clock.now():
            self._sessions.pop(key, None)
            return None
        if known is None:
            return self._keep(sign_in, account)
        known.account, known.checked = account, self._clock.monotonic()
        return known

    def _keep(self, sign_in: SignIn, account: Account) -> Session:
        while len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        session = Session(key=sign_in.key, account=account, ends=sign_in.ends, checked=self._clock.monotonic())
        return self._sessions.setdefault(sign_in.key, session)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many failures are borne in how many seconds."""

    failures: int
    within: float


class Guesses:
    """Sign-ins that failed, or are being tried: of one account from one address, of that account, from that address.

    The narrow limit comes first, so that a stranger who guesses does not lock the account's owner out.
    """

    def __init__(
        self,
        pair: Allowance = Allowance(failures=5, within=300.0),
        account: Allowance = Allowance(failures=50, within=300.0),
        address: Allowance = Allowance(failures=20, within=300.0),
    ) -> None:
        self._allowances = (pair, account, address)
        self._tried: dict[tuple[str, ...], deque[float]] = {}

    def wait(self, name: str, address: str, now: float) -> float:
        """Return how many seconds the next attempt must wait; 0.0 when it need not."""
        waits = [0.0]
        for allowance, who in zip(self._allowances, _sources(name, address), strict=True):
            recent = [at for at in self._tried.get(who, ()) if now - at < allowance.within]
            if len(recent) >= allowance.failures:
                waits.append(recent[-allowance.failures] + allowance.within - now)
        return max(waits)

    def tried(self, name: str, address: str, now: float) -> None:
        """Count an attempt; it stays a failure unless `succeeded` follows."""
        for allowance, who in zip(self._allowances, _sources(name, address), strict=True):
            while len(self._tried) >= REMEMBERED:
                del self._tried[next(iter(self._tried))]
            self._tried.setdefault(who, deque(maxlen=allowance.failures)).append(now)

    def succeeded(self, name: str, address: str) -> None:
        """Take the last attempt back, and forget the earlier failures of that account from that address."""
        pair, *others = _sources(name, address)
        self._tried.pop(pair, None)
        for who in others:
            if self._tried.get(who):
                self._tried[who].pop()


def _sources(name: str, address: str) -> tuple[tuple[str, ...], ...]:
    return ("pair", name, address), ("account", name), ("address", address)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
