"""Our credentials towards one peer: challenges met, and what goes with the next request (RFC 3261 22.2, 22.3)."""

from __future__ import annotations

from channels.sip.digest import Challenge, Credentials, authorization, challenge_of
from channels.sip.message import Request, Response

MOST_TRIES = 3


class Authorization:
    """Remembers the challenges of a user agent server and of a proxy, and answers them from then on unasked."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._challenges: dict[str, tuple[Challenge, int]] = {}

    def add_to(self, request: Request) -> None:
        """Put the answers to all known challenges into a new request."""
        if self._credentials is None:
            return
        for kind, (challenge, used) in self._challenges.items():
            name, value = authorization(
                challenge, self._credentials, method=request.method, uri=request.uri, count=used + 1
            )
            request.headers.set(name, value)
            self._challenges[kind] = challenge, used + 1

    def learn(self, request: Request, response: Response, tries: int) -> bool:
        """Take in a 401 or 407; say whether another try makes sense. *tries* counts those made after challenges.

        It makes none when these very credentials were just refused, unless only the nonce was too old.
        """
        challenge = challenge_of(response)
        if self._credentials is None or challenge is None or tries >= MOST_TRIES:
            return False
        name = "Proxy-Authorization" if challenge.proxy else "Authorization"
        if name in request.headers and tries > 0 and not challenge.stale:
            return False
        self._challenges[name] = challenge, 0
        return True
