from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.profiles import ProfileError, load
from tests.fakes.routing import CONFIG, TODAY

GOOD = """\
[profile]
id = "city"
name = "某市"
document = "《办法》"

[[citation]]
id = "C-1"
article = "第一条"
words = "即时转至相应专线"

[[rule]]
key = "emergency.lines"
value = ["110", "96333"]
cite = "C-1"
effective_from = 2022-05-10

[[rule]]
key = "emergency.needs_confirmation"
value = true
cite = "C-1"
effective_from = 2022-05-10
until = 2022-12-31

[[rule]]
key = "emergency.needs_confirmation"
value = false
cite = "C-1"
effective_from = 2023-01-01

[[rule]]
key = "emergency.grace"
value = "1.5s"
cite = "C-1"
effective_from = 2022-05-10

[[rule]]
key = "category.help"
value = "求助"
cite = "C-1"
effective_from = 2022-05-10
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "city.toml"
    path.write_text(text, encoding="utf-8")
    return path


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def test_a_profile_says_what_is_in_force(tmp_path: Path) -> None:
    profile = load(write(tmp_path, GOOD), TODAY)

    assert profile.emergency.lines == ("110", "96333")
    assert profile.emergency.needs_confirmation is False
    assert profile.emergency.grace == 1.5
    assert profile.emergency.citation.words == "即时转至相应专线"
    assert profile.categories == {"help": "求助"}
    assert profile.category_citations["help"].obligation == "C-1"
    assert profile.six_elements is None


def test_old_tickets_keep_old_rules_by_the_citys_own_calendar(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    new_year = datetime(2023, 1, 1, tzinfo=timezone(timedelta(hours=8)))

    assert load(path, new_year - timedelta(seconds=1)).emergency.needs_confirmation is True
    assert load(path, new_year.astimezone(UTC)).emergency.needs_confirmation is False


def test_before_its_first_rule_a_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"no rule with key 'emergency\.lines' is in force on 2020-01-01"):
        load(write(tmp_path, GOOD), datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("part", "wrong", "complaint"),
    [
        ('id = "city"', 'id = "town"', "expected 'city', the name of the file"),
        ('name = "某市"', "name = 3", "profile.name = 3"),
        ('name = "某市"', 'name = "某市"\ncolour = "red"', "unknown key"),
        ('name = "某市"', 'name = "某市"\ntimezone = "Mars/Olympus"', "expected a time zone"),
        ('name = "某市"', 'name = "某市"\ntimezone = "../etc"', "expected a time zone"),
        ('words = "即时转至相应专线"', 'words = " "', "the regulation's own words"),
        ('key = "emergency.grace"', 'key = "emergency.grase"', "did you mean emergency.grace?"),
        ('key = "emergency.grace"', 'key = "xyz"', "expected one of emergency.lines"),
        ('value = "1.5s"', "value = 5", "expected a duration"),
        ("value = false", 'value = "no"', "expected true or false"),
        ('value = ["110", "96333"]', 'value = ["abc"]', "expected a list of short numbers"),
        ('value = ["110", "96333"]', "value = []", "expected a list of short numbers"),
        ('value = "求助"', 'value = ""', "expected a Chinese name"),
        ('cite = "C-1"', 'cite = "C-9"', "there is no such citation; there are C-1"),
        ("until = 2022-12-31", "until = 2022-01-01", "expected a day from 2022-05-10 on"),
        ("until = 2022-12-31", "until = 2023-01-01", "in force already since 2022-05-10"),
        ("until = 2022-12-31", "", "in force already since 2022-05-10"),
        ("effective_from = 2023-01-01", 'effective_from = "now"', "effective_from"),
        ("effective_from = 2023-01-01", "", "is missing"),
        ("[profile]", "[profile", "is not TOML"),
        ("[[rule]]", '[[citation]]\nid = "C-1"\narticle = ""\nwords = "x"\n[[rule]]', "is taken already"),
    ],
)
def test_a_wrong_profile_is_one_line_with_file_and_reason(
    tmp_path: Path, part: str, wrong: str, complaint: str
) -> None:
    path = write(tmp_path, GOOD.replace(part, wrong, 1))

    with pytest.raises(ProfileError) as caught:
        load(path, TODAY)

    message = str(caught.value)
    assert message.startswith(str(path))
    assert complaint in message
    assert "\n" not in message


def test_the_error_names_the_line_and_the_field(tmp_path: Path) -> None:
    text = GOOD.replace('value = "1.5s"', 'value = "soon"')

    with pytest.raises(ProfileError, match=rf"city\.toml:{line_of(text, 'soon')}: rule\[4\]\.value"):
        load(write(tmp_path, text), TODAY)


@pytest.mark.parametrize("city", ["chifeng-2022", "suzhou-2018", "zhuhai-2023"])
def test_the_shipped_profiles_load(city: str) -> None:
    profile = load(CONFIG / "profiles" / f"{city}.toml", TODAY)

    assert {"110", "119", "120"} <= set(profile.emergency.lines)
    assert {"consultation", "help", "complaint", "suggestion"} <= set(profile.categories)
    assert set(profile.categories) == set(profile.category_citations)


def test_chifeng_hands_over_at_once() -> None:
    rule = load(CONFIG / "profiles" / "chifeng-2022.toml", TODAY).emergency

    assert rule.needs_confirmation is False
    assert rule.grace <= 5
    assert "即时转至相应专线" in rule.citation.words


def test_suzhou_asks_for_the_six_elements() -> None:
    cited = load(CONFIG / "profiles" / "suzhou-2018.toml", TODAY).six_elements

    assert cited is not None
    assert cited.obligation == "SZ-4.1"
