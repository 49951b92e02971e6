"""What the live page is told over ``/api/live`` (实时消息): tagged Structs, one JSON object per WebSocket text frame.

First a `Snapshot`; then what changes, in order. The page may send `Follow`, and is given a fresh `Snapshot` and from
then on the words and facts of that call; without it, it is told no words. The server closes with `LAGGED` when the page
reads too slowly, with `SIGNED_OUT` when its session ends, with 1001 when the console stops; but for the second, the
page connects anew and takes a fresh snapshot.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.web.call_views import (
    AgentView,
    CallView,
    GapView,
    LiveCallView,
    UtteranceView,
)
from gateway.web.views import FactView, TicketView

LAGGED = 4000
SIGNED_OUT = 4001


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Anything told."""


class TrunkView(msgspec.Struct, frozen=True, kw_only=True):
    """A trunk: whether it is in service, since when, and its last answer to OPTIONS."""

    name: str
    status: str
    since: datetime
    answer: int | None
    answered_at: datetime | None


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
    trunks: list[TrunkView]
    versions: dict[str, str]


class Follow(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="follow", forbid_unknown_fields=True):
    """What a page sends: the call whose words it wants, empty for none."""

    call_id: str


class CallHead(msgspec.Struct, frozen=True, kw_only=True):
    """A live call and its ticket, without its words."""

    call: CallView
    ticket: TicketView


class Snapshot(Message, frozen=True, tag="snapshot"):
    """Everything as it stands, and the followed call with its words and facts."""

    calls: list[CallHead]
    followed: LiveCallView | None
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
    """Something happened in the followed call."""

    fact: FactView


class SaidTold(Message, frozen=True, tag="said"):
    """Words of the followed call, partial or final."""

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
