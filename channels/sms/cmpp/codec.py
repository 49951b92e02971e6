"""CMPP 2.0 and 3.0 in octets (中国移动互联网短信网关接口协议 V2.0 and V3.0, chapter 7).

Integers are unsigned and big-endian; texts have a fixed size and are filled up with zeros. Version 3.0 widens results
to four octets and numbers to 32, adds a type to each number, and ends messages with a LinkID of 20 octets where 2.0
has eight reserved ones.
"""

from __future__ import annotations

from channels.sms.cmpp.pdu import (
    HEADER,
    ActiveTest,
    ActiveTestResp,
    BadUnit,
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    Result,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
    Version,
)


def encode(pdu: Pdu, sequence: int, version: Version) -> bytes:
    """Return *pdu* as a unit of *version*. Raises `ValueError` for a text that its field cannot hold."""
    command, body = _body(pdu, _Widths(version))
    return b"".join((_number(HEADER + len(body), 4), _number(command, 4), _number(sequence, 4), body))


def decode(unit: bytes, version: Version) -> tuple[int, Pdu]:
    """Read one whole unit into its sequence and itself. Raises `BadUnit`."""
    fields = _Fields(unit)
    length, number, sequence = fields.number(4), fields.number(4), fields.number(4)
    if length != len(unit):
        raise BadUnit(f"{len(unit)} octets that call themselves {length}", Result.BAD_LENGTH)
    try:
        command = Command(number)
    except ValueError:
        raise BadUnit(f"unknown command {number:#010x}", Result.BAD_COMMAND) from None
    pdu = _read(command, fields, _Widths(version))
    fields.finish()
    return sequence, pdu


def encode_report(report: StatusReport, version: Version) -> bytes:
    """Return *report* as the content of a DELIVER."""
    widths = _Widths(version)
    return b"".join(
        (
            _number(report.message_id, 8),
            _text(report.state, 7),
            _text(report.submitted_at, 10),
            _text(report.done_at, 10),
            _text(report.terminal, widths.terminal),
            _number(report.sequence, 4),
        )
    )


def decode_report(content: bytes) -> StatusReport:
    """Read a receipt's content; the number's width follows from the length. Raises `BadUnit`."""
    fields = _Fields(content)
    report = StatusReport(
        message_id=fields.number(8),
        state=fields.text(7),
        submitted_at=fields.text(10),
        done_at=fields.text(10),
        terminal=fields.text(32 if len(content) >= 71 else 21),
        sequence=fields.number(4),
    )
    fields.finish()
    return report


class _Widths:
    """What differs between the versions, in octets."""

    def __init__(self, version: Version) -> None:
        self.is_v3 = version is Version.V3
        self.result = 4 if self.is_v3 else 1
        self.terminal = 32 if self.is_v3 else 21
        self.kind = 1 if self.is_v3 else 0
        self.tail = 20 if self.is_v3 else 8


def _body(pdu: Pdu, widths: _Widths) -> tuple[Command, bytes]:
    match pdu:
        case Connect():
            return Command.CONNECT, b"".join(
                (_text(pdu.source, 6), pdu.authenticator, _number(pdu.version, 1), _number(pdu.timestamp, 4))
            )
        case ConnectResp():
            return Command.CONNECT_RESP, b"".join(
                (_number(pdu.status, widths.result), pdu.authenticator, _number(pdu.version, 1))
            )
        case Submit():
            return Command.SUBMIT, _submit(pdu, widths)
        case SubmitResp():
            return Command.SUBMIT_RESP, _number(pdu.message_id, 8) + _number(pdu.result, widths.result)
        case Deliver():
            return Command.DELIVER, _deliver(pdu, widths)
        case DeliverResp():
            return Command.DELIVER_RESP, _number(pdu.message_id, 8) + _number(pdu.result, widths.result)
        case Terminate():
            return Command.TERMINATE, b""
        case TerminateResp():
            return Command.TERMINATE_RESP, b""
        case ActiveTest():
            return Command.ACTIVE_TEST, b""
        case ActiveTestResp():
            return Command.ACTIVE_TEST_RESP, b"\0"


def _submit(pdu: Submit, widths: _Widths) -> bytes:
    return b"".join(
        (
            _number(pdu.message_id, 8),
            _number(pdu.total, 1),
            _number(pdu.number, 1),
            _number(pdu.wants_receipt, 1),
            _number(pdu.level, 1),
            _text(pdu.service_id, 10),
            _number(pdu.fee_user_type, 1),
            _text(pdu.fee_terminal, widths.terminal),
            _number(pdu.fee_terminal_type, widths.kind),
            _number(pdu.protocol, 1),
            _number(pdu.has_header, 1),
            _number(pdu.coding, 1),
            _text(pdu.source, 6),
            _text(pdu.fee_type, 2),
            _text(pdu.fee_code, 6),
            _text(pdu.valid_until, 17),
            _text(pdu.send_at, 17),
            _text(pdu.sender, 21),
            _number(1, 1),
            _text(pdu.terminal, widths.terminal),
            _number(pdu.terminal_type, widths.kind),
            _number(len(pdu.content), 1),
            pdu.content,
            _text(pdu.link_id, widths.tail),
        )
    )


def _deliver(pdu: Deliver, widths: _Widths) -> bytes:
    return b"".join(
        (
            _number(pdu.message_id, 8),
            _text(pdu.addressee, 21),
            _text(pdu.service_id, 10),
            _number(pdu.protocol, 1),
            _number(pdu.has_header, 1),
            _number(pdu.coding, 1),
            _text(pdu.sender, widths.terminal),
            _number(pdu.sender_type, widths.kind),
            _number(pdu.is_receipt, 1),
            _number(len(pdu.content), 1),
            pdu.content,
            _text(pdu.link_id, widths.tail),
        )
    )


def _read(command: Command, fields: _Fields, widths: _Widths) -> Pdu:
    match command:
        case Command.CONNECT:
            return Connect(
                source=fields.text(6),
                authenticator=fields.octets(16),
                version=fields.number(1),
                timestamp=fields.number(4),
            )
        case Command.CONNECT_RESP:
            # A gateway that refuses our version may answer in its own: the unit's length tells which one it is.
            status = fields.number(4 if fields.left == 21 else 1)
            return ConnectResp(status=status, authenticator=fields.octets(16), version=fields.number(1))
        case Command.SUBMIT:
            return _read_submit(fields, widths)
        case Command.SUBMIT_RESP:
            return SubmitResp(message_id=fields.number(8), result=fields.number(widths.result))
        case Command.DELIVER:
            return _read_deliver(fields, widths)
        case Command.DELIVER_RESP:
            return DeliverResp(message_id=fields.number(8), result=fields.number(widths.result))
        case Command.TERMINATE:
            return Terminate()
        case Command.TERMINATE_RESP:
            return TerminateResp()
        case Command.ACTIVE_TEST:
            return ActiveTest()
        case Command.ACTIVE_TEST_RESP:
            fields.octets(min(1, fields.left))  # a reserved octet, which not every gateway sends
            return ActiveTestResp()


def _read_submit(fields: _Fields, widths: _Widths) -> Submit:
    first = {
        "message_id": fields.number(8),
        "total": fields.number(1),
        "number": fields.number(1),
        "wants_receipt": bool(fields.number(1)),
        "level": fields.number(1),
    }
    second = {
        "service_id": fields.text(10),
        "fee_user_type": fields.number(1),
        "fee_terminal": fields.text(widths.terminal),
        "fee_terminal_type": fields.number(widths.kind),
        "protocol": fields.number(1),
        "has_header": bool(fields.number(1)),
        "coding": fields.number(1),
        "source": fields.text(6),
        "fee_type": fields.text(2),
        "fee_code": fields.text(6),
        "valid_until": fields.text(17),
        "send_at": fields.text(17),
        "sender": fields.text(21),
    }
    if fields.number(1) != 1:
        raise BadUnit("a message to other than one terminal")
    third = {
        "terminal": fields.text(widths.terminal),
        "terminal_type": fields.number(widths.kind),
        "content": fields.octets(fields.number(1)),
        "link_id": fields.text(widths.tail),
    }
    return Submit(**first, **second, **third)  # type: ignore[arg-type]


def _read_deliver(fields: _Fields, widths: _Widths) -> Deliver:
    return Deliver(
        message_id=fields.number(8),
        addressee=fields.text(21),
        service_id=fields.text(10),
        protocol=fields.number(1),
        has_header=bool(fields.number(1)),
        coding=fields.number(1),
        sender=fields.text(widths.terminal),
        sender_type=fields.number(widths.kind),
        is_receipt=bool(fields.number(1)),
        content=fields.octets(fields.number(1)),
        link_id=fields.text(widths.tail),
    )


class _Fields:
    """A unit's octets, taken field by field. Raises `BadUnit` where they run out or are left over."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._octets) - self._at

    def octets(self, size: int) -> bytes:
        if size > self.left:
            raise BadUnit(f"{size} octets are wanted where {self.left} are left", Result.BAD_LENGTH)
        taken = self._octets[self._at : self._at + size]
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.octets(size))

    def text(self, size: int) -> str:
        return self.octets(size).partition(b"\0")[0].decode("ascii", "replace").strip()

    def finish(self) -> None:
        if self.left:
            raise BadUnit(f"{self.left} octets are left over", Result.BAD_LENGTH)


def _number(value: int, size: int) -> bytes:
    return int(value).to_bytes(size) if size else b""


def _text(value: str, size: int) -> bytes:
    octets = value.encode("ascii")
    if len(octets) > size:
        raise ValueError(f"{len(octets)} characters where {size} fit")
    return octets.ljust(size, b"\0")
