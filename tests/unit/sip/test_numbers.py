"""Telephone numbers in their many forms are one, to the digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.numbers import Number, number_of, read_number
from channels.sip.uri import Uri

areas = st.sampled_from(["10", "21", "20", "24", "29", "476", "471", "571", "755", "898", "991"])
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@st.composite
def landlines(draw: st.DrawFn) -> tuple[str, str]:
    return draw(areas), draw(st.from_regex(r"[2-8][0-9]{6,7}", fullmatch=True))


@given(landlines())
def test_every_prefix_of_a_landline_leads_to_the_same_number(line: tuple[str, str]) -> None:
    area, subscriber = line
    forms = [
        f"+86{area}{subscriber}",
        f"0086{area}{subscriber}",
        f"86{area}{subscriber}",
        f"0{area}{subscriber}",
        f"0{area}-{subscriber}",
        f"+86 {area} {subscriber}",
        f"+86(0{area}){subscriber}",
    ]
    if len(f"86{area}{subscriber}") < 12:  # Peking with seven digits has been history for decades
        forms.remove(f"86{area}{subscriber}")

    numbers = [read_number(form) for form in forms]
    assert {number.canonical for number in numbers} == {f"+86{area}{subscriber}"}
    assert {number.national for number in numbers} == {f"0{area}{subscriber}"}
    assert [number.dialled for number in numbers] == forms


@given(mobiles)
def test_every_prefix_of_a_mobile_leads_to_the_same_number(mobile: str) -> None:
    forms = [mobile, f"0{mobile}", f"+86{mobile}", f"0086{mobile}", f"86{mobile}", f"+86 {mobile[:3]}-{mobile[3:]}"]

    assert {read_number(form).canonical for form in forms} == {f"+86{mobile}"}
    assert {read_number(form).national for form in forms} == {mobile}


@given(st.from_regex(r"\+?[0-9]{1,20}(?:;ext=[0-9]{1,5})?", fullmatch=True))
def test_reading_twice_changes_nothing(text: str) -> None:
    once = read_number(text)
    again = read_number(once.canonical)

    assert (again.canonical, again.national) == (once.canonical, once.national)


@given(st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True))
def test_no_digit_of_a_number_is_lost_added_or_changed(text: str) -> None:
    number = read_number(text)
    digits = text.removeprefix("+")

    assert number.dialled == text
    assert digits.endswith(number.subscriber)
    assert digits.endswith(number.area + number.subscriber)
    rest = digits.removesuffix(number.area + number.subscriber)
    assert rest in ("", "0", "00", "86", "860", "0086", "00860", number.country, f"00{number.country}")


@given(st.text(max_size=30))
def test_nothing_makes_it_crash(text: str) -> None:
    assert read_number(text).dialled == text


@pytest.mark.parametrize(
    ("text", "national", "extension"),
    [
        ("12345", "12345", ""),
        ("119", "119", ""),
        ("95598", "95598", ""),
        ("047612345", "047612345", ""),
        ("+8647612345", "047612345", ""),
        ("+861012345", "01012345", ""),
        ("+8612345", "12345", ""),
        ("4008001234", "4008001234", ""),
        ("8123456", "04768123456", ""),
        ("0476-8123456-801", "04768123456", "801"),
        ("0476-8123456", "04768123456", ""),
        ("04768123456转801", "04768123456", "801"),
        ("8123456,9", "04768123456", "9"),
        ("+1 (202) 555-0100", "0012025550100", ""),
        ("0012025550100", "0012025550100", ""),
        ("*72#", "*72#", ""),
        ("8001", "8001", ""),
    ],
)
def test_numbers_as_they_are_dialled_in_chifeng(text: str, national: str, extension: str) -> None:
    number = read_number(text, home_area="0476")

    assert (number.national, number.extension) == (national, extension)


@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("tel:+86-476-812-3456", "+864768123456"),
        ("tel:8123456;phone-context=+86476", "+864768123456"),
        ("tel:+864768123456;ext=801", "+864768123456;ext=801"),
        ("sip:+864768123456@192.0.2.1;user=phone", "+864768123456"),
        ("sip:8123456;phone-context=+86476@192.0.2.1;user=phone", "+864768123456"),
        ("sip:04768123456:secret@192.0.2.1", "+864768123456"),
        ("sip:alice@example.invalid", "alice"),
        ("sip:example.invalid", ""),
    ],
)
def test_uris_name_numbers(uri: str, canonical: str) -> None:
    parsed = Uri.parse(uri)
    number = number_of(parsed)

    assert number.canonical == canonical
    assert number.dialled == (parsed.user or "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("12345", "047612345", True),
        ("047612345", "047112345", False),
        ("13800138000", "+8613800138000", True),
        ("119", "120", False),
        ("04768123456", "04768123456转1", False),
        ("8001", "8001", True),
    ],
)
def test_two_numbers_are_one_telephone_or_two(one: str, other: str, same: bool) -> None:
    assert read_number(one).is_same_as(read_number(other)) is same
    assert isinstance(read_number(one), Number)
