from __future__ import annotations

from pathlib import Path

import pytest

from config.lexicons import LexiconError, load, load_emergency, load_topics
from routing.emergency import Detector
from routing.lexicon import Scope, Side
from tests.fakes.routing import CONFIG

GOOD = """\
harmless = ["火锅"]

[sets]
person = ["老人", "孩子"]

[[context]]
id = "denied"
doc = "没有着火"
side = "before"
scope = "clause"
within = 0
default = true
phrases = ["没有"]
but = ["有没有"]

[[context]]
id = "chronic"
doc = "天天着火"
side = "around"
scope = "text"
within = 4
phrases = ["天天"]

[[entry]]
id = "fire"
line = "119"
doc = "Something burns."
phrases = ["着火", "{person}烧"]
unless = ["chronic"]

[[entry]]
id = "shout"
line = "110"
doc = "A cry."
phrases = ["救命"]
despite = ["denied"]
alone = true
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "emergency.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_lexicon_is_read_with_its_default_contexts(tmp_path: Path) -> None:
    lexicon = load_emergency(write(tmp_path, GOOD))

    assert [entry.unless for entry in lexicon.entries] == [("denied", "chronic"), ()]
    assert lexicon.contexts["denied"].side is Side.BEFORE
    assert lexicon.contexts["denied"].scope is Scope.CLAUSE
    assert [hit.rule for hit in Detector(lexicon).look("吃火锅 孩子烧着了")] == ["fire"]


@pytest.mark.parametrize(
    ("part", "wrong", "complaint"),
    [
        ('id = "chronic"', 'id = "denied"', "is taken already"),
        ('id = "shout"', 'id = "fire"', "is taken already"),
        ('line = "119"', 'line = "fire"', "expected the digits"),
        ('side = "before"', 'side = "left"', 'expected one of "before", "after", "around"'),
        ('phrases = ["没有"]', "phrases = []", "no phrase"),
        ('phrases = ["着火", "{person}烧"]', 'phrases = ["{persons}烧"]', "there is no set 'persons'"),
        ('harmless = ["火锅"]', 'harmless = ["火)锅"]', ") without ("),
        ('person = ["老人", "孩子"]', 'person = ["{person}"]', "there is no set"),
        ('but = ["有没有"]', 'but = ["有(没有"]', "( without )"),
        ('unless = ["chronic"]', 'unless = ["cronic"]', "there is no context 'cronic'"),
        ('unless = ["chronic"]', 'needs = ["cronic"]', "there is no context 'cronic'"),
        ('despite = ["denied"]', 'despite = ["chronic"]', "is no default context"),
        ('doc = "A cry."', "", "is missing"),
        ('doc = "A cry."', 'doc = "A cry."\ndocs = ""', "unknown key"),
    ],
)
def test_a_wrong_lexicon_is_one_line_with_file_and_reason(
    tmp_path: Path, part: str, wrong: str, complaint: str
) -> None:
    path = write(tmp_path, GOOD.replace(part, wrong, 1))

    with pytest.raises(LexiconError) as caught:
        load_emergency(path)

    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert complaint in message
    assert "\n" not in message


def test_the_error_names_the_line_and_the_field(tmp_path: Path) -> None:
    text = GOOD.replace('line = "119"', 'line = "fire"')
    line = text.splitlines().index('line = "fire"') + 1

    with pytest.raises(LexiconError, match=rf"emergency\.toml:{line}: entry\[1\]\.line"):
        load_emergency(write(tmp_path, text))


def test_a_missing_lexicon_is_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="cannot be read"):
        load_topics(tmp_path / "matters.toml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[topic]]\nid = "a"\nname = "甲"\n[topic.words]\n"水" = 0\n', "expected a weight"),
        ('[[topic]]\nid = "a"\nname = "甲"\n[topic.words]\n"水" = 11\n', "expected a weight"),
        ('[[topic]]\nid = "a"\nname = "甲"\n[topic.words]\n"" = 1\n', "expected a weight"),
        ('[[topic]]\nid = "a"\nname = "甲"\nwords = {}\n' * 2, "is taken already"),
    ],
)
def test_wrong_topics_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "matters.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(LexiconError, match=complaint):
        load_topics(path)


def test_the_shipped_lexicons_load_and_every_line_has_a_matter() -> None:
    lexicons = load(CONFIG / "lexicons")

    lines = {entry.line for entry in lexicons.emergency.entries}
    assert lines == {"110", "119", "120", "122"}
    assert lines == {line for topic in lexicons.matters for line in topic.lines}
    assert {topic.id for topic in lexicons.categories} >= {"consultation", "help", "complaint"}
