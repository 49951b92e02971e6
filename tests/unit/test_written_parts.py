"""The table of written channels: each line names what is there."""

from __future__ import annotations

import pkgutil

import pytest

from config.settings import Settings
from gateway.written_parts import OPENERS


@pytest.mark.parametrize(("sections", "name"), OPENERS, ids=lambda value: str(value))
def test_a_line_names_sections_of_the_settings_and_a_function(sections: tuple[str, ...], name: str) -> None:
    assert set(sections) <= set(Settings.__struct_fields__)
    assert callable(pkgutil.resolve_name(name))
