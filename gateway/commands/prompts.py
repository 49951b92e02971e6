"""`jiesu prompts`: what callers may hear and what of it this city lacks; with ``synthesise``, placeholders for that.

A prompt is needed when it is delivered with the gateway and no place name, or when a merged line names it. Placeholders
are spoken by espeak-ng; sounds, such as music, are copied from those delivered. A recording that is there, playable or
not, is never written over unless ``--all`` says so.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from channels.media import wav
from config.announcements import CATALOGUE, DEFAULT_FOLDER, Prompt, catalogue_of, needed
from config.settings import Settings
from gateway.commands.common import add_config, settings_of
from gateway.speech import Voice, say

OK = "ok"
NOT_LISTED = f"not in {CATALOGUE}"
NO_FILE = "no file"


@dataclass(frozen=True, slots=True)
class Line:
    """One prompt as this city has it; *seconds* is 0 where it cannot be played."""

    id: str
    words: str
    needed: bool
    state: str
    seconds: float
    file: str


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=["list", "synthesise"],
        default="list",
        help="list (as without), or synthesise what has no file",
    )
    parser.add_argument("--all", action="store_true", help="synthesise: speak anew what is recorded, too")
    parser.add_argument("--json", action="store_true", help="the list as one JSON array")
    add_config(parser)
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """List, after synthesising if asked to; 1 when something needed is missing or something listed cannot be played."""
    settings = settings_of(arguments)
    folder = Path(settings.media.prompts) if settings.media.prompts else DEFAULT_FOLDER
    if arguments.action == "synthesise":
        _synthesise(folder, settings, over_all=arguments.all)
    lines = list(survey(folder, settings))
    faults = [line for line in lines if line.state != OK]
    if arguments.json:
        print(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=1))
        return int(bool(faults))
    for line in lines if arguments.action == "list" else faults:
        state = "" if line.state == OK else f"  [{line.state}]"
        print(f"{line.id:26} {line.seconds:5.1f} s  {line.words or '(no words known: record it)'}{state}")
    print(f"{folder}: {len(lines)} prompts, {len(faults)} missing or unplayable")
    return int(bool(faults))


def survey(folder: Path, settings: Settings) -> Iterator[Line]:
    """Yield what *folder* lists and what it should, in the order of what is delivered."""
    listed = {prompt.id: prompt for prompt in catalogue_of(folder).prompt}
    wanted = needed()
    for merged in settings.merged_line:
        if merged.prompt:
            wanted.setdefault(merged.prompt, Prompt(id=merged.prompt, file=f"{merged.prompt}.wav"))
    for id_, prompt in {**wanted, **listed}.items():
        state, seconds = _heard(folder / prompt.file) if id_ in listed else (NOT_LISTED, 0.0)
        words = prompt.words or (f"({prompt.sound})" if prompt.sound else "")
        yield Line(id_, words, id_ in wanted, state, seconds, prompt.file)


def _heard(path: Path) -> tuple[str, float]:
    """Return whether the media process could play *path*, and for how many seconds."""
    try:
        samples = wav.parse(path.read_bytes())
    except FileNotFoundError:
        return NO_FILE, 0.0
    except (OSError, wav.UnusableWav) as error:
        return f"unplayable: {error}", 0.0
    return (OK, len(samples) / wav.RATE) if len(samples) else ("unplayable: empty", 0.0)


def _synthesise(folder: Path, settings: Settings, *, over_all: bool) -> None:
    """Make what *folder* lacks and list it in its catalogue. Raises `Unavailable` without espeak-ng."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue, delivered = catalogue_of(folder), catalogue_of(DEFAULT_FOLDER)
    voice = msgspec.convert(catalogue.voice or delivered.voice, Voice)
    sounds = {prompt.sound: DEFAULT_FOLDER / prompt.file for prompt in delivered.prompt if prompt.sound}
    known = {prompt.id: prompt for prompt in (*delivered.prompt, *catalogue.prompt)}
    for line in list(survey(folder, settings)):
        prompt, path = known.get(line.id), folder / line.file
        if prompt is None:
            continue
        if over_all or not path.exists():
            if prompt.words:
                say(prompt.words, voice, path)
            elif prompt.sound in sounds and sounds[prompt.sound] != path:
                shutil.copyfile(sounds[prompt.sound], path)
            print(path)
        if line.state == NOT_LISTED:
            _list_in(folder / CATALOGUE, prompt)


def _list_in(catalogue: Path, prompt: Prompt) -> None:
    """Add *prompt* at the end of a catalogue."""
    kind, text = ("words", prompt.words) if prompt.words else ("sound", prompt.sound)
    with catalogue.open("a", encoding="utf-8") as file:
        entry = {"id": prompt.id, "file": prompt.file, kind: text}
        rows = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
        file.write("\n".join(["", "[[prompt]]", *rows, ""]))
