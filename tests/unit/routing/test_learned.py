"""Models over n-grams: what they guess, why, and when they may decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.call import Role
from gateway.domain.decision import Decision, DecisionKind, Reason
from routing.classify import undecided
from routing.conversation import Conversation, Turn
from routing.decide import Understander, Understanding
from routing.directory import Unit
from routing.learned import Learned, LinearModel, Vocabulary, grams, normal
from tests.fakes.routing import shipped_lexicons, shipped_profile

WATER = Unit(id="water", name="供水公司", duties=("water_supply",))
STATION = Unit(id="station", name="工作站", duties=(), areas=("天山镇",))
BY_RULES = Decision(kind=DecisionKind.MATTER, outcome="noise", reasons=(Reason(rule="matter.noise", evidence="噪音"),))


def model(words: dict[str, str], *, strength: float = 6.0) -> LinearModel:
    """Return a model that takes each of *words* for a sign of its label."""
    labels = (*sorted({*words.values()}), "other")
    weights = np.zeros((len(words), len(labels)), dtype=np.float32)
    for row, (_, label) in enumerate(sorted(words.items())):
        weights[row, labels.index(label)] = strength
    return LinearModel(
        version="20260101.1",
        labels=labels,
        vocabulary=Vocabulary(tuple(sorted(words)), np.ones(len(words), dtype=np.float32)),
        weights=weights,
        bias=np.zeros(len(labels), dtype=np.float32),
        temperature=1.0,
    )


def understood(text: str, learned: Learned, *, profile: str = "zhuhai-2023") -> Understanding:
    understand = Understander(shipped_lexicons(), (WATER, STATION), shipped_profile(profile), learned=learned)
    return understand(Conversation(turns=(Turn(role=Role.CITIZEN, text=text),)))


def test_a_text_is_the_same_whatever_its_dates_numbers_and_punctuation() -> None:
    assert normal("3月5日，１２号楼 停水！") == normal("4月18日12号楼停水") == "月日号楼停水"


def test_grams_are_runs_of_one_to_three_characters() -> None:
    assert grams("停水停") == {"停": 2, "水": 1, "停水": 1, "水停": 1, "停水停": 1}


def test_a_guess_names_the_words_it_came_from_and_the_next_best() -> None:
    guess = model({"停水": "water_supply", "路灯": "roads"}).guess("小区又停水了，还有一盏路灯，又停水")

    assert guess is not None
    assert (guess.label, guess.runner_up) == ("water_supply", "roads")
    assert guess.evidence == ("停水",)
    assert 1 > guess.probability > guess.runner_up_probability > 0


def test_of_a_text_without_a_known_word_nothing_is_guessed() -> None:
    assert model({"停水": "water_supply"}).guess("请问") is None
    assert model({"停水": "water_supply"}).guess("") is None


def test_a_model_that_is_sure_decides_and_the_rules_reasons_stay() -> None:
    learned = Learned(models={DecisionKind.MATTER: model({"停水": "water_supply"})})

    decision = learned.settle(DecisionKind.MATTER, "停水了", BY_RULES)

    assert decision.outcome == "water_supply"
    assert [reason.rule for reason in decision.reasons] == ["learned.20260101.1.water_supply", "matter.noise"]
    assert decision.reasons[0].evidence.startswith("1.00（停水）")


def test_a_model_in_doubt_leaves_it_to_the_rules_and_says_what_it_thought() -> None:
    learned = Learned(models={DecisionKind.MATTER: model({"停水": "water_supply"}, strength=0.5)})

    decision = learned.settle(DecisionKind.MATTER, "停水了", BY_RULES)

    assert decision.outcome == "noise"
    assert [reason.rule for reason in decision.reasons] == ["matter.noise", "learned.20260101.1.water_supply"]


def test_what_is_not_allowed_is_not_decided_however_sure_the_model_is() -> None:
    learned = Learned(models={DecisionKind.MATTER: model({"停水": "water_supply"})})

    assert learned.settle(DecisionKind.MATTER, "停水了", BY_RULES, allowed={"noise"}).outcome == "noise"


def test_without_models_the_rules_decide_as_ever() -> None:
    assert Learned().settle(DecisionKind.MATTER, "停水了", BY_RULES) is BY_RULES


@given(st.text())
def test_no_text_breaks_a_model(text: str) -> None:
    guess = model({"停水": "water_supply", "a": "noise"}).guess(text)

    assert guess is None or 0 < guess.probability <= 1


def test_what_is_learnt_comes_before_the_lexicon() -> None:
    learned = Learned(models={DecisionKind.MATTER: model({"噪音": "roads"})})

    assert understood("工地噪音太大", Learned()).matter.outcome == "noise"
    assert understood("工地噪音太大", learned).matter.outcome == "roads"


def test_a_learnt_matter_leads_to_its_unit() -> None:
    learned = Learned(models={DecisionKind.MATTER: model({"那个事": "water_supply"})})

    assert understood("还是那个事", learned).unit.outcome == "water"


@pytest.mark.parametrize("kind", [DecisionKind.CATEGORY, DecisionKind.MATTER])
def test_of_an_emergency_no_model_says_anything(kind: DecisionKind) -> None:
    heard = "我家着火了，快来人啊"
    learned = Learned(models={kind: model({"着火了": "praise" if kind is DecisionKind.CATEGORY else "roads"})})

    assert understood(heard, learned) == understood(heard, Learned())


def test_cf_15a_an_article_goes_before_a_model() -> None:
    learned = Learned(models={DecisionKind.UNIT: model({"停水": "water"})})

    assert understood("天山镇东街停水了", learned, profile="chifeng-2022").unit.outcome == "station"
    assert understood("天山镇东街停水了", learned).unit.outcome == "water"


def test_a_unit_that_is_not_ours_is_not_decided() -> None:
    learned = Learned(models={DecisionKind.UNIT: model({"停水": "somewhere_else"})})

    assert understood("停水了", learned).unit.outcome == "water"


def test_only_categories_of_the_regulation_are_decided() -> None:
    learned = Learned(models={DecisionKind.CATEGORY: model({"停水": "其他"})})

    assert understood("停水", learned).category.outcome == understood("停水", Learned()).category.outcome
    assert undecided(DecisionKind.CATEGORY).reasons == ()
