"""What an emergency line sends along when it passes a matter to us (NM-2.2c): read from the INVITE of its call.

Its exchange may name who transferred the call (Referred-By, RFC 3892), the matter (X-Jiesu-Ticket where it runs this
very software, else User-to-User, RFC 7433, in plain text), the place (PIDF-LO, RFC 6442) and its subject.
"""

from __future__ import annotations

from channels.sip.bodies import part_of
from channels.sip.location import PIDF, place_in, printable
from channels.sip.message import Request
from channels.sip.uri import BadAddress, NameAddr
from gateway.domain.emergency import EmergencyLine
from gateway.ports.telephony import PassedOn

MOST_CHARACTERS = 300


def passed_on(request: Request, line: EmergencyLine) -> PassedOn:
    """Return what came with a call of *line*; what cannot be read is left out."""
    return PassedOn(
        line=line,
        referred_by=_user(request, "Referred-By"),
        reference=_text(request, "X-Jiesu-Ticket"),
        place=place_in(part_of(request, PIDF) or b"") or _text(request, "X-Jiesu-Place"),
        summary=_text(request, "Subject") or _user_to_user(request),
    )


def citizens_number(request: Request) -> str:
    """Return the number of whom the line has on its telephone, where it says so; else ""."""
    number = _text(request, "X-Jiesu-Caller")
    return number if number.isascii() and number.lstrip("+").isdigit() else ""


def _text(request: Request, name: str) -> str:
    return printable(request.headers.get(name) or "")[:MOST_CHARACTERS]


def _user(request: Request, name: str) -> str:
    try:
        return printable(NameAddr.parse(request.headers.get(name) or "").uri.user or "")[:MOST_CHARACTERS]
    except BadAddress:
        return ""


def _user_to_user(request: Request) -> str:
    """Return the data of User-to-User where they are text: in hexadecimal, as carriers send them."""
    octets, *parameters = (request.headers.get("User-to-User") or "").split(";")
    if any(parameter.strip().lower() not in ("encoding=hex", "purpose=isdn-uui") for parameter in parameters):
        return ""
    try:
        return printable(bytes.fromhex(octets.strip()).removeprefix(b"\x04").decode())[:MOST_CHARACTERS]
    except ValueError:
        return ""
