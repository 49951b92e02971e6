"""What units hand in, as TOML and as CSV, and the lexicon of the search."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from config.knowledge import COLUMNS, KnowledgeFileError, load, load_lexicon, to_csv
from config.lexicons import load_topics
from config.toml_file import SettingsError
from gateway.domain.knowledge import ArticleKind
from routing.search import Indexer

SAMPLES = sorted(Path("config/knowledge").glob("*.toml"))
GOOD = """
[[article]]
id = "a"
title = "停水"
unit = "water"
body = "请拨打热线。"
"""


def written(tmp_path: Path, text: str, name: str = "f.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(KnowledgeFileError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}")


def test_the_samples_are_whole_and_marked_as_invented() -> None:
    matters = {topic.id for topic in load_topics(Path("config/lexicons/matters.toml"))}
    articles = [article for path in SAMPLES for article in load(path)]

    assert len(articles) >= 20
    assert {article.content.kind for article in articles} == set(ArticleKind)
    assert {article.content.source for article in articles} == {"虚构示例"}
    assert {matter for article in articles for matter in article.content.matters} <= matters
    assert all("INVENTED" in path.read_text(encoding="utf-8") for path in SAMPLES)


def test_a_csv_says_what_the_toml_says(tmp_path: Path) -> None:
    for path in SAMPLES:
        articles = load(path)
        assert load(written(tmp_path, to_csv(articles), "f.csv")) == articles


def test_a_csv_as_a_spreadsheet_writes_it_is_read(tmp_path: Path) -> None:
    text = '\ufeffid,title,unit,body,keywords,kind,confirmed\r\na,停水,water,"一，\r\n二",停水 | 抢修|,,2026-01-02\r\n'

    (article,) = load(written(tmp_path, text, "f.CSV"))

    assert article.content.keywords == ("停水", "抢修")
    assert article.content.body == "一，\n二"
    assert (article.content.kind, article.confirmed_on) == (ArticleKind.GUIDE, date(2026, 1, 2))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD.replace("unit", "unti"), ':5: article[1].unti = "water": unknown key; did you mean unit?'),
        (GOOD.replace('"a"', '"ä b"'), ":3: id = 'ä b': expected letters, digits and . _ -"),
        (GOOD + GOOD, ":9: id = a: stands in line 3 already"),
        (GOOD + 'kind = "construction"\n', ":3: a.valid_from: is needed by a construction"),
        (GOOD.replace("停水", " "), ":3: a.title: is needed by a guide"),
        ("[[article", ": is not TOML"),
    ],
)
def test_a_toml_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: str, line: str) -> None:
    assert complaint(written(tmp_path, text)).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id,title,unit,body,colour\n", ":1: unknown column 'colour'; expected id, title"),
        ("id,title,unit\n", ":1: column 'body' is missing; expected id, title"),
        ("", ":1: column 'id' is missing; expected id, title"),
        ("id,title,unit,body\na,停水,water\n", ":2: expected as many fields as the heading has"),
        ("id,title,unit,body\na,停水,water,x,y\n", ":2: expected as many fields as the heading has"),
        ("id,title,unit,body,valid_from\na,停水,water,x,soon\n", ":2: Invalid RFC3339 encoded date"),
        ("id,title,unit,body,kind\na,停水,water,x,poem\n", ":2: Invalid enum value 'poem'"),
        ('id,title,unit,body\na,停水,water,"x\n', ":1: is not CSV: unexpected end of data"),
    ],
)
def test_a_csv_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: str, line: str) -> None:
    assert complaint(written(tmp_path, text, "f.csv")).startswith(line)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    gbk = tmp_path / "f.csv"
    gbk.write_bytes("id,title\n供暖知识".encode("gbk"))

    assert complaint(gbk).startswith(": is not UTF-8 text")
    assert "cannot be read" in complaint(tmp_path / "none.csv")
    assert "cannot be read" in complaint(tmp_path / "none.toml")
    assert "expected a file that ends in .toml or .csv" in complaint(written(tmp_path, "", "f.xlsx"))


def test_every_field_of_an_article_has_its_column() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) == 15


def test_the_lexicon_knows_synonyms_fillers_and_how_characters_sound() -> None:
    lexicon = load_lexicon(Path("config/lexicons"), ["自来水"])

    assert {"自来水", "住房公积金"} <= lexicon.words
    assert len(lexicon.sounds) > 6700
    assert lexicon.sounds["福"] == "fu"
    assert Indexer(lexicon).question("请问停水怎么办").text.strip() == "停水"


def test_a_group_of_one_word_means_nothing(tmp_path: Path) -> None:
    written(tmp_path, '[[synonym]]\nwords = ["停水"]\n', "knowledge.toml")

    with pytest.raises(SettingsError, match=r"knowledge\.toml:2: synonym\[1\]\.words"):
        load_lexicon(tmp_path)
