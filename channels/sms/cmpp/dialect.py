"""CMPP as the service speaks it: the words of `channels.sms.words` in units of CMPP 2.0 or 3.0."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from channels.sms.cmpp.codec import decode, decode_report, encode
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
    Result,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
    Version,
)
from channels.sms.coding import Coding
from channels.sms.header import header_of, split_header
from channels.sms.words import (
    Answer,
    Answered,
    Asked,
    Delivery,
    Fate,
    Garbage,
    Opened,
    Receipt,
    Said,
    ShortMessage,
    Submitted,
    Verdict,
)

CODINGS = {
    0: Coding.ASCII,
    3: Coding.ASCII,
    4: Coding.BINARY,
    8: Coding.UCS2,
    15: Coding.GBK,
}
"""Msg_Fmt, 7.4.3.1; any other is read as eight-bit text."""
FORMATS = {Coding.ASCII: 0, Coding.BINARY: 4, Coding.UCS2: 8, Coding.GBK: 15}
ANSWERS = {Answer.TAKEN: Result.OK, Answer.LATER: Result.FLOW_CONTROL, Answer.NEVER: Result.OTHER}
REFUSALS = {
    1: "bad structure",
    2: "illegal source address",
    3: "wrong secret",
    4: "version too high",
}
"""Status of CONNECT_RESP, 7.4.1.2."""
FATES = {
    "DELIVRD": Fate.DELIVERED,
    "ACCEPTD": Fate.UNDER_WAY,
    "ENROUTE": Fate.UNDER_WAY,
}
"""Stat of a receipt; every other (EXPIRED, UNDELIV, REJECTD, MA:0001 ...) means that it was not delivered."""


def authenticator(source: str, secret: str, timestamp: int) -> bytes:
    """Return AuthenticatorSource: MD5 of source, nine zeros, shared secret, and the timestamp as ten digits."""
    return hashlib.md5(
        source.encode("ascii") + bytes(9) + secret.encode() + b"%010d" % timestamp, usedforsecurity=False
    ).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CmppDialect:
    """CMPP of one service: ``source`` is its id of six characters (SP_Id), ``service_id`` its business code."""

    source: str
    secret: str = field(repr=False)
    service_id: str
    version: Version = Version.V3

    @property
    def shortest(self) -> int:
        """A header alone."""
        return HEADER

    def opening(self, sequence: int, local: datetime) -> bytes:
        """CMPP_CONNECT."""
        timestamp = int(local.strftime("%m%d%H%M%S"))
        pdu = Connect(
            source=self.source,
            authenticator=authenticator(self.source, self.secret, timestamp),
            version=self.version,
            timestamp=timestamp,
        )
        return encode(pdu, sequence, self.version)

    def keep_alive(self, sequence: int) -> bytes:
        """CMPP_ACTIVE_TEST."""
        return encode(ActiveTest(), sequence, self.version)

    def closing(self, sequence: int) -> bytes:
        """CMPP_TERMINATE."""
        return encode(Terminate(), sequence, self.version)

    def submission(self, sequence: int, message: ShortMessage) -> bytes:
        """CMPP_SUBMIT, with a receipt wanted."""
        part = message.fragment
        pdu = Submit(
            source=self.source,
            service_id=self.service_id,
            sender=message.sender,
            terminal=message.addressee,
            coding=FORMATS[message.coding],
            content=(header_of(part) if part else b"") + message.octets,
            has_header=part is not None,
            total=part.total if part else 1,
            number=part.number if part else 1,
        )
        return encode(pdu, sequence, self.version)

    def answer(self, delivery: Delivery, answer: Answer) -> bytes:
        """CMPP_DELIVER_RESP: 8 (flow control) asks for it again, 9 refuses it."""
        pdu = DeliverResp(message_id=int.from_bytes(delivery.key), result=ANSWERS[answer])
        return encode(pdu, delivery.sequence, self.version)

    def unframed(self) -> bytes:
        """CMPP has no word for it: the connection is closed."""
        return b""

    def read(self, unit: bytes) -> Said:
        """Understand a unit; a DELIVER that is none is refused with what is wrong with it."""
        try:
            sequence, pdu = decode(unit, self.version)
            return self._meaning(sequence, pdu, unit)
        except BadUnit as error:
            return Garbage(reason=str(error), reply=self._refusal(unit, error.result))

    def _meaning(self, sequence: int, pdu: object, unit: bytes) -> Said:
        match pdu:
            case ConnectResp(status=status):
                return Opened(sequence=sequence, refusal=REFUSALS.get(status, f"status {status}") if status else "")
            case SubmitResp():
                return _submitted(sequence, pdu)
            case Deliver():
                content = _receipt(pdu) if pdu.is_receipt else _message(pdu)
                return Delivery(sequence=sequence, content=content, key=unit[HEADER : HEADER + 8])
            case ActiveTest():
                return Asked(reply=encode(ActiveTestResp(), sequence, self.version))
            case Terminate():
                return Asked(reply=encode(TerminateResp(), sequence, self.version), is_leaving=True)
            case ActiveTestResp() | TerminateResp():
                return Answered(sequence=sequence)
            case _:
                raise BadUnit("a unit that only services send", Result.BAD_COMMAND)

    def _refusal(self, unit: bytes, result: Result) -> bytes:
        if int.from_bytes(unit[4:8]) != Command.DELIVER or len(unit) < HEADER + 8:
            return b""
        pdu = DeliverResp(message_id=int.from_bytes(unit[HEADER : HEADER + 8]), result=result)
        return encode(pdu, int.from_bytes(unit[8:HEADER]), self.version)


def _submitted(sequence: int, pdu: SubmitResp) -> Submitted:
    if pdu.result == Result.OK:
        return Submitted(sequence=sequence, verdict=Verdict.ACCEPTED, centre_id=f"{pdu.message_id:016x}")
    if pdu.result == Result.REPEATED_SEQUENCE:  # what we said twice was taken the first time
        return Submitted(sequence=sequence, verdict=Verdict.ACCEPTED, reason="repeated sequence")
    verdict = Verdict.BUSY if pdu.result == Result.FLOW_CONTROL else Verdict.NEVER
    return Submitted(sequence=sequence, verdict=verdict, reason=f"result {pdu.result}")


def _receipt(pdu: Deliver) -> Receipt:
    report: StatusReport = decode_report(pdu.content)
    return Receipt(
        centre_id=f"{report.message_id:016x}", fate=FATES.get(report.state, Fate.FAILED), reason=report.state
    )


def _message(pdu: Deliver) -> ShortMessage:
    fragment, octets = split_header(pdu.content) if pdu.has_header else (None, pdu.content)
    return ShortMessage(
        sender=pdu.sender,
        addressee=pdu.addressee,
        coding=CODINGS.get(pdu.coding, Coding.ASCII),
        octets=octets,
        fragment=fragment,
        centre_id=f"{pdu.message_id:016x}" if pdu.message_id else "",
    )
