"""Recordings are packed once they are closed, and deleted when their time is up; the journal has each step first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.call import CallId, LegId, Role
from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.domain.ticket import TicketId
from gateway.ports.memory import CallLeg
from gateway.ports.recordings import Packed
from gateway.services.archive import Archive, sha256_of
from gateway.services.feed import Feed
from gateway.services.ledger import Ledger
from tests.fakes.store import MemoryStore
from tests.fakes.virtual_time import START

CALL, TICKET = CallId("call-1"), TicketId("20261120-0001")
SOUND = b"RIFF and a call"


class StoppedClock:
    """It is always the same instant."""

    def now(self) -> datetime:
        return START

    def monotonic(self) -> float:
        return 0.0


class FakePacker:
    """Keeps the first five octets; fails for files whose name has "broken" in it, finds no sound in those "empty"."""

    async def pack(self, recording: Path) -> Packed | None:
        if "empty" in recording.name:
            return None
        if "broken" in recording.name:
            raise Unavailable("unpackable")
        path = recording.with_suffix(".opus")
        _cut(recording, path)
        return Packed(path=path, sha256=sha256_of(path), seconds=1.5)


def _cut(recording: Path, packed: Path) -> None:
    packed.write_bytes(recording.read_bytes()[:5])


class Room:
    """An archive over a store in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.ledger = Ledger(self.store, Feed())

    def leg(self, name: str = "citizen", *, sha256: str = "given") -> CallLeg:
        """Write a recording, and return its leg."""
        path = self.folder / CALL / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SOUND)
        return CallLeg(
            leg_id=LegId(name),
            call_id=CALL,
            role=Role.CITIZEN,
            number="13800000001",
            started=0.0,
            ended=2.0,
            recording=f"{CALL}/{name}.wav",
            sha256=sha256,
        )

    async def keep(self, leg: CallLeg) -> None:
        fact = Fact(kind="call.answered", at=START, call_id=CALL, ticket_id=TICKET)
        await self.store.commit(lambda tx: tx.save_leg(leg))
        await self.store.commit(lambda tx: tx.append(fact))

    def archive(self, keep: timedelta | None = None) -> Archive:
        return Archive(self.store, self.ledger, StoppedClock(), self.folder, FakePacker(), keep=keep)

    async def facts(self, kind: str) -> list[Fact]:
        await self.ledger.settle(5.0)
        return [entry.fact for entry in await self.store.entries() if entry.fact.kind == kind]

    def files(self) -> Sequence[str]:
        return sorted(path.name for path in self.folder.rglob("*.*"))


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[Room]:
    place = Room(folder)
    async with place.ledger:
        yield place


async def test_a_closed_recording_is_packed_and_its_hash_is_in_the_journal(tmp_path: Path) -> None:
    async with room(tmp_path) as place:
        leg = place.leg()
        await place.keep(leg)
        async with place.archive() as archive:
            archive.take(leg, TICKET)
            await archive.settle()
        (packed,) = await place.facts("recording.packed")
        (kept,) = await place.store.legs(CALL)

    digest = hashlib.sha256(SOUND[:5]).hexdigest()
    assert place.files() == ["citizen.opus"]
    assert (packed.call_id, packed.ticket_id) == (CALL, TICKET)
    assert packed.values == {"leg": "citizen", "file": "call-1/citizen.opus", "sha256": digest, "seconds": 1.5}
    assert (kept.recording, kept.sha256) == ("call-1/citizen.opus", digest)


async def test_a_recording_without_a_sound_is_none_and_is_not_found_again(tmp_path: Path) -> None:
    async with room(tmp_path) as place:
        leg = place.leg("empty", sha256="")
        await place.keep(leg)
        async with place.archive() as archive:
            await archive.settle()
        (empty,) = await place.facts("recording.empty")
        (kept,) = await place.store.legs(CALL)

    assert place.files() == []
    assert (empty.ticket_id, empty.values) == (TICKET, {"leg": "empty", "file": "call-1/empty.wav"})
    assert (kept.recording, kept.sha256) == ("", "")


async def test_what_a_crash_left_is_closed_and_packed_at_the_next_start(tmp_path: Path) -> None:
    async with room(tmp_path) as place:
        await place.keep(place.leg(sha256=""))
        async with place.archive() as archive:
            await archive.settle()
        assert len(await place.facts("recording.packed")) == 1
        (closed,) = await place.facts("recording.closed")

    assert closed.values["sha256"] == hashlib.sha256(SOUND).hexdigest()
    assert closed.ticket_id == TICKET
    assert "citizen.opus" in place.files()


async def test_one_that_cannot_be_packed_stays_and_stops_no_other(tmp_path: Path) -> None:
    async with room(tmp_path) as place:
        broken, leg = place.leg("broken"), place.leg()
        await place.keep(broken)
        await place.keep(leg)
        async with place.archive() as archive:
            archive.take(broken, TICKET)
            archive.take(leg, TICKET)
            await archive.settle()
            packed = await place.facts("recording.packed")

    assert [fact.values["leg"] for fact in packed] == ["citizen"]
    assert place.files() == ["broken.wav", "citizen.opus"]


async def test_the_wav_stays_until_the_store_has_the_packed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.services.archive.STORE_LIMIT", 0.0)
    async with room(tmp_path) as place:
        leg = place.leg()
        await place.keep(leg)
        place.store.fail()
        async with place.archive() as archive:
            archive.take(leg, TICKET)
            await archive.settle()
            before = place.files()
        place.store.fail(False)
        await place.ledger.settle(5.0)
        async with place.archive() as archive:
            await archive.settle()

    assert before == ["citizen.opus", "citizen.wav"]
    assert place.files() == ["citizen.opus"]


async def test_recordings_are_deleted_when_their_time_is_up_and_the_journal_says_so(tmp_path: Path) -> None:
    async with room(tmp_path) as place:
        await place.keep(place.leg("old", sha256="a"))
        await place.keep(place.leg("new", sha256="b"))
        stray = tmp_path / "nobody" / "stray.opus"
        stray.parent.mkdir()
        stray.write_bytes(b"x")
        for path, age in ((tmp_path / CALL / "old.wav", 91), (tmp_path / CALL / "new.wav", 89), (stray, 91)):
            when = (START - timedelta(days=age)).timestamp()
            os.utime(path, (when, when))
        await place.archive().delete_expired(timedelta(days=90))
        (deleted,) = await place.facts("recording.deleted")
        legs = {leg.leg_id: leg for leg in await place.store.legs(CALL)}

    assert place.files() == ["new.wav"]
    assert not stray.parent.exists()
    assert deleted.values == {"leg": "old", "file": "call-1/old.wav", "sha256": "a"}
    assert (legs[LegId("old")].recording, legs[LegId("new")].recording) == ("", "call-1/new.wav")
