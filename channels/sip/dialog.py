"""A dialog (RFC 3261 12): the lasting relation of two user agents, and the requests sent within it.

Only what the standard calls the dialog's state; what an INVITE makes of it is the session's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.uri import NameAddr, Uri

MAX_FORWARDS = "70"


class NoDialog(ValueError):
    """The message lacks what a dialog is made of (a usable Contact, a tag)."""


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One side's state of a dialog; ``local`` and ``remote`` carry their tags.

    ``route_set`` holds name-addr values in the order a request of ours lists them. ``remote_cseq`` is None
    until the peer has sent a request.
    """

    call_id: str
    local: NameAddr
    remote: NameAddr
    remote_target: Uri
    route_set: tuple[str, ...] = ()
    local_cseq: int = 0
    remote_cseq: int | None = None

    @classmethod
    def of_callee(cls, request: Request, local_tag: str) -> Dialog:
        """The dialog a request from the peer makes once we have answered it (RFC 3261 12.1.1).

        A caller of RFC 2543, known by its missing tag, need not say where it is: its From then does.
        """
        is_old = request.from_.tag is None and "Contact" not in request.headers
        return cls(
            call_id=request.call_id,
            local=request.to.with_tag(local_tag),
            remote=request.from_,
            remote_target=request.from_.uri if is_old else contact_of(request),
            route_set=_routes(request),
            remote_cseq=request.cseq[0],
        )

    @classmethod
    def of_caller(cls, request: Request, response: Response) -> Dialog:
        """The dialog a response to our request makes (RFC 3261 12.1.2); tag, target and route set are its own."""
        try:
            target = contact_of(response)
        except NoDialog:  # the call is up all the same; the request-URI led there once
            target = Uri.parse(request.uri)
        return cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            remote_target=target,
            route_set=_routes(response)[::-1],
            local_cseq=request.cseq[0],
        )

    @property
    def local_tag(self) -> str:
        """The tag by which a request from the peer names this dialog."""
        return self.local.tag or ""

    @property
    def remote_tag(self) -> str:
        """The peer's tag; "" from a peer of RFC 2543 that sent none."""
        return self.remote.tag or ""

    @property
    def next_hop(self) -> Uri:
        """Where a request is to be sent: the first proxy of the route set, or the peer itself (RFC 3261 12.2.1.1)."""
        return NameAddr.parse(self.route_set[0]).uri if self.route_set else self.remote_target

    def request(self, method: str, *, cseq: int | None = None) -> Request:
        """Build a request of this dialog, without Via and Contact, with the next CSeq unless *cseq* is given."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = way_by(self.remote_target, self.route_set)
        headers = Headers()
        for route in routes:
            headers.add("Route", route)
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self.local))
        headers.add("To", str(self.remote))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        return Request(method=method, uri=uri, headers=headers)

    def ack(self, invite: Request) -> Request:
        """Build the ACK for a 2xx to *invite* of ours: with its number and its credentials (RFC 3261 13.2.2.4)."""
        ack = self.request("ACK", cseq=invite.cseq[0])
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.lines(name):
                ack.headers.add(name, value)
        return ack

    def is_between(self, request: Request) -> bool:
        """Whether *request* from the peer names this dialog."""
        return (
            request.call_id == self.call_id
            and (request.to.tag or "") == self.local_tag
            and (request.from_.tag or "") == self.remote_tag
        )

    def accepts(self, request: Request) -> bool:
        """Take in the CSeq of a new request from the peer; False when it is out of order (RFC 3261 12.2.2)."""
        number = request.cseq[0]
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """Follow the Contact of a re-INVITE or its 2xx; the route set stays (RFC 3261 12.2)."""
        if message.headers.get("Contact") is not None:
            self.remote_target = contact_of(message)


def way_by(uri: Uri, routes: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the Request-URI and the Route values of a request to *uri* by *routes* (RFC 3261 12.2.1.1, 16.12).

    A first proxy without ``lr`` is a strict router of RFC 2543: it becomes the Request-URI, and *uri* the last route.
    """
    if not routes:
        return str(_as_request_uri(uri)), ()
    first = NameAddr.parse(routes[0]).uri
    if "lr" in first.params:
        return str(_as_request_uri(uri)), tuple(routes)
    return str(_as_request_uri(first)), (*routes[1:], f"<{uri}>")


def _as_request_uri(uri: Uri) -> Uri:
    """Leave out what no Request-URI may hold: headers and a method (RFC 3261 19.1.1, table 1)."""
    params = {name: value for name, value in uri.params.items() if name != "method"}
    return replace(uri, headers="", params=params)


def contact_of(message: Request | Response) -> Uri:
    """Return the one URI of the Contact header, or raise NoDialog."""
    contacts = message.headers.all("Contact")
    if not contacts:
        raise NoDialog("no Contact")
    try:
        return NameAddr.parse(contacts[0]).uri
    except ValueError as error:
        raise NoDialog(f"unusable Contact: {error}") from error


def _routes(message: Request | Response) -> tuple[str, ...]:
    """Return the Record-Route values that a request can be sent by."""
    usable = []
    for value in message.headers.all("Record-Route"):
        try:
            NameAddr.parse(value)
        except ValueError:
            continue
        usable.append(value)
    return tuple(usable)
