"""A person who signs in to the console (账号): name, role, and the hash of a password, never the password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AccountRole(Enum):
    """What a person may do.

    An agent takes calls, a supervisor sees all, an administrator also manages accounts. A unit's person sees nothing
    but the cases in which his unit has a part.
    """

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    UNIT = "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account.

    ``agent_id`` ties it to an agent's seat, ``unit`` to a unit; ``password_hash`` is Argon2's encoded form.
    """

    name: str
    display_name: str
    role: AccountRole
    password_hash: str
    agent_id: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Somebody who is signed in (登录会话): ``key`` is the hash of what his browser holds, ``ends`` when it is over."""

    key: str
    account: str
    ends: datetime
