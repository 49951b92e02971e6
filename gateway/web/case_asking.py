"""Who asks for cases, and where a list goes on: what all of casework's interfaces share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.domain.account import Account, AccountRole
from gateway.domain.casework import Actor, ActorKind, Place
from gateway.http_api.problems import Problem

PAGE = 200
"""Rows of a page at most."""
_KINDS: Mapping[AccountRole, ActorKind] = {
    AccountRole.AGENT: ActorKind.AGENT,
    AccountRole.SUPERVISOR: ActorKind.SUPERVISOR,
    AccountRole.ADMINISTRATOR: ActorKind.SUPERVISOR,
    AccountRole.UNIT: ActorKind.UNIT,
}


def actor_of(account: Account) -> Actor:
    """Return as whom a person acts."""
    return Actor(name=account.name, kind=_KINDS[account.role], unit=account.unit)


def place_of(text: str) -> Place | None:
    """Return the place that ``next_after`` names."""
    if not text:
        return None
    at, _, key = text.partition("~")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not key:
        raise Problem(422, "invalid", "字段 after 不正确", field="after")
    return Place(at=instant, id=key)


def spelled(at: datetime, key: str) -> str:
    """Return the `next_after` of a page that ended there."""
    return f"{at.isoformat()}~{key}"
