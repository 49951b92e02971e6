"""A SIP peer in the hands of the test: it sends what the test says, when the test says, and never by itself."""

from __future__ import annotations

import asyncio
import secrets
from typing import Self, cast

from channels.sip.connections import Target
from channels.sip.headers import Headers
from channels.sip.message import Message, Request, Response, make_response, parse
from channels.sip.sdp import SessionDescription
from tests.fakes.sip import LIMIT, offer


class RawPeer(asyncio.DatagramProtocol):
    """One UDP socket; everything received is kept in order."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self.target = Target("udp", "", 0)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(self._host, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()
        await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.target = Target("udp", *transport.get_extra_info("sockname")[:2])

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        assert message is not None
        self._received.put_nowait(message)

    @property
    def place(self) -> str:
        """Host and port as a URI or Via has them."""
        return str(self.target).partition(":")[2]

    @property
    def contact(self) -> str:
        """The Contact of this peer."""
        return f"<sip:peer@{self.place}>"

    def send(self, message: Message | bytes, to: Target) -> None:
        """Send one message."""
        assert self._transport is not None
        octets = message if isinstance(message, bytes) else message.encode()
        self._transport.sendto(octets, (to.host, to.port))

    async def response(self, *statuses: int, method: str | None = None) -> Response:
        """Wait for the next response of one of these statuses; everything before it is skipped."""
        while True:
            message = await self.next()
            if (
                isinstance(message, Response)
                and message.status in statuses
                and (method is None or message.cseq[1] == method)
            ):
                return message

    async def request(self, method: str, *, after: tuple[Request, ...] = ()) -> Request:
        """Wait for the next request of this method; all before it is skipped, and those of *after* sent again."""
        known = {request.via.branch for request in after}
        while True:
            message = await self.next()
            if isinstance(message, Request) and message.method == method and message.via.branch not in known:
                return message

    async def next(self) -> Message:
        """Wait for the next message."""
        async with asyncio.timeout(LIMIT):
            return await self._received.get()

    def heard(self) -> list[Message]:
        """Return what has come and was not waited for."""
        heard = []
        while not self._received.empty():
            heard.append(self._received.get_nowait())
        return heard

    def new_request(
        self,
        method: str,
        to: Target,
        *,
        uri: str | None = None,
        description: SessionDescription | None = None,
        call_id: str | None = None,
        from_tag: str = "peer",
        to_tag: str | None = None,
        number: int = 1,
        branch: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Request:
        """Build a request outside a dialog, or in one when *to_tag* is given."""
        uri = uri or f"sip:12345@{_place(to)}"
        branch = branch or f"z9hG4bK{secrets.token_hex(6)}"
        lines = [
            ("Via", f"SIP/2.0/UDP {self.place};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:13000000000@{self.place}>;tag={from_tag}"),
            ("To", "<sip:12345@hotline.invalid>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", call_id or secrets.token_hex(8)),
            ("CSeq", f"{number} {method}"),
            ("Contact", self.contact),
            *headers,
        ]
        body = b""
        if description is not None:
            lines.append(("Content-Type", "application/sdp"))
            body = description.encode()
        return Request(method=method, uri=uri, headers=Headers(lines), body=body)

    def invite(self, to: Target, **more: object) -> Request:
        """Build an INVITE with an offer."""
        more.setdefault("description", offer())
        return self.new_request("INVITE", to, **more)  # type: ignore[arg-type]

    def within(
        self, invite: Request, answer: Response, method: str, to: Target, number: int, **more: object
    ) -> Request:
        """Build a request in the dialog that *invite*, ours, and its *answer* made."""
        return self.new_request(
            method,
            to,
            call_id=invite.call_id,
            from_tag=invite.from_.tag or "",
            to_tag=answer.to.tag,
            number=number,
            **more,  # type: ignore[arg-type]
        )

    def ack(self, invite: Request, answer: Response, to: Target, **more: object) -> Request:
        """Build the ACK of a 2xx."""
        return self.within(invite, answer, "ACK", to, invite.cseq[0], **more)

    def ack_refusal(self, invite: Request, answer: Response, to: Target) -> Request:
        """Build the ACK of a refusal: in the INVITE's own transaction."""
        return self.within(invite, answer, "ACK", to, invite.cseq[0], branch=invite.via.branch)

    def cancel(self, invite: Request, to: Target) -> Request:
        """Build the CANCEL of an INVITE of ours."""
        return self.new_request(
            "CANCEL",
            to,
            call_id=invite.call_id,
            from_tag=invite.from_.tag or "",
            number=invite.cseq[0],
            branch=invite.via.branch,
        )

    def reply(
        self,
        request: Request,
        status: int,
        to: Target,
        *,
        tag: str | None = "peer",
        description: SessionDescription | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Answer a request that came."""
        response = make_response(
            request,
            status,
            to_tag=tag,
            headers=[("Contact", self.contact), *headers],
            body=b"" if description is None else description.encode(),
            content_type=None if description is None else "application/sdp",
        )
        self.send(response, to)
        return response

    def backward(self, invite: Request, method: str, to: Target, number: int, *, tag: str = "peer") -> Request:
        """Build a request in the dialog that *invite*, the other side's, made with our To tag."""
        lines = [
            ("Via", f"SIP/2.0/UDP {self.place};branch=z9hG4bK{secrets.token_hex(6)};rport"),
            ("Max-Forwards", "70"),
            ("From", str(invite.to.with_tag(tag))),
            ("To", str(invite.from_)),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", self.contact),
        ]
        return Request(method=method, uri=f"sip:{_place(to)}", headers=Headers(lines))


def _place(target: Target) -> str:
    return str(target).partition(":")[2]
