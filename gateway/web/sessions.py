"""Who is signed in (登录会话), and how often one may guess.

A session is 32 random octets in a cookie and an entry here; the table holds only their hash and dies with the process.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from gateway.domain.account import Account

COOKIE = "jiesu_session"
MOST = 10_000
"""Sessions held at once; the oldest makes room."""
REMEMBERED = 10_000
"""Sources of failed sign-ins held at once."""
SEEN_AGAIN_AFTER = 600.0
"""Seconds after which looking at the same thing again is worth another entry in the journal."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One signed-in browser. ``ends`` is a monotonic instant."""

    key: str
    account: Account
    ends: float
    _seen: dict[Hashable, float] = field(default_factory=dict)

    def sees(self, thing: Hashable, now: float) -> bool:
        """Say whether *thing* is looked at anew, and not for the second time in ten minutes."""
        seen_at = self._seen.get(thing)
        if seen_at is not None and now - seen_at < SEEN_AGAIN_AFTER:
            return False
        self._seen[thing] = now
        return True


class Sessions:
    """All sessions of this process; *lifetime* in seconds."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self._sessions: dict[str, Session] = {}

    def open(self, account: Account, now: float) -> str:
        """Begin a session and return what the cookie holds."""
        token = secrets.token_urlsafe(32)
        while len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        key = _key(token)
        self._sessions[key] = Session(key=key, account=account, ends=now + self.lifetime)
        return token

    def find(self, token: str, now: float) -> Session | None:
        """Return the session of a cookie that is still good."""
        session = self._sessions.get(_key(token))
        if session is None:
            return None
        if now >= session.ends:
            self.close(session)
            return None
        return session

    def is_open(self, session: Session, now: float) -> bool:
        """Say whether *session* still lasts."""
        return session.key in self._sessions and now < session.ends

    def close(self, session: Session) -> None:
        """End one session."""
        self._sessions.pop(session.key, None)

    def close_others(self, name: str, kept: Session | None = None) -> None:
        """End all sessions of account *name* but *kept*."""
        for session in [s for s in self._sessions.values() if s.account.name == name and s is not kept]:
            self.close(session)


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
