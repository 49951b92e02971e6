"""Whom to call, and how."""

from __future__ import annotations

from dataclasses import dataclass

from channels.sip.digest import Credentials
from channels.sip.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Whom to call, and how: the request-URI, where it is sent, and what the way asks for.

    ``peer`` names the trunk or the telephone; ``credentials`` answer its 401 or 407; ``route`` holds Route values.
    ``others`` are tried after ``target`` when it is silent or has no service (RFC 3263 4.3).
    """

    uri: str
    target: Target
    peer: str
    credentials: Credentials | None = None
    route: tuple[str, ...] = ()
    others: tuple[Target, ...] = ()
