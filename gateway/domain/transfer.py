"""The two transfers of a live call as state tables: accompanied to an emergency line, attended to a unit.

Times are kept by the services; these tables only say which step may follow which.
"""

from __future__ import annotations

from enum import Enum

from gateway.domain.errors import IllegalTransition


class HandOffState(Enum):
    """The accompanied emergency hand-off (紧急转接)."""

    SUSPECTED = "suspected"
    DIALLING = "dialling"
    ANSWERED = "answered"
    JOINED = "joined"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    EXHAUSTED = "exhausted"
    ABANDONED = "abandoned"
    RETURNED = "returned"


class HandOffEvent(Enum):
    """What moves a hand-off on."""

    INVITED = "invited"
    DESK_ANSWERED = "desk_answered"
    DESK_FAILED = "desk_failed"
    DESK_JOINED = "desk_joined"
    DESK_ACCEPTED = "desk_accepted"
    CHAIN_EXHAUSTED = "chain_exhausted"
    AGENT_DISMISSED = "agent_dismissed"
    DESK_RETURNED = "desk_returned"
    CITIZEN_LEFT = "citizen_left"


_LIVE = (HandOffState.SUSPECTED, HandOffState.DIALLING, HandOffState.ANSWERED, HandOffState.JOINED)

_HAND_OFF: dict[tuple[HandOffState, HandOffEvent], HandOffState] = {
    (HandOffState.SUSPECTED, HandOffEvent.INVITED): HandOffState.DIALLING,
    (HandOffState.DIALLING, HandOffEvent.INVITED): HandOffState.DIALLING,
    (HandOffState.DIALLING, HandOffEvent.DESK_FAILED): HandOffState.DIALLING,
    (HandOffState.DIALLING, HandOffEvent.DESK_ANSWERED): HandOffState.ANSWERED,
    (HandOffState.ANSWERED, HandOffEvent.DESK_FAILED): HandOffState.DIALLING,
    (HandOffState.ANSWERED, HandOffEvent.DESK_JOINED): HandOffState.JOINED,
    (HandOffState.JOINED, HandOffEvent.DESK_FAILED): HandOffState.DIALLING,
    (HandOffState.JOINED, HandOffEvent.DESK_ACCEPTED): HandOffState.ACCEPTED,
    (HandOffState.JOINED, HandOffEvent.DESK_RETURNED): HandOffState.RETURNED,
    (HandOffState.ACCEPTED, HandOffEvent.DESK_RETURNED): HandOffState.RETURNED,
    (HandOffState.SUSPECTED, HandOffEvent.CHAIN_EXHAUSTED): HandOffState.EXHAUSTED,
    (HandOffState.DIALLING, HandOffEvent.CHAIN_EXHAUSTED): HandOffState.EXHAUSTED,
    **{(state, HandOffEvent.AGENT_DISMISSED): HandOffState.DISMISSED for state in _LIVE[:3]},
    **{(state, HandOffEvent.CITIZEN_LEFT): HandOffState.ABANDONED for state in _LIVE},
}


class TransferState(Enum):
    """The attended transfer to a unit (咨询转接)."""

    TALKING = "talking"
    CONSULTING = "consulting"
    ANSWERED = "answered"
    JOINED = "joined"
    HANDED_OVER = "handed_over"
    RETRIEVED = "retrieved"
    ABANDONED = "abandoned"
    RETURNED = "returned"


class TransferEvent(Enum):
    """What moves an attended transfer on."""

    UNIT_DIALLED = "unit_dialled"
    NUMBER_FAILED = "number_failed"
    UNIT_ANSWERED = "unit_answered"
    UNIT_FAILED = "unit_failed"
    AGENT_JOINED = "agent_joined"
    AGENT_RETRIEVED = "agent_retrieved"
    AGENT_LEFT = "agent_left"
    UNIT_RETURNED = "unit_returned"
    CITIZEN_LEFT = "citizen_left"


_TRANSFER: dict[tuple[TransferState, TransferEvent], TransferState] = {
    (TransferState.TALKING, TransferEvent.UNIT_DIALLED): TransferState.CONSULTING,
    (TransferState.CONSULTING, TransferEvent.UNIT_DIALLED): TransferState.CONSULTING,
    (TransferState.CONSULTING, TransferEvent.NUMBER_FAILED): TransferState.CONSULTING,
    (TransferState.CONSULTING, TransferEvent.UNIT_ANSWERED): TransferState.ANSWERED,
    (TransferState.ANSWERED, TransferEvent.AGENT_JOINED): TransferState.JOINED,
    (TransferState.JOINED, TransferEvent.AGENT_LEFT): TransferState.HANDED_OVER,
    (TransferState.HANDED_OVER, TransferEvent.UNIT_RETURNED): TransferState.RETURNED,
    **{
        (state, event): TransferState.RETRIEVED
        for state in (TransferState.CONSULTING, TransferState.ANSWERED, TransferState.JOINED)
        for event in (TransferEvent.UNIT_FAILED, TransferEvent.AGENT_RETRIEVED)
    },
    **{
        (state, TransferEvent.CITIZEN_LEFT): TransferState.ABANDONED
        for state in (TransferState.TALKING, TransferState.CONSULTING, TransferState.ANSWERED, TransferState.JOINED)
    },
}


def hand_off_after(state: HandOffState, event: HandOffEvent) -> HandOffState:
    """Return the state of an emergency hand-off after *event*; raises `IllegalTransition`."""
    try:
        return _HAND_OFF[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def transfer_after(state: TransferState, event: TransferEvent) -> TransferState:
    """Return the state of an attended transfer after *event*; raises `IllegalTransition`."""
    try:
        return _TRANSFER[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None
