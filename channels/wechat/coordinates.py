"""GCJ-02, the shifted coordinates of Chinese maps (国测局坐标), made WGS 84 again.

WeChat says places in GCJ-02, up to 700 m from where they are; a fire engine needs the latter. The shift is known as a
formula one way only; the way back is found by repeating it, to less than a millimetre within ten steps.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt

_AXIS = 6378245.0
_ECCENTRICITY = 0.00669342162296594323
"""Krasovsky's ellipsoid: half axis in metres, and eccentricity squared."""
_STEPS = 10


def to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """Return a GCJ-02 point in WGS 84, degrees; one outside China is both."""
    if not _is_shifted(latitude, longitude):
        return latitude, longitude
    there = latitude, longitude
    for _ in range(_STEPS):
        shifted = to_gcj02(*there)
        there = there[0] + latitude - shifted[0], there[1] + longitude - shifted[1]
    return there


def to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Return a WGS 84 point as Chinese maps show it, degrees."""
    if not _is_shifted(latitude, longitude):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    common = _waves(x, (20.0, 6.0), (20.0, 2.0))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + common
    north += _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + common
    east += _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    radians = latitude / 180.0 * pi
    bend = 1 - _ECCENTRICITY * sin(radians) ** 2
    north *= 180.0 / (_AXIS * (1 - _ECCENTRICITY) / (bend * sqrt(bend)) * pi)
    east *= 180.0 / (_AXIS / sqrt(bend) * cos(radians) * pi)
    return latitude + north, longitude + east


def _is_shifted(latitude: float, longitude: float) -> bool:
    return 0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347


def _waves(x: float, *waves: tuple[float, float]) -> float:
    """Add up waves, each a height in metres and a frequency."""
    return sum(height * sin(frequency * x * pi) for height, frequency in waves) * 2.0 / 3.0
