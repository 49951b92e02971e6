"""`jiesu prompts` as a person at a terminal meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from config.announcements import DEFAULT_FOLDER, Announcements, needed
from gateway.cli import main
from gateway.speech import write_wav


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city's folder with everything recorded, one sample each."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    shutil.copy(DEFAULT_FOLDER / "prompts.toml", folder)
    for file in Announcements(DEFAULT_FOLDER).files.values():
        write_wav(folder / file.name, np.ones(8, dtype=np.int16))
    return folder


def ask(folder: Path, *words: str, more: str = "") -> int:
    config = folder.parent / "gateway.toml"
    config.write_text(f'[media]\nprompts = "{folder}"\n{more}', encoding="utf-8")
    return main(["prompts", *words, "--config", str(config)])


def states(folder: Path, capsys: pytest.CaptureFixture[str], *, more: str = "") -> dict[str, str]:
    """Return what is wrong, by id."""
    capsys.readouterr()
    status = ask(folder, "--json", more=more)
    wrong = {line["id"]: line["state"] for line in json.loads(capsys.readouterr().out) if line["state"] != "ok"}
    assert status == bool(wrong)
    return wrong


def test_what_is_delivered_is_whole_and_says_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompts"]) == 0

    told = capsys.readouterr().out
    assert "您好，这里是12345热线" in told
    assert "0 missing or unplayable" in told


def test_what_cannot_be_played_is_named_with_its_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "greeting.wav").unlink()
    (folder / "please_wait.wav").write_bytes(b"ID3\x03")
    (folder / "call_ending.wav").write_bytes(b"")
    write_wav(folder / "ringback.wav", np.empty(0, dtype=np.int16))
    fast = (folder / "overloaded.wav").read_bytes()
    (folder / "overloaded.wav").write_bytes(fast.replace((8000).to_bytes(4, "little"), (44100).to_bytes(4, "little")))

    wrong = states(folder, capsys)

    assert wrong.keys() == {"greeting", "please_wait", "call_ending", "ringback", "overloaded"}
    assert wrong["greeting"] == "no file"
    assert wrong["ringback"] == "unplayable: empty"
    assert "44100 Hz" in wrong["overloaded"]


def test_what_is_not_listed_is_missing_but_for_places(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "prompts.toml").unlink()

    assert states(folder, capsys) == dict.fromkeys(needed(), "not in prompts.toml")


def test_a_merged_lines_own_prompt_is_needed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = '[[merged_line]]\nnumber = "12369"\nname = "环保热线"\nmerging = "whole"\nprompt = "merged_12369"\n'

    assert states(folder, capsys, more=line) == {"merged_12369": "not in prompts.toml"}
    ask(folder, "synthesise", more=line)
    assert states(folder, capsys, more=line) == {"merged_12369": "not in prompts.toml"}


@pytest.mark.peer("espeak-ng")
def test_placeholders_are_made_for_what_is_missing_and_no_recording_is_written_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "prompts.toml").read_text(encoding="utf-8")
    (folder / "prompts.toml").write_text(text.replace('id = "digit_0"', 'id = "place_zero"'), encoding="utf-8")
    recorded = (folder / "digit_1.wav").read_bytes()
    (folder / "digit_0.wav").unlink()
    (folder / "hold_music.wav").unlink()
    (folder / "digit_2.wav").write_bytes(b"mp3")

    assert ask(folder, "synthesise") == 1
    assert list(states(folder, capsys)) == ["digit_2"]
    assert (folder / "digit_1.wav").read_bytes() == recorded
    assert (folder / "digit_0.wav").stat().st_size > 1000
    assert (folder / "hold_music.wav").read_bytes() == (DEFAULT_FOLDER / "hold_music.wav").read_bytes()
    assert Announcements(folder).words["digit_0"] == "零"


def test_without_espeak_ng_it_is_said_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "greeting.wav").unlink()
    monkeypatch.setenv("PATH", str(folder))

    assert ask(folder, "synthesise") == 1
    assert "apt-get install espeak-ng" in capsys.readouterr().err
