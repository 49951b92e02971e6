"""The units of CMPP 2.0 and 3.0 that a service and its gateway exchange, as values.

中国移动互联网短信网关接口协议 V2.0 and V3.0, chapter 7. `channels.sms.cmpp.codec` reads and writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

HEADER = 12
"""Octets of a unit's header: total length, command, sequence."""


class Version(IntEnum):
    """The protocol's version as CONNECT says it: the major one in the high half octet."""

    V2 = 0x20
    V3 = 0x30


class Command(IntEnum):
    """What a unit is; an answer has the highest bit."""

    CONNECT = 0x00000001
    CONNECT_RESP = 0x80000001
    TERMINATE = 0x00000002
    TERMINATE_RESP = 0x80000002
    SUBMIT = 0x00000004
    SUBMIT_RESP = 0x80000004
    DELIVER = 0x00000005
    DELIVER_RESP = 0x80000005
    ACTIVE_TEST = 0x00000008
    ACTIVE_TEST_RESP = 0x80000008


class Result(IntEnum):
    """Results of SUBMIT and DELIVER that we give or act on."""

    OK = 0
    BAD_STRUCTURE = 1
    BAD_COMMAND = 2
    REPEATED_SEQUENCE = 3
    BAD_LENGTH = 4
    TOO_LONG = 6
    FLOW_CONTROL = 8
    OTHER = 9


class BadUnit(ValueError):
    """Octets that are no unit of this version; ``result`` is what DELIVER_RESP calls it."""

    def __init__(self, reason: str, result: Result = Result.BAD_STRUCTURE) -> None:
        super().__init__(reason)
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """CMPP_CONNECT: ``authenticator`` is 16 octets, ``timestamp`` the decimal number MMDDHHMMSS."""

    source: str
    authenticator: bytes = field(repr=False)
    version: int
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectResp:
    """CMPP_CONNECT_RESP: status 0 lets in."""

    status: int
    authenticator: bytes = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """CMPP_SUBMIT, to one terminal. What it costs is the service's to pay (``fee_user_type`` 2), and free ("01")."""

    source: str
    service_id: str
    sender: str
    terminal: str
    coding: int
    content: bytes = field(repr=False)
    has_header: bool = False
    total: int = 1
    number: int = 1
    wants_receipt: bool = True
    message_id: int = 0
    level: int = 0
    fee_user_type: int = 2
    fee_terminal: str = ""
    fee_terminal_type: int = 0
    fee_type: str = "01"
    fee_code: str = ""
    protocol: int = 0
    valid_until: str = ""
    send_at: str = ""
    terminal_type: int = 0
    link_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitResp:
    """CMPP_SUBMIT_RESP: the gateway's id, and its result."""

    message_id: int
    result: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """CMPP_DELIVER: a message, or a `StatusReport` as its content where ``is_receipt``."""

    message_id: int
    addressee: str
    service_id: str
    sender: str
    coding: int
    content: bytes = field(repr=False)
    has_header: bool = False
    is_receipt: bool = False
    protocol: int = 0
    sender_type: int = 0
    link_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverResp:
    """CMPP_DELIVER_RESP."""

    message_id: int
    result: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """CMPP_TERMINATE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateResp:
    """CMPP_TERMINATE_RESP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveTest:
    """CMPP_ACTIVE_TEST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveTestResp:
    """CMPP_ACTIVE_TEST_RESP."""


Pdu: TypeAlias = (
    Connect
    | ConnectResp
    | Submit
    | SubmitResp
    | Deliver
    | DeliverResp
    | Terminate
    | TerminateResp
    | ActiveTest
    | ActiveTestResp
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What a receipt holds: the id that SUBMIT_RESP gave, and what became of the message (7 characters)."""

    message_id: int
    state: str
    submitted_at: str = ""
    done_at: str = ""
    terminal: str = ""
    sequence: int = 0
