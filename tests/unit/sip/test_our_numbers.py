"""Which dialled numbers are the hotline's own."""

from __future__ import annotations

import pytest

from channels.sip.our_numbers import OurNumbers
from channels.sip.uri import Uri

OURS = OurNumbers("12345", by_trunk={"telecom": ("12345", "04768212345")}, merged=("12369", "12329"), home_area="0476")


@pytest.mark.parametrize(
    "dialled", ["sip:12345@h.invalid", "tel:12345;phone-context=+86476", "sip:047612345@h.invalid"]
)
def test_the_hotline_is_known_in_every_form(dialled: str) -> None:
    assert OURS.is_ours("telecom", Uri.parse(dialled))
    assert OURS.is_ours("8001", Uri.parse(dialled))


def test_a_trunks_own_number_is_only_its_own() -> None:
    assert OURS.is_ours("telecom", Uri.parse("sip:+864768212345@h.invalid"))
    assert not OURS.is_ours("unicom", Uri.parse("sip:+864768212345@h.invalid"))


def test_merged_numbers_are_ours_over_every_trunk_and_named_as_configured() -> None:
    assert OURS.is_ours("unicom", Uri.parse("sip:047612369@h.invalid"))
    assert OURS.merged([Uri.parse("sip:12345@h.invalid"), Uri.parse("tel:047612329")]) == "12329"
    assert OURS.merged([Uri.parse("sip:12345@h.invalid")]) == ""


@pytest.mark.parametrize("other", ["sip:119@h.invalid", "sip:123450@h.invalid", "sip:h.invalid", "sip:alice@h.invalid"])
def test_nothing_else_is_ours(other: str) -> None:
    assert not OURS.is_ours("telecom", Uri.parse(other))
