"""What `jiesu demo --once --json` prints: calls and letters, read back from store, journal and recordings."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from gateway.demo import heard
from gateway.demo.failure import StepMissing
from gateway.demo.heard import Hearing, Sentence
from gateway.demo.letters import Letter, lines_of
from gateway.demo.stories import SPEECH, Part, Played
from gateway.domain.call import LegId, Role
from gateway.domain.events import Entry
from gateway.domain.transcript import Utterance
from gateway.ports.memory import Store

PARTY: Final = {Role.CITIZEN: "citizen", Role.AGENT: "agent", Role.EMERGENCY_DESK: "desk", Role.UNIT: "unit"}
"""A leg's name in the report."""
_INSTANTS: Final = {
    "detected": "emergency.suspected",
    "invited": "handoff.invited",
    "answered": "handoff.desk_answered",
    "joined": "handoff.desk_joined",
    "accepted": "handoff.desk_accepted",
}


async def contact(store: Store, played: Played, hearings: Mapping[str, Hearing]) -> dict[str, Any]:
    """Return one call as it is remembered. Raises `StepMissing` when the store has no ticket of it."""
    entries = await store.entries(call_id=played.call_id)
    ticket_id = next((entry.fact.ticket_id for entry in entries if entry.fact.ticket_id), None)
    ticket = await store.ticket(ticket_id) if ticket_id else None
    if ticket is None:
        raise StepMissing(f"the store has no ticket of call {played.call_id}")
    party_of = {leg.leg_id: PARTY[leg.role] for leg in await store.legs(played.call_id)}
    said = [each for each in await store.transcript(played.call_id) if isinstance(each, Utterance)]
    return {
        "channel": ticket.channel.value,
        "caller": ticket.caller,
        "ticket": ticket.id,
        "category": ticket.category,
        "elements": asdict(ticket.elements),
        "transcript": _transcript(said, party_of),
        "emergency": _emergency(entries, said),
        "heard": {party: hearing.parties for party, hearing in hearings.items()},
    }


def letter(letter: Letter) -> dict[str, Any]:
    """Return one written story as it is remembered; ``failure`` says why it is not, and is empty when it is."""
    ticket, contact, reply = letter.ticket, letter.contact, letter.reply
    return {
        "channel": letter.channel.value,
        "ticket": ticket.id if ticket else None,
        "opened": letter.opened,
        "told_back": reply is not None,
        "told": reply.told if reply else "",
        "further": reply.further if reply else "",
        "emergency": lines_of(ticket) if ticket else [],
        "text_only": ticket is not None and ticket.is_text_only,
        "category": ticket.category if ticket else "",
        "matter": ticket.matter if ticket else "",
        "files": [file.media_type for file in contact.attachments] if contact else [],
        "transcript": letter.transcript,
        "failure": letter.failure,
    }


def _transcript(said: Sequence[Utterance], party_of: Mapping[LegId, str]) -> list[dict[str, Any]]:
    return [
        {"leg": party_of[each.leg_id], "text": each.text, "start": round(each.start, 2), "end": round(each.end, 2)}
        for each in said
    ]


def _emergency(entries: Sequence[Entry], said: Sequence[Utterance]) -> dict[str, Any] | None:
    """Return the hand-off's instants in seconds of the call; None when nothing was suspected.

    Where the phrase ended, the final words say better than the partial ones in which it was found: the recogniser puts
    the end of its latest partial word at the end of the audio it has had so far.
    """
    first: dict[str, Any] = {}
    for entry in reversed(entries):
        first[entry.fact.kind] = entry.fact
    suspected = first.get("emergency.suspected")
    if suspected is None:
        return None
    phrase = str(suspected.values["phrase"])
    return {
        "line": suspected.values["line"],
        "phrase": phrase,
        "phrase_end": next((end for each in said if (end := _end_of(phrase, each))), suspected.values["phrase_end"]),
        **{name: first[kind].offset if kind in first else None for name, kind in _INSTANTS.items()},
    }


def _end_of(phrase: str, utterance: Utterance) -> float | None:
    """Return where the last word of *phrase* ends in *utterance*, in seconds of the call; None if it is not there."""
    place = "".join(word.text for word in utterance.words).find(phrase)
    if place < 0:
        return None
    spoken = 0
    for word in utterance.words:
        spoken += len(word.text)
        if spoken >= place + len(phrase):
            return round(word.end, 3)
    return None


# --- what was heard --------------------------------------------------------------------------------------------


async def hearings(played: Played) -> dict[str, Hearing]:
    """Search each party's recording for everything that was said in the call."""
    sentences = sentences_of(played.parts)
    return {
        part.party: await asyncio.to_thread(heard.listen, played.recordings[part.party], sentences)
        for part in played.parts
    }


def sentences_of(parts: Sequence[Part]) -> list[Sentence]:
    """Return all that these people say, as ``speech.toml`` lists it."""
    party_of = {part.speaker: part.party for part in parts}
    lines = tomllib.loads((SPEECH / "speech.toml").read_text("utf-8"))["line"]
    return [
        Sentence(party=party_of[line["speaker"]], path=SPEECH / line["file"])
        for line in lines
        if line["speaker"] in party_of
    ]


def misheard(played: Played, found: Mapping[str, Hearing]) -> list[str]:
    """Say which parties did not hear exactly those they should have heard."""
    return [
        f"{part.party} should have heard {_names(part.hears)}, and heard {_names(found[part.party].parties)}"
        for part in played.parts
        if set(found[part.party].parties) != part.hears
    ]


def margins(found: Mapping[str, Hearing]) -> str:
    """Say how clearly the heard sentences stand apart from the others."""
    return "; ".join(
        f"{party}: heard >= {hearing.margin[0]:.2f}, others <= {hearing.margin[1]:.2f}"
        for party, hearing in found.items()
    )


def _names(parties: object) -> str:
    return ", ".join(sorted(parties)) if isinstance(parties, list | frozenset) and parties else "nobody"
