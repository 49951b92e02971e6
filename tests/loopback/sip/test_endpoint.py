"""The transaction layer alone, with a user of its own."""

from __future__ import annotations

import asyncio

from channels.sip.connections import ListenAddress, Target
from channels.sip.endpoint import Endpoint
from channels.sip.exchange import IncomingRequest
from channels.sip.message import Request, Response, make_response, parse
from tests.fakes.sip import LIMIT, QUICK
from tests.fakes.sip_peer import RawPeer


class User:
    """Admits all, keeps what comes, and breaks when told to."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[IncomingRequest] = asyncio.Queue()
        self.acks: asyncio.Queue[Request] = asyncio.Queue()
        self.cancels: asyncio.Queue[IncomingRequest] = asyncio.Queue()
        self.is_broken = False

    def hears(self, host: str) -> bool:
        return True

    def knows(self, host: str) -> bool:
        return True

    def admits(self, request: Request, source: Target) -> bool:
        return True

    def on_request(self, incoming: IncomingRequest) -> None:
        if self.is_broken:
            raise RuntimeError("broken on purpose")
        self.requests.put_nowait(incoming)

    def on_cancel(self, invite: IncomingRequest) -> None:
        self.cancels.put_nowait(invite)

    def on_ack(self, ack: Request) -> None:
        if self.is_broken:
            raise RuntimeError("broken on purpose")
        self.acks.put_nowait(ack)


def endpoint(user: User) -> Endpoint:
    listen = [ListenAddress("udp", "127.0.0.1", 0), ListenAddress("tcp", "127.0.0.1", 0)]
    return Endpoint(listen, handler=user, timers=QUICK)


async def test_a_user_that_breaks_costs_one_request() -> None:
    user = User()
    async with endpoint(user) as ours, RawPeer() as peer:
        us = ours.addresses[0]
        user.is_broken = True
        peer.send(peer.new_request("OPTIONS", us), us)
        failed = await peer.response(500)
        peer.send(peer.new_request("ACK", us, to_tag="x"), us)
        user.is_broken = False
        peer.send(peer.new_request("OPTIONS", us), us)

        assert failed.to.tag
        assert (await user.requests.get()).request.method == "OPTIONS"


async def test_a_callback_that_breaks_costs_one_response() -> None:
    async with endpoint(User()) as ours, RawPeer() as peer:
        us = ours.addresses[0]
        heard: asyncio.Queue[int] = asyncio.Queue()

        def take(response: Response) -> None:
            heard.put_nowait(response.status)
            if response.status == 100:
                raise RuntimeError("broken on purpose")

        ours.request(peer.new_request("OPTIONS", us), peer.target, take)
        request = await peer.request("OPTIONS")
        peer.reply(request, 100, us, tag=None)
        peer.reply(request, 200, us)

        assert [await heard.get(), await heard.get()] == [100, 200]


async def test_an_alarm_that_breaks_stops_no_other() -> None:
    rung = asyncio.Event()

    def fail() -> None:
        raise RuntimeError("broken on purpose")

    async with endpoint(User()) as ours:
        ours.call_at(ours.now(), fail)
        ours.call_off(ours.call_at(ours.now(), fail))
        ours.call_at(ours.now(), rung.set)
        async with asyncio.timeout(LIMIT):
            await rung.wait()

        assert ours.deadlines == 0


async def test_an_old_clients_ack_with_the_branch_of_its_invite_reaches_the_user() -> None:
    user = User()
    async with endpoint(user) as ours, RawPeer() as peer:
        us = ours.addresses[0]
        invite = peer.invite(us, branch="1")
        peer.send(invite, us)
        incoming = await user.requests.get()
        incoming.respond(make_response(incoming.request, 200, to_tag=incoming.tag))
        answer = await peer.response(200)
        peer.send(peer.ack(invite, answer, us, branch="1"), us)

        assert (await user.acks.get()).cseq == (1, "ACK")


async def test_a_response_whose_connection_is_gone_goes_to_the_port_in_via() -> None:
    user = User()
    answered: asyncio.Queue[Response] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        message = parse(await reader.readuntil(b"\r\n\r\n"))
        assert isinstance(message, Response)
        answered.put_nowait(message)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server, endpoint(user) as ours, RawPeer() as peer:
        us = ours.addresses[1]
        request = peer.new_request("OPTIONS", us)
        port = server.sockets[0].getsockname()[1]
        request.headers.set("Via", f"SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bKtcp")
        _, writer = await asyncio.open_connection(us.host, us.port)
        writer.write(request.encode())
        incoming = await user.requests.get()
        asking = asyncio.ensure_future(ours.ask(peer.new_request("OPTIONS", us), incoming.source))
        writer.close()
        await writer.wait_closed()
        lost, is_from_peer = await asking
        incoming.respond(make_response(incoming.request, 200, to_tag=incoming.tag))

        assert (lost.status, is_from_peer) == (503, False)
        assert (await answered.get()).status == 200


async def test_messages_that_come_in_pieces_over_tcp_are_answered_in_order() -> None:
    user = User()
    async with endpoint(user) as ours, RawPeer() as peer:
        us = ours.addresses[1]
        first, second = peer.new_request("OPTIONS", us, number=1), peer.new_request("OPTIONS", us, number=2)
        octets = first.encode() + b"\r\n\r\n" + second.encode()
        _, writer = await asyncio.open_connection(us.host, us.port)
        for start in range(0, len(octets), 100):
            writer.write(octets[start : start + 100])
            await writer.drain()
        numbers = [(await user.requests.get()).request.cseq[0] for _ in range(2)]
        writer.close()
        await writer.wait_closed()

        assert numbers == [1, 2]
