"""In which order the servers of a domain are tried."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from channels.sip.locating import Pointer, Server, in_order, service_name, services

servers = st.builds(
    Server,
    priority=st.integers(0, 3),
    weight=st.integers(0, 100),
    host=st.sampled_from(["a.x.invalid", "b.x.invalid", "c.x.invalid", "."]),
    port=st.integers(1, 65535),
)


def pointer(order: int, service: str, flags: str = "s") -> Pointer:
    return Pointer(order=order, preference=10, flags=flags, service=service, replacement=f"{service}.x.invalid.")


@given(st.lists(servers, max_size=8), st.integers())
def test_every_server_is_tried_once_the_lower_priority_first(records: list[Server], seed: int) -> None:
    ordered = in_order(records, random.Random(seed))

    assert sorted(map(str, ordered)) == sorted(str(each) for each in records if each.host != ".")
    assert [each.priority for each in ordered] == sorted(each.priority for each in ordered)


def test_weight_decides_how_often_a_server_is_the_first() -> None:
    chance = random.Random(7)
    pair = [
        Server(priority=1, weight=90, host="big.invalid", port=5060),
        Server(priority=1, weight=10, host="small.invalid", port=5060),
    ]
    firsts = [in_order(pair, chance)[0].host for _ in range(1000)]

    assert 850 < firsts.count("big.invalid") < 950


def test_pointers_name_transports_of_ours_in_their_order() -> None:
    pointers = [
        pointer(30, "SIP+D2U"),
        pointer(20, "SIP+D2T"),
        pointer(10, "SIPS+D2T"),
        pointer(5, "E2U+sip", "u"),
        pointer(6, "SIP+D2U", "a"),
    ]

    assert services(pointers, {"udp", "tcp"}) == [("tcp", "SIP+D2T.x.invalid"), ("udp", "SIP+D2U.x.invalid")]
    assert service_name("tls", "x.invalid") == "_sips._tcp.x.invalid"
