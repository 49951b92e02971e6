from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.call import LegId, Role
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.transcript import Utterance, Word
from routing.emergency import Detector, Watch
from routing.lexicon import Context, EmergencyEntry, EmergencyLexicon, Scope, Side
from routing.pattern import PatternError
from tests.fakes.routing import shipped_detector

CITIZEN = LegId("citizen")


def said(text: str, *, number: int = 0, final: bool = False, words: tuple[Word, ...] = ()) -> Utterance:
    return Utterance(leg_id=CITIZEN, number=number, text=text, start=0.0, end=1.0, is_final=final, words=words)


def lines(text: str, *, final: bool = True) -> set[str]:
    return {str(hit.line) for hit in shipped_detector().look(text, final=final)}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("着火了", "119"),
        ("人民路医院失火，烟很大", "119"),
        ("这里冒烟", "119"),
        ("厨房煤气泄漏了", "119"),
        ("爆炸了", "119"),
        ("电梯困人", "119"),
        ("河里有人落水快点救人", "119"),
        ("我奶奶在家里晕倒了怎么办", "120"),
        ("我爷爷心脏病", "120"),
        ("有人在公园持刀砍人", "110"),
        ("隔壁家暴", "110"),
        ("我不想活了我在楼顶", "110"),
        ("前面十字路口撞车了", "122"),
        ("救命啊", "110"),
    ],
)
def test_an_emergency_is_found_with_its_line(text: str, line: str) -> None:
    assert line in lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "消防通道堵了",
        "119宣传",
        "去年着过火",
        "没有着火",
        "没着火",
        "着火了怎么预防",
        "消防演习",
        "咨询火灾保险",
        "报警器坏了",
        "打120要钱吗",
        "救护车收费",
        "追尾理赔 咨询",
        "不是 触电",
        "坐着火车来的",
        "我家停水三天了",
        "着火的地方已经扑灭了",
        "",
    ],
)
def test_what_only_sounds_like_an_emergency_is_none(text: str) -> None:
    assert lines(text) == set()


def test_an_accident_with_injured_people_needs_two_lines() -> None:
    assert {"120", "122"} <= lines("人民路路口出车祸了有人受伤")


def test_a_past_fire_does_not_hide_the_present_one() -> None:
    assert lines("去年着过火今天又着火了") == {"119"}


def test_a_question_whether_it_burns_is_no_denial() -> None:
    assert lines("楼上是不是着火了") == {"119"}


def test_a_bare_cry_for_help_counts_only_alone_and_at_the_end() -> None:
    assert lines("救命", final=False) == set()
    assert lines("救命", final=True) == {"110"}
    assert lines("救命着火了") == {"119"}


def test_blanks_and_wide_digits_change_nothing() -> None:
    (hit,) = shipped_detector().look("着 火 了")

    assert hit == EmergencyHit(line=EmergencyLine("119"), phrase="着火", rule="fire.burning")
    assert shipped_detector().look("１１９宣传") == ()


def test_a_hit_lies_where_its_words_were_spoken() -> None:
    words = (
        Word(text="家里", start=1.0, end=1.4),
        Word(text="着火", start=1.5, end=1.9),
        Word(text="了", start=1.9, end=2.0),
    )

    (hit,) = shipped_detector().look("家里着火了", words)

    assert (hit.start, hit.end) == (1.5, 1.9)


def test_words_that_do_not_spell_the_text_give_the_whole_stretch() -> None:
    (hit,) = shipped_detector().look(
        "家里着火了", (Word(text="家", start=1.0, end=1.4), Word(text="里", start=2.0, end=3.0))
    )

    assert (hit.start, hit.end) == (1.0, 3.0)


def test_written_text_gives_no_times() -> None:
    (hit,) = shipped_detector().look("我家着火了。请派人来。")

    assert (hit.start, hit.end) == (None, None)


def test_a_suspicion_is_raised_once_while_the_words_grow() -> None:
    watch = Watch(shipped_detector())

    first = watch.hear(Role.CITIZEN, said("家里着火"))
    second = watch.hear(Role.CITIZEN, said("家里着火了"))
    final = watch.hear(Role.CITIZEN, said("家里着火了快来人", final=True))
    again = watch.hear(Role.CITIZEN, said("着火了", number=1, final=True))

    assert [hit.rule for hit in first.raised] == ["fire.burning"]
    assert second.raised == final.raised == again.raised == ()
    assert watch.standing == first.raised


def test_a_final_that_contradicts_takes_the_suspicion_back() -> None:
    watch = Watch(shipped_detector())
    raised = watch.hear(Role.CITIZEN, said("着火了")).raised

    flicker = watch.hear(Role.CITIZEN, said("着火了怎么"))
    final = watch.hear(Role.CITIZEN, said("着火了怎么预防", final=True))

    assert flicker.withdrawn == ()
    assert final.withdrawn == raised
    assert watch.standing == ()


def test_what_was_taken_back_may_be_raised_again() -> None:
    watch = Watch(shipped_detector())
    watch.hear(Role.CITIZEN, said("着火了"))
    watch.hear(Role.CITIZEN, said("着火了怎么预防", final=True))

    assert watch.hear(Role.CITIZEN, said("着火了", number=1)).raised


def test_a_suspicion_of_two_stretches_stands_while_one_does() -> None:
    watch = Watch(shipped_detector())
    watch.hear(Role.CITIZEN, said("着火了", final=True))
    watch.hear(Role.CITIZEN, said("着火了", number=1))

    heard = watch.hear(Role.CITIZEN, said("着火了怎么预防", number=1, final=True))

    assert heard.withdrawn == ()
    assert len(watch.standing) == 1


def test_only_the_citizen_raises_suspicion() -> None:
    watch = Watch(shipped_detector())

    assert watch.hear(Role.AGENT, said("您是说着火了吗", final=True)).raised == ()
    assert watch.standing == ()


def tiny(context: Context | None = None, unless: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> Detector:
    contexts = {context.id: context} if context else {}
    fire = EmergencyEntry(id="fire", line=EmergencyLine("119"), phrases=("火",), unless=unless, needs=needs)
    return Detector(EmergencyLexicon(entries=(fire,), contexts=contexts))


def context(side: Side, scope: Scope = Scope.TEXT, within: int = 2) -> Context:
    return Context(id="doubt", side=side, scope=scope, within=within, phrases=("疑",), but=("不疑", "信"))


@pytest.mark.parametrize(
    ("side", "text", "found"),
    [
        (Side.BEFORE, "疑火", False),
        (Side.BEFORE, "疑甲乙火", False),
        (Side.BEFORE, "疑甲乙丙火", True),
        (Side.BEFORE, "火疑", True),
        (Side.BEFORE, "不疑火", True),
        (Side.BEFORE, "疑信火", True),
        (Side.BEFORE, "信疑火", False),
        (Side.AFTER, "火疑", False),
        (Side.AFTER, "火甲乙丙疑", True),
        (Side.AFTER, "疑火", True),
        (Side.AFTER, "火信疑", True),
        (Side.AFTER, "火不疑", True),
        (Side.AROUND, "疑火", False),
        (Side.AROUND, "火疑", False),
        (Side.AROUND, "疑火甲，火", True),
    ],
)
def test_a_context_counts_on_its_side_near_the_phrase_and_unlifted(side: Side, text: str, found: bool) -> None:
    assert bool(tiny(context(side), unless=("doubt",)).look(text)) is found


@pytest.mark.parametrize(
    ("scope", "text", "found"),
    [
        (Scope.CLAUSE, "疑，火", True),
        (Scope.SENTENCE, "疑，火", False),
        (Scope.SENTENCE, "疑。火", True),
        (Scope.TEXT, "疑。火", False),
        (Scope.CLAUSE, "火，疑", True),
        (Scope.SENTENCE, "火，疑", False),
        (Scope.SENTENCE, "火。疑", True),
        (Scope.TEXT, "火。疑", False),
    ],
)
def test_a_context_reaches_as_far_as_its_scope(scope: Scope, text: str, found: bool) -> None:
    assert bool(tiny(context(Side.AROUND, scope), unless=("doubt",)).look(text)) is found


def test_an_entry_that_needs_a_context_is_silent_without_it() -> None:
    detector = tiny(context(Side.AROUND), needs=("doubt",))

    assert detector.look("火") == ()
    assert detector.look("疑火")


def test_an_unknown_context_is_refused() -> None:
    with pytest.raises(PatternError, match="'doubt'"):
        tiny(unless=("doubt",))


CHINESE = st.text(
    alphabet=st.one_of(st.sampled_from("着火了没有去年，。119救命晕倒 过预防车撞刀"), st.characters(codec="utf-8")),
    max_size=60,
)


@given(CHINESE, st.booleans())
def test_any_text_can_be_looked_at(text: str, final: bool) -> None:
    for hit in shipped_detector().look(text, final=final):
        assert hit.phrase


@given(st.lists(st.tuples(CHINESE, st.integers(0, 3), st.booleans()), max_size=8))
def test_raised_minus_withdrawn_is_what_stands(utterances: list[tuple[str, int, bool]]) -> None:
    watch = Watch(shipped_detector())
    standing: set[EmergencyHit] = set()
    for text, number, final in utterances:
        heard = watch.hear(Role.CITIZEN, said(text, number=number, final=final))
        assert not standing & set(heard.raised)
        standing = (standing | set(heard.raised)) - set(heard.withdrawn)

    assert standing == set(watch.standing)
