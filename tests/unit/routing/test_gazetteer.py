from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.gazetteers import load
from gateway.domain.call import Role
from routing.conversation import Conversation, Turn
from routing.decide import Understander
from routing.directory import Unit
from routing.elements import place_of, read
from routing.gazetteer import Gazetteer
from tests.fakes.routing import CONFIG, shipped_lexicons, shipped_profile


@cache
def sample() -> Gazetteer:
    return load(CONFIG / "gazetteers" / "sample.csv", CONFIG / "lexicons")


def place(*said: str) -> str:
    return place_of([read(text, sample()) for text in said], sample()).text


@pytest.mark.parametrize(
    ("text", "words", "name", "area"),
    [
        ("我家在阳光小区", "阳光小区", "阳光小区", "红山区"),
        ("住长青园三号楼", "长青园", "长青小区", "松山区"),
        ("住长清小去三号楼", "长清小去", "长青小区", "松山区"),
        ("我在行福小区", "行福小区", "幸福小区", "红山区"),
        ("平装大街停水", "平装大街", "平庄大街", "元宝山区"),
        ("阿旗停电", "阿旗", "阿鲁科尔沁旗", ""),
        ("和平西路堵车", "和平西路", "和平路", "松山区"),
    ],
)
def test_a_place_is_found_by_name_by_alias_and_by_ear(text: str, words: str, name: str, area: str) -> None:
    (found,) = sample().find(text)

    assert (found.words, found.name, found.area) == (words, name, area)
    assert text[found.begin : found.end] == words


@pytest.mark.parametrize("text", ["", "停", "我们小区停水了", "今天马路上车很多", "阿姨你好", "红灯坏了", "合同到期"])
def test_what_is_no_place_of_the_city_is_not_found(text: str) -> None:
    assert sample().find(text) == []


def test_what_was_misheard_is_less_sure_than_what_was_not() -> None:
    exact, misheard, worse = (sample().find(text)[0] for text in ("长青小区", "常青小区", "长清小去"))

    assert exact.confidence == 1
    assert 0.85 < misheard.confidence < 1
    assert 0.85 < worse.confidence < 1


def test_the_longest_name_wins() -> None:
    assert [found.name for found in sample().find("天山镇东街")] == ["天山镇东街"]
    assert [found.name for found in sample().find("红山公园旁边")] == ["红山公园"]


def test_the_area_that_is_named_settles_which_of_two_roads() -> None:
    (unsettled,) = sample().find("和平路")
    assert (unsettled.area, unsettled.point, len(unsettled.entries)) == ("", None, 2)
    assert unsettled.confidence < 0.6

    assert sample().find("松山区和平路")[1].area == "松山区"
    assert sample().find("和平路", context="我是红山区的居民")[0].area == "红山区"


def test_a_road_of_another_area_than_the_named_one_is_doubted() -> None:
    found = sample().find("元宝山区幸福小区")[1]

    assert found.confidence < 0.6
    assert place("元宝山区幸福小区") == "元宝山区幸福小区"


@pytest.mark.parametrize(
    ("said", "full"),
    [
        (("我住在长清小去三号楼二单元三零二室",), "松山区长青小区三号楼二单元302室"),
        (("人民路阳光家园五号楼",), "红山区人民路阳光小区五号楼"),
        (("和平路堵了", "我是松山区的"), "松山区和平路"),
        (("和平路堵了",), "和平路"),
        (("阿鲁旗天山镇东街12号",), "阿鲁科尔沁旗天山镇东街12号"),
        (("团结路路口",), "松山区新城区团结路路口"),
        (("在胜利路八号",), "胜利路八号"),
        (("我们小区停水了",), ""),
    ],
)
def test_a_place_on_the_ticket_has_its_official_name_its_areas_and_what_stands_after_it(
    said: tuple[str, ...], full: str
) -> None:
    assert place(*said) == full


def test_a_known_place_goes_before_one_told_by_its_ending() -> None:
    assert place("我从胜利路过来", "就在幸福小区") == "红山区幸福小区"
    assert place("就在幸福小区", "我从胜利路过来") == "红山区幸福小区"


@pytest.mark.parametrize(
    ("said", "unit", "rules"),
    [
        ("阿鲁科尔沁旗停水了", "station", ["territory.station", "runner_up.water"]),
        ("天山镇东街停水了", "station", ["territory.station", "runner_up.water"]),
        ("幸福小区停水了", "water", ["unit.water"]),
    ],
)
def test_cf_15a_a_place_leads_to_the_unit_of_the_area_it_lies_in(said: str, unit: str, rules: list[str]) -> None:
    units = (
        Unit(id="water", name="供水公司", duties=("water_supply",)),
        Unit(id="station", name="阿鲁旗工作站", duties=(), areas=("阿鲁旗",)),
    )
    understand = Understander(shipped_lexicons(), units, shipped_profile(), gazetteer=sample())

    decision = understand(Conversation(turns=(Turn(role=Role.CITIZEN, text=said),))).unit

    assert decision.outcome == unit
    assert [reason.rule for reason in decision.reasons] == rules


def test_the_ticket_is_told_which_place_was_meant_by_which_words_and_how_surely() -> None:
    understand = Understander(shipped_lexicons(), (), shipped_profile(), gazetteer=sample())

    known = understand(Conversation(turns=(Turn(role=Role.CITIZEN, text="长清小去三号楼停水了"),))).place
    unknown = understand(Conversation(turns=(Turn(role=Role.CITIZEN, text="胜利路停水了"),))).place

    (reason,) = known.reasons
    assert (known.outcome, reason.rule, reason.evidence) == ("松山区长青小区", "gazetteer.estate", "长清小去 0.97")
    assert unknown.outcome == ""


@given(
    st.text(alphabet=st.one_of(st.sampled_from("长青小区和平路红山松天镇东街三号楼阿旗"), st.characters()), max_size=40)
)
def test_any_text_has_places_that_stand_in_it_in_order(text: str) -> None:
    end = 0
    for found in sample().find(text):
        assert end <= found.begin < found.end
        assert text[found.begin : found.end] == found.words
        assert 0 < found.confidence <= 1
        end = found.end
    assert isinstance(place(text), str)
