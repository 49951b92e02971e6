from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.call import Role
from gateway.domain.decision import DecisionKind
from routing.classify import classify, classify_emergency, count_words
from routing.conversation import Conversation, Turn
from routing.decide import SUMMARY_LIMIT, Understander, Understanding, summarise
from routing.directory import Unit, unit_for
from routing.lexicon import Topic
from tests.fakes.routing import shipped_detector, shipped_lexicons, shipped_profile

WATER = Unit(id="water", name="供水公司", duties=("water_supply",))
UNDERSTANDER = Understander(shipped_lexicons(), [WATER], shipped_profile())
UNDERSTANDER_OF_ZHUHAI = Understander(shipped_lexicons(), [WATER], shipped_profile("zhuhai-2023"))


def understood(*said: str, by: Understander = UNDERSTANDER) -> Understanding:
    return by(Conversation(turns=tuple(Turn(role=Role.CITIZEN, text=text) for text in said)))


@pytest.mark.parametrize(
    ("said", "category", "matter"),
    [
        ("我们小区停水三天了没人管", "complaint", "water_supply"),
        ("楼上半夜装修噪音太大我要投诉", "complaint", "noise"),
        ("老板拖欠工资三个月没人管", "complaint", "wages"),
        ("请问医保怎么办理", "consultation", "medical_insurance"),
        ("请问居住证需要什么材料", "consultation", "household_register"),
        ("我要举报有人赌博", "report", "crime"),
        ("我建议在路口加装红绿灯", "suggestion", "traffic"),
        ("我家停电了什么时候来电", "help", "power"),
        ("人民路路灯坏了没人修", "help", "roads"),
        ("暖气不热", "help", "heating"),
        ("厨房着火了", "help", "fire"),
        ("出车祸了", "help", "traffic_accident"),
        ("喂你好", "", ""),
        ("", "", ""),
    ],
)
def test_category_and_matter_are_known_or_empty(said: str, category: str, matter: str) -> None:
    known = understood(said)

    assert (known.category.outcome, known.matter.outcome) == (category, matter)


def test_praise_is_a_category_only_where_the_profile_has_it() -> None:
    assert understood("我要表扬公交司机").category.outcome == ""
    assert understood("我要表扬公交司机", by=UNDERSTANDER_OF_ZHUHAI).category.outcome == "praise"


def test_a_decision_gives_its_evidence_and_the_article_it_rests_on() -> None:
    (reason,) = understood("我要投诉噪音").category.reasons

    assert reason.rule == "category.complaint"
    assert reason.evidence == "投诉、噪音"
    assert reason.citation is not None
    assert reason.citation.obligation == "CF-4b"


def test_an_emergency_decides_with_every_phrase_once() -> None:
    known = understood("停水了我要投诉", "着火了", "着火了烟很大在我家")

    assert known.matter.outcome == "fire"
    assert [(reason.rule, reason.evidence) for reason in known.matter.reasons] == [
        ("fire.burning", "着火"),
        ("fire.smoke", "烟很大"),
    ]
    assert known.elements.cause == "着火"


def test_a_line_without_a_topic_decides_nothing() -> None:
    hits = shipped_detector().look("着火了")
    medical = Topic(id="medical", name="急救", words={}, lines=("120",))

    assert classify_emergency(hits, [medical], DecisionKind.MATTER).outcome == ""


def test_topics_that_weigh_the_same_are_left_undecided() -> None:
    topics = [Topic(id="a", name="甲", words={"水": 2}), Topic(id="b", name="乙", words={"电": 2})]

    assert classify(count_words("水和电", topics), topics, DecisionKind.MATTER).outcome == ""
    assert classify(count_words("水水和电", topics), topics, DecisionKind.MATTER).outcome == "a"
    assert classify({}, [], DecisionKind.MATTER).outcome == ""


def test_the_unit_is_the_first_with_the_matter_among_its_duties() -> None:
    decision = understood("停水三天了").unit

    assert (decision.kind, decision.outcome) == (DecisionKind.UNIT, "water")
    assert decision.reasons[0].evidence == "water_supply"
    assert unit_for("power", [WATER, replace(WATER, id="w2")]).outcome == ""
    assert unit_for("", [replace(WATER, duties=("",))]).outcome == ""


def test_only_the_petitioners_words_count() -> None:
    turns = (Turn(role=Role.AGENT, text="您是要投诉停水吗"), Turn(role=Role.CITIZEN, text="是的"))

    known = UNDERSTANDER(Conversation(turns=turns))

    assert (known.category.outcome, known.matter.outcome, known.summary) == ("", "", "")


def test_the_water_complaint_of_the_demo_fills_the_ticket() -> None:
    known = understood("你好", "我们小区停水三天了没人管", "我住在阳光小区三号楼二单元", "希望尽快处理", "我姓王")

    assert known.category.outcome == "complaint"
    assert known.unit.outcome == "water"
    elements = known.elements
    assert (elements.time, elements.place, elements.person) == ("三天", "阳光小区三号楼二单元", "姓王")
    assert (elements.cause, elements.course, elements.outcome) == ("停水", "我们小区停水三天了没人管", "尽快处理")
    assert known.summary == "我们小区停水三天了没人管，我住在阳光小区三号楼二单元，希望尽快处理，我姓王"


def test_a_question_at_the_end_does_not_unmake_the_complaint() -> None:
    known = understood("你好我们小区停水三天了物业没人管", "人民路阳光小区五号楼", "什么时候来水谢谢")

    assert (known.category.outcome, known.unit.outcome) == ("complaint", "water")
    assert (known.elements.place, known.elements.outcome) == ("人民路阳光小区五号楼", "什么时候来水")


def test_the_summary_leaves_out_small_talk_and_repetitions_and_is_short() -> None:
    assert summarise(["你好", "停水了。", "停水了", "谢谢"]) == "停水了"
    long = summarise(["停水" * 200])
    assert len(long) == SUMMARY_LIMIT
    assert long.endswith("…")


@given(
    st.lists(st.text(alphabet=st.one_of(st.sampled_from("停水着火投诉人民路我叫王希望"), st.characters())), max_size=5)
)
def test_any_conversation_is_understood(said: list[str]) -> None:
    assert len(understood(*said).summary) <= SUMMARY_LIMIT


def test_the_summary_writes_telephone_numbers_out_and_hides_identity_numbers() -> None:
    said = "我身份证一一零一零一一九九零零一零一零零一二，电话是幺三八，零零零零，零零零零"

    assert summarise([said]) == "我身份证***0012，电话是13800000000"
    assert understood("我姓王", "我的电话是幺三八零零零零零零零零").elements.person == "姓王、电话13800000000"
    assert understood("骗子的电话是幺三八零零零零零零零零").elements.person == ""
