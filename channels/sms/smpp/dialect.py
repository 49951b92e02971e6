"""SMPP 3.4 as the service speaks it, bound as a transceiver: the words of `channels.sms.words` in its units.

Our units are written by aiosmpplib. Its own session is not used: it acknowledges whatever comes, even what could not
be kept, and a long message's parts before the whole is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from aiosmpplib.protocol import (
    BindTransceiver,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SmppMessage,
    SubmitSm,
    Unbind,
    UnbindResp,
)
from aiosmpplib.state import NPI, TON, PhoneNumber, SmppCommand, SmppCommandStatus

from channels.sms.coding import Coding, decoded
from channels.sms.header import header_of as fragment_header
from channels.sms.header import placed, split_header
from channels.sms.smpp.reading import (
    HEADER,
    SAR_NUMBER,
    SAR_REFERENCE,
    SAR_TOTAL,
    BadUnit,
    DeliverSm,
    Header,
    header_of,
    read_deliver,
    receipt_of,
    text_of,
)
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

Status = SmppCommandStatus

LONGEST_CONTENT = 254
"""Octets of short_message; a longer content travels as message_payload (5.2.21)."""
WITH_HEADER = 0x40
"""esm_class: the content begins with a user data header (5.2.12)."""

CODINGS = {1: Coding.ASCII, 2: Coding.BINARY, 3: Coding.LATIN, 4: Coding.BINARY, 8: Coding.UCS2, 15: Coding.GBK}
"""data_coding (5.2.19); 15 is what Chinese centres say for GBK, as in CMPP."""
ANSWERS = {Answer.TAKEN: Status.ESME_ROK, Answer.LATER: Status.ESME_RX_T_APPN, Answer.NEVER: Status.ESME_RX_P_APPN}
VERDICTS = {
    Status.ESME_ROK: Verdict.ACCEPTED,
    Status.ESME_RTHROTTLED: Verdict.BUSY,
    Status.ESME_RMSGQFUL: Verdict.BUSY,
    Status.ESME_RSYSERR: Verdict.LATER,
    Status.ESME_RINVBNDSTS: Verdict.LATER,
    Status.ESME_RX_T_APPN: Verdict.LATER,
}
"""What a status says about a message of ours; every other refuses it."""
FATES = {"DELIVRD": Fate.DELIVERED, "ENROUTE": Fate.UNDER_WAY, "ACCEPTD": Fate.UNDER_WAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppDialect:
    """SMPP of one service.

    ``alphabet`` is what data coding 0 means at this centre. With ``has_decimal_receipts`` its receipts name in decimal
    what its answers name in hexadecimal, as not a few do.
    """

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    alphabet: Coding = Coding.GSM
    has_decimal_receipts: bool = False

    @property
    def shortest(self) -> int:
        """A header alone."""
        return HEADER

    def opening(self, sequence: int, local: datetime) -> bytes:
        """bind_transceiver."""
        unit = BindTransceiver(
            sequence_num=sequence,
            system_id=self.system_id,
            password=self.password,
            system_type=self.system_type,
        )
        return _octets(unit)

    def keep_alive(self, sequence: int) -> bytes:
        """enquire_link."""
        return _octets(EnquireLink(sequence))

    def closing(self, sequence: int) -> bytes:
        """Unbind."""
        return _octets(Unbind(sequence))

    def submission(self, sequence: int, message: ShortMessage) -> bytes:
        """submit_sm, with a receipt wanted; what is too long for one message travels whole, as message_payload."""
        octets = (fragment_header(message.fragment) if message.fragment else b"") + message.octets
        text = decoded(message.octets, message.coding)
        is_whole = len(octets) > LONGEST_CONTENT
        unit = SubmitSm(
            sequence_num=sequence,
            source=PhoneNumber(message.sender),
            destination=PhoneNumber(message.addressee, TON.INTERNATIONAL, NPI.ISDN),
            esm_class=WITH_HEADER if message.fragment else 0,
            registered_delivery=1,
            encoding="ucs2" if message.coding is Coding.UCS2 else None,
            short_message="" if is_whole else text,
            message_payload=text if is_whole else "",
        )
        if is_whole:
            unit.set_encoding_info(_library_name(self.alphabet), None)
        else:
            unit.set_encoded_message(octets)
        return _octets(unit)

    def answer(self, delivery: Delivery, answer: Answer) -> bytes:
        """deliver_sm_resp: ESME_RX_T_APPN asks for it again, ESME_RX_P_APPN refuses it."""
        return _octets(DeliverSmResp(sequence_num=delivery.sequence, command_status=ANSWERS[answer]))

    def unframed(self) -> bytes:
        """generic_nack: the length is impossible."""
        return _octets(GenericNack(command_status=Status.ESME_RINVCMDLEN))

    def read(self, unit: bytes) -> Said:
        """Understand a unit; a request that is none is refused as the protocol does."""
        header = header_of(unit)
        match header.command:
            case SmppCommand.BIND_TRANSCEIVER_RESP:
                return Opened(sequence=header.sequence, refusal=_name(header.status) if header.status else "")
            case SmppCommand.SUBMIT_SM_RESP:
                return _submitted(header, self._id(text_of(unit), 16))
            case SmppCommand.GENERIC_NACK:
                return Submitted(sequence=header.sequence, verdict=Verdict.NEVER, reason=_name(header.status))
            case SmppCommand.DELIVER_SM:
                return self._delivery(header, unit)
            case SmppCommand.ENQUIRE_LINK:
                return Asked(reply=_octets(EnquireLinkResp(header.sequence)))
            case SmppCommand.UNBIND:
                return Asked(reply=_octets(UnbindResp(header.sequence)), is_leaving=True)
            case SmppCommand.ENQUIRE_LINK_RESP | SmppCommand.UNBIND_RESP:
                return Answered(sequence=header.sequence)
            case command if command & SmppCommand.GENERIC_NACK:
                return Garbage(reason=f"an answer to what we never asked, {command:#010x}")
            case command:
                nack = GenericNack(sequence_num=header.sequence, command_status=Status.ESME_RINVCMDID)
                return Garbage(reason=f"unknown command {command:#010x}", reply=_octets(nack))

    def _delivery(self, header: Header, unit: bytes) -> Said:
        try:
            deliver = read_deliver(unit)
            content = self._receipt(deliver) if deliver.is_receipt else self._message(deliver)
        except BadUnit as error:
            refusal = DeliverSmResp(sequence_num=header.sequence, command_status=Status.ESME_RINVMSGLEN)
            return Garbage(reason=str(error), reply=_octets(refusal))
        return Delivery(sequence=header.sequence, content=content)

    def _message(self, deliver: DeliverSm) -> ShortMessage:
        fragment, octets = split_header(deliver.content) if deliver.has_header else (None, deliver.content)
        reference, total, number = map(deliver.number, (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER))
        if reference is not None and total is not None and number is not None:
            fragment = placed(reference, total, number)
        return ShortMessage(
            sender=f"+{deliver.source}" if deliver.source_ton == TON.INTERNATIONAL else deliver.source,
            addressee=deliver.destination,
            coding=self._coding(deliver.data_coding),
            octets=octets,
            fragment=fragment,
        )

    def _receipt(self, deliver: DeliverSm) -> Receipt:
        message_id, state, error = receipt_of(deliver)
        reason = f"{state} {error}" if error.strip("0") else state
        return Receipt(centre_id=self._id(message_id, 10), fate=FATES.get(state, Fate.FAILED), reason=reason)

    def _id(self, written: str, base: int) -> str:
        """Return a message's id as answers and receipts both write it."""
        if not self.has_decimal_receipts:
            return written
        try:
            return format(int(written, base), "x")
        except ValueError:
            return written

    def _coding(self, data_coding: int) -> Coding:
        if data_coding & 0xF0 == 0xF0:  # message classes of GSM (3GPP TS 23.038, 4): bit 2 is eight-bit data
            return Coding.BINARY if data_coding & 0x04 else self.alphabet
        return CODINGS.get(data_coding, Coding.ASCII) if data_coding else self.alphabet


def _octets(unit: SmppMessage) -> bytes:
    return bytes(unit.pdu())


def _submitted(header: Header, message_id: str) -> Submitted:
    try:
        verdict = VERDICTS.get(Status(header.status), Verdict.NEVER)
    except ValueError:  # a vendor's own
        verdict = Verdict.NEVER
    return Submitted(
        sequence=header.sequence,
        verdict=verdict,
        centre_id=message_id if verdict is Verdict.ACCEPTED else "",
        reason="" if verdict is Verdict.ACCEPTED else _name(header.status),
    )


def _name(status: int) -> str:
    try:
        return str(Status(status).name)
    except ValueError:
        return f"status {status:#010x}"


def _library_name(alphabet: Coding) -> str:
    return {Coding.ASCII: "ascii", Coding.LATIN: "latin_1"}.get(alphabet, "gsm0338")
