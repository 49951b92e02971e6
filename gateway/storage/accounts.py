"""Who may sign in to the console: a name, a password's hash, a role, and what people call them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person's way in. ``password_hash`` is argon2's encoded string, ``name_zh`` the name shown to colleagues."""

    name: str
    password_hash: str
    role: str
    name_zh: str
