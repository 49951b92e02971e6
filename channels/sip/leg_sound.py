"""The sound of one leg as signalling sees it: its descriptions, and the media leg that is connected as they agree.

The media port is open before the first offer or answer; every later one re-targets the same stream (RFC 3264 8).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from ipaddress import ip_address

from channels.media.leg import MediaLeg
from channels.media.secure import SrtpKeys
from channels.sip.offer_answer import (
    Abilities,
    Agreement,
    NotAcceptable,
    accept_answer,
    answer,
    make_offer,
    reoffer,
    succeeding,
)
from channels.sip.sdes import KEY_LENGTHS, Sealing, Srtp
from channels.sip.sdp import Direction, SessionDescription


def sealing(policy: Srtp, *, is_secure: bool) -> Sealing:
    """Return what a new leg does about SRTP, with fresh keys; over signalling in clear no key is given or taken."""
    keys = {suite: secrets.token_bytes(length) for suite, length in KEY_LENGTHS.items()} if is_secure else {}
    return Sealing(policy=policy, keys=keys)


class LegSound:
    """The offers and answers of one leg; ``on_hold`` hears when the far end puts us on hold and takes us back."""

    def __init__(self, media: MediaLeg, *, address: str, abilities: Abilities) -> None:
        self.media = media
        self.is_held = False
        self.codec = ""
        """The codec agreed on; "" before that."""
        self.suite = ""
        """The SRTP suite that seals the stream; "" where it is in clear."""
        self.on_hold: Callable[[bool], None] = lambda held: None
        self._address = address
        self._abilities = abilities
        self._session_id = secrets.randbits(31)
        self._description: SessionDescription | None = None

    def offer(self) -> SessionDescription:
        """Return our first offer; `take_answer` is next."""
        self._description = make_offer(
            address=self._address, port=self.media.port, session_id=self._session_id, abilities=self._abilities
        )
        return self._description

    def answer(self, offer: SessionDescription) -> SessionDescription:
        """Return our answer to the peer's first or later *offer*, and do as it says. Raises `NotAcceptable`."""
        description, agreement = self.propose(offer)
        self.agree(description, agreement)
        return description

    def propose(self, offer: SessionDescription) -> tuple[SessionDescription, Agreement]:
        """Return what we would answer to *offer*, and do nothing yet. Raises `NotAcceptable`."""
        description, agreement = answer(
            offer, address=self._address, port=self.media.port, session_id=self._session_id, abilities=self._abilities
        )
        return succeeding(self._description, description) if self._description else description, agreement

    def agree(self, description: SessionDescription, agreement: Agreement) -> None:
        """Do as a proposal says that has become our answer. Raises `NotAcceptable`."""
        self._connect(agreement)
        self._description = description

    def renegotiate(self, offer: SessionDescription | None) -> SessionDescription:
        """Answer the peer's re-INVITE, or offer again when it asks for that (None). Raises `NotAcceptable`."""
        if offer is not None:
            return self.answer(offer)
        if self._description is None:
            return self.offer()
        self._description = reoffer(self._description, codecs=self._abilities.codecs)
        return self._description

    def take_answer(self, description: SessionDescription) -> bool:
        """Do as the peer's answer to our last description says; False when nothing is common.

        There may be several: of provisional responses, of forks, of the same description offered again (RFC 4028).
        """
        if self._description is None:
            return False
        try:
            self._connect(accept_answer(self._description, description))
        except NotAcceptable:
            return False
        return True

    def _connect(self, agreed: Agreement) -> None:
        sealed = agreed.sealed
        try:
            self.media.connect(
                agreed.address,
                agreed.port,
                law=agreed.codec,
                payload_type=agreed.payload_type,
                telephone_event=agreed.event_payload_type,
                sends=agreed.direction.sends,
                receives=agreed.direction.receives,
                comfort_noise=agreed.comfort_noise,
                rtcp_mux=agreed.rtcp_mux,
                rtcp=agreed.rtcp if agreed.rtcp and _is_numeric(agreed.rtcp[0]) else None,
                srtp=SrtpKeys(sealed.suite, sealed.local, sealed.remote) if sealed else None,
            )
        except ValueError as error:
            raise NotAcceptable(f"{agreed.address} is no address we can send to") from error
        self.codec, self.suite = agreed.codec, sealed.suite if sealed else ""
        is_held = agreed.direction in (Direction.RECVONLY, Direction.INACTIVE)
        if is_held != self.is_held:
            self.is_held = is_held
            self.on_hold(is_held)


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
