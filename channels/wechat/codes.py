"""What the errcodes of WeChat's interfaces mean for the one who called (全局返回码说明)."""

from __future__ import annotations

from enum import Enum


class Meaning(Enum):
    """What to do about an errcode."""

    STALE_TOKEN = "stale_token"
    """Fetch a new access token and try again."""
    LATER = "later"
    """Try again after a while."""
    NEVER = "never"
    """The same call will not succeed."""


_STALE = {40001, 40014, 42001}
_PAUSES = {-1: 10.0, 45009: 3600.0, 45011: 60.0}
"""Codes that pass, and seconds until then: busy, the day's quota, the minute's."""
_CLOSED = {45015, 45047}
_REASONS = {
    40037: "no such template",
    40003: "no such open id",
    40007: "no such file, or no longer",
    43004: "does not follow the account",
    43019: "is on the account's black list",
    45002: "text too long",
    45015: "has not written within the last 48 hours",
    45047: "has been sent all that may be sent until writing again",
    47003: "the template takes no such values",
    48001: "the account has no right to this interface",
    48002: "does not want the account's messages",
}


def meaning(code: int) -> Meaning:
    """Tell what to do about *code*, which is not 0; what nobody knows is left to a person."""
    if code in _STALE:
        return Meaning.STALE_TOKEN
    return Meaning.LATER if code in _PAUSES else Meaning.NEVER


def is_closed(code: int) -> bool:
    """Tell whether nothing more may be sent until the follower writes again."""
    return code in _CLOSED


def pause(code: int) -> float:
    """Return the seconds until another attempt makes sense."""
    return _PAUSES.get(code, 60.0)


def reason(code: int) -> str:
    """Say what is wrong, for people."""
    return f"WeChat: {code} {_REASONS.get(code, '')}".strip()
