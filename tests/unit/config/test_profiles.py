from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.profiles import ProfileError, find, load
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
        ('cite = "C-1"', "cite = []", "expected at least one of C-1"),
        ('cite = "C-1"', 'cite = ["C-1", "C-2"]', "there is no such citation; there are C-1"),
        ('name = "某市"', 'name = "某市"\nextends = "nowhere"', "expected another profile: chifeng-2022"),
        ('name = "某市"', 'name = "某市"\nextends = "city"', "expected another profile: chifeng-2022"),
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


@pytest.mark.parametrize(
    ("key", "value", "field", "complaint"),
    [
        ("period.handle", '{ span = "5", runs_from = "dispatched" }', ".span", "a number and its unit"),
        ("period.handle", '{ span = 5, runs_from = "dispatched" }', ".span", "a number and its unit"),
        ("period.handle", '{ span = "5 days", runs_from = "dispatched" }', ".span", '"5 working days"'),
        ("period.handle", '{ span = "0 hours", runs_from = "dispatched" }', ".span", '"24 hours"'),
        ("period.handle", '{ span = "2 hours" }', ".runs_from", "is missing"),
        (
            "period.handle",
            '{ span = "2 hours", runs_from = "birth" }',
            ".runs_from",
            "expected one of accepted, refused",
        ),
        ("period.handle", '{ span = "2 hours", runs_form = "dispatched" }', ".runs_form", "did you mean runs_from?"),
        ("period.handle", '{ span = "2 hours", zzz = 1 }', ".zzz", "expected one of span, runs_from, renewed"),
        ("period.handle", '"2 hours"', "", "expected a table of span, runs_from, renewed"),
        ("survey", '{ scale = ["好", "坏"], unsatisfied = ["差"] }', "", "unsatisfied: 差 is not on the scale"),
        ("survey", '{ scale = ["好"], unsatisfied = [], default = "满意" }', "", "default: 满意 is not on the scale"),
        ("survey", '{ scale = "好", unsatisfied = [] }', ".scale", "expected a list"),
        ("survey", '{ scale = ["好", 1], unsatisfied = [] }', ".scale[2]", "expected a text"),
        ("survey", '{ scale = ["好"], unsatisfied = [], excluded = ["tax"] }', "", "'tax' is not known here"),
        ("return", '{ fields = ["reasons"], late = "denied" }', "", "expected some of reason, basis"),
        ("extension", '{ filing = "before the period ends", times = "one" }', ".times", "expected a whole number"),
        ("extension", '{ filing = "before the period ends", times = true }', ".times", "expected a whole number"),
        ("supervise.burst", "{ tickets = 5 }", "", "tickets and within: expected both or neither"),
        ("supervise.burst", '{ tickets = 5, within = "2 working days" }', "", "within: expected hours or minutes"),
        ("supervise.burst", "{ by_hand = 1 }", ".by_hand", "expected true or false"),
        ("day_end", '"00:00"', "", "expected a closing time such as"),
        ("day_end", '"25:00"', "", "expected a closing time such as"),
        ("day_end", "17", "", "expected a closing time such as"),
        ("office_hours", "[]", "", "expected spans such as"),
        ("office_hours", '["8-12"]', "", "Invalid isoformat string"),
        ("office_hours", '["12:00-08:00"]', "", "closes before it opens"),
        ("reply.filing", '{ either = ["number"] }', "", "expected some of unit, handler"),
        ("answer", '["tax"]', "", "expected some of consultation, help"),
        ("duty.reports", '["daily"]', "", "expected some of weekly, monthly"),
        ("notice.duty_roster", '"2"', "", "a number and its unit"),
    ],
)
def test_a_wrong_value_is_told_by_file_line_and_field(
    tmp_path: Path, key: str, value: str, field: str, complaint: str
) -> None:
    text = GOOD + f'\n[[rule]]\nkey = "{key}"\nvalue = {value}\ncite = "C-1"\neffective_from = 2022-05-10\n'

    with pytest.raises(ProfileError) as caught:
        load(write(tmp_path, text), TODAY)

    assert str(caught.value).startswith(
        f"{tmp_path / 'city.toml'}:{line_of(text, f'value = {value}')}: rule[6].value{field}"
    )
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("period.handel", "did you mean period.handle?"),
        ("period.handle.urgnet", "did you mean period.handle.urgent?"),
        ("period", "unknown kind of rule"),
        ("period.handle.", "did you mean period.handle?"),
        ("period.handle.urgent.more", "did you mean period.handle.urgent?"),
        ("urge.more", "unknown kind of rule"),
        ("q", "expected one of emergency.lines"),
    ],
)
def test_an_unknown_kind_of_rule_is_told_what_would_be_right(tmp_path: Path, key: str, complaint: str) -> None:
    text = GOOD + f'\n[[rule]]\nkey = "{key}"\nvalue = true\ncite = "C-1"\neffective_from = 2022-05-10\n'

    with pytest.raises(ProfileError, match=r"rule\[6\]\.key") as caught:
        load(write(tmp_path, text), TODAY)

    assert complaint in str(caught.value)


def test_a_city_has_the_rules_of_the_frame_that_it_extends_unless_it_has_its_own(tmp_path: Path) -> None:
    frame = GOOD.replace('id = "city"', 'id = "frame"').replace('id = "C-1"', 'id = "F-1"').replace('"C-1"', '"F-1"')
    frame += '\n[[rule]]\nkey = "urge"\nvalue = true\ncite = "F-1"\neffective_from = 2020-01-01\n'
    (tmp_path / "frame.toml").write_text(frame, encoding="utf-8")

    profile = load(write(tmp_path, GOOD.replace("[profile]", '[profile]\nextends = "frame"')), TODAY)

    assert profile.rules["urge"].rows == ("F-1",)
    assert profile.rules["category.help"].rows == ("C-1",)
    assert set(profile.citations) == {"C-1", "F-1"}


def test_a_city_elsewhere_may_extend_a_frame_that_is_shipped(tmp_path: Path) -> None:
    profile = load(write(tmp_path, GOOD.replace("[profile]", '[profile]\nextends = "neimenggu-2021"')), TODAY)

    assert profile.rules["merging.whole"].rows == ("NM-2.1a",)


def test_profiles_do_not_extend_one_another_in_a_circle(tmp_path: Path) -> None:
    frame = GOOD.replace('id = "city"', 'id = "frame"').replace("[profile]", '[profile]\nextends = "city"')
    (tmp_path / "frame.toml").write_text(frame, encoding="utf-8")

    with pytest.raises(ProfileError, match=r"frame\.toml:2: profile\.extends"):
        load(write(tmp_path, GOOD.replace("[profile]", '[profile]\nextends = "frame"')), TODAY)


def test_a_profile_is_found_by_name_or_by_file(tmp_path: Path) -> None:
    assert find("zhuhai-2023") == CONFIG / "profiles" / "zhuhai-2023.toml"
    assert find(str(tmp_path / "city.toml")) == tmp_path / "city.toml"
    with pytest.raises(ProfileError, match="there is no profile 'atlantis'; there are chifeng-2022, "):
        find("atlantis")


@pytest.mark.parametrize("city", ["chifeng-2022", "suzhou-2018", "zhuhai-2023", "neimenggu-2021", "pingli-2018"])
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
