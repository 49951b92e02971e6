"""Whose pace counts: the visitor's behind our proxies, and one customer's network."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from channels.web.visitors import Pace, Visitors
from gateway.http_api.problems import Problem
from tests.fakes.means import MovableClock


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("nonsense", "127.0.0.1"),
    ],
)
def test_the_last_hop_that_is_no_proxy_of_ours_counts(forwarded: str, address: str) -> None:
    visitors = Visitors(MovableClock(), Pace(), ["127.0.0.1"])
    request = make_mocked_request("GET", "/", headers=CIMultiDict({"X-Forwarded-For": forwarded}))
    request = request.clone(remote="127.0.0.1")

    assert visitors.address(request) == address


def test_a_stranger_cannot_say_where_he_is() -> None:
    request = make_mocked_request("GET", "/", headers=CIMultiDict({"X-Forwarded-For": "203.0.113.7"}))

    assert Visitors(MovableClock(), Pace()).address(request.clone(remote="198.51.100.9")) == "198.51.100.9"


def test_guesses_at_one_ticket_are_counted_whoever_makes_them() -> None:
    visitors = Visitors(MovableClock(), Pace())
    for _ in range(20):
        visitors.admit_guess("20261122-100000-0001")

    with pytest.raises(Problem) as caught:
        visitors.admit_guess("20261122-100000-0001")
    assert caught.value.status == 429
    visitors.admit_guess("20261122-100000-0002")
