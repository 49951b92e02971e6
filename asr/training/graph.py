"""Vosk's decoding graph: ``python -m asr.training.graph MODEL_FOLDER [WORDS]``.

``HCLr.fst`` turns transition ids into words, ``Gr.fst`` is a bigram of the toy language; libvosk composes them while it
decodes, so a grammar can replace ``Gr.fst`` at run time. ``[unk]`` is a word that sounds like any run of phones; only
grammars use it. All transitions have even odds, which are left out of the graph.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pynini  # type: ignore[import-not-found, import-untyped, unused-ignore]
import pywrapfst  # type: ignore[import-not-found, import-untyped, unused-ignore]

from asr.training import language
from asr.training.pronunciation import FORWARD, PHONE_ID, PHONES, POSITIONS, TRANSITION_COUNT, placed

UNKNOWN = "[unk]"
SENTENCES = 20_000
LOOKAHEAD_PLUGIN = "/usr/lib/x86_64-linux-gnu/fst/22"
"""Where Debian's libfst22-plugins-base has OpenFst's lookahead types."""

_SILENCE_ODDS = 0.3
_UNKNOWN_PHONE_COST = 2.0
_DISCOUNT = 0.5
_UNIFORM_SHARE = 0.15


class _Graph:
    """A weighted transducer under construction."""

    def __init__(self, fst: Any = None) -> None:
        self.fst = pynini.Fst() if fst is None else fst

    def state(self) -> int:
        return int(self.fst.add_state())

    def arc(self, start: int, heard: int, word: int, cost: float, end: int) -> None:
        self.fst.add_arc(start, pynini.Arc(heard, word, pynini.Weight(self.fst.weight_type(), cost), end))

    def final(self, state: int, cost: float = 0.0) -> None:
        self.fst.set_final(state, pynini.Weight(self.fst.weight_type(), cost))

    def chain(self, start: int, heard: list[int], word: int, cost: float, end: int) -> None:
        """Lead from *start* to *end* over all of *heard*; word and cost are on the first arc."""
        for index, number in enumerate(heard):
            onward = end if index == len(heard) - 1 else self.state()
            self.arc(start, number, word if index == 0 else 0, cost if index == 0 else 0.0, onward)
            start = onward


def lexicon(numbers: dict[str, int]) -> tuple[Any, list[int]]:
    """Return HCLr before lookahead, and the ids that tell words of the same sound apart."""
    graph = _Graph()
    start, ready, silence, after = (graph.state() for _ in range(4))
    graph.fst.set_start(start)
    ways = ((-math.log(1 - _SILENCE_ODDS), ready), (-math.log(_SILENCE_ODDS), silence))
    for cost, end in ways:
        graph.arc(start, 0, 0, cost, end)
    graph.arc(silence, FORWARD[1][0], 0, 0.0, after)
    graph.arc(after, TRANSITION_COUNT + 1, 0, 0.0, ready)
    alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for word in numbers:
        if word != UNKNOWN:
            alike[tuple(placed(word))].append(word)
    first = TRANSITION_COUNT + 2
    for phones, words in alike.items():
        sounds = [number for phone in phones for number in FORWARD[PHONE_ID[phone]]]
        for rank, word in enumerate(words):
            *body, last = [*sounds, first + rank] if len(words) > 1 else sounds
            turn = graph.state() if body else ready
            if body:
                graph.chain(ready, body, numbers[word], 0.0, turn)
            for cost, end in ways:
                graph.arc(turn, last, 0 if body else numbers[word], cost, end)
    unknown = first + max(map(len, alike.values()))
    for cost, end in ways:
        graph.arc(ready, unknown, numbers[UNKNOWN], cost, end)
    graph.final(ready)
    compact = _minimised(pynini.determinize(graph.fst, det_type="functional"))
    apart = list(range(TRANSITION_COUNT + 1, unknown))
    looped = _with_self_loops(_with_unknown(compact, unknown), set(apart))
    looped.arcsort("olabel")
    return looped, apart


def bigram(numbers: dict[str, int]) -> Any:
    """Return Gr: bigrams of the toy language with absolute discounting, and a uniform share for every known word."""
    rng = random.Random(77)
    words = [word for word in numbers if word != UNKNOWN]
    singles: Counter[str] = Counter()
    pairs: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _ in range(SENTENCES):
        before = "<s>"
        for word in [*language.sentence(rng), "</s>"]:
            singles[word] += 1
            pairs[before][word] += 1
            before = word
    odds = {
        word: (1 - _UNIFORM_SHARE) * singles[word] / singles.total() + _UNIFORM_SHARE / (len(words) + 1)
        for word in [*words, "</s>"]
    }
    graph = _Graph()
    anywhere = graph.state()
    after = {word: graph.state() for word in pairs}
    graph.fst.set_start(after["<s>"])
    for word in words:
        graph.arc(anywhere, numbers[word], numbers[word], -math.log(odds[word]), after.get(word, anywhere))
    graph.final(anywhere, -math.log(odds["</s>"]))
    for before, following in pairs.items():
        share = _DISCOUNT * len(following) / following.total()
        for word, count in following.items():
            cost = -math.log((count - _DISCOUNT) / following.total() + share * odds[word])
            if word == "</s>":
                graph.final(after[before], cost)
            else:
                graph.arc(after[before], numbers[word], numbers[word], cost, after.get(word, anywhere))
        graph.arc(after[before], 0, 0, -math.log(share), anywhere)
    graph.fst.arcsort("ilabel")
    return graph.fst


def _minimised(fst: Any) -> Any:
    mapper = pywrapfst.EncodeMapper(fst.arc_type(), encode_labels=True)
    fst.encode(mapper)
    fst.minimize()
    fst.decode(mapper)
    return fst


def _with_unknown(fst: Any, unknown: int) -> Any:
    """Put a loop over all phones, at a cost for each, in the place of every arc that hears *unknown*."""
    graph = _Graph(fst.copy())
    entries: dict[int, int] = {}
    for state in range(fst.num_states()):
        arcs = [arc.copy() for arc in fst.arcs(state)]
        if all(arc.ilabel != unknown for arc in arcs):
            continue
        graph.fst.delete_arcs(state)
        for arc in arcs:
            if arc.ilabel != unknown:
                graph.fst.add_arc(state, arc)
                continue
            if arc.nextstate not in entries:
                begun, inside = graph.state(), graph.state()
                entries[arc.nextstate] = begun
                for phone in PHONES[1:]:
                    for position, start, end in (
                        ("B", begun, inside),
                        ("I", inside, inside),
                        ("E", inside, arc.nextstate),
                        ("S", begun, arc.nextstate),
                    ):
                        graph.chain(start, FORWARD[PHONE_ID[f"{phone}_{position}"]], 0, _UNKNOWN_PHONE_COST, end)
            graph.arc(state, 0, arc.olabel, float(arc.weight), entries[arc.nextstate])
    return graph.fst


def _with_self_loops(fst: Any, apart: set[int]) -> Any:
    """Let every state repeat its sound: the self-loop follows the forward arc, as libvosk expects (``reorder``).

    A state that several sounds lead to is split, so that each copy loops on the one it was reached by.
    """
    graph = _Graph()
    count = fst.num_states()
    for _ in range(count):
        graph.state()
    graph.fst.set_start(fst.start())
    reached_by: list[set[int]] = [set() for _ in range(count)]
    reached_by[fst.start()].add(0)
    for state in range(count):
        for arc in fst.arcs(state):
            reached_by[arc.nextstate].add(0 if arc.ilabel in apart else arc.ilabel)
    loops_itself = {state for state in range(count) if len(reached_by[state]) == 1 and 0 not in reached_by[state]}
    for state in loops_itself:
        (heard,) = reached_by[state]
        graph.arc(state, heard - 1, 0, 0.0, state)
    split: dict[tuple[int, int], int] = {}

    def destination(state: int, heard: int) -> int:
        if state in loops_itself or heard == 0 or heard in apart:
            return state
        if (state, heard) not in split:
            copy = split[state, heard] = graph.state()
            graph.arc(copy, heard - 1, 0, 0.0, copy)
            graph.arc(copy, 0, 0, 0.0, state)
        return split[state, heard]

    for state in range(count):
        if float(fst.final(state)) != math.inf:
            graph.fst.set_final(state, fst.final(state))
        for arc in fst.arcs(state):
            graph.fst.add_arc(
                state, pynini.Arc(arc.ilabel, arc.olabel, arc.weight, destination(arc.nextstate, arc.ilabel))
            )
    return graph.fst


def _with_lookahead(fst: Any, folder: Path, numbers: dict[str, int]) -> dict[str, int]:
    """Write *fst* with lookahead tables, for slightly better decoding; return the word ids, which change by it."""
    plain, renumbered = folder / "plain.fst", folder / "renumbered"
    fst.write(str(plain))
    command = ["fstconvert", "--fst_type=olabel_lookahead", f"--save_relabel_opairs={renumbered}"]
    environment = {**os.environ, "LD_LIBRARY_PATH": LOOKAHEAD_PLUGIN}
    subprocess.run([*command, str(plain), str(folder / "HCLr.fst")], check=True, env=environment)
    pairs = (line.split() for line in renumbered.read_text().splitlines())
    new = {int(before): int(after) for before, after in pairs}
    plain.unlink()
    renumbered.unlink()
    return {word: new[number] for word, number in numbers.items()}


def main() -> None:
    """Write the model's ``graph/``."""
    folder = Path(sys.argv[1], "graph")
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1500
    (folder / "phones").mkdir(parents=True, exist_ok=True)
    numbers = {word: number for number, word in enumerate([*language.vocabulary(size), UNKNOWN], start=1)}
    fst, apart = lexicon(numbers)
    if shutil.which("fstconvert") and Path(LOOKAHEAD_PLUGIN).is_dir():
        numbers = _with_lookahead(fst, folder, numbers)
    else:
        fst.write(str(folder / "HCLr.fst"))
    bigram(numbers).write(str(folder / "Gr.fst"))
    largest = max(numbers.values())
    table = {"<eps>": 0, **numbers, "#0": largest + 1, "<s>": largest + 2, "</s>": largest + 3}
    _write_table(folder / "words.txt", sorted(table.items(), key=lambda entry: entry[1]))
    _write_table(folder / "phones.txt", [("<eps>", 0), *PHONE_ID.items()])
    boundaries = [
        (number, POSITIONS.get(name[-1], "nonword") if "_" in name else "nonword") for name, number in PHONE_ID.items()
    ]
    _write_table(folder / "phones" / "word_boundary.int", boundaries)
    (folder / "disambig_tid.int").write_text("".join(f"{number}\n" for number in apart))


def _write_table(path: Path, entries: list[tuple[Any, Any]]) -> None:
    path.write_text("".join(f"{key} {value}\n" for key, value in entries), encoding="utf-8")


if __name__ == "__main__":
    main()
