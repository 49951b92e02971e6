"""What a check found, as `jiesu check` prints it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test found; ``is_ok`` None means that it could not be told."""

    subject: str
    is_ok: bool | None
    words: str

    def __str__(self) -> str:
        """The line that is printed."""
        return f"{ {True: 'ok', False: 'fail', None: '?'}[self.is_ok]:<4}  {self.subject:<28}  {self.words}"
