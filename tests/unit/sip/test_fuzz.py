"""The fuzz target: mutations of every torture message through everything that reads one. Nothing may raise.

Deterministic: the same seed gives the same messages. ``JIESU_FUZZ`` sets how many are made of each text (CI: 200);
``JIESU_FUZZ_SEED`` another seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from channels.sip.bodies import UnusableBody, accepts_sdp, description_of, digit_of
from channels.sip.capabilities import allows, not_understood, supports
from channels.sip.client_transaction import InviteClient, NonInviteClient, ack_for_refusal, cancel_for
from channels.sip.dialog import Dialog, NoDialog
from channels.sip.endpoint import stamp_via
from channels.sip.identity import caller_of, diversions_of, wants_privacy
from channels.sip.message import BadMessage, Message, Request, Response, StreamParser, make_response, parse
from channels.sip.numbers import number_of
from channels.sip.offer_answer import NotAcceptable, accept_answer, answer, make_offer
from channels.sip.redirection import contacts_of
from channels.sip.referral import BadReferral, is_terminated, read_fragment, refer_to_of, replaces_of
from channels.sip.reliability import rseq_of
from channels.sip.server_transaction import InviteServer, NonInviteServer
from channels.sip.session_timer import Timer, TimerPolicy, TooSmall
from channels.sip.target import Target
from channels.sip.transaction import Timers, client_key, server_key
from channels.sip.uri import Uri
from tests.fakes.sip_messages import INVITE

TEXTS = {str(path.name): path.read_bytes() for path in sorted(Path("tests/data/sip").rglob("*.dat"))}
TEXTS["invite"] = INVITE
COUNT = int(os.environ.get("JIESU_FUZZ", "200"))
SEED = int(os.environ.get("JIESU_FUZZ_SEED", "4475"))
PIECES = [
    *(bytes([octet]) for octet in b'\r\n\0"<>,;:=@?[]()\\/ \t%+*&#\x7f\x80\xc3\xff'),
    *(b"\r\n", b"\r\n\r\n", b"\r\n ", b"Via:", b"v: SIP/2.0/UDP ", b"Content-Length: 99999999999999999999"),
    *(b"SIP/2.0", b"z9hG4bK", b";tag=", b"sip:", b"sips:", b"tel:", b"\xd6\xd0\xce\xc4", "接诉".encode()),
    *(
        b"Replaces: a;to-tag=b;from-tag=c",
        b"Require: 100rel",
        b"RSeq: 1",
        b"Session-Expires: 1",
        b"Refer-To: <sip:a@b>",
    ),
    *(b"P-Asserted-Identity: <tel:+86>", b"History-Info: <sip:a@b>;index=1.1", b"m=audio 9 RTP/AVP 8", b"4294967296"),
]
US = Target("udp", "127.0.0.1", 5060)
REFUSALS = (BadMessage, UnusableBody, NoDialog, NotAcceptable, BadReferral, TooSmall)


def mutated(whole: bytes, chance: random.Random) -> bytes:
    """Cut, double, swap, overwrite and insert, a few times."""
    raw = bytearray(whole)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(raw) + 1)
        until = min(len(raw), at + chance.choice((0, 1, 2, 5, 20, 200)))
        kind = chance.randrange(6)
        if kind == 0:
            del raw[at:until]
        elif kind == 1:
            raw[at:at] = raw[at:until] * chance.choice((1, 2, 50))
        elif kind == 2:
            raw[at:until] = chance.choice(PIECES)
        elif kind == 3:
            raw[at:at] = chance.choice(PIECES) * chance.choice((1, 1, 1, 300))
        elif kind == 4 and raw:
            raw[at % len(raw)] ^= 1 << chance.randrange(8)
        else:
            other = chance.choice(list(TEXTS.values()))
            begin = chance.randrange(len(other))
            raw[at:at] = other[begin : begin + chance.randrange(200)]
    return bytes(raw)


def tried(read: Callable[[], object]) -> None:
    """Run; a refusal in the standard's own words is an answer, anything else a defect."""
    try:
        read()
    except REFUSALS:
        return


def read_message(raw: bytes) -> Message | None:
    try:
        return parse(raw)
    except BadMessage as bad:
        if bad.request is not None and bad.status is not None:
            refuse(bad)
        return None


def refuse(bad: BadMessage) -> bytes:
    assert bad.request is not None
    assert bad.status is not None
    try:
        stamp_via(bad.request, US)
    except ValueError:
        return b""
    return make_response(bad.request, bad.status, bad.reason, to_tag="t").encode()


def use_request(request: Request) -> None:
    """Do with a request what the layers above the parser do."""
    stamp_via(request, US)
    server_key(request)
    uri = Uri.parse(request.uri)
    number_of(uri, home_area="0476")
    caller = caller_of(request, believes=True)
    number_of(caller.uri)
    diversions_of(request)
    wants_privacy(request)
    not_understood(request)
    accepts_sdp(request)
    digit_of(request)
    supports(request, "timer")
    allows(request, "UPDATE")
    timer = Timer(TimerPolicy())
    tried(lambda: timer.check(request))
    timer.answer(request)
    is_terminated(request)
    for read in (refer_to_of, replaces_of, read_fragment):
        tried(lambda read=read: read(request))  # type: ignore[misc]
    tried(lambda: answer_offer(request))
    tried(lambda: within(Dialog.of_callee(request, "t")))
    for status in (100, 183, 200, 486):
        response = make_response(request, status, to_tag="t", headers=[("Contact", "<sip:us@127.0.0.1>")])
        assert isinstance(parse(response.encode()), Response)
    kind = InviteServer if request.method == "INVITE" else NonInviteServer
    machine = kind(request, reliable=False, timers=Timers())
    machine.respond(make_response(request, 486, to_tag="t"), 0.0)
    machine.receive(request, 0.1)
    machine.tick(100.0)


def within(dialog: Dialog) -> None:
    """Build what a dialog sends; it must be readable again."""
    for method in ("BYE", "INVITE"):
        request = dialog.request(method)
        request.headers.prepend("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx")
        assert isinstance(parse(request.encode()), Request)
    dialog.next_hop  # noqa: B018


def answer_offer(message: Message) -> None:
    description = description_of(message)
    if description is not None:
        answered, _ = answer(description, address="127.0.0.1", port=4000, session_id=1)
        answered.encode()
        accept_answer(make_offer(address="127.0.0.1", port=4000, session_id=1), description)


def use_response(response: Response) -> None:
    """Do with a response what the layers above the parser do."""
    client_key(response)
    rseq_of(response)
    contacts_of(response)
    timer = Timer(TimerPolicy())
    timer.read_answer(response)
    timer.raise_interval(response)
    tried(lambda: answer_offer(response))
    invite = parse(INVITE)
    assert isinstance(invite, Request)
    tried(lambda: within(Dialog.of_caller(invite, response)))
    ack_for_refusal(invite, response).encode()
    cancel_for(invite).encode()
    for kind in (InviteClient, NonInviteClient):
        machine = kind(invite, reliable=False, timers=Timers())
        machine.start(0.0)
        machine.receive(response, 0.1)
        machine.tick(100.0)


@pytest.mark.parametrize("name", TEXTS)
def test_no_mutation_of_a_torture_message_makes_anything_crash(name: str) -> None:
    chance = random.Random(f"{SEED} {name}")
    for _ in range(COUNT):
        message = read_message(mutated(TEXTS[name], chance))
        if isinstance(message, Request):
            use_request(message)
        elif isinstance(message, Response):
            use_response(message)


@pytest.mark.parametrize("name", TEXTS)
def test_a_stream_of_mutations_reads_the_same_however_it_is_cut(name: str) -> None:
    chance = random.Random(f"{SEED} stream {name}")
    stream = b"".join(mutated(TEXTS[name], chance) for _ in range(5))
    whole = StreamParser()
    at_once = [type(item) for item in whole.feed(stream)]
    pieces = StreamParser()
    cut: list[type] = []
    rest = stream
    while rest:
        size = chance.randint(1, 400)
        cut += [type(item) for item in pieces.feed(rest[:size])]
        rest = rest[size:]

    assert cut == at_once
    assert pieces.broken == whole.broken


def test_the_target_itself_is_deterministic() -> None:
    one, other = random.Random(SEED), random.Random(SEED)

    assert [mutated(INVITE, one) for _ in range(20)] == [mutated(INVITE, other) for _ in range(20)]
