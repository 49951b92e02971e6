"""Petitioners' addresses in one form, so that the same number is the same whatever channel says it."""

from __future__ import annotations

import re

_NOT_DIGITS = re.compile(r"[^0-9]")
_MOBILE = re.compile(r"(?:0086|86|0)?(1[3-9][0-9]{9})")


def mobile_of(text: str) -> str:
    """Return the eleven digits of a mainland mobile number however it is written, "" for anything else."""
    found = _MOBILE.fullmatch(_NOT_DIGITS.sub("", text))
    return found[1] if found else ""


def telephone_of(text: str) -> str:
    """Return a telephone number for comparison: a mobile's eleven digits, otherwise all its digits."""
    return mobile_of(text) or _NOT_DIGITS.sub("", text)
