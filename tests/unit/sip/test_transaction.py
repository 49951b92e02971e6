"""The four transaction machines, timer by timer."""

from __future__ import annotations

import pytest

from channels.sip.client_transaction import InviteClient, NonInviteClient, cancel_for
from channels.sip.headers import Headers
from channels.sip.message import Request, Response, make_response
from channels.sip.server_transaction import AnswerRepeat, InviteServer, NonInviteServer
from channels.sip.transaction import (
    Action,
    Deliver,
    Finished,
    Machine,
    Send,
    TimedOut,
    Timers,
    TransactionState,
    TransportLost,
    client_key,
    server_key,
)

TIMERS = Timers()
T0 = 1000.0


def request(method: str = "INVITE", *, branch: str = "z9hG4bK1", to_tag: str = "", number: int = 7) -> Request:
    headers = Headers(
        [
            ("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}"),
            ("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKfar"),
            ("Route", "<sip:192.0.2.3;lr>"),
            ("From", "<sip:a@192.0.2.1>;tag=a"),
            ("To", "<sip:b@192.0.2.2>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", "call"),
            ("CSeq", f"{number} {method}"),
        ]
    )
    return Request(method=method, uri="sip:b@192.0.2.2", headers=headers)


def response(status: int, method: str = "INVITE") -> Response:
    return make_response(request(method), status, to_tag="b")


def run(machine: Machine, until: float) -> list[tuple[float, Action]]:
    """Tick at every deadline up to *until*; return what was done when, in seconds after T0."""
    done: list[tuple[float, Action]] = []
    while (deadline := machine.next_deadline()) is not None and deadline <= T0 + until:
        done += [(round(deadline - T0, 6), action) for action in machine.tick(deadline)]
    return done


def times(done: list[tuple[float, Action]], kind: type[Action]) -> list[float]:
    return [at for at, action in done if isinstance(action, kind)]


def messages(actions: list[Action]) -> list[object]:
    return [action.message for action in actions if isinstance(action, Send | Deliver)]


class TestInviteClient:
    def machine(self, *, reliable: bool = False) -> InviteClient:
        machine = InviteClient(request(), reliable=reliable, timers=TIMERS)
        assert machine.start(T0) == [Send(machine.request)]
        return machine

    def test_a_doubles_and_b_gives_up_after_32_seconds(self) -> None:
        done = run(self.machine(), 100)

        assert times(done, Send) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert done[-2:] == [(32.0, TimedOut()), (32.0, Finished())]

    def test_nothing_is_sent_again_over_tcp(self) -> None:
        done = run(self.machine(reliable=True), 100)

        assert done == [(32.0, TimedOut()), (32.0, Finished())]

    def test_a_provisional_stops_both_timers(self) -> None:
        machine = self.machine()
        ringing = response(180)

        assert machine.receive(ringing, T0 + 1) == [Deliver(ringing)]
        assert machine.next_deadline() is None
        assert machine.receive(ringing, T0 + 2) == [Deliver(ringing)]

    @pytest.mark.parametrize("after_provisional", [True, False])
    def test_every_2xx_is_delivered_until_m(self, after_provisional: bool) -> None:
        machine = self.machine()
        if after_provisional:
            machine.receive(response(183), T0)
        answer = response(200)

        assert machine.receive(answer, T0 + 1) == [Deliver(answer)]
        assert machine.receive(answer, T0 + 2) == [Deliver(answer)]
        assert machine.receive(response(180), T0 + 2) == []
        assert machine.receive(response(486), T0 + 2) == []
        assert run(machine, 100) == [(33.0, Finished())]

    def test_a_refusal_is_acknowledged_each_time_and_delivered_once(self) -> None:
        machine = self.machine()
        busy = response(486)
        ack, delivered = messages(machine.receive(busy, T0 + 1))
        again = messages(machine.receive(busy, T0 + 5))

        assert isinstance(ack, Request)
        assert delivered is busy
        assert again == [ack]
        assert machine.receive(response(200), T0 + 6) == []
        assert run(machine, 100) == [(33.0, Finished())]

    def test_the_ack_of_a_refusal_has_branch_route_and_the_to_tag(self) -> None:
        ack = messages(self.machine().receive(response(486), T0))[0]

        assert isinstance(ack, Request)
        assert ack.method == "ACK"
        assert ack.headers.all("Via") == ["SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"]
        assert ack.headers.all("Route") == ["<sip:192.0.2.3;lr>"]
        assert ack.to.tag == "b"
        assert ack.cseq == (7, "ACK")

    def test_over_tcp_a_refused_invite_is_forgotten_at_once(self) -> None:
        machine = self.machine(reliable=True)

        assert Finished() in machine.receive(response(486), T0)
        assert machine.next_deadline() is None

    def test_a_cancelled_invite_without_final_answer_is_given_up_after_32_seconds(self) -> None:
        machine = self.machine()
        machine.receive(response(180), T0)
        machine.cancelled(T0 + 3)

        assert run(machine, 100) == [(35.0, TimedOut()), (35.0, Finished())]

    def test_a_final_answer_ends_the_wait_for_the_cancelled(self) -> None:
        machine = self.machine()
        machine.receive(response(180), T0)
        machine.cancelled(T0)
        machine.receive(response(487), T0 + 1)

        assert run(machine, 100) == [(33.0, Finished())]

    def test_a_lost_transport_ends_it(self) -> None:
        machine = self.machine(reliable=True)

        assert machine.transport_failed() == [TransportLost(), Finished()]
        assert machine.transport_failed() == []

    def test_a_late_tick_sends_once_and_not_in_a_burst(self) -> None:
        machine = self.machine()

        assert machine.tick(T0 + 20) == [Send(machine.request)]
        assert machine.tick(T0 + 20) == []

    def test_the_cancel_repeats_branch_and_route_of_the_invite(self) -> None:
        cancel = cancel_for(request())

        assert cancel.cseq == (7, "CANCEL")
        assert cancel.headers.all("Via") == ["SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"]
        assert cancel.headers.all("Route") == ["<sip:192.0.2.3;lr>"]


class TestNonInviteClient:
    def machine(self, *, reliable: bool = False) -> NonInviteClient:
        machine = NonInviteClient(request("BYE"), reliable=reliable, timers=TIMERS)
        assert machine.start(T0) == [Send(machine.request)]
        return machine

    def test_e_doubles_to_t2_and_f_gives_up_after_32_seconds(self) -> None:
        done = run(self.machine(), 100)

        assert times(done, Send) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert done[-2:] == [(32.0, TimedOut()), (32.0, Finished())]

    def test_after_a_provisional_it_is_sent_every_t2(self) -> None:
        machine = self.machine()
        trying = response(100, "BYE")

        assert machine.receive(trying, T0 + 0.2) == [Deliver(trying)]
        assert times(run(machine, 13), Send) == [0.5, 4.5, 8.5, 12.5]

    def test_the_final_answer_is_delivered_once_and_k_absorbs_the_rest(self) -> None:
        machine = self.machine()
        ok = response(200, "BYE")

        assert machine.receive(ok, T0 + 1) == [Deliver(ok)]
        assert machine.receive(ok, T0 + 2) == []
        assert run(machine, 100) == [(6.0, Finished())]

    def test_over_tcp_nothing_is_sent_again_and_k_is_zero(self) -> None:
        machine = self.machine(reliable=True)
        ok = response(200, "BYE")

        assert run(machine, 31) == []
        assert machine.receive(ok, T0 + 31) == [Deliver(ok), Finished()]


class TestInviteServer:
    def machine(self, *, reliable: bool = False) -> InviteServer:
        return InviteServer(request(), reliable=reliable, timers=TIMERS)

    def ack(self) -> Request:
        return request("ACK", to_tag="b")

    def test_an_invite_sent_again_gets_the_last_provisional(self) -> None:
        machine = self.machine()
        ringing = response(180)

        assert machine.receive(request(), T0) == []
        machine.respond(response(100), T0)
        assert machine.respond(ringing, T0) == [Send(ringing)]
        assert machine.receive(request(), T0) == [Send(ringing)]

    def test_a_refusal_is_sent_until_its_ack(self) -> None:
        machine = self.machine()
        busy = response(486)
        machine.respond(busy, T0)

        assert times(run(machine, 10), Send) == [0.5, 1.5, 3.5, 7.5]
        assert machine.receive(request(), T0 + 10) == [Send(busy)]
        assert machine.receive(self.ack(), T0 + 10) == []
        assert machine.receive(request(), T0 + 10) == []
        assert machine.receive(self.ack(), T0 + 11) == []
        assert run(machine, 100) == [(15.0, Finished())]

    def test_a_refusal_never_acknowledged_times_out_with_h(self) -> None:
        machine = self.machine()
        machine.respond(response(486), T0)

        assert run(machine, 100)[-2:] == [(32.0, TimedOut()), (32.0, Finished())]

    def test_over_tcp_a_refusal_is_sent_once_and_i_is_zero(self) -> None:
        machine = self.machine(reliable=True)
        machine.respond(response(486), T0)

        assert run(machine, 30) == []
        assert machine.receive(self.ack(), T0 + 30) == [Finished()]

    def test_after_a_2xx_invites_are_absorbed_and_acks_delivered_until_l(self) -> None:
        machine = self.machine()
        answer, ack = response(200), self.ack()

        assert machine.respond(answer, T0) == [Send(answer)]
        assert machine.receive(request(), T0 + 1) == []
        assert machine.receive(ack, T0 + 2) == [Deliver(ack)]
        assert machine.respond(answer, T0 + 3) == [Send(answer)]
        assert run(machine, 100) == [(32.0, Finished())]

    @pytest.mark.parametrize(("first", "second"), [(200, 486), (486, 200), (486, 180), (487, 487)])
    def test_nothing_follows_a_final_answer(self, first: int, second: int) -> None:
        machine = self.machine()
        machine.respond(response(first), T0)

        assert machine.is_answered
        assert machine.respond(response(second), T0) == []


class TestNonInviteServer:
    def test_the_answer_is_given_again_until_j(self) -> None:
        machine = NonInviteServer(request("BYE"), reliable=False, timers=TIMERS)
        ok = response(200, "BYE")

        assert machine.receive(request("BYE"), T0) == []
        assert machine.respond(ok, T0) == [Send(ok)]
        assert machine.receive(request("BYE"), T0 + 1) == [Send(ok)]
        assert machine.respond(response(500, "BYE"), T0 + 1) == []
        assert run(machine, 100) == [(32.0, Finished())]

    def test_a_provisional_is_repeated_too(self) -> None:
        machine = NonInviteServer(request("OPTIONS"), reliable=False, timers=TIMERS)
        trying = response(100, "OPTIONS")

        machine.respond(trying, T0)
        assert machine.receive(request("OPTIONS"), T0) == [Send(trying)]
        assert machine.state is TransactionState.PROCEEDING

    def test_over_tcp_j_is_zero(self) -> None:
        machine = NonInviteServer(request("BYE"), reliable=True, timers=TIMERS)
        ok = response(200, "BYE")

        assert machine.respond(ok, T0) == [Send(ok), Finished()]


class TestAnswerRepeat:
    def test_an_answer_is_sent_again_until_it_times_out(self) -> None:
        machine = AnswerRepeat(response(200), timers=TIMERS)
        machine.start(T0)
        done = run(machine, 100)

        assert times(done, Send) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert done[-2:] == [(32.0, TimedOut()), (32.0, Finished())]

    def test_the_ack_stops_it(self) -> None:
        machine = AnswerRepeat(response(200), timers=TIMERS)
        machine.start(T0)

        assert machine.stop() == [Finished()]
        assert machine.stop() == []
        assert machine.next_deadline() is None


class TestMatching:
    def test_a_response_finds_its_request_by_branch_and_method(self) -> None:
        assert client_key(response(200)) == client_key(request())
        assert client_key(response(200)) != client_key(request(branch="z9hG4bK2"))
        assert client_key(make_response(cancel_for(request()), 200)) != client_key(request())

    def test_ack_and_cancel_find_the_invite(self) -> None:
        assert server_key(request("ACK", to_tag="b")) == server_key(request())
        assert server_key(cancel_for(request()), "INVITE") == server_key(request())
        assert server_key(cancel_for(request())) != server_key(request())

    def test_the_same_branch_with_another_number_is_another_transaction(self) -> None:
        assert server_key(request(number=8)) != server_key(request())

    def test_the_same_branch_from_elsewhere_is_another_transaction(self) -> None:
        other = request()
        other.headers.set("Via", "SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK1")

        assert server_key(other) != server_key(request())

    def test_a_client_of_rfc_2543_is_matched_by_what_it_keeps_equal(self) -> None:
        invite = request(branch="old")

        assert server_key(request("ACK", branch="old", to_tag="b")) == server_key(invite)
        assert server_key(request(branch="old")) == server_key(invite)
        assert server_key(request(branch="old", number=8)) != server_key(invite)
