"""Territory first (属地管理优先, CF-15a): the unit in whose area it is goes before the one whose duty it is."""

from __future__ import annotations

import pytest

from config.profiles import FOLDER, load
from gateway.domain.call import Role
from gateway.domain.decision import Citation
from routing.conversation import Conversation, Turn
from routing.decide import Understander
from routing.directory import Unit, unit_for
from tests.fakes.routing import TODAY, shipped_lexicons

WATER = Unit(id="water", name="供水公司", duties=("water_supply",))
STATION = Unit(id="station", name="阿鲁旗工作站", duties=(), areas=("阿鲁旗", "天山镇"))
TOWN = Unit(id="town", name="天山镇东街", duties=(), areas=("天山镇东街",))
ARTICLE = Citation(obligation="CF-15a", document="《办法》", article="第十五条", words="属地管理优先")


@pytest.mark.parametrize(
    ("place", "unit", "rule"),
    [
        ("阿鲁旗汽车站", "station", "territory.station"),
        ("天山镇东街12号", "town", "territory.town"),
        ("新城区", "water", "unit.water"),
        ("", "water", "unit.water"),
    ],
)
def test_cf_15a_territory_goes_before_competence_and_the_closest_area_first(place: str, unit: str, rule: str) -> None:
    decision = unit_for("water_supply", [WATER, STATION, TOWN], place=place, territory=ARTICLE)

    assert (decision.outcome, decision.reasons[0].rule) == (unit, rule)
    assert decision.reasons[0].citation == (ARTICLE if rule.startswith("territory") else None)


def test_cf_15a_without_the_article_competence_decides() -> None:
    assert unit_for("water_supply", [WATER, STATION], place="阿鲁旗").outcome == "water"


@pytest.mark.parametrize(("profile", "unit"), [("chifeng-2022", "station"), ("zhuhai-2023", "water")])
def test_cf_15a_a_citizens_words_lead_to_the_workstation_where_the_city_says_so(profile: str, unit: str) -> None:
    understand = Understander(shipped_lexicons(), (WATER, STATION), load(FOLDER / f"{profile}.toml", at=TODAY))

    heard = understand(Conversation(turns=(Turn(role=Role.CITIZEN, text="我在阿鲁旗汽车站，这里停水了，没水用"),)))

    assert heard.elements.place
    assert heard.unit.outcome == unit
