"""GCJ-02: the published pairs, and the way back."""

from __future__ import annotations

from math import cos, hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.wechat.coordinates import to_gcj02, to_wgs84


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ((39.915, 116.404), (39.91640428150164, 116.41024449916938)),
    ],
)
def test_the_shift_is_as_published(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert to_gcj02(*wgs84) == pytest.approx(gcj02, abs=1e-9)


@given(st.floats(18, 53), st.floats(74, 134))
def test_the_way_back_ends_where_it_began(latitude: float, longitude: float) -> None:
    there = to_wgs84(*to_gcj02(latitude, longitude))
    off = hypot(there[0] - latitude, (there[1] - longitude) * cos(radians(latitude))) * 111_000

    assert off < 0.001


def test_outside_china_nothing_is_shifted() -> None:
    assert to_gcj02(48.8566, 2.3522) == to_wgs84(48.8566, 2.3522) == (48.8566, 2.3522)
