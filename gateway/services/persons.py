"""Who is who (同一诉求人): addresses are one person's where a carrier, a platform or a returned code proves it.

An address is named by its *key*: ``tel:`` and digits for whatever reaches a telephone, otherwise channel and address.
Nothing is concluded from what somebody merely states about himself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from gateway.domain.addresses import mobile_of, telephone_of
from gateway.domain.contact import ChannelKind
from gateway.domain.ticket import TicketId
from gateway.ports.correspondence import Proof
from gateway.ports.memory import Transaction

OF_NUMBERS = frozenset({ChannelKind.SMS, ChannelKind.TELEPHONE})
"""Channels whose addresses are telephone numbers that the carrier vouches for."""
VOUCHED = frozenset({ChannelKind.TELEPHONE, ChannelKind.WEB, ChannelKind.WECHAT, ChannelKind.TELEGRAM, ChannelKind.APP})
"""Channels where nobody writes under another's address; on all others the single message says whether it is proven."""
LISTED = 50
"""Contacts of one address that are looked through at most."""
PROOF_HOLDS = timedelta(days=365)
"""How long a proof holds: carriers give numbers to others."""
_TELEPHONE = "tel"


class From(Protocol):
    """Whatever came from somewhere: a contact, or a message that will be one."""

    @property
    def channel(self) -> ChannelKind:
        """The way it came."""
        ...

    @property
    def sender(self) -> str:
        """The address there."""
        ...

    @property
    def is_proven(self) -> bool:
        """Whether the channel knows that the address is his."""
        ...

    @property
    def received_at(self) -> datetime:
        """When it came."""
        ...


def key_of(channel: ChannelKind, address: str) -> str:
    """Return the key of an address."""
    if channel in OF_NUMBERS:
        return f"{_TELEPHONE}:{telephone_of(address)}"
    return f"{channel.value}:{address}"


def addresses_of(key: str) -> Iterator[tuple[ChannelKind, str]]:
    """Yield the addresses that *key* names, channel by channel."""
    kind, _, address = key.partition(":")
    if kind != _TELEPHONE:
        yield ChannelKind(kind), address
        return
    yield ChannelKind.TELEPHONE, address
    yield ChannelKind.SMS, f"86{address}" if mobile_of(address) else address


def is_vouched(came: From) -> bool:
    """Say whether *came* is from the address that it bears."""
    return bool(came.sender) and (came.is_proven or came.channel in VOUCHED)


def keys(tx: Transaction, came: From) -> tuple[str, ...]:
    """Return the keys of whoever sent *came*, its own first; none where nobody vouches for it."""
    if not is_vouched(came):
        return ()
    own = key_of(came.channel, came.sender)
    found = {own: None}
    for proven in (own, *(proof.proven for proof in _holding(tx, own, came.received_at) if proof.key == own)):
        found[proven] = None
        found |= {proof.key: None for proof in _holding(tx, proven, came.received_at) if proof.proven == proven}
    return tuple(found)


def _holding(tx: Transaction, key: str, at: datetime) -> list[Proof]:
    return [proof for proof in tx.correspondence.proofs(key) if at - proof.at <= PROOF_HOLDS]


def same_person(tx: Transaction, ticket_id: TicketId) -> Sequence[TicketId]:
    """Return the other tickets of the persons who wrote to a ticket or called about it, the newest first."""
    known = {key: None for letter in tx.correspondence.letters(ticket_id) for key in keys(tx, letter.contact)}
    letters = [
        letter
        for key in known
        for channel, address in addresses_of(key)
        for letter in tx.correspondence.letters_from(channel, address, LISTED)
        if is_vouched(letter.contact)
    ]
    letters.sort(key=lambda letter: letter.contact.received_at, reverse=True)
    tickets = dict.fromkeys(letter.ticket_id for letter in letters if letter.ticket_id)
    return [found for found in tickets if found != ticket_id]
