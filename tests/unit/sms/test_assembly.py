"""Long messages from their parts: any order, repetitions, gaps, crashes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.assembly import LATE, MOST_OPEN, REMEMBERED, Assembly, Whole
from channels.sms.coding import Coding, encoded
from channels.sms.header import Fragment
from channels.sms.words import ShortMessage

WAIT = 60.0


def part(
    text: str | bytes, number: int, total: int, *, reference: int = 1, sender: str = "138", id: str = ""
) -> ShortMessage:
    octets = text if isinstance(text, bytes) else encoded(text, Coding.UCS2)
    fragment = Fragment(reference=reference, total=total, number=number)
    return ShortMessage(
        sender=sender, addressee="106", coding=Coding.UCS2, octets=octets, fragment=fragment, centre_id=id
    )


def add(assembly: Assembly, message: ShortMessage, now: float = 0.0) -> list[Whole]:
    assert message.fragment is not None
    wholes = []
    for whole in assembly.add(message, message.fragment, now):
        wholes.append(whole)
        assembly.finish(whole, now)
    return wholes


def is_known(assembly: Assembly, message: ShortMessage, now: float = 0.0) -> bool:
    assert message.fragment is not None
    return assembly.is_known(message, message.fragment, now)


@given(st.lists(st.text(min_size=1, max_size=70), min_size=2, max_size=10), st.randoms(use_true_random=False))
def test_every_order_gives_the_same_text(texts: list[str], order: random.Random) -> None:
    parts = [part(text, number, len(texts)) for number, text in enumerate(texts, 1)]
    shuffled = order.sample(parts, len(parts))
    assembly = Assembly("link", WAIT)

    wholes = [whole for each in shuffled[:-1] for whole in [*add(assembly, each), *add(assembly, each)]]
    (whole,) = add(assembly, shuffled[-1])

    assert wholes == []
    assert whole.text == encoded("".join(texts), Coding.UCS2).decode("utf-16-be", "replace")
    assert whole.missing == ()
    assert assembly.deadline is None


@given(st.data())
def test_a_state_written_down_between_any_two_parts_goes_on(data: st.DataObject) -> None:
    total = data.draw(st.integers(2, 6))
    assembly = Assembly("link", WAIT)
    wholes: list[Whole] = []
    for number in data.draw(st.permutations(range(1, total + 1))):
        wholes += add(assembly, part(f"{number}", number, total))
        assembly = Assembly("link", WAIT, assembly.state)

    assert [whole.text for whole in wholes] == ["".join(map(str, range(1, total + 1)))]


def test_a_character_may_lie_across_two_parts() -> None:
    octets = encoded("好😀", Coding.UCS2)
    assembly = Assembly("link", WAIT)
    add(assembly, part(octets[4:], 2, 2))

    (whole,) = add(assembly, part(octets[:4], 1, 2))

    assert whole.text == "好😀"


def test_what_never_comes_is_marked() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("二", 2, 4), 10.0)
    add(assembly, part("四", 4, 4), 20.0)

    assert list(assembly.overdue(69.9)) == []
    assert assembly.deadline == 70.0
    (whole,) = assembly.overdue(70.0)

    assert whole.text == "[缺第1段]二[缺第3段]四"
    assert whole.missing == (1, 3)


def test_a_part_that_comes_too_late_follows_its_message() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("一", 1, 2))
    (gap,) = assembly.overdue(60.0)
    assembly.finish(gap, 60.0)

    (late,) = add(assembly, part("二", 2, 2), 100.0)

    assert (late.text, late.follows) == ("[补第2段]二", gap.id)
    assert late.id != gap.id
    assert is_known(assembly, part("二", 2, 2), 101.0)


def test_after_an_hour_a_part_begins_a_new_message() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("一", 1, 2))
    (gap,) = assembly.overdue(60.0)
    assembly.finish(gap, 60.0)

    assert add(assembly, part("二", 2, 2), 60.0 + LATE + 1) == []


def test_a_part_of_a_finished_message_is_known_for_a_while() -> None:
    assembly = Assembly("link", WAIT)
    for number in (1, 2):
        add(assembly, part(str(number), number, 2, id=f"id-{number}"))

    assert is_known(assembly, part("2", 2, 2, id="id-2"), REMEMBERED)
    assert not is_known(assembly, part("2", 2, 2, id="id-2"), REMEMBERED + 1)
    assert not is_known(assembly, part("2", 2, 2, id="another"), 1.0)
    assert not is_known(assembly, part("other", 2, 2, id="id-2"), 1.0)


def test_a_reference_that_is_used_again_begins_a_new_message() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("旧一", 1, 2))

    (old,) = add(assembly, part("新一", 1, 2), 5.0)
    (new,) = add(assembly, part("新二", 2, 2), 6.0)

    assert (old.text, new.text) == ("旧一[缺第2段]", "新一新二")
    assert old.id != new.id


def test_what_was_not_taken_is_there_again() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("一", 1, 2))
    second = part("二", 2, 2)
    assert second.fragment is not None

    (refused,) = assembly.add(second, second.fragment, 1.0)
    (again,) = assembly.add(second, second.fragment, 2.0)

    assert refused == again


def test_after_a_restart_parts_get_the_time_to_come_again() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("一", 1, 2), 0.0)

    restarted = Assembly("link", WAIT, assembly.state, now=1000.0)

    assert restarted.deadline == 1060.0


def test_a_gap_taken_after_a_restart_bears_the_id_that_the_whole_had() -> None:
    assembly = Assembly("link", WAIT)
    add(assembly, part("一", 1, 2))
    before = assembly.state
    (whole,) = add(assembly, part("二", 2, 2))

    (gap,) = Assembly("link", WAIT, before, now=100.0).overdue(200.0)

    assert gap.id == whole.id


def test_when_too_many_are_open_the_oldest_makes_room() -> None:
    assembly = Assembly("link", WAIT)
    for number in range(MOST_OPEN):
        assert add(assembly, part("一", 1, 2, sender=str(number)), float(number)) == []

    (oldest,) = add(assembly, part("一", 1, 2, sender="more"), 1000.0)

    assert oldest.key.sender == "0"
    assert oldest.missing == (2,)


@pytest.mark.parametrize("kept", [b"\xff", b"[]", b'{"open": [1]}', b'{"done": [{"key": []}]}'])
def test_a_state_that_cannot_be_read_says_so(kept: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expected|missing"):
        Assembly("link", WAIT, kept)


def test_what_is_finished_does_not_stay_in_the_state() -> None:
    assembly = Assembly("link", WAIT)
    for second in range(2000):
        for number in (1, 2):
            add(assembly, part(str(number), number, 2, sender=str(second)), float(second))

    assert len(assembly.state) < 100_000
