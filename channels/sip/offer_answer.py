"""Offer and answer (RFC 3264) for one G.711 stream with telephone events (RFC 4733).

Nothing here remembers: an offer, an answer and what they agree on are values. Ports are chosen
by the caller, who also keeps his last description for the next offer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from channels.sip.sdp import (
    EVENTS,
    TELEPHONE_EVENT,
    UNSPECIFIED,
    AudioStream,
    Codec,
    Direction,
    Origin,
    OtherMedia,
    SessionDescription,
)

Law = Literal["PCMA", "PCMU"]

LAWS: tuple[Law, ...] = ("PCMA", "PCMU")
EVENT_PAYLOAD_TYPE = 101

_LAW_CODECS: dict[Law, Codec] = {
    "PCMA": Codec(payload_type=8, name="PCMA"),
    "PCMU": Codec(payload_type=0, name="PCMU"),
}


class NotAcceptable(Exception):
    """The description leaves nothing to agree on; as a response it is ``status`` 488."""

    status = 488


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides may do now.

    ``law`` is sent to ``address``:``port`` under ``payload_type``, digits under
    ``event_payload_type`` (None: the peer understands none). ``direction`` is ours. ``incoming``
    says what the peer may send under which number, which need not be the numbers we send.
    """

    address: str
    port: int
    law: Law
    payload_type: int
    event_payload_type: int | None
    direction: Direction
    incoming: tuple[Codec, ...]


def make_offer(
    *,
    address: str,
    port: int,
    session_id: int,
    laws: Sequence[Law] = LAWS,
    direction: Direction = Direction.SENDRECV,
    version: int = 1,
) -> SessionDescription:
    """Offer *laws* in this order, and telephone events."""
    codecs = [_LAW_CODECS[law] for law in laws]
    codecs.append(Codec(payload_type=EVENT_PAYLOAD_TYPE, name=TELEPHONE_EVENT, parameters=EVENTS))
    return SessionDescription(
        origin=Origin(session_id=str(session_id), version=version, address=address),
        media=(AudioStream(address=address, port=port, codecs=tuple(codecs), direction=direction),),
    )


def reoffer(
    current: SessionDescription, *, direction: Direction = Direction.SENDRECV, laws: Sequence[Law] = ()
) -> SessionDescription:
    """Offer our *current* description again: with another direction, or to one who asks for an offer.

    The version goes up, and every media line and payload type keeps its place and its meaning
    (RFC 3264 8). Those of *laws* that are not in use are offered behind those that are.
    """
    media = tuple(
        replace(line, direction=direction, codecs=_widened(line.codecs, laws))
        if isinstance(line, AudioStream) and line.port
        else line
        for line in current.media
    )
    origin = replace(current.origin, version=current.origin.version + 1)
    return replace(current, origin=origin, media=media)


def succeeding(current: SessionDescription, new: SessionDescription) -> SessionDescription:
    """Return *new* as the successor of our *current* description in the same session.

    The version goes up by one where something has changed, and stays where nothing has.
    """
    unchanged = replace(new, origin=current.origin)
    if unchanged == current:
        return unchanged
    return replace(unchanged, origin=replace(current.origin, version=current.origin.version + 1))


def answer(
    offer: SessionDescription,
    *,
    address: str,
    port: int,
    session_id: int,
    laws: Collection[Law] = LAWS,
    direction: Direction = Direction.SENDRECV,
    version: int = 1,
) -> tuple[SessionDescription, Agreement]:
    """Answer with the first of our *laws* that the offerer prefers, under his payload types.

    *direction* is what we would like; the answer allows no more than the offer does. Every other
    media line is refused with port 0. Raises NotAcceptable.
    """
    chosen, codec = _first_acceptable(offer, laws)
    ours = _narrow(_effective(chosen).mirrored, direction)
    events = chosen.codec(TELEPHONE_EVENT)
    codecs = (codec,) if events is None else (codec, replace(events, parameters=EVENTS))
    stream = AudioStream(address=address, port=port, codecs=codecs, direction=ours)
    description = SessionDescription(
        origin=Origin(session_id=str(session_id), version=version, address=address),
        media=tuple(stream if line is chosen else _refused(line) for line in offer.media),
        timing=offer.timing,
    )
    return description, _agreement(chosen, codec, ours, codecs)


def accept_answer(offer: SessionDescription, answer: SessionDescription) -> Agreement:
    """Say what the *answer* to our *offer* agrees on. Raises NotAcceptable.

    We send under the payload types of the answer; the peer sends under those of our offer, and
    under his own if he is careless and they mean nothing else to us.
    """
    offered, answered = offer.audio, answer.audio
    if offered is None or answered is None:
        raise NotAcceptable("the answer refuses the audio stream")
    codec = _common(answered, [law for law in LAWS if offered.codec(law)])
    if codec is None:
        raise NotAcceptable("no G.711 in the answer")
    ours = _narrow(_effective(answered).mirrored, offered.direction)
    known = {codec.payload_type for codec in offered.codecs}
    careless = (codec for codec in answered.codecs if codec.payload_type not in known and offered.codec(codec.name))
    return _agreement(answered, codec, ours, (*offered.codecs, *careless))


def _agreement(remote: AudioStream, codec: Codec, direction: Direction, incoming: tuple[Codec, ...]) -> Agreement:
    events = remote.codec(TELEPHONE_EVENT)
    return Agreement(
        address=remote.address,
        port=remote.port,
        law="PCMA" if codec.name == "PCMA" else "PCMU",
        payload_type=codec.payload_type,
        event_payload_type=events.payload_type if events else None,
        direction=direction,
        incoming=incoming,
    )


def _widened(codecs: tuple[Codec, ...], laws: Sequence[Law]) -> tuple[Codec, ...]:
    names, numbers = {codec.name for codec in codecs}, {codec.payload_type for codec in codecs}
    new = [_LAW_CODECS[law] for law in laws if law not in names]
    return (*codecs, *(codec for codec in new if codec.payload_type not in numbers))


def _first_acceptable(offer: SessionDescription, laws: Collection[Law]) -> tuple[AudioStream, Codec]:
    streams = [line for line in offer.media if isinstance(line, AudioStream) and line.port]
    for stream in streams:
        codec = _common(stream, laws)
        if codec:
            return stream, codec
    if streams:
        raise NotAcceptable("no G.711 in the offer")
    protocols = sorted({line.protocol for line in offer.media if isinstance(line, OtherMedia) and line.kind == "audio"})
    raise NotAcceptable(f"audio only over {', '.join(protocols)}" if protocols else "no audio in the offer")


def _common(stream: AudioStream, laws: Collection[Law]) -> Codec | None:
    return next((codec for codec in stream.codecs if codec.name in laws and codec.rate == 8000), None)


def _effective(stream: AudioStream) -> Direction:
    """The stream's direction, with the old hold of RFC 2543 (c=0.0.0.0) understood."""
    receives = stream.direction.receives and stream.address not in UNSPECIFIED
    return Direction.of(sends=stream.direction.sends, receives=receives)


def _narrow(one: Direction, other: Direction) -> Direction:
    return Direction.of(sends=one.sends and other.sends, receives=one.receives and other.receives)


def _refused(line: AudioStream | OtherMedia) -> AudioStream | OtherMedia:
    return replace(line, address="", port=0) if isinstance(line, AudioStream) else replace(line, port=0)
