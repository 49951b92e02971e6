"""What the live page is told over ``/api/live`` (实时消息): tagged Structs, one JSON object per WebSocket text frame.

First one `Snapshot`; then what changes, in order. The page sends nothing. The server closes with `LAGGED` when the page
reads too slowly, with `SIGNED_OUT` when its session ends, with 1001 when the console stops; but for the second, the
page connects anew and takes a fresh snapshot.
"""

from __future__ import annotations

import msgspec

from gateway.web.views import (
    AgentView,
    CallView,
    FactView,
    GapView,
    LiveCallView,
    TicketView,
    UtteranceView,
)

LAGGED = 4000
SIGNED_OUT = 4001


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Anything told."""


class SystemView(msgspec.Struct, frozen=True, kw_only=True):
    """How the gateway fares. ``degraded`` maps each component that is not well to what is wrong with it."""

    model: str
    model_kind: str
    model_words: str
    listening: bool
    ledger_behind: int
    calls_live: int
    waiting: int
    degraded: dict[str, str]
    versions: dict[str, str]


class Snapshot(Message, frozen=True, tag="snapshot"):
    """Everything as it stands."""

    calls: list[LiveCallView]
    agents: list[AgentView]
    system: SystemView


class CallTold(Message, frozen=True, tag="call"):
    """A call as it stands after something happened to it; one never heard of before is new."""

    call: CallView


class CallOver(Message, frozen=True, tag="call_over"):
    """A call has ended."""

    call_id: str
    ending: str


class FactTold(Message, frozen=True, tag="fact"):
    """Something happened in a call."""

    fact: FactView


class SaidTold(Message, frozen=True, tag="said"):
    """Words of a call, partial or final."""

    call_id: str
    said: UtteranceView | GapView


class TicketTold(Message, frozen=True, tag="ticket"):
    """A ticket as it now stands, its caller masked."""

    ticket: TicketView


class AgentsTold(Message, frozen=True, tag="agents"):
    """All agents as they stand."""

    agents: list[AgentView]


class SystemTold(Message, frozen=True, tag="system"):
    """How the gateway fares now."""

    system: SystemView


AnyMessage = Snapshot | CallTold | CallOver | FactTold | SaidTold | TicketTold | AgentsTold | SystemTold
