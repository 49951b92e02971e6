"""Proving a number or a mailbox (号码验证): whoever can give back the code that was sent there, has it.

One citizen is one person over two channels only where this, or a carrier, says so (`services.persons`). A code holds
for ten minutes, five wrong ones void it, and neither a stated number nor whoever states numbers can be made to send
many. What is journalled names no number.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Container
from datetime import datetime, timedelta

import msgspec

from gateway.domain.addresses import mobile_of
from gateway.domain.casework import Channel, Message
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.events import Fact
from gateway.ports.clock import Clock
from gateway.ports.correspondence import Proof
from gateway.ports.memory import Store, Transaction
from gateway.services.answering import CODE_VALID, VERIFICATION
from gateway.services.persons import key_of
from gateway.services.receipts import Texts

HOUR = timedelta(hours=1)
CODES_TO = 5
"""Codes that are sent to one number in an hour, whoever asks."""
CODES_BY = 8
"""Codes that one sender may ask for in an hour, to whatever numbers."""
PAUSE = timedelta(seconds=60)
"""Between two codes to one number."""
TRIES = 5
"""Wrong answers that one code outlasts, less one."""
LONGEST = 254
_MAILBOX = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class _Code(msgspec.Struct, frozen=True):
    proven: str
    by: str
    digest: str
    until: datetime
    wrong: int = 0


class StoredVerification:
    """`gateway.ports.intake.Verification`. *ways* are the channels that can send; *secret* is the same on all nodes."""

    def __init__(self, store: Store, clock: Clock, texts: Texts, ways: Container[ChannelKind], secret: bytes) -> None:
        self._store = store
        self._clock = clock
        self._texts = texts
        self._ways = ways
        self._secret = secret

    async def ask(self, channel: ChannelKind, address: str, stated: str) -> None:
        """Send a code to what whoever writes from *address* states as his.

        Raises `Refused` when that is neither a mobile number nor a mailbox, or nothing can be sent there, and
        `Unavailable` when there were too many codes (``retry_after``), or the store is away.
        """
        to = _stated(stated)
        if to is None or to[0] not in self._ways:
            raise Refused("no code can be sent there")
        code = f"{secrets.randbelow(1_000_000):06d}"
        await self._store.commit(lambda tx: self._send(tx, key_of(channel, address), *to, code))

    async def confirm(self, channel: ChannelKind, address: str, code: str) -> bool:
        """Say whether *code* is the one that was sent last for *address*, and keep the proof. Raises `Unavailable`."""
        key = key_of(channel, address)
        return await self._store.commit(lambda tx: self._check(tx, channel, key, code))

    def _send(self, tx: Transaction, key: str, by: ChannelKind, to: str, code: str) -> None:
        now = self._clock.now()
        proven = key_of(by, to)
        _count(tx, f"verify to {proven}", CODES_TO, now, pause=PAUSE)
        _count(tx, f"verify by {key}", CODES_BY, now)
        until = now + CODE_VALID
        kept = _Code(proven, by.value, self._digest(key, code), until)
        tx.correspondence.keep(_name(key), msgspec.json.encode(kept).decode(), until)
        minutes = str(int(CODE_VALID.total_seconds() // 60))
        tx.cases.save_message(
            Message(
                key=f"{VERIFICATION}:{secrets.token_hex(16)}",
                channel=Channel.PETITIONER,
                to=to,
                kind=VERIFICATION,
                case_id="",
                text=self._texts("code", by, code=code, minutes=minutes),
                at=now,
                due=now,
                values={"channel": by.value},
            )
        )

    def _check(self, tx: Transaction, channel: ChannelKind, key: str, code: str) -> bool:
        now = self._clock.now()
        found = tx.correspondence.value(_name(key), now)
        if found is None:
            return False
        kept = msgspec.json.decode(found, type=_Code)
        is_right = hmac.compare_digest(kept.digest, self._digest(key, code.strip()))
        wrong = kept.wrong + 1
        lapses = now if is_right or wrong >= TRIES else kept.until
        remembered = msgspec.structs.replace(kept, wrong=wrong)
        tx.correspondence.keep(_name(key), msgspec.json.encode(remembered).decode(), lapses)
        if is_right:
            tx.correspondence.save_proof(Proof(key=key, proven=kept.proven, at=now))
            tx.append(Fact(kind="address.proven", at=now, values={"channel": channel.value, "by": kept.by}))
        return is_right

    def _digest(self, key: str, code: str) -> str:
        return hmac.new(self._secret, f"verify {key} {code}".encode(), hashlib.sha256).hexdigest()


def _stated(text: str) -> tuple[ChannelKind, str] | None:
    """Return the channel and the address there of a mobile number or a mailbox as people write them."""
    text = text.strip().lower()
    if len(text) <= LONGEST and _MAILBOX.fullmatch(text):
        return ChannelKind.MAIL, text
    mobile = "" if "@" in text else mobile_of(text)
    return (ChannelKind.SMS, f"86{mobile}") if mobile else None


def _count(tx: Transaction, name: str, most: int, now: datetime, *, pause: timedelta = timedelta(0)) -> None:
    """Count something under *name*. Raises `Unavailable` for one too many in an hour, or one too soon."""
    found = tx.correspondence.value(name, now)
    times = msgspec.json.decode(found, type=list[datetime]) if found else []
    times = [each for each in times if now - each < HOUR]
    if times and now - times[-1] < pause:
        raise Unavailable("a code was sent just now", retry_after=(times[-1] + pause - now).total_seconds())
    if len(times) >= most:
        raise Unavailable("too many codes", retry_after=(times[0] + HOUR - now).total_seconds())
    tx.correspondence.keep(name, msgspec.json.encode([*times, now]).decode(), now + HOUR)


def _name(key: str) -> str:
    return f"verify code {key}"
