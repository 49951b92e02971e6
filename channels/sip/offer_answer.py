"""Offer and answer (RFC 3264) for one stream of G.711 or G.722 with telephone events (RFC 4733).

Beside it comfort noise (RFC 3389), reports on the stream's own port (RFC 5761), and keys for SRTP (RFC 4568).

Nothing here remembers: an offer, an answer and what they agree on are values. Ports are chosen
by the caller, who also keeps his last description for the next offer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from channels.sip.sdes import CLEAR, Sealed, Sealing, Srtp, agreed
from channels.sip.sdp import (
    AVP,
    COMFORT_NOISE,
    EVENTS,
    SAVP,
    TELEPHONE_EVENT,
    UNSPECIFIED,
    AudioStream,
    Codec,
    Direction,
    Origin,
    OtherMedia,
    SessionDescription,
)

CodecName = Literal["PCMA", "PCMU", "G722"]

CODECS: tuple[CodecName, ...] = get_args(CodecName)
LAWS: tuple[CodecName, ...] = ("PCMA", "PCMU")
EVENT_PAYLOAD_TYPE = 101

_CODECS: dict[CodecName, Codec] = {
    "PCMA": Codec(payload_type=8, name="PCMA"),
    "PCMU": Codec(payload_type=0, name="PCMU"),
    "G722": Codec(payload_type=9, name="G722"),
}
_NOISE = Codec(payload_type=13, name=COMFORT_NOISE)


class NotAcceptable(Exception):
    """The description leaves nothing to agree on; as a response it is ``status`` 488."""

    status = 488


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a leg of ours can do, and may: codecs in order of preference, comfort noise, SRTP."""

    codecs: Sequence[CodecName] = LAWS
    comfort_noise: bool = False
    sealing: Sealing = CLEAR


PLAIN = Abilities()
"""Both laws of G.711, in clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides may do now.

    ``codec`` is sent to ``address``:``port`` under ``payload_type``, digits under ``event_payload_type`` (None: the
    peer understands none). ``direction`` is ours. ``incoming`` says what the peer may send under which number, which
    need not be the numbers we send. With ``comfort_noise`` either may announce its silence instead of sending it.
    Reports go to ``rtcp`` if given, to the same port with ``rtcp_mux``, else to the one above. ``sealed``: by SRTP.
    """

    address: str
    port: int
    codec: CodecName
    payload_type: int
    event_payload_type: int | None
    direction: Direction
    incoming: tuple[Codec, ...]
    comfort_noise: bool = False
    rtcp_mux: bool = False
    rtcp: tuple[str, int] | None = None
    sealed: Sealed | None = None


def make_offer(
    *,
    address: str,
    port: int,
    session_id: int,
    abilities: Abilities = PLAIN,
    direction: Direction = Direction.SENDRECV,
    version: int = 1,
) -> SessionDescription:
    """Offer what we can, codecs in our order, and telephone events.

    Where SRTP is a wish, the stream is RTP/AVP with keys beside it: who knows none of it answers in clear.
    """
    codecs = [_CODECS[name] for name in abilities.codecs]
    if abilities.comfort_noise:
        codecs.append(_NOISE)
    codecs.append(Codec(payload_type=EVENT_PAYLOAD_TYPE, name=TELEPHONE_EVENT, parameters=EVENTS))
    stream = AudioStream(
        address=address,
        port=port,
        codecs=tuple(codecs),
        direction=direction,
        protocol=SAVP if abilities.sealing.policy is Srtp.REQUIRED else AVP,
        cryptos=abilities.sealing.lines(),
        rtcp_mux=True,
    )
    return SessionDescription(
        origin=Origin(session_id=str(session_id), version=version, address=address), media=(stream,)
    )


def reoffer(
    current: SessionDescription, *, direction: Direction = Direction.SENDRECV, codecs: Sequence[CodecName] = ()
) -> SessionDescription:
    """Offer our *current* description again: with another direction, or to one who asks for an offer.

    The version goes up, and every media line and payload type keeps its place and its meaning
    (RFC 3264 8). Those of *codecs* that are not in use are offered behind those that are.
    """
    media = tuple(
        replace(line, direction=direction, codecs=_widened(line.codecs, codecs))
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
    abilities: Abilities = PLAIN,
    direction: Direction = Direction.SENDRECV,
    version: int = 1,
) -> tuple[SessionDescription, Agreement]:
    """Answer with the first of our codecs that the offerer prefers, under his payload types.

    A stream that can be sealed goes before one that cannot. *direction* is what we would like; the answer allows no
    more than the offer does. Every other media line is refused with port 0. Raises NotAcceptable.
    """
    chosen, codec = _first_acceptable(offer, abilities)
    ours = _narrow(_effective(chosen).mirrored, direction)
    events = chosen.codec(TELEPHONE_EVENT)
    codecs = [codec]
    if abilities.comfort_noise and _NOISE in chosen.codecs:
        codecs.append(_NOISE)
    if events is not None:
        codecs.append(replace(events, parameters=EVENTS))
    keys = abilities.sealing.answer(chosen.cryptos)
    stream = AudioStream(
        address=address,
        port=port,
        codecs=tuple(codecs),
        direction=ours,
        protocol=chosen.protocol,
        cryptos=(keys[0],) if keys else (),
        rtcp_mux=chosen.rtcp_mux,
    )
    description = SessionDescription(
        origin=Origin(session_id=str(session_id), version=version, address=address),
        media=tuple(stream if line is chosen else _refused(line) for line in offer.media),
        timing=offer.timing,
    )
    return description, _agreement(chosen, codec, ours, stream, stream.codecs, keys[1] if keys else None)


def refuse(offer: SessionDescription) -> SessionDescription:
    """Return the answer that refuses every stream of *offer*, for where an answer must be given all the same."""
    origin = Origin(session_id="0", version=1, address="0.0.0.0")
    return SessionDescription(origin=origin, media=tuple(_refused(line) for line in offer.media), timing=offer.timing)


def accept_answer(offer: SessionDescription, answer: SessionDescription) -> Agreement:
    """Say what the *answer* to our *offer* agrees on. Raises NotAcceptable.

    We send under the payload types of the answer; the peer sends under those of our offer, and
    under his own if he is careless and they mean nothing else to us.
    """
    offered, answered = offer.audio, answer.audio
    if offered is None or answered is None:
        raise NotAcceptable("the answer refuses the audio stream")
    codec = _common(answered, [name for name in CODECS if offered.codec(name)])
    if codec is None:
        raise NotAcceptable("no codec of ours in the answer")
    sealed = agreed(offered.cryptos, answered.cryptos)
    if sealed is None and SAVP in (offered.protocol, answered.protocol):
        raise NotAcceptable("no SRTP key in the answer that our offer asks for")
    ours = _narrow(_effective(answered).mirrored, offered.direction)
    known = {codec.payload_type for codec in offered.codecs}
    careless = (codec for codec in answered.codecs if codec.payload_type not in known and offered.codec(codec.name))
    return _agreement(answered, codec, ours, offered, (*offered.codecs, *careless), sealed)


def _agreement(
    remote: AudioStream,
    codec: Codec,
    direction: Direction,
    local: AudioStream,
    incoming: tuple[Codec, ...],
    sealed: Sealed | None,
) -> Agreement:
    events = remote.codec(TELEPHONE_EVENT)
    rtcp_mux = remote.rtcp_mux and local.rtcp_mux
    return Agreement(
        address=remote.address,
        port=remote.port,
        codec=next(name for name in CODECS if name == codec.name),
        payload_type=codec.payload_type,
        event_payload_type=events.payload_type if events else None,
        direction=direction,
        incoming=incoming,
        comfort_noise=_NOISE in remote.codecs and _NOISE in local.codecs,
        rtcp_mux=rtcp_mux,
        rtcp=None if rtcp_mux else remote.rtcp,
        sealed=sealed,
    )


def _widened(codecs: tuple[Codec, ...], wanted: Sequence[CodecName]) -> tuple[Codec, ...]:
    names, numbers = {codec.name for codec in codecs}, {codec.payload_type for codec in codecs}
    new = [_CODECS[name] for name in wanted if name not in names]
    return (*codecs, *(codec for codec in new if codec.payload_type not in numbers))


def _first_acceptable(offer: SessionDescription, abilities: Abilities) -> tuple[AudioStream, Codec]:
    """Return the stream to take and its codec. Raises NotAcceptable, saying why there is none."""
    streams = [line for line in offer.media if isinstance(line, AudioStream) and line.port]
    if not streams:
        raise NotAcceptable(_no_audio(offer))
    sealing = abilities.sealing
    sealed = [stream for stream in streams if sealing.answer(stream.cryptos) is not None]
    clear = [stream for stream in streams if stream.protocol == AVP and stream not in sealed]
    allowed = sealed if sealing.policy is Srtp.REQUIRED else [*sealed, *clear]
    if not allowed:
        raise NotAcceptable(
            "SRTP is required, and no key was offered" if clear else "SRTP is offered, and we take no such key here"
        )
    for stream in allowed:
        codec = _common(stream, abilities.codecs)
        if codec:
            return stream, codec
    raise NotAcceptable("no codec of ours in the offer")


def _no_audio(offer: SessionDescription) -> str:
    protocols = sorted({line.protocol for line in offer.media if isinstance(line, OtherMedia) and line.kind == "audio"})
    return f"audio only over {', '.join(protocols)}" if protocols else "no audio in the offer"


def _common(stream: AudioStream, names: Collection[str]) -> Codec | None:
    return next((codec for codec in stream.codecs if codec.name in names and codec.rate == 8000), None)


def _effective(stream: AudioStream) -> Direction:
    """The stream's direction, with the old hold of RFC 2543 (c=0.0.0.0) understood."""
    receives = stream.direction.receives and stream.address not in UNSPECIFIED
    return Direction.of(sends=stream.direction.sends, receives=receives)


def _narrow(one: Direction, other: Direction) -> Direction:
    return Direction.of(sends=one.sends and other.sends, receives=one.receives and other.receives)


def _refused(line: AudioStream | OtherMedia) -> AudioStream | OtherMedia:
    if isinstance(line, AudioStream):
        return replace(line, address="", port=0, cryptos=(), rtcp_mux=False, rtcp=None)
    return replace(line, port=0)
