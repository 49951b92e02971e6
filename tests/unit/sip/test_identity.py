"""Who calls, and whom he dialled."""

from __future__ import annotations

import pytest

from channels.sip.headers import Headers
from channels.sip.identity import (
    Diversion,
    asserted_identity,
    caller_of,
    diversions_of,
    identity_headers,
    originally_called,
    wants_privacy,
)
from channels.sip.message import Request
from channels.sip.uri import Uri

TEL_AND_SIP = "<sip:alice@x.invalid>, <tel:+8613800138000>"


def invite(*lines: tuple[str, str], from_: str = "<sip:claimed@x.invalid>;tag=1") -> Request:
    return Request(method="INVITE", uri="sip:12345@x.invalid", headers=Headers([("From", from_), *lines]))


def test_of_two_asserted_identities_the_number_counts() -> None:
    asserted = asserted_identity(invite(("P-Asserted-Identity", TEL_AND_SIP)))

    assert asserted is not None
    assert asserted.uri.user == "+8613800138000"


def test_a_malformed_assertion_is_none() -> None:
    assert asserted_identity(invite(("P-Asserted-Identity", "<<"))) is None
    assert asserted_identity(invite()) is None


@pytest.mark.parametrize(("believes", "user"), [(True, "+8613800138000"), (False, "claimed")])
def test_only_who_is_believed_can_assert(believes: bool, user: str) -> None:
    assert caller_of(invite(("P-Asserted-Identity", TEL_AND_SIP)), believes=believes).uri.user == user


@pytest.mark.parametrize(
    ("lines", "from_", "private"),
    [
        ([], "<sip:a@x.invalid>;tag=1", False),
        ([("Privacy", "id")], "<sip:a@x.invalid>;tag=1", True),
        ([("Privacy", "header;critical")], "<sip:a@x.invalid>;tag=1", True),
        ([("Privacy", "none")], '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', False),
        ([("Privacy", "session")], "<sip:a@x.invalid>;tag=1", False),
        ([], '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', True),
    ],
)
def test_who_does_not_want_to_be_shown(lines: list[tuple[str, str]], from_: str, private: bool) -> None:
    assert wants_privacy(invite(*lines, from_=from_)) is private


def test_what_we_say_of_ourselves() -> None:
    me = Uri(user="047612345", host="x.invalid")

    assert identity_headers(me, is_private=True) == [
        ("P-Asserted-Identity", "<sip:047612345@x.invalid>"),
        ("Privacy", "id"),
    ]
    assert identity_headers(None, is_private=False) == []


def test_diversion_tells_the_first_number_last() -> None:
    request = invite(("Diversion", '<sip:12345@a.invalid>;reason=unconditional, <tel:12315>;reason="user-busy"'))

    assert [(each.uri.user, each.reason) for each in diversions_of(request)] == [
        ("12315", "user-busy"),
        ("12345", "unconditional"),
    ]
    assert originally_called(request) == Uri(scheme="tel", user="12315")


def test_history_goes_before_diversion_and_a_hop_is_no_diversion() -> None:
    request = invite(
        ("Diversion", "<sip:999@a.invalid>"),
        ("History-Info", "<sip:12345@c.invalid;cause=302>;index=1.1.1"),
        ("History-Info", "<sip:12315@a.invalid?Reason=SIP%3Bcause%3D302>;index=1, <sip:12315@b.invalid>;index=1.1"),
    )

    assert diversions_of(request) == (Diversion(uri=Uri(user="12315", host="b.invalid"), reason="302"),)


def test_a_registrar_says_what_was_called_before_it_wrote_our_contact() -> None:
    request = invite(("P-Called-Party-ID", "<sip:047612315@ims.invalid;user=phone>"))

    assert originally_called(request) == Uri(user="047612315", host="ims.invalid", params={"user": "phone"})


@pytest.mark.parametrize(
    "line",
    [
        ("History-Info", "<sip:12345@a.invalid>;index=1"),
        ("History-Info", "<sip:1@a.invalid>;index=x, <sip:2@a.invalid>"),
        ("Diversion", "nonsense"),
        ("Subject", "none"),
    ],
)
def test_a_call_that_came_straight_was_not_diverted(line: tuple[str, str]) -> None:
    assert originally_called(invite(line)) is None
