"""What texts are found by, and what comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.knowledge import ArticleId, ArticleKind, ArticleState, Content, Version
from routing.search import (
    LONGEST_QUESTION,
    MOST_POSTINGS,
    MOST_TERMS,
    SATURATION,
    Hit,
    Indexer,
    Question,
    SearchLexicon,
    by_matter,
    by_unit,
    folded,
    normal,
    pairs,
)

SOUNDS = {"幸": "xing", "兴": "xing", "福": "fu", "小": "xiao", "区": "qu", "停": "ting", "水": "shui", "睡": "shui"}
INDEXER = Indexer(
    SearchLexicon(
        synonyms=(("停水", "没水"), ("供暖", "暖气")),
        filler=("请问", "怎么办", "我想问一下"),
        words=frozenset({"自来水", "没水"}),
        sounds=SOUNDS,
    )
)
OUTAGE = Content(
    title="停水报修", unit="water", body="先看公告，再拨打电话。", keywords=("抢修",), matters=("water_supply",)
)
HEATING = Content(title="供暖温度", unit="heat", body="温度不低于十八度，停水期间除外。")
PLACE = Content(title="幸福小区公告", unit="water", body="公告全文。", place="中山路")


def search(words: str, *contents: Content, matter: str = "", unit: str = "", limit: int = 10) -> list[Hit]:
    """Do what a store does, in memory."""
    question = INDEXER.question(words, matter=matter, unit=unit)
    index = {f"a{at}": INDEXER.impacts(content) for at, content in enumerate(contents)}
    terms = {term: sum(term in impacts for impacts in index.values()) for term in question.weights}
    weights = question.weigh({term: count for term, count in terms.items() if count}, len(contents))
    found = []
    for at, content in enumerate(contents):
        impacts = index[f"a{at}"]
        score = sum(weight * impacts[term] for term, weight in weights.items() if term in impacts)
        if score:
            found.append((version(f"a{at}", content), score))
    return INDEXER.ranked(question, found, limit)


def version(name: str, content: Content) -> Version:
    return Version(
        article_id=ArticleId(name),
        number=1,
        state=ArticleState.PUBLISHED,
        content=content,
        at=datetime(2026, 11, 21, tzinfo=UTC),
        by="admin",
    )


def names(hits: list[Hit]) -> list[str]:
    return [hit.version.content.title for hit in hits]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("停水了", ["停水", "水了"]),
        ("停水，报修", ["停水", "报修"]),
        ("水", ["水"]),
        ("拨打12345热线", ["拨打", "12345", "热线"]),
        ("etc卡", ["etc", "卡"]),
        ("？！", []),
    ],
)
def test_a_text_is_its_pairs_its_lone_characters_and_its_foreign_words(text: str, terms: list[str]) -> None:
    assert list(pairs(text)) == terms


def test_full_width_forms_and_capitals_are_the_same() -> None:
    assert normal("\uff25\uff34\uff23\uff11") == "etc1"


@given(st.text())
def test_any_text_can_be_indexed_and_asked(text: str) -> None:
    content = Content(title=text, unit="u", body=text, questions=(text,), keywords=(text,))
    impacts = INDEXER.impacts(content)
    question = INDEXER.question(text)

    assert all(0 < impact < SATURATION + 1 for impact in impacts.values())
    INDEXER.ranked(question, [(version("a", content), 1.0)], 5)


@given(st.text(alphabet="停水暖气小区幸福", min_size=2, max_size=12))
def test_what_is_in_the_title_is_found(words: str) -> None:
    assert names(search(words, replace(OUTAGE, title=words))) == [words]


def test_a_title_weighs_more_than_a_body() -> None:
    assert names(search("停水", replace(HEATING, body="停水"), OUTAGE))[0] == "停水报修"


def test_a_word_of_the_same_meaning_finds_it_and_is_shown() -> None:
    (hit,) = search("家里没水", OUTAGE)

    assert hit.evidence == ("停水",)


def test_what_asks_nothing_is_passed_over_unless_nothing_else_was_said() -> None:
    assert INDEXER.question("请问停水怎么办").text.split() == ["停水"]
    assert INDEXER.question("请问怎么办").text == "请问怎么办"


def test_a_name_that_sounds_alike_is_found() -> None:
    assert names(search("兴福小区", PLACE, OUTAGE)) == ["幸福小区公告"]
    assert names(search("停睡", OUTAGE)) == []


def test_a_pair_that_any_body_may_have_is_not_enough() -> None:
    assert search("全文在哪里能看到呢", PLACE) == []
    assert names(search("公告全", PLACE)) == ["幸福小区公告"]
    assert names(search("全文", PLACE)) == ["幸福小区公告"]


def test_a_named_long_word_weighs_as_a_whole() -> None:
    impacts = INDEXER.impacts(replace(OUTAGE, body="自来水停了", keywords=("居住证明",)))

    assert {"自来水", "居住证明"} <= impacts.keys()
    assert "证明" in impacts
    assert INDEXER.question("自来水").weights["自来水"] > INDEXER.question("自来水").weights["自来"]


def test_a_keyword_that_is_a_named_word_counts_once() -> None:
    both = INDEXER.impacts(replace(OUTAGE, keywords=("自来水",)))
    named = INDEXER.impacts(replace(OUTAGE, keywords=("居住证",)))

    assert both["自来水"] == named["居住证"]


def test_a_ticket_without_telling_words_finds_by_its_matter_and_its_unit() -> None:
    assert names(search("", OUTAGE, HEATING, matter="water_supply")) == ["停水报修"]
    assert names(search("", OUTAGE, HEATING, unit="heat")) == ["供暖温度"]
    assert {by_matter("m"), by_unit("u")} <= INDEXER.question("", matter="m", unit="u").weights.keys()


def test_a_notice_that_matches_stands_first() -> None:
    notice = replace(PLACE, kind=ArticleKind.CONSTRUCTION, title="停水施工公告一览", body="期间停水")

    first, second = search("停水", OUTAGE, notice)

    assert names([first, second]) == ["停水施工公告一览", "停水报修"]
    assert first.score < second.score


def test_a_notice_that_hardly_matches_does_not() -> None:
    notice = replace(HEATING, kind=ArticleKind.DUTY_ROSTER)
    exact = replace(OUTAGE, questions=("我家停水了找谁",), matters=())

    assert names(search("我家停水了找谁", exact, notice))[:1] == ["停水报修"]


def test_a_notice_of_the_same_matter_stands_first_however_well_another_answers() -> None:
    notice = replace(PLACE, kind=ArticleKind.CONSTRUCTION, body="期间短时停水", matters=("water_supply",))
    words = "停水报修找谁"
    exact = replace(OUTAGE, title=words, questions=(words, words), matters=("water_supply",))

    assert names(search(words, exact, notice))[0] == words
    named = replace(notice, keywords=("停水",))
    assert names(search(words, exact, named, matter="water_supply")) == ["幸福小区公告", words]


def test_the_limit_holds() -> None:
    assert len(search("停水", OUTAGE, HEATING, limit=1)) == 1


def test_of_a_long_speech_the_end_is_heard() -> None:
    assert len(INDEXER.question("啊" * 500 + "停水").text) <= LONGEST_QUESTION
    assert INDEXER.question("啊" * 500 + "停水").text.endswith("停水")


def test_a_search_reads_no_more_than_its_share_of_the_index() -> None:
    many = Question(text="", weights={f"t{at}": 1.0 for at in range(100)})

    assert len(many.weigh(dict.fromkeys(many.weights, 10), 10_000)) == MOST_TERMS
    assert len(many.weigh(dict.fromkeys(many.weights, MOST_POSTINGS // 2), 10**6)) == 2
    assert len(many.weigh(dict.fromkeys(many.weights, 10**6), 10**7)) == 1
    assert many.weigh({}, 10) == {}


def test_a_rare_term_is_worth_more() -> None:
    weights = Question(text="", weights={"rare": 1.0, "common": 1.0}).weigh({"rare": 1, "common": 90}, 100)

    assert list(weights) == ["rare", "common"]
    assert weights["rare"] > weights["common"] > 0


@pytest.mark.parametrize(
    ("syllable", "heard"),
    [("zhong", "zon"), ("shui", "sui"), ("chang", "can"), ("liu", "niu"), ("hui", "fi"), ("xing", "xin"), ("an", "an")],
)
def test_syllables_that_many_do_not_tell_apart_are_one(syllable: str, heard: str) -> None:
    assert folded(syllable) == heard
