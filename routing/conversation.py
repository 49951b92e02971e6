"""What was said so far, as routing reads it: who spoke, and the words; a partial counts like a final."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.call import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stretch of somebody's speech, or one written message, in its latest wording."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The turns of a contact by their start."""

    turns: tuple[Turn, ...] = ()
