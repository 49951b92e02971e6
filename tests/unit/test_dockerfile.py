"""The reader that `make image-check` trusts: nothing of a Dockerfile is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.dockerfile import BadDockerfile, Context, read


def test_stages_keep_their_steps_in_order() -> None:
    first, second = read("FROM a AS build\nCOPY x /y/\nRUN one \\\n # why\n && two\nFROM b\nUSER jiesu\n")

    assert (first.base, first.name, second.base, second.name) == ("a", "build", "b", "1")
    assert [(step.line, step.word) for step in first.steps] == [(2, "COPY"), (3, "RUN")]
    assert first.steps[1].rest.split() == ["one", "&&", "two"]


def test_flags_and_both_forms_of_words_are_understood() -> None:
    (stage,) = read('FROM a\nCOPY --from=build --chown=x /a /b\nENTRYPOINT ["jiesu", "a b"]\nENV A="1 2" B=3\n')

    assert stage.steps[0].flags == {"from": "build", "chown": "x"}
    assert stage.steps[0].words() == ["/a", "/b"]
    assert stage.last("ENTRYPOINT").words() == ["jiesu", "a b"]
    assert stage.last("ENV").words() == ["A=1 2", "B=3"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM a\nADD x /y", "line 2: ADD is not known here"),
        ("RUN true", "line 1: RUN before FROM"),
        ("FROM a\nRUN true \\", "line 2: ends with a backslash"),
    ],
)
def test_what_it_does_not_know_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadDockerfile, match=said):
        read(text)


def test_an_instruction_that_should_be_there_is_missed() -> None:
    with pytest.raises(BadDockerfile, match="stage 0 has no CMD"):
        read("FROM a")[0].last("CMD")


def test_the_last_rule_of_dockerignore_wins(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("# all but\n*\n!kept\n**/__pycache__\nkept/training\n")
    for name in ("kept/a.py", "kept/deep/b.py", "kept/deep/__pycache__/b.pyc", "kept/training/c.py", "other/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    context = Context(tmp_path)

    assert [path.as_posix() for path in context.files("kept")] == ["kept/a.py", "kept/deep/b.py"]
    with pytest.raises(BadDockerfile, match="COPY other"):
        context.files("other")


def test_our_own_dockerfile_is_understood_and_ends_as_a_user_with_a_health_check() -> None:
    stage = read(Path("Dockerfile").read_text(encoding="utf-8"))[-1]

    assert stage.last("USER").rest == "jiesu"
    assert stage.last("ENTRYPOINT").words() == ["jiesu"]
    assert "healthcheck" in stage.last("HEALTHCHECK").rest
