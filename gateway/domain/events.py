"""Facts worth keeping (日志事件): what the journal holds and the live page shows.

A fact is a ``kind`` (``noun.verb`` in the past tense), the instant it happened, whose call and ticket it
belongs to, and plain JSON values. The kinds and their values are listed in docs/journal.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.call import CallId
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened. ``offset`` is its place in the call, in seconds of the call, where it has one."""

    kind: str
    at: datetime
    call_id: CallId | None = None
    ticket_id: TicketId | None = None
    offset: float | None = None
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A fact as the journal keeps it: numbered from 1 without holes, each hash covering the one before."""

    seq: int
    fact: Fact
    previous: str
    hash: str
