"""An address is a number and back."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media.address import NOWHERE, from_number, to_number


@given(st.ip_addresses(v=4), st.integers(0, 0xFFFF))
def test_an_address_survives_being_a_number(host: IPv4Address, port: int) -> None:
    assert to_number((str(host), port)) == int(host) << 16 | port
    assert from_number(to_number((str(host), port))) == (str(host), port)


def test_nowhere_is_zero() -> None:
    assert to_number(("0.0.0.0", 0)) == NOWHERE


@pytest.mark.parametrize("host", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1.2.3.-4"])
def test_what_is_no_dotted_quad_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_number((host, 1))
