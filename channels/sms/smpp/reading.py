"""What a message centre's units say, as octets (SMPP 3.4, chapters 4 and 5).

aiosmpplib writes our units, but does not read the centre's: it raises for a vendor's status or data coding, returns
text where we need the octets, and takes a 16-bit reference together with the numbers behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

HEADER = 16
"""Octets of a unit's header: length, command, status, sequence."""

SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F
MESSAGE_PAYLOAD = 0x0424
RECEIPTED_ID = 0x001E
MESSAGE_STATE = 0x0427

STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""message_state (5.2.28) in the words of a receipt's text (appendix B)."""

_id = re.compile(r"\bid:([^ ]{1,64})", re.IGNORECASE).search
_state = re.compile(r"\bstat:([A-Z]{1,8})", re.IGNORECASE).search
_error = re.compile(r"\berr:([^ ]{1,8})", re.IGNORECASE).search


class BadUnit(ValueError):
    """Octets that are no unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A unit's header."""

    command: int
    status: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverSm:
    """deliver_sm (4.6.1): ``content`` is short_message, or message_payload where that is empty."""

    source_ton: int
    source: str
    destination: str
    esm_class: int
    data_coding: int
    content: bytes = field(repr=False)
    options: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def is_receipt(self) -> bool:
        """Whether it tells what became of a message of ours (5.2.12)."""
        return self.esm_class & 0x3C in (0x04, 0x20)

    @property
    def has_header(self) -> bool:
        """Whether the content begins with a user data header."""
        return bool(self.esm_class & 0x40)

    def number(self, tag: int) -> int | None:
        """Return an option that is a number, None where there is none."""
        value = self.options.get(tag)
        return int.from_bytes(value) if value and len(value) <= 4 else None


def header_of(unit: bytes) -> Header:
    """Read the header of a whole unit, which has at least that many octets."""
    return Header(
        command=int.from_bytes(unit[4:8]),
        status=int.from_bytes(unit[8:12]),
        sequence=int.from_bytes(unit[12:16]),
    )


def text_of(unit: bytes, at: int = HEADER) -> str:
    """Return the C-octet string at *at*, "" where there is none."""
    return unit[at:].partition(b"\0")[0].decode("ascii", "replace")


def read_deliver(unit: bytes) -> DeliverSm:
    """Read a deliver_sm. Raises `BadUnit`."""
    fields = _Fields(unit)
    fields.text()  # service_type
    source_ton, _ = fields.number(), fields.number()
    source = fields.text()
    _, _ = fields.number(), fields.number()
    destination = fields.text()
    esm_class = fields.number()
    _, _ = fields.number(), fields.number()  # protocol_id, priority_flag
    fields.text()  # schedule_delivery_time
    fields.text()  # validity_period
    _, _ = fields.number(), fields.number()  # registered_delivery, replace_if_present_flag
    data_coding = fields.number()
    fields.number()  # sm_default_msg_id
    content = fields.octets(fields.number())
    options = fields.options()
    return DeliverSm(
        source_ton=source_ton,
        source=source,
        destination=destination,
        esm_class=esm_class,
        data_coding=data_coding,
        content=content or options.get(MESSAGE_PAYLOAD, b""),
        options=options,
    )


def receipt_of(unit: DeliverSm) -> tuple[str, str, str]:
    """Return the id, the state and the error of a receipt: from its options, else from its text (appendix B).

    Raises `BadUnit` when it says no id or no state.
    """
    text = unit.content.decode("latin-1")
    options, found = unit.options, _id(text)
    message_id = options[RECEIPTED_ID].partition(b"\0")[0].decode("latin-1") if RECEIPTED_ID in options else ""
    message_id = message_id or (found[1] if found else "")
    said = _state(text)
    state = STATES.get(unit.number(MESSAGE_STATE) or 0) or (said[1].upper() if said else "")
    if not message_id or not state:
        raise BadUnit("a receipt without id or state")
    error = _error(text)
    return message_id, state, error[1] if error else ""


class _Fields:
    """A unit's octets behind its header, field by field. Raises `BadUnit` where they run out."""

    def __init__(self, unit: bytes) -> None:
        self._unit = unit
        self._at = HEADER

    def octets(self, size: int) -> bytes:
        if self._at + size > len(self._unit):
            raise BadUnit(f"{size} octets are wanted where {len(self._unit) - self._at} are left")
        taken = self._unit[self._at : self._at + size]
        self._at += size
        return taken

    def number(self) -> int:
        return self.octets(1)[0]

    def text(self) -> str:
        end = self._unit.find(b"\0", self._at)
        if end < 0:
            raise BadUnit("a text without an end")
        return self.octets(end + 1 - self._at)[:-1].decode("ascii", "replace")

    def options(self) -> dict[int, bytes]:
        options: dict[int, bytes] = {}
        while self._at < len(self._unit):
            tag = int.from_bytes(self.octets(2))
            options[tag] = self.octets(int.from_bytes(self.octets(2)))
        return options
