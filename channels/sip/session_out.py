"""The caller's side of a session, from the INVITE to the answer it keeps (RFC 3261 13.2, 9.1, 22)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import structlog

from channels.sip.agenda import Alarm
from channels.sip.authorization import Authorization
from channels.sip.bodies import SDP, BodyPart, UnusableBody, description_of, multipart
from channels.sip.callee import Callee as Callee
from channels.sip.capabilities import ALLOW, SUPPORTED
from channels.sip.dialog import MAX_FORWARDS, Dialog, way_by
from channels.sip.emergency_data import Along
from channels.sip.exchange import OutgoingRequest, new_tag
from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.offer_answer import NotAcceptable, refuse
from channels.sip.redirection import Redirection
from channels.sip.reliability import Acknowledged, InOrder, rseq_of
from channels.sip.sdp import SessionDescription
from channels.sip.session import MOST_TRIES, Host, Session
from channels.sip.session_events import Answered, Direction, Ended, Progress, Redirected, Rejected, SessionState
from channels.sip.target import Target
from channels.sip.uri import NameAddr, Uri

NOTHING = Along()
NOT_UNDERSTOOD = frozenset({400, 406, 413, 415, 420, 421, 424, 488, 493, 500, 501, 513, 606})
"""Refusals that may be of what goes along with an INVITE, not of the call; baresip 1.0 says 500 to a second part."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Early:
    """One branch of a call that rings: its dialog, and its description, which is settled once that came reliably."""

    dialog: Dialog
    order: InOrder = field(default_factory=InOrder)
    description: SessionDescription | None = None
    is_settled: bool = False


class OutgoingSession(Session):
    """A call of ours; ``start`` puts the INVITE on the wire.

    Without *offer* the callee makes one, in its first reliable answer: in a provisional one, which our PRACK answers,
    or in the 2xx, which our ACK answers (RFC 3261 13.2.2.4, RFC 3262 5). ``renegotiate`` says with what.
    """

    direction = Direction.OUT

    def __init__(
        self,
        host: Host,
        callee: Callee,
        *,
        offer: SessionDescription | None,
        from_: NameAddr,
        headers: Sequence[tuple[str, str]] = (),
        along: Along = NOTHING,
    ) -> None:
        tag = new_tag()
        self._callee = callee
        self._first_uri = callee.uri  # To stays what was called first (RFC 3261 8.1.3.4)
        self._offer = offer
        self._from = from_.with_tag(tag)
        self._extra = tuple(headers)
        self._along = along
        self._call_id = secrets.token_hex(16)
        super().__init__(
            host,
            self._invite(number=1),
            local_tag=tag,
            peer=callee.peer,
            fallback=callee.target,
            credentials=callee.credentials,
        )
        self._outgoing: OutgoingRequest | None = None
        self._redirection = Redirection(callee)
        self._silence: Alarm | None = None
        self._tries = 0
        self._early: dict[str, _Early] = {}
        self.local_description = offer
        self._acks: dict[str, tuple[Request, Target]] = {}

    def start(self) -> None:
        """Send the INVITE."""
        self.request.headers.set("Contact", self.contact_for(self._callee.target))
        for name, value in self.refreshing.request_headers():
            self.request.headers.set(name, value)
        self.authorization.add_to(self.request)
        self.invited_at = self.host.endpoint.now()
        endpoint = self.host.endpoint
        self._outgoing = endpoint.request(self.request, self._callee.target, self.guarded(self._take_response))
        if self._callee.others or self._along.parts:
            self._silence = endpoint.call_at(
                endpoint.now() + self.host.fail_over_after, self.guarded(self._leave_silent_server)
            )

    @property
    def is_peer_there(self) -> bool:
        """Whether anything came back: nobody waits for a silent trunk to confirm that we gave up."""
        return self._outgoing is not None and self._outgoing.is_heard

    def withdraw(self, reason: str) -> None:
        """Give up before the answer: CANCEL, at the first provisional if none has come; one that crosses gets BYE."""
        self.state = SessionState.ENDING
        self.conclude(Ended(by_peer=False, reason=reason))
        if self._outgoing is not None:
            self._outgoing.cancel()

    def fail(self) -> None:
        """End a session whose handling broke on our side, perhaps in taking the very answer it waited for."""
        super().fail()
        if self.dialog is None and self._outgoing is not None and self._outgoing.is_answered:
            self.settle()

    def dialog_of(self, request: Request) -> Dialog | None:
        """Return the dialog a request of the peer names: the call's, or while it rings that of a branch."""
        if self.dialog is not None:
            return super().dialog_of(request)
        early = self._early.get(request.from_.tag or "")
        return early.dialog if early is not None and early.dialog.is_between(request) else None

    def is_with(self, remote_tag: str) -> bool:
        """Whether a branch of this call has that tag."""
        return super().is_with(remote_tag) if self.dialog is not None else remote_tag in self._early

    @property
    def early_dialog(self) -> Dialog | None:
        """The dialog of the branch that has answered our offer reliably, and takes UPDATE."""
        settled = [early.dialog for early in self._early.values() if early.is_settled]
        return settled[-1] if settled and self.takes_update else None

    def open_offer(self, dialog: Dialog) -> Literal["ours", "theirs"] | None:
        """Whose first offer this branch has not settled yet; one of theirs may still be to come."""
        early = self._early.get(dialog.remote_tag)
        if self.state is not SessionState.INVITED or (early is not None and early.is_settled):
            return None
        return "ours" if self._offer is not None else "theirs"

    def _take_response(self, response: Response) -> None:
        self.learn_methods(response)
        if self._silence is not None:
            self.host.endpoint.call_off(self._silence)
            self._silence = None
        if response.status < 200:
            self._take_provisional(response)
        elif response.status < 300:
            self._take_answer(response)
        elif self._may_go_on(response):
            self._tries += 1
            self._start_again()
        elif self._along.parts and self.state is SessionState.INVITED and response.status in NOT_UNDERSTOOD:
            self._leave_out(response.status)
        elif self.state is SessionState.INVITED and self._has_no_service(response):
            self._go_to_next_server()
        elif (elsewhere := self._elsewhere(response)) is not None:
            self._tries = 0
            self._callee = elsewhere
            self.peer, self.fallback = elsewhere.peer, elsewhere.target
            self.authorization = Authorization(elsewhere.credentials)
            self.emit(Redirected(response.status, elsewhere.uri))
            self._start_again()
        else:
            self._take_refusal(response)

    def _leave_silent_server(self) -> None:
        """Go on to the trunk's next server; should this one answer after all, its call is ended.

        An INVITE with a large body may have been lost for its size: it is sent once more without.
        """
        silent = self._outgoing
        if self.state is SessionState.INVITED and silent is not None and not silent.is_heard:
            silent.on_response = self.guarded(self._take_late)
            silent.cancel()
            if self._along.parts:
                self._leave_out(408)
            else:
                self._go_to_next_server()

    def _leave_out(self, status: int) -> None:
        """Call again with the offer alone, as the far end, or the way there, does not take what goes along."""
        log.info("session.plain", session_id=self.id, peer=self.peer, status=status)
        self._along = NOTHING
        self._start_again()

    def _go_to_next_server(self) -> None:
        """Send the same INVITE to the next server, as another transaction (RFC 3263 4.3)."""
        first, *others = self._callee.others
        log.info("session.failed_over", session_id=self.id, peer=self.peer)
        self._callee = replace(self._callee, target=first, others=tuple(others))
        self.fallback = first
        self.request = self._invite(number=self.request.cseq[0])
        self.start()

    def _take_late(self, response: Response) -> None:
        """An answer of a server that we have left."""
        if 200 <= response.status < 300 and (response.to.tag or "") not in self._acks:
            dialog = Dialog.of_caller(self.request, response)
            self._acks[response.to.tag or ""] = self.acknowledge(self.request, dialog, self._refusal(response))
            self.send("BYE", lambda request, response: None, dialog=dialog)

    def _has_no_service(self, response: Response) -> bool:
        """Whether this server cannot, where another one of the trunk might."""
        failed = self._outgoing is not None and self._outgoing.failed
        return bool(self._callee.others) and (failed or response.status == 503)

    def _start_again(self) -> None:
        self._early.clear()
        self.request = self._invite(number=self.request.cseq[0] + 1)
        self.called = Uri.parse(self._callee.uri)
        self.start()

    def _elsewhere(self, response: Response) -> Callee | None:
        """Where to try next: a 3xx names contacts, and a contact that refuses leaves the others."""
        if self.state is not SessionState.INVITED or response.status >= 600:
            return None
        if 300 <= response.status < 400:
            self._redirection.add(response, lambda uri: self.host.permitted(self, uri))
        return self._redirection.next()

    def _take_provisional(self, response: Response) -> None:
        description = _description_in(response)
        tag = response.to.tag
        if tag is not None and response.status > 100:
            early = self._early.get(tag)
            if early is None:
                early = self._early[tag] = _Early(dialog=Dialog.of_caller(self.request, response))
            rseq = rseq_of(response)
            if rseq is not None:
                if not early.order.accepts(rseq):
                    return
                if self._offer is None and description is not None and not early.is_settled:
                    self._take_early_offer(early, rseq, description)
                else:
                    self._acknowledge_provisional(early.dialog, rseq)
                early.is_settled = early.is_settled or description is not None
            if self._offer is not None:
                early.description = description or early.description
        answer = description if self._offer is not None else None
        self.emit(Progress(response.status, response.reason, answer))

    def _acknowledge_provisional(self, dialog: Dialog, rseq: int, answer: SessionDescription | None = None) -> None:
        """Send PRACK (RFC 3262 4); a callee that does not know it any more sends its final answer, or nothing."""
        rack = ("RAck", str(Acknowledged(rseq, self.request.cseq[0])))
        self.send("PRACK", lambda request, response: None, description=answer, headers=[rack], dialog=dialog)

    def _take_early_offer(self, early: _Early, rseq: int, offer: SessionDescription) -> None:
        """Answer the offer of a reliable provisional answer in its PRACK; one we cannot accept ends the call."""
        early.description = offer
        answer = self._answer_to(offer) if self.state is SessionState.INVITED else None
        self._acknowledge_provisional(early.dialog, rseq, answer or refuse(offer))
        if answer is None and self.state is SessionState.INVITED:
            self.state = SessionState.ENDING
            self.conclude(Rejected(488, "Offer not acceptable", is_local=True))
            if self._outgoing is not None:
                self._outgoing.cancel()

    def _answer_to(self, offer: SessionDescription) -> SessionDescription | None:
        """Answer the callee's first offer; None where there is nothing to agree on."""
        try:
            answer = self.renegotiate(offer) if self.renegotiate is not None else None
        except NotAcceptable:
            return None
        if answer is not None:
            self.local_description = answer
        return answer

    def _refusal(self, response: Response) -> SessionDescription | None:
        """Return the answer that the ACK of a 2xx must hold although its call is not kept."""
        offer = _description_in(response) if self._offer is None else None
        return refuse(offer) if offer is not None else None

    def _take_answer(self, response: Response) -> None:
        """Acknowledge a 2xx: the first is kept, a fork's or one that comes after we gave up is ended at once."""
        tag = response.to.tag or ""
        if tag in self._acks:
            self.host.endpoint.send_ack(*self._acks[tag])
            return
        dialog = Dialog.of_caller(self.request, response)
        early = self._early.get(tag)
        if early is not None:  # the same dialog, with the route of its 2xx (RFC 3261 13.2.2.4)
            dialog.local_cseq = max(dialog.local_cseq, early.dialog.local_cseq)
            dialog.remote_cseq = early.dialog.remote_cseq
        if self.dialog is not None or self.state is not SessionState.INVITED:
            is_settled = early is not None and early.is_settled
            self._acks[tag] = self.acknowledge(self.request, dialog, None if is_settled else self._refusal(response))
            self._end_surplus(dialog)
            return
        self.dialog = dialog
        if self._offer is None:
            is_agreed, description = self._settle_late(tag, response, early), None
        else:
            self._acks[tag] = self.acknowledge(self.request, dialog)
            description = _description_in(response) or (early.description if early is not None else None)
            is_agreed = description is not None
        if not is_agreed:
            self.conclude(Rejected(488, "Answer without usable session description", is_local=True))
            self.say_bye()
            return
        self.state = SessionState.TALKING
        self._early.clear()
        self.refreshing.take_answer(self.request, response)
        self.emit(Answered(description))

    def _end_surplus(self, dialog: Dialog) -> None:
        """End what answered although another branch has the call, or nobody wants it any more."""
        if self.dialog is not None:
            log.info("session.fork_ended", session_id=self.id)
            self.send("BYE", lambda request, response: None, dialog=dialog)
        else:
            self.dialog = dialog
            self.say_bye()

    def _settle_late(self, tag: str, response: Response, early: _Early | None) -> bool:
        """Answer the offer of this 2xx in its ACK, unless a PRACK has; False where there is nothing to agree on."""
        assert self.dialog is not None
        is_settled = early is not None and early.is_settled
        offer = early.description if early is not None and is_settled else _description_in(response)
        answer = self._answer_to(offer) if offer is not None else None  # another branch's may have been the last
        in_ack = None if is_settled else answer or self._refusal(response)
        self._acks[tag] = self.acknowledge(self.request, self.dialog, in_ack)
        return answer is not None

    def _may_go_on(self, response: Response) -> bool:
        """Whether another INVITE would do what this one did not."""
        return (
            self.state is SessionState.INVITED
            and self._tries < MOST_TRIES
            and self._may_try_again(self.request, response, self._tries)
        )

    def _take_refusal(self, response: Response) -> None:
        wait = (response.headers.get("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
        self.conclude(
            Rejected(
                response.status,
                response.reason,
                causes=tuple(response.headers.all("Reason") + response.headers.all("Warning")),
                retry_after=int(wait) if wait.isascii() and wait.isdigit() else None,
                is_local=self._outgoing is not None and self._outgoing.failed,
            )
        )
        self.settle()

    def _invite(self, *, number: int) -> Request:
        uri, routes = way_by(Uri.parse(self._callee.uri), self._callee.route)
        headers = Headers()
        for route in routes:
            headers.add("Route", route)
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self._from))
        headers.add("To", f"<{self._first_uri}>")
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", f"{number} INVITE")
        headers.add("Allow", ALLOW)
        headers.add("Supported", SUPPORTED)
        for name, value in self._extra:
            headers.add(name, value)
        for name, value in self._along.headers:
            headers.add(name, value)
        kind, body = (SDP, self._offer.encode()) if self._offer is not None else ("", b"")
        if self._along.parts:
            offered = [BodyPart(kind=kind, octets=body)] if body else []
            kind, body = multipart([*offered, *self._along.parts])
        if body:
            headers.add("Content-Type", kind)
        return Request(method="INVITE", uri=uri, headers=headers, body=body)


def _description_in(response: Response) -> SessionDescription | None:
    try:
        return description_of(response)
    except UnusableBody:
        return None
