"""Learning: nothing leaks, the same examples make the same model, probabilities can be believed."""

from __future__ import annotations

import numpy as np
import pytest

from routing.learned import normal
from routing.measuring import measured
from routing.scores import scores
from routing.training import Example, LearningError, halves_of, refuse_leaks, split, train
from tests.fakes import histories

EXAMPLES = [
    Example(text=text, label=matter, line=int(number) + 1) for number, text, _, matter, _ in histories.rows(400)
]


def texts(examples: tuple[Example, ...]) -> set[str]:
    return {normal(example.text) for example in examples}


def test_the_same_text_never_stands_in_both_halves() -> None:
    copies = [Example(text=f"{each.text}（编号{at}）", label=each.label, line=at) for at, each in enumerate(EXAMPLES)]
    halves = split([*EXAMPLES, *EXAMPLES, *copies])

    assert not texts(halves.train) & texts(halves.held_out)
    assert len(halves.train) + len(halves.held_out) == 3 * len(EXAMPLES)


def test_every_label_has_its_share_in_both_halves() -> None:
    halves = split(EXAMPLES)

    assert {each.label for each in halves.train} == {each.label for each in halves.held_out} == {*histories.MATTERS}
    assert 0.15 < len(halves.held_out) / len(EXAMPLES) < 0.3


def test_a_leak_is_refused_with_its_lines() -> None:
    with pytest.raises(LearningError, match="1 times: lines 7 and 3"):
        refuse_leaks([Example(text="3号楼停水", label="a", line=7)], [Example(text="9 号楼停水。", label="a", line=3)])


def test_a_held_out_file_that_repeats_what_is_trained_on_is_refused() -> None:
    with pytest.raises(LearningError, match="trained on and held out"):
        halves_of(EXAMPLES, EXAMPLES[:1])


def test_rare_labels_are_left_out_and_counted() -> None:
    halves = split([*EXAMPLES, Example(text="很少见的事情", label="罕见", line=1)])

    assert halves.too_rare == {"罕见": 1}
    assert "罕见" not in {each.label for each in halves.train}


def test_one_label_alone_cannot_be_learnt() -> None:
    with pytest.raises(LearningError, match="two are needed"):
        split([example for example in EXAMPLES if example.label == "供水"])


def test_a_text_that_was_decided_differently_stays_on_one_side_with_all_that_was_said_of_it() -> None:
    other = [Example(text=each.text, label="道路与市政设施", line=1) for each in EXAMPLES[:40]]
    halves = split([*EXAMPLES, *other])

    assert not texts(halves.train) & texts(halves.held_out)
    assert len(halves.train) + len(halves.held_out) == len(EXAMPLES) + 40


class TestWithScikitLearn:
    def test_the_same_examples_make_the_same_model_in_any_order(self) -> None:
        one, other = (train(split(each).train, version="20260101.1") for each in (EXAMPLES, EXAMPLES[::-1]))

        assert np.array_equal(one.weights, other.weights)
        assert (one.temperature, one.vocabulary.grams) == (other.temperature, other.vocabulary.grams)

    def test_what_was_learnt_holds_for_texts_not_seen_and_its_probabilities_can_be_believed(self) -> None:
        halves = split(EXAMPLES)

        result = measured(train(halves.train, version="20260101.1"), halves.held_out, threshold=0.7)

        assert result.scores.macro_f1 > 0.8
        assert result.calibration_error < 0.2
        assert [each.probability for each in result.worst] == sorted(
            (e.probability for e in result.worst), reverse=True
        )

    def test_texts_that_have_nothing_in_common_teach_nothing(self) -> None:
        strange = [Example(text=chr(0x4E00 + at), label="甲乙"[at % 2], line=at) for at in range(40)]

        with pytest.raises(LearningError, match="in common"):
            train(strange, version="20260101.1")

    def test_two_labels_are_enough(self) -> None:
        two = [example for example in EXAMPLES if example.label in ("供水", "欠薪")]

        model = train(two, version="20260101.1")

        assert model.labels == ("供水", "欠薪")
        assert [guess.label for text in ("水龙头不出水", "工钱没给") if (guess := model.guess(text))] == [
            "供水",
            "欠薪",
        ]


def test_figures_count_what_is_taken_for_what() -> None:
    figures = scores([("a", "a"), ("a", "b"), ("b", "b"), ("c", "")])

    assert (figures.n, figures.accuracy) == (4, 0.5)
    assert figures.confusions == (("a", "b", 1), ("c", "", 1))
    by_label = {label: (each.true, each.precision, each.recall) for label, each in figures.labels.items()}
    assert by_label == {"a": (2, 1.0, 0.5), "b": (1, 0.5, 1.0), "c": (1, None, 0.0)}
    assert figures.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
