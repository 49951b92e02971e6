"""Long messages put together from their parts, in whatever order these come, however often, or not at all.

An assembly says what must be kept before a part may be acknowledged (`state`), and is made again from it after a
crash. A whole message bears the same id however often it is put together. Parts that never come leave a mark where
they are missing. Time is an argument: seconds since 1970, because the state outlives the process.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from channels.sms.coding import Coding, decoded
from channels.sms.header import Fragment
from channels.sms.words import ShortMessage

MOST_OPEN = 128
"""Unfinished messages of one assembly at once; the oldest makes room as if its time were up."""
REMEMBERED = 300.0
"""Seconds for which a finished message's parts are known again when the centre delivers them once more."""
LATE = 3600.0
"""Seconds for which a part that was given up is known to belong to what was taken without it."""


class Key(NamedTuple):
    """What the parts of one message have in common."""

    sender: str
    addressee: str
    reference: int
    total: int


class _Part(msgspec.Struct, kw_only=True):
    coding: Coding
    octets: str
    """Base64."""
    centre_id: str = ""

    @property
    def content(self) -> bytes:
        return base64.b64decode(self.octets)


class _Open(msgspec.Struct, kw_only=True):
    key: Key
    id: str
    first_at: float
    due: float
    parts: dict[int, _Part] = {}


class _Done(msgspec.Struct, kw_only=True):
    key: Key
    id: str
    at: float
    digests: dict[int, str] = {}

    def matters(self, now: float) -> bool:
        """Whether a part that comes now may still have to do with it."""
        return now - self.at <= (REMEMBERED if len(self.digests) == self.key.total else LATE)


class _State(msgspec.Struct, kw_only=True):
    open: list[_Open] = []
    done: list[_Done] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A long message as far as it came. ``follows`` is the id of the one that this late part is missing from."""

    key: Key
    id: str
    text: str
    octets: bytes = field(repr=False)
    missing: tuple[int, ...] = ()
    follows: str = ""
    digests: Mapping[int, str] = field(default_factory=dict)


class Assembly:
    """The unfinished long messages of some senders. *wait* is how many seconds a message waits for its parts."""

    def __init__(self, name: str, wait: float, kept: bytes = b"", *, now: float = 0.0) -> None:
        """Begin with what was *kept*; a state that cannot be read raises `ValueError`."""
        self._name = name
        self._wait = wait
        try:
            state = msgspec.json.decode(kept, type=_State) if kept else _State()
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error
        self._open = {each.key: each for each in state.open}
        self._done = {each.key: each for each in state.done}
        for each in self._open.values():  # what was not acknowledged comes again, and needs the time for it
            each.due = max(each.due, now + wait)

    @property
    def state(self) -> bytes:
        """What must outlive the process."""
        return msgspec.json.encode(_State(open=list(self._open.values()), done=list(self._done.values())))

    @property
    def deadline(self) -> float | None:
        """When the next unfinished message is given up."""
        return min((each.due for each in self._open.values()), default=None)

    def is_known(self, message: ShortMessage, fragment: Fragment, now: float) -> bool:
        """Whether this very part belongs to a message that was finished a moment ago."""
        self._forget(now)
        done = self._done.get(_key(message, fragment))
        return (
            done is not None
            and now - done.at <= REMEMBERED
            and done.digests.get(fragment.number) == _digest(message.centre_id, message.octets)
        )

    def add(self, message: ShortMessage, fragment: Fragment, now: float) -> Iterator[Whole]:
        """Add a part, and yield what is now to be taken: call `finish` for each that is.

        The part completes its message; or it belongs to one that was given up without it; or another message with
        the same reference was in its way, or too many were open, and is given up.
        """
        key = _key(message, fragment)
        done, unfinished = self._done.get(key), self._open.get(key)
        if unfinished is None and done is not None and now - done.at <= LATE and fragment.number not in done.digests:
            yield self._late(done, message, fragment)
            return
        same = unfinished.parts.get(fragment.number) if unfinished is not None else None
        if unfinished is not None and same is not None and same.content != message.octets:
            yield self._whole(unfinished)
            unfinished = None
        if unfinished is None:
            if len(self._open) >= MOST_OPEN:
                yield self._whole(min(self._open.values(), key=lambda each: each.first_at))
            unfinished = _Open(key=key, id=self._id(key, message, now), first_at=now, due=now + self._wait)
            self._open[key] = unfinished
        unfinished.parts[fragment.number] = _Part(
            coding=message.coding, octets=base64.b64encode(message.octets).decode(), centre_id=message.centre_id
        )
        if len(unfinished.parts) == fragment.total:
            yield self._whole(unfinished)

    def overdue(self, now: float) -> Iterator[Whole]:
        """Yield the messages that have waited long enough: call `finish` for each that is taken."""
        for each in list(self._open.values()):
            if each.due <= now:
                yield self._whole(each)

    def finish(self, whole: Whole, now: float) -> None:
        """Forget the parts of *whole*: it is taken. That it was, is remembered for a while."""
        unfinished = self._open.get(whole.key)
        if unfinished is not None and unfinished.id == whole.id:
            del self._open[whole.key]
        digests = dict(whole.digests)
        done = self._done.get(whole.key)
        if whole.follows and done is not None:
            done.digests |= digests
        else:
            self._done[whole.key] = _Done(key=whole.key, id=whole.id, at=now, digests=digests)
        self._forget(now)

    def _forget(self, now: float) -> None:
        self._done = {key: each for key, each in self._done.items() if each.matters(now)}

    def _id(self, key: Key, message: ShortMessage, now: float) -> str:
        """Return an id that no other message has: it is made once, with the first part, and kept with it."""
        parts = (self._name, *map(str, key), f"{now:.6f}", message.octets.hex())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _whole(self, unfinished: _Open) -> Whole:
        total = unfinished.key.total
        parts = sorted(unfinished.parts.items())
        return Whole(
            key=unfinished.key,
            id=unfinished.id,
            text=_text(unfinished.parts, total),
            octets=b"".join(part.content for _, part in parts),
            missing=tuple(number for number in range(1, total + 1) if number not in unfinished.parts),
            digests={number: _digest(part.centre_id, part.content) for number, part in parts},
        )

    def _late(self, done: _Done, message: ShortMessage, fragment: Fragment) -> Whole:
        return Whole(
            key=done.key,
            id=f"{done.id}.{fragment.number}",
            text=f"[补第{fragment.number}段]{decoded(message.octets, message.coding)}",
            octets=message.octets,
            follows=done.id,
            digests={fragment.number: _digest(message.centre_id, message.octets)},
        )


def _key(message: ShortMessage, fragment: Fragment) -> Key:
    return Key(message.sender, message.addressee, fragment.reference, fragment.total)


def _digest(centre_id: str, octets: bytes) -> str:
    return hashlib.sha256(centre_id.encode() + b"\0" + octets).hexdigest()[:32]


def _text(parts: Mapping[int, _Part], total: int) -> str:
    """Return the text of *parts*: neighbours are joined before they are decoded, a character may lie across two."""
    text, run = "", b""
    coding = Coding.BINARY
    for number in range(1, total + 1):
        part = parts.get(number)
        if part is None or (run and part.coding is not coding):
            text, run = text + decoded(run, coding), b""
        if part is None:
            text += f"[缺第{number}段]"
        else:
            coding, run = part.coding, run + part.content
    return text + decoded(run, coding)
