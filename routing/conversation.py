"""What was said so far, as routing reads it: who spoke, and the words; a partial counts like a final."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.call import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stretch of somebody's speech, or one written message, in its latest wording.

    ``at`` is when it was said or received, which "yesterday" counts from; None where that is not known.
    """

    role: Role
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The turns of a contact by their start."""

    turns: tuple[Turn, ...] = ()
