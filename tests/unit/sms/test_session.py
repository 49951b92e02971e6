"""A session with a centre, on octets and a clock of its own; CMPP's units, because they are the shorter ones."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.cmpp.codec import decode, encode
from channels.sms.cmpp.dialect import CmppDialect
from channels.sms.cmpp.pdu import (
    ActiveTest,
    ActiveTestResp,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
    Version,
)
from channels.sms.coding import Coding
from channels.sms.session import Event, Limits, Session, State
from channels.sms.words import Answer, Delivery, Ended, Garbage, Opened, ShortMessage, Submitted, Verdict

LOCAL = datetime(2026, 11, 22, 9, 0)
LIMITS = Limits(window=2, answer_within=60.0, attempts=3, silence=180.0)
MESSAGE = ShortMessage(sender="106", addressee="138", coding=Coding.ASCII, octets=b"ok")
DELIVER = Deliver(message_id=5, addressee="106", service_id="", sender="138", coding=0, content=b"hi")
IN = ConnectResp(status=0, authenticator=bytes(16), version=0x30)


class Line:
    """A session and what it said."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        dialect = CmppDialect(source="901234", secret="s", service_id="", version=Version.V3)
        self.session = Session(dialect, limits)

    def said(self) -> list[tuple[int, Pdu]]:
        octets, units = self.session.octets(), list[tuple[int, Pdu]]()
        while octets:
            length = int.from_bytes(octets[:4])
            units.append(decode(octets[:length], Version.V3))
            octets = octets[length:]
        return units

    def hear(self, pdu: Pdu, sequence: int, now: float = 0.0) -> list[Event]:
        return list(self.session.receive(encode(pdu, sequence, Version.V3), now))

    def opened(self) -> Line:
        self.session.begin(0.0, LOCAL)
        self.said()
        assert self.hear(IN, 1) == [Opened(sequence=1)]
        return self


def test_a_session_opens_when_the_centre_says_so() -> None:
    line = Line()
    line.session.begin(0.0, LOCAL)

    assert not line.session.is_open
    assert line.hear(IN, 99) == []
    assert line.hear(IN, 1) == [Opened(sequence=1)]
    assert line.session.is_open


def test_a_refused_opening_ends_it() -> None:
    line = Line()
    line.session.begin(0.0, LOCAL)

    events = line.hear(ConnectResp(status=3, authenticator=bytes(16), version=0x30), 1)

    assert events == [Ended(reason="the centre refused us: wrong secret")]
    assert line.session.state is State.ENDED


def test_an_opening_is_said_once() -> None:
    line = Line()
    line.session.begin(0.0, LOCAL)

    assert line.session.deadline == 60.0
    assert list(line.session.tick(60.0)) == [Ended(reason="no answer to our opening")]


def test_messages_wait_within_the_window() -> None:
    line = Line().opened()
    first, second = line.session.submit(MESSAGE, 1.0), line.session.submit(MESSAGE, 1.0)

    with pytest.raises(RuntimeError):
        line.session.submit(MESSAGE, 1.0)
    events = line.hear(SubmitResp(message_id=9, result=0), first)

    assert events == [Submitted(sequence=first, verdict=Verdict.ACCEPTED, centre_id="0000000000000009")]
    assert line.hear(SubmitResp(message_id=9, result=0), first) == []
    assert line.session.room == 1
    assert second == first + 1


def test_an_unanswered_message_is_said_again_with_its_sequence_and_then_the_session_ends() -> None:
    line = Line().opened()
    sequence = line.session.submit(MESSAGE, 0.0)
    (first,) = line.said()

    again = []
    for now in (60.0, 120.0):
        assert line.session.deadline == now
        assert list(line.session.tick(now)) == []
        again += line.said()
    events = list(line.session.tick(180.0))

    assert again == [first, first]
    assert first[0] == sequence
    assert isinstance(first[1], Submit)
    assert events == [Ended(reason="no answer to our message")]


def test_a_silent_centre_is_asked_and_its_answer_counts() -> None:
    line = Line().opened()

    assert line.session.deadline == 180.0
    list(line.session.tick(180.0))
    ((sequence, asked),) = line.said()
    assert line.hear(ActiveTestResp(), sequence, 181.0) == []

    assert isinstance(asked, ActiveTest)
    assert line.session.deadline == 361.0


def test_a_centre_that_never_answers_is_given_up() -> None:
    line = Line().opened()
    for now in (180.0, 240.0, 300.0):
        assert list(line.session.tick(now)) == []

    assert list(line.session.tick(360.0)) == [Ended(reason="no answer to our question whether it lives")]


def test_what_we_did_not_listen_to_is_not_held_against_the_centre() -> None:
    line = Line().opened()
    line.session.submit(MESSAGE, 0.0)
    line.session.excuse(500.0)

    assert list(line.session.tick(500.0)) == []
    assert line.session.deadline == 560.0


def test_deliveries_are_answered_when_we_say_so() -> None:
    line = Line().opened()
    (delivery,) = line.hear(DELIVER, 40)

    assert isinstance(delivery, Delivery)
    assert line.said() == []
    line.session.answer(delivery, Answer.TAKEN)
    assert line.said() == [(40, DeliverResp(message_id=5, result=0))]


def test_a_delivery_before_the_session_is_open_is_garbage() -> None:
    line = Line()
    line.session.begin(0.0, LOCAL)

    (event,) = line.hear(DELIVER, 40)

    assert isinstance(event, Garbage)


def test_after_the_end_nothing_is_answered() -> None:
    line = Line().opened()
    (delivery,) = line.hear(DELIVER, 40)
    assert isinstance(delivery, Delivery)
    assert line.hear(Terminate(), 41) == [Ended(reason="the centre left")]
    assert line.said() == [(41, TerminateResp())]

    line.session.answer(delivery, Answer.TAKEN)

    assert line.said() == []
    assert line.session.deadline is None


def test_we_leave_with_the_centres_answer() -> None:
    line = Line().opened()
    line.session.leave(0.0)
    ((sequence, said),) = line.said()

    assert said == Terminate()
    assert not line.session.is_open
    assert line.hear(TerminateResp(), sequence) == [Ended(reason="we left")]


@pytest.mark.parametrize("length", [0, 11, 64 * 1024 + 1025, 0xFFFFFFFF])
def test_an_impossible_length_ends_it(length: int) -> None:
    line = Line().opened()

    (event,) = line.session.receive(length.to_bytes(4) + bytes(20), 0.0)

    assert event == Ended(reason=f"the centre announced a unit of {length} octets")


@given(st.lists(st.integers(1, 40), max_size=20))
def test_units_may_come_in_any_pieces(cuts: list[int]) -> None:
    line = Line().opened()
    octets = b"".join(encode(pdu, 7, Version.V3) for pdu in (ActiveTest(), DELIVER, ActiveTest(), DELIVER))
    events: list[Event] = []
    for cut in cuts:
        events += line.session.receive(octets[:cut], 0.0)
        octets = octets[cut:]
    events += line.session.receive(octets, 0.0)

    assert len(events) == 2
    assert line.said() == [(7, ActiveTestResp())] * 2


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_no_octets_break_a_session(octets: list[bytes]) -> None:
    line = Line().opened()
    for piece in octets:
        list(line.session.receive(piece, 0.0))
    list(line.session.tick(1000.0))
