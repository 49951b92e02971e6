"""An address is three numbers and back."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media.address import NOWHERE, from_numbers, to_numbers


@given(st.ip_addresses(), st.integers(0, 0xFFFF))
def test_an_address_survives_being_numbers(host: IPv4Address | IPv6Address, port: int) -> None:
    back, same_port = from_numbers(to_numbers((str(host), port)))

    mapped = host.ipv4_mapped if isinstance(host, IPv6Address) else None
    assert back == str(mapped or host)
    assert same_port == port
    assert all(number < 1 << 64 for number in to_numbers((str(host), port)))


def test_the_two_families_do_not_meet() -> None:
    assert to_numbers(("::c000:201", 1)) != to_numbers(("192.0.2.1", 1))


def test_nowhere_is_the_unspecified_address() -> None:
    assert to_numbers(("0.0.0.0", 0)) == NOWHERE


@pytest.mark.parametrize("host", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1.2.3.-4", "::1::", "localhost"])
def test_what_is_no_numeric_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_numbers((host, 1))
