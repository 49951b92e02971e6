"""What a session does with its peer's requests within the dialog (RFC 3261 12.2.2): each goes to who knows about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.sip.bodies import DTMF, DTMF_RELAY, SDP, digit_of
from channels.sip.exchange import IncomingRequest
from channels.sip.refreshing import REFRESHING
from channels.sip.session_events import InfoDigit

if TYPE_CHECKING:
    from channels.sip.session import Session


def serve(session: Session, incoming: IncomingRequest) -> None:
    """Serve a request within the dialog; methods and extensions have been checked."""
    request = incoming.request
    dialog = session.dialog_of(request)
    if dialog is None or not dialog.accepts(request):
        session.respond(incoming, 500, "CSeq out of order")
        return
    session.learn_methods(request)
    if request.method == "BYE":
        _take_bye(session, incoming)
    elif request.method in REFRESHING:
        session.renegotiation.take(incoming, dialog)
    elif request.method == "PRACK":
        session.take_prack(incoming)
    elif request.method == "REFER":
        session.referring.take(incoming)
    elif request.method == "NOTIFY":
        session.referring.take_notify(incoming)
    elif request.method == "INFO":
        _take_info(session, incoming)
    else:
        session.respond(incoming, 200, headers=[("Accept", SDP)])


def _take_bye(session: Session, incoming: IncomingRequest) -> None:
    if session.dialog is None:
        session.respond(incoming, 481)  # a callee may not hang up before it has answered (RFC 3261 15)
        return
    session.respond(incoming, 200)
    if not session.has_said_bye:  # else both hung up, and our own BYE will be answered
        session.peer_left(incoming.request.headers.get("Reason") or "")


def _take_info(session: Session, incoming: IncomingRequest) -> None:
    digit = digit_of(incoming.request)
    if digit is not None:
        session.emit(InfoDigit(digit))
    elif incoming.request.body:
        session.respond(incoming, 415, headers=[("Accept", f"{DTMF_RELAY}, {DTMF}")])
        return
    session.respond(incoming, 200)
