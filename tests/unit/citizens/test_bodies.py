"""What citizens send: it is read or refused, and nothing in it reaches the store that the store cannot keep."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.web.bodies import FormSent, MatterSent, cleaned, matter_message
from channels.web.house import conversation_of
from gateway.domain.contact import ChannelKind
from gateway.http_api.problems import Problem

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@given(st.text())
def test_a_cleaned_text_has_no_control_characters_and_cleaning_again_changes_nothing(text: str) -> None:
    found = cleaned(text)

    assert all(char in "\n\t\r" or ord(char) >= 32 for char in found)
    assert cleaned(found) == found


@given(st.binary(max_size=300))
def test_any_octets_are_a_form_or_a_mistake(octets: bytes) -> None:
    try:
        msgspec.json.decode(octets, type=FormSent)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return


@given(text=st.text(min_size=1, max_size=200), place=st.text(max_size=200))
def test_a_matter_keeps_the_words_and_the_place(text: str, place: str) -> None:
    message = matter_message(
        MatterSent(text=text, place=place),
        channel=ChannelKind.WEB,
        conversation="c",
        key="k",
        addressee="web",
        at=AT,
        parts=(),
        values={},
    )

    assert message.text.startswith(cleaned(text))
    assert message.text.endswith(cleaned(place))
    assert message.point is None


def test_a_conversation_is_the_tokens_and_does_not_tell_it() -> None:
    name = conversation_of("t" * 43)

    assert name == conversation_of("t" * 43)
    assert name != conversation_of("u" + "t" * 42)
    assert "t" not in name


@pytest.mark.parametrize("token", ["", "t" * 42, "t" * 44, "t" * 42 + "!", "t" * 42 + "\n", "\uff54" * 43])
def test_no_other_token_is_taken(token: str) -> None:
    with pytest.raises(Problem):
        conversation_of(token)
