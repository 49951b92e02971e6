"""Reliable provisional answers, number by number (RFC 3262)."""

from __future__ import annotations

import pytest

from channels.sip.headers import Headers
from channels.sip.message import Response
from channels.sip.reliability import Acknowledged, InOrder, ProvisionalRepeat, rseq_of
from channels.sip.transaction import Send, TimedOut, Timers


def provisional(status: int = 180, rseq: str = "7", require: str = "100rel") -> Response:
    return Response(status=status, headers=Headers([("Require", require), ("RSeq", rseq)]))


def test_rack_reads_as_it_writes() -> None:
    assert Acknowledged.parse("776656 1 INVITE") == Acknowledged(776656, 1, "INVITE")
    assert str(Acknowledged(776656, 1)) == "776656 1 INVITE"


@pytest.mark.parametrize("text", ["", "1", "1 2", "x 1 INVITE", "1 2 INVITE more", "99999999999 1 INVITE"])
def test_a_malformed_rack_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="RAck"):
        Acknowledged.parse(text)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (provisional(), 7),
        (provisional(100), None),
        (provisional(200), None),
        (provisional(rseq="0"), None),
        (provisional(rseq="4294967296"), None),
        (provisional(rseq="-1"), None),
        (provisional(require="timer"), None),
        (provisional(require="timer, 100REL"), 7),
    ],
)
def test_only_a_numbered_answer_that_requires_it_is_acknowledged(response: Response, expected: int | None) -> None:
    assert rseq_of(response) == expected


def test_answers_are_taken_in_order_and_none_twice() -> None:
    order = InOrder()

    assert [order.accepts(number) for number in (5, 5, 7, 6, 4, 7)] == [True, False, False, True, False, True]


def test_a_reliable_answer_is_sent_again_at_doubling_intervals_until_the_limit() -> None:
    machine = ProvisionalRepeat(provisional(), timers=Timers())
    machine.start(0.0)
    sent, given_up = [], None
    while (deadline := machine.next_deadline()) is not None:
        for action in machine.tick(deadline):
            if isinstance(action, Send):
                sent.append(deadline)
            elif isinstance(action, TimedOut):
                given_up = deadline

    assert sent == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert given_up == 32.0
