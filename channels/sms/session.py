"""One session with a message centre, from the opening to the end: sans-I/O, for every dialect alike.

Requests of ours wait for their answers for a while and are said again as often as the protocol allows; messages
waiting are at most a window's worth; after a silence the centre is asked whether it lives. Time is an argument, in
seconds that never jump.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from channels.sms.words import (
    Answer,
    Answered,
    Asked,
    Delivery,
    Dialect,
    Ended,
    Garbage,
    Opened,
    ShortMessage,
    Submitted,
)

LARGEST_UNIT = 64 * 1024 + 1024
"""Octets of the largest unit of any dialect: 64 KiB of content (SMPP 3.4 5.3.2.32) and room for the rest."""

Event: TypeAlias = Opened | Delivery | Submitted | Garbage | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How patient a session is: seconds, messages waiting for an answer, and how often anything is said."""

    window: int = 16
    answer_within: float = 60.0
    attempts: int = 3
    silence: float = 180.0


class State(Enum):
    """Where a session stands."""

    NEW = "new"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    ENDED = "ended"


class _Ask(Enum):
    OPENING = "opening"
    MESSAGE = "message"
    LIFE = "question whether it lives"
    CLOSING = "closing"


@dataclass(slots=True)
class _Waiting:
    ask: _Ask
    unit: bytes
    due: float
    said: int = 1


class Session:
    """The service's side of one connection: `begin`, then `receive` and `tick`; `octets` is what to send."""

    def __init__(self, dialect: Dialect, limits: Limits) -> None:
        self.state = State.NEW
        self._dialect = dialect
        self._limits = limits
        self._waiting: dict[int, _Waiting] = {}
        self._sequence = 0
        self._heard_at = 0.0
        self._buffer = bytearray()
        self._out = bytearray()

    @property
    def is_open(self) -> bool:
        """Whether messages may be submitted."""
        return self.state is State.OPEN

    @property
    def room(self) -> int:
        """How many more messages may wait for an answer."""
        return self._limits.window - sum(each.ask is _Ask.MESSAGE for each in self._waiting.values())

    @property
    def deadline(self) -> float | None:
        """When `tick` is due; None when nothing is."""
        due = [each.due for each in self._waiting.values()]
        if self.state is State.OPEN and not self._is_asking:
            due.append(self._heard_at + self._limits.silence)
        return min(due, default=None)

    def octets(self) -> bytes:
        """Take what is to be sent."""
        taken = bytes(self._out)
        self._out.clear()
        return taken

    def begin(self, now: float, local: datetime) -> None:
        """Open the session on a connection that was just made."""
        self.state = State.OPENING
        self._heard_at = now
        sequence = self._next()
        self._ask(sequence, _Ask.OPENING, self._dialect.opening(sequence, local), now)

    def submit(self, message: ShortMessage, now: float) -> int:
        """Submit *message* and return the sequence that its `Submitted` will have.

        Only while the session is open and has room. Raises `ValueError` for a message that does not fit the protocol.
        """
        if not self.is_open or self.room <= 0:
            raise RuntimeError("the session is not open, or has no room")
        sequence = self._next()
        self._ask(sequence, _Ask.MESSAGE, self._dialect.submission(sequence, message), now)
        return sequence

    def answer(self, delivery: Delivery, answer: Answer) -> None:
        """Answer *delivery*; nothing is said once the session has ended, and the centre will deliver it again."""
        if self.state is not State.ENDED:
            self._out += self._dialect.answer(delivery, answer)

    def leave(self, now: float) -> None:
        """Say that we leave; the session ends with the answer, or without one in time."""
        if self.state is State.OPEN:
            self.state = State.CLOSING
            sequence = self._next()
            self._ask(sequence, _Ask.CLOSING, self._dialect.closing(sequence), now)

    def excuse(self, now: float) -> None:
        """Begin all waiting anew: we ourselves did not listen until *now*."""
        self._heard_at = now
        for waiting in self._waiting.values():
            waiting.due = now + self._limits.answer_within

    def receive(self, octets: bytes, now: float) -> Iterator[Event]:
        """Understand *octets* as they come; what they mean is yielded in their order."""
        self._heard_at = now
        self._buffer += octets
        while self.state is not State.ENDED and len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4])
            if not self._dialect.shortest <= length <= LARGEST_UNIT:
                self._out += self._dialect.unframed()
                yield self._end(f"the centre announced a unit of {length} octets")
                return
            if len(self._buffer) < length:
                return
            unit = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield from self._hear(unit)

    def tick(self, now: float) -> Iterator[Event]:
        """Do what is due at *now*: say it again, ask whether the centre lives, or end."""
        for waiting in list(self._waiting.values()):
            if waiting.due > now:
                continue
            if waiting.ask in (_Ask.OPENING, _Ask.CLOSING) or waiting.said >= self._limits.attempts:
                yield self._end(f"no answer to our {waiting.ask.value}")
                return
            waiting.said += 1
            waiting.due = now + self._limits.answer_within
            self._out += waiting.unit
        if self.is_open and not self._is_asking and now >= self._heard_at + self._limits.silence:
            sequence = self._next()
            self._ask(sequence, _Ask.LIFE, self._dialect.keep_alive(sequence), now)

    def _hear(self, unit: bytes) -> Iterator[Event]:
        match self._dialect.read(unit):
            case Opened() as opened:
                if self.state is State.OPENING and self._settle(opened.sequence, _Ask.OPENING):
                    if opened.refusal:
                        yield self._end(f"the centre refused us: {opened.refusal}")
                    else:
                        self.state = State.OPEN
                        yield opened
            case Submitted() as submitted:
                if self._settle(submitted.sequence, _Ask.MESSAGE):
                    yield submitted
            case Delivery() as delivery:
                if self.state in (State.OPEN, State.CLOSING):
                    yield delivery
                else:
                    yield Garbage(reason="a delivery before the session was open")
            case Answered(sequence=sequence):
                if self._settle(sequence, _Ask.CLOSING):
                    yield self._end("we left")
                else:
                    self._settle(sequence, _Ask.LIFE)
            case Asked(reply=reply, is_leaving=is_leaving):
                self._out += reply
                if is_leaving:
                    yield self._end("the centre left")
            case Garbage() as garbage:
                self._out += garbage.reply
                yield garbage

    @property
    def _is_asking(self) -> bool:
        return any(each.ask is _Ask.LIFE for each in self._waiting.values())

    def _ask(self, sequence: int, ask: _Ask, unit: bytes, now: float) -> None:
        self._waiting[sequence] = _Waiting(ask, unit, now + self._limits.answer_within)
        self._out += unit

    def _settle(self, sequence: int, ask: _Ask) -> bool:
        waiting = self._waiting.get(sequence)
        if waiting is None or waiting.ask is not ask:
            return False
        del self._waiting[sequence]
        return True

    def _next(self) -> int:
        """Return the next sequence number: 1 to 0x7FFFFFFF, around and around (SMPP 3.4 3.2)."""
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        return self._sequence

    def _end(self, reason: str) -> Ended:
        self.state = State.ENDED
        self._waiting.clear()
        return Ended(reason=reason)
