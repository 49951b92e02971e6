"""What the exchange's part of the settings becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import load
from gateway import line_parts
from gateway.domain.call import Destination
from gateway.domain.errors import UnusableSetting

EXAMPLE = load(Path("config/gateway.example.toml"))


def test_a_units_numbers_are_tried_in_the_order_of_the_settings() -> None:
    water = line_parts.telephones(EXAMPLE)["water"]

    assert [number.destination for number in water.consultation] == [
        Destination(number="04765550100", trunk="telecom"),
        Destination(number="04765550101", trunk="telecom"),
    ]
    assert [number.destination.number for number in water.duty] == ["04765550199"]
    assert {number.ring_limit for number in (*water.consultation, *water.duty)} == {30.0}


def test_a_merged_lines_prompt_is_its_own_or_that_of_its_kind() -> None:
    (line,) = line_parts.merged_lines(EXAMPLE, ()).values()

    assert (line.prompt, line.agents) == ("merged_sub_centre", frozenset({"8001"}))


def test_a_merged_lines_prompt_must_be_recorded(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    table = '[[merged_line]]\nnumber = "12369"\nname = "环保"\nmerging = "whole"\nprompt = "hello"\n'
    path.write_text(table, encoding="utf-8")

    with pytest.raises(UnusableSetting, match=r"merged_line\.prompt = hello: no announcement has this id"):
        line_parts.merged_lines(load(path), {"greeting"})
    assert line_parts.merged_lines(load(path), {"hello"})["12369"].prompt == "hello"
