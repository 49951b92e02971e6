"""Where a hotline's registers are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.register import Number, Paper, PaperQuery, Register


class RegisterWrites(Protocol):
    """The registers' part of a unit of work."""

    def next_number(self, register: Register, year: int) -> Number:
        """Return the number after the last of *year*."""
        ...

    def latest(self, register: Register, case_id: str) -> Paper | None:
        """Return the newest paper of a case."""
        ...

    def save(self, paper: Paper) -> None:
        """Insert or replace a paper."""
        ...


class Registers(Protocol):
    """What is read of the registers. Every method raises `Unavailable` while the store cannot."""

    async def paper(self, register: Register, number: Number) -> Paper | None:
        """Return one paper."""
        ...

    async def page(self, query: PaperQuery) -> Sequence[Paper]:
        """Return the papers that *query* asks for, the newest number first."""
        ...
