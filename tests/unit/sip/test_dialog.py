"""Dialogs: what they take from the messages that make them, and the requests they build."""

from __future__ import annotations

import pytest

from channels.sip.dialog import Dialog, NoDialog
from channels.sip.headers import Headers
from channels.sip.message import Request, Response, make_response

ROUTES = "<sip:p1.invalid;lr>, <sip:p2.invalid;lr>"


def invite(contact: str | None = "<sip:a@192.0.2.1:5070>", routes: str = ROUTES) -> Request:
    headers = Headers(
        [
            ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
            ("From", '"甲" <sip:a@example.invalid>;tag=a'),
            ("To", "<sip:b@example.invalid>"),
            ("Call-ID", "call"),
            ("CSeq", "7 INVITE"),
        ]
    )
    if contact:
        headers.add("Contact", contact)
    if routes:
        headers.add("Record-Route", routes)
    return Request(method="INVITE", uri="sip:b@example.invalid", headers=headers)


def answer(tag: str = "b", contact: str = "<sip:b@192.0.2.2>") -> Response:
    return make_response(invite(), 200, to_tag=tag, headers=[("Contact", contact)])


def bye(number: int = 8, *, from_tag: str = "a", to_tag: str = "b") -> Request:
    headers = Headers(
        [
            ("From", f"<sip:a@example.invalid>;tag={from_tag}"),
            ("To", f"<sip:b@example.invalid>;tag={to_tag}"),
            ("Call-ID", "call"),
            ("CSeq", f"{number} BYE"),
        ]
    )
    return Request(method="BYE", uri="sip:b@192.0.2.2", headers=headers)


def test_the_callee_keeps_the_order_of_record_route() -> None:
    request = Dialog.of_callee(invite(), "b").request("BYE")

    assert request.uri == "sip:a@192.0.2.1:5070"
    assert request.headers.all("Route") == ["<sip:p1.invalid;lr>", "<sip:p2.invalid;lr>"]
    assert request.from_.tag == "b"
    assert request.to.tag == "a"
    assert request.to.display == "甲"


def test_the_caller_reverses_it_and_takes_tag_and_target_from_the_response() -> None:
    dialog = Dialog.of_caller(invite(), answer("b2", "<sip:b@192.0.2.99>"))
    request = dialog.request("BYE")

    assert request.uri == "sip:b@192.0.2.99"
    assert request.headers.all("Route") == ["<sip:p2.invalid;lr>", "<sip:p1.invalid;lr>"]
    assert request.to.tag == "b2"
    assert dialog.next_hop.host == "p2.invalid"


def test_each_request_has_the_next_cseq_and_the_ack_that_of_its_invite() -> None:
    dialog = Dialog.of_caller(invite(), answer())
    again = dialog.request("INVITE")
    again.headers.add("Proxy-Authorization", "Digest realm=a")
    bye, ack = dialog.request("BYE"), dialog.ack(again)

    assert again.cseq == (8, "INVITE")
    assert bye.cseq == (9, "BYE")
    assert ack.cseq == (8, "ACK")
    assert ack.headers.get("Proxy-Authorization") == "Digest realm=a"
    assert dialog.request("BYE").cseq == (10, "BYE")


def test_a_strict_router_becomes_the_request_uri() -> None:
    dialog = Dialog.of_callee(invite(routes="<sip:old.invalid>, <sip:p2.invalid;lr>"), "b")
    request = dialog.request("BYE")

    assert request.uri == "sip:old.invalid"
    assert request.headers.all("Route") == ["<sip:p2.invalid;lr>", "<sip:a@192.0.2.1:5070>"]
    assert dialog.next_hop.host == "old.invalid"


def test_a_request_out_of_order_is_not_accepted() -> None:
    dialog = Dialog.of_callee(invite(), "b")

    assert not dialog.accepts(bye(7))
    assert dialog.accepts(bye(20))
    assert not dialog.accepts(bye(19))
    assert dialog.accepts(bye(21))


def test_only_call_id_and_both_tags_together_name_a_dialog() -> None:
    dialog = Dialog.of_callee(invite(), "b")

    assert dialog.is_between(bye())
    assert not dialog.is_between(bye(from_tag="x"))
    assert not dialog.is_between(bye(to_tag="x"))


def test_a_reinvite_moves_the_target_but_not_the_route() -> None:
    dialog = Dialog.of_callee(invite(), "b")
    dialog.refresh_target(invite("<sip:a@192.0.2.50>", routes=""))
    dialog.refresh_target(bye())

    assert str(dialog.remote_target) == "sip:a@192.0.2.50"
    assert len(dialog.route_set) == 2


@pytest.mark.parametrize("contact", [None, "<sip:>", "*"])
def test_an_invite_without_usable_contact_makes_no_dialog(contact: str | None) -> None:
    with pytest.raises(NoDialog):
        Dialog.of_callee(invite(contact), "b")


def test_an_answer_without_contact_leaves_the_request_uri() -> None:
    response = make_response(invite(), 200, to_tag="b")

    assert str(Dialog.of_caller(invite(), response).remote_target) == "sip:b@example.invalid"


def test_a_contact_or_route_that_makes_no_sense_in_an_answer_does_not_cost_the_call() -> None:
    response = answer(contact="*")
    response.headers.set("Record-Route", "<nonsense>, <sip:p2.invalid;lr>")
    dialog = Dialog.of_caller(invite(), response)

    assert str(dialog.remote_target) == "sip:b@example.invalid"
    assert dialog.route_set == ("<sip:p2.invalid;lr>",)
