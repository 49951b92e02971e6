"""The kinds of failure a caller acts on; everything else is a bug.

Callers act on the class, never on the text. A message names the thing and the value.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Root of every failure that jiesu raises on purpose."""


class OurMistake(GatewayError):
    """Illegal use by our own code or configuration: a state table or a contract was broken."""


class UnusableSetting(OurMistake):
    """A setting that this machine cannot fulfil; the text is one line: key, value, reason."""


class PeerError(GatewayError):
    """A peer broke its protocol; at most that one message or session ends."""


class Unavailable(GatewayError):
    """Try again, or elsewhere. ``retry_after`` is seconds, None when unknown."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(GatewayError):
    """A final no: the same request will not succeed later."""


class Conflict(GatewayError):
    """Somebody else changed the same thing first; look again and decide anew."""


class IllegalTransition(OurMistake):
    """An event that the state table does not allow in this state."""

    def __init__(self, state: object, event: object) -> None:
        super().__init__(f"{_name(event)} is not allowed in {_name(state)}")


def _name(value: object) -> str:
    return str(getattr(value, "name", value))
