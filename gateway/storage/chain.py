"""The journal's hash chain (FIPS 180-4 SHA-256 over canonical JSON): how an entry is made and how a broken one shows.

Pure: no database, no file, no clock. The rule is written down for strangers, with a worked example, in docs/journal.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from gateway.domain.call import CallId
from gateway.domain.errors import OurMistake
from gateway.domain.events import Entry, Fact
from gateway.domain.ticket import TicketId

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry as it lies in the database: ``at`` as `instant` writes it, ``values`` as `canonical` does."""

    seq: int
    at: str
    kind: str
    call: str | None
    ticket: str | None
    offset: float | None
    values: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The last entry that somebody outside the database has seen, so that a cut behind it shows."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification found: how many entries hold, and where and why the first one does not.

    ``reason`` is also filled when all is well but no anchor was there to compare with.
    """

    entries: int
    ok: bool
    first_bad: int | None = None
    reason: str = ""


def canonical(value: object) -> str:
    """Write a JSON value the one way we hash it: keys sorted, no blanks, no escapes that UTF-8 does not need.

    Raises `OurMistake` for what JSON or UTF-8 cannot carry: NaN, a lone surrogate, an object.
    """
    try:
        text = json.dumps(
            value, default=_plain, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
        )
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise OurMistake(f"not a JSON value: {error}") from error
    return text


def instant(at: datetime) -> str:
    """Write an instant in UTC with six decimals, ``2026-11-21T02:03:04.000005Z``. Raises `OurMistake` without zone."""
    if at.utcoffset() is None:
        raise OurMistake(f"{at.isoformat()} names no time zone")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def link(fact: Fact, last: Anchor) -> Record:
    """Make the entry of *fact* that follows *last*."""
    head = {
        "seq": last.seq + 1,
        "at": instant(fact.at),
        "kind": fact.kind,
        "call": fact.call_id,
        "ticket": fact.ticket_id,
        "offset": None if fact.offset is None else float(fact.offset),
        "previous": last.hash,
    }
    values = dict(fact.values)
    return Record(**head, values=canonical(values), hash=_digest(head | {"values": values}))  # type: ignore[arg-type]


def entry_of(record: Record) -> Entry:
    """Return the entry that *record* keeps."""
    return Entry(
        seq=record.seq,
        previous=record.previous,
        hash=record.hash,
        fact=Fact(
            kind=record.kind,
            at=datetime.fromisoformat(record.at),
            call_id=None if record.call is None else CallId(record.call),
            ticket_id=None if record.ticket is None else TicketId(record.ticket),
            offset=record.offset,
            values=json.loads(record.values),
        ),
    )


def check(records: Iterable[Record], anchor: Anchor | None) -> Verdict:
    """Follow the chain from its first entry and say where it first breaks.

    An *anchor* of None means that nobody outside has seen anything; then a cut at the end cannot show.
    """
    last = Anchor()
    for record in records:
        fault = _fault(record, last) or _denial(record, anchor)
        if fault:
            at = min(record.seq, last.seq + 1) if fault.startswith("missing") else record.seq
            return Verdict(entries=last.seq, ok=False, first_bad=at, reason=fault)
        last = Anchor(seq=record.seq, hash=record.hash)
    if anchor is None:
        return Verdict(entries=last.seq, ok=True, reason="no anchor: a cut at the end would not show")
    if anchor.seq > last.seq:
        fault = f"cut at the end: the anchor has seen entry {anchor.seq}"
        return Verdict(entries=last.seq, ok=False, first_bad=last.seq + 1, reason=fault)
    return Verdict(entries=last.seq, ok=True)


def _fault(record: Record, last: Anchor) -> str:
    if record.seq > last.seq + 1:
        return f"missing: entry {record.seq} comes after {last.seq}"
    if record.seq <= last.seq:
        return f"out of order: entry {record.seq} comes after {last.seq}"
    if _recomputed(record) != record.hash:
        return "altered: the hash does not fit the words"
    if record.previous != last.hash:
        return f"altered: entry {record.seq} does not follow from entry {last.seq} as it stands"
    return ""


def _denial(record: Record, anchor: Anchor | None) -> str:
    if anchor is None or record.seq != anchor.seq or record.hash == anchor.hash:
        return ""
    return "altered: the anchor has seen another hash"


def _recomputed(record: Record) -> str:
    """Return the hash that *record* should have, empty when its values are not the canonical JSON we write."""
    try:
        values = json.loads(record.values)
        if canonical(values) != record.values:
            return ""
        body = asdict(record) | {"values": values}
        del body["hash"]
        return _digest(body)
    except (OurMistake, TypeError, ValueError, RecursionError):
        return ""


def _plain(value: object) -> object:
    """Write any mapping or sequence as the one JSON knows."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _digest(body: object) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()
