"""Session timers: who refreshes, and how often (RFC 4028)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.session_timer import Agreement, Timer, TimerPolicy, TooSmall, parse


def invite(supported: str = "timer", **headers: str) -> Request:
    lines = [("Supported", supported), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return Request(method="INVITE", uri="sip:b@example.invalid", headers=Headers(lines))


def response(status: int = 200, **headers: str) -> Response:
    return Response(status=status, headers=Headers((k.replace("_", "-"), v) for k, v in headers.items()))


def test_a_refresh_is_due_at_half_time_and_the_end_a_little_before_the_whole() -> None:
    agreed = Agreement(interval=1800, we_refresh=True)

    assert (agreed.refresh_after, agreed.give_up_after) == (900, 1768)
    assert Agreement(interval=90, we_refresh=False).give_up_after == 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1800", (1800, None)),
        ("90;refresher=uas", (90, "uas")),
        ("90 ; x=1 ; REFRESHER=UAC", (90, "uac")),
    ],
)
def test_session_expires_is_read(text: str, expected: tuple[int, str | None]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "0", "x", "-5", "1800 uas", "9999999999"])
def test_a_malformed_session_expires_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="Session-Expires"):
        parse(text)


@pytest.mark.parametrize(
    ("request_", "headers", "agreement"),
    [
        (
            invite(Session_Expires="1800"),
            [("Session-Expires", "1800;refresher=uac"), ("Require", "timer")],
            Agreement(interval=1800, we_refresh=False),
        ),
        (
            invite(Session_Expires="3600;refresher=uas"),
            [("Session-Expires", "1800;refresher=uas")],
            Agreement(interval=1800, we_refresh=True),
        ),
        (
            invite(Session_Expires="3600", Min_SE="2400"),
            [("Session-Expires", "2400;refresher=uac"), ("Require", "timer")],
            Agreement(interval=2400, we_refresh=False),
        ),
        (
            invite(),
            [("Session-Expires", "1800;refresher=uac"), ("Require", "timer")],
            Agreement(interval=1800, we_refresh=False),
        ),
        (
            invite("100rel", Session_Expires="600;refresher=uac"),
            [("Session-Expires", "600;refresher=uas")],
            Agreement(interval=600, we_refresh=True),
        ),
        (invite("100rel"), [], None),
        (invite("100rel", Session_Expires="1"), [], None),
    ],
)
def test_an_invite_is_agreed_with(
    request_: Request, headers: list[tuple[str, str]], agreement: Agreement | None
) -> None:
    timer = Timer(TimerPolicy())

    assert timer.answer(request_) == headers
    assert timer.agreement == agreement


def test_an_interval_too_small_is_refused_to_who_understands_that() -> None:
    timer = Timer(TimerPolicy(least=90))
    timer.check(invite("", Session_Expires="60"))
    timer.check(invite(Session_Expires="90"))

    with pytest.raises(TooSmall) as caught:
        timer.check(invite(Session_Expires="89"))
    assert (caught.value.status, caught.value.least) == (422, 90)


def test_after_a_422_we_ask_for_more_once_for_each_greater_least() -> None:
    timer = Timer(TimerPolicy(interval=300, least=90))
    first = timer.request_headers()

    assert first == [("Session-Expires", "300"), ("Min-SE", "90")]
    assert timer.raise_interval(response(422, Min_SE="600"))
    assert timer.request_headers() == [("Session-Expires", "600"), ("Min-SE", "600")]
    assert not timer.raise_interval(response(422, Min_SE="600"))
    assert not timer.raise_interval(response(422))


@pytest.mark.parametrize(
    ("headers", "agreement"),
    [
        ({"Session_Expires": "1200;refresher=uac"}, Agreement(interval=1200, we_refresh=True)),
        ({"Session_Expires": "1200;refresher=uas"}, Agreement(interval=1200, we_refresh=False)),
        ({"Session_Expires": "1;refresher=uac"}, Agreement(interval=90, we_refresh=True)),
        ({}, None),
    ],
)
def test_the_answer_to_our_invite_decides(headers: dict[str, str], agreement: Agreement | None) -> None:
    timer = Timer(TimerPolicy())
    timer.read_answer(response(200, **headers))

    assert timer.agreement == agreement


def test_whoever_refreshes_goes_on_refreshing() -> None:
    timer = Timer(TimerPolicy())
    timer.read_answer(response(Session_Expires="1200;refresher=uas"))
    asked = timer.request_headers()
    timer.answer(invite(Session_Expires="1200"))

    assert asked[0] == ("Session-Expires", "1200;refresher=uas")
    assert timer.agreement == Agreement(interval=1200, we_refresh=False)


@given(st.text(max_size=40))
def test_no_session_expires_makes_it_crash(text: str) -> None:
    try:
        interval, _ = parse(text)
    except ValueError:
        return
    assert interval > 0
