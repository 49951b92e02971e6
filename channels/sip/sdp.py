"""Session descriptions (RFC 8866) as far as a telephone call needs them: audio over RTP/AVP and RTP/SAVP.

Whatever else a description holds is kept only as far as an answer must mirror it: other media
lines keep their kind, protocol and formats. Attributes and lines that are not known are left
out. Payload types mean what their rtpmap says, or what RFC 3551 says where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from channels.sip.sdes import Crypto
from channels.sip.text import LWS

CONTENT_TYPE = "application/sdp"

PTIME = 20
TELEPHONE_EVENT = "telephone-event"
EVENTS = "0-15"
COMFORT_NOISE = "CN"
AVP = "RTP/AVP"
SAVP = "RTP/SAVP"
UNSPECIFIED = frozenset(("0.0.0.0", "::"))

_STATIC = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    15: ("G728", 8000),
    18: ("G729", 8000),
}

_media = re.compile(r"(\S++) ++([0-9]{1,5})(?:/[0-9]++)? ++(\S++) ++(\S.*+)", re.ASCII).fullmatch
_origin = re.compile(r"(\S++) ++(\S++) ++([0-9]{1,20}) ++IN ++IP[46] ++(\S++).*+", re.ASCII).fullmatch
_connection = re.compile(r"IN ++IP[46] ++([A-Za-z0-9.:\-]++)(?:/[0-9/]++)?\s*+", re.ASCII).fullmatch
_rtpmap = re.compile(r"([0-9]{1,3}) ++([A-Za-z0-9\-_.+]++)/([0-9]{1,9})(?:/[0-9]++)?\s*+", re.ASCII).fullmatch
_fmtp = re.compile(r"([0-9]{1,3}) ++(\S.*+)", re.ASCII).fullmatch
_rtcp = re.compile(r"([0-9]{1,5})(?: ++IN ++IP[46] ++([A-Za-z0-9.:\-]++))?\s*+", re.ASCII).fullmatch
_ptime = re.compile(r"([0-9]{1,4})(?:\.[0-9]++)?\s*+", re.ASCII).fullmatch


class BadDescription(ValueError):
    """No session description, or one without what a call needs of it."""


class Direction(Enum):
    """Which way audio flows, seen from whoever wrote the description (RFC 3264 5.1)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        """Return the direction that allows just this."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def sends(self) -> bool:
        """Whether the writer of the description may send."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the writer of the description is ready to receive."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def mirrored(self) -> Direction:
        """The same flow seen from the other side."""
        return Direction.of(sends=self.receives, receives=self.sends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One format of an audio stream; ``name`` is "" where nothing says what the number means."""

    payload_type: int
    name: str
    rate: int = 8000
    parameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """An audio stream over RTP; port 0 means that it is refused. ``ptime`` is in milliseconds.

    ``protocol`` is AVP or SAVP; the former may have ``cryptos`` too, where SRTP is a wish. Reports go to ``rtcp``
    (RFC 3605) if that is given, and to the RTP port with ``rtcp_mux`` (RFC 5761).
    """

    address: str
    port: int
    codecs: tuple[Codec, ...]
    direction: Direction = Direction.SENDRECV
    ptime: int = PTIME
    protocol: str = AVP
    cryptos: tuple[Crypto, ...] = ()
    rtcp_mux: bool = False
    rtcp: tuple[str, int] | None = None

    def codec(self, name: str) -> Codec | None:
        """Return the first 8 kHz codec of that name, None if it is not there."""
        return next((codec for codec in self.codecs if codec.name == name and codec.rate == 8000), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherMedia:
    """A media line that is not ours to serve, as far as an answer must repeat it."""

    kind: str
    port: int
    protocol: str
    formats: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who made a description, and which edition of it this is."""

    session_id: str
    version: int
    address: str
    username: str = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    """An offer or an answer. ``timing`` is the t= line, which an answer repeats."""

    origin: Origin
    media: tuple[AudioStream | OtherMedia, ...]
    timing: str = "0 0"

    @property
    def audio(self) -> AudioStream | None:
        """The first audio stream in use, None if there is none."""
        return next((line for line in self.media if isinstance(line, AudioStream) and line.port), None)

    @classmethod
    def parse(cls, body: bytes) -> SessionDescription:
        """Read a description. Raises BadDescription."""
        return _parse(body)

    def encode(self) -> bytes:
        """Return the description as a message body."""
        origin = self.origin
        lines = [
            "v=0",
            f"o={origin.username} {origin.session_id} {origin.version} IN {_net(origin.address)}",
            "s=-",
            f"t={self.timing}",
        ]
        for line in self.media:
            lines += _encode_audio(line) if isinstance(line, AudioStream) else _encode_other(line)
        return "".join(f"{line}\r\n" for line in lines).encode("ascii", "surrogateescape")


class _Section:
    """The lines of one media section, or of the session above them all."""

    def __init__(self, media: str = "", above: _Section | None = None) -> None:
        self.media = media
        self.address: str = above.address if above else ""
        self.direction: Direction = above.direction if above else Direction.SENDRECV
        self.ptime: int = above.ptime if above else PTIME
        self.maps: dict[int, tuple[str, int]] = {}
        self.parameters: dict[int, str] = {}
        self.cryptos: list[Crypto] = []
        self.rtcp_mux = False
        self.rtcp: tuple[str, int] | None = None

    def read(self, kind: str, value: str) -> None:
        """Take in one line; what is not understood changes nothing."""
        if kind == "c" and (found := _connection(value)):
            self.address = found[1]
        elif kind == "a":
            name, _, value = value.partition(":")
            self._read_attribute(name.rstrip(LWS), value)

    def _read_attribute(self, name: str, value: str) -> None:
        if name == "rtpmap" and (found := _rtpmap(value)):
            self.maps[int(found[1])] = (_spelling(found[2]), int(found[3]))
        elif name == "fmtp" and (found := _fmtp(value)):
            self.parameters[int(found[1])] = found[2].rstrip(LWS)
        elif name == "ptime" and (found := _ptime(value)):
            self.ptime = int(found[1]) or PTIME
        elif name == "crypto" and (crypto := Crypto.parse(value.strip(LWS))):
            self.cryptos.append(crypto)
        elif name == "rtcp-mux":
            self.rtcp_mux = True
        elif name == "rtcp" and (found := _rtcp(value)) and 0 < int(found[1]) < 65536:
            self.rtcp = (found[2] or "", int(found[1]))
        elif name in _DIRECTIONS:
            self.direction = Direction(name)

    def line(self) -> AudioStream | OtherMedia:
        """Return what the section describes."""
        found = _media(self.media)
        if not found:
            raise BadDescription("malformed m= line")
        kind, port, protocol, formats = (
            found[1],
            int(found[2]),
            found[3],
            [each for each in found[4].split(" ") if each],
        )
        if port > 65535:
            raise BadDescription("port above 65535")
        if kind != "audio" or protocol not in (AVP, SAVP):
            return OtherMedia(kind=kind, port=port, protocol=protocol, formats=" ".join(formats))
        if port and not self.address:
            raise BadDescription("audio without a c= line")
        return AudioStream(
            address=self.address,
            port=port,
            codecs=tuple(self._codecs(formats)),
            direction=self.direction,
            ptime=self.ptime,
            protocol=protocol,
            cryptos=tuple(self.cryptos),
            rtcp_mux=self.rtcp_mux,
            rtcp=(self.rtcp[0] or self.address, self.rtcp[1]) if self.rtcp else None,
        )

    def _codecs(self, formats: Iterable[str]) -> Iterable[Codec]:
        for number in formats:
            if not (number.isascii() and number.isdigit() and len(number) <= 3 and int(number) < 128):
                raise BadDescription("malformed payload type")
            payload_type = int(number)
            name, rate = self.maps.get(payload_type) or _STATIC.get(payload_type, ("", 8000))
            yield Codec(
                payload_type=payload_type, name=name, rate=rate, parameters=self.parameters.get(payload_type, "")
            )


_DIRECTIONS = frozenset(direction.value for direction in Direction)
_SPELLINGS = {name.lower(): name for name in (*(name for name, _ in _STATIC.values()), TELEPHONE_EVENT)}


def _parse(body: bytes) -> SessionDescription:
    session = section = _Section()
    sections: list[_Section] = []
    origin: Origin | None = None
    timing = "0 0"
    for line in body.decode("ascii", "surrogateescape").replace("\r", "\n").split("\n"):
        kind, equals, value = line.partition("=")
        if not equals:
            continue
        if kind == "m":
            section = _Section(value.strip(LWS), above=session)
            sections.append(section)
        elif kind == "o" and (found := _origin(value.strip(LWS))):
            origin = Origin(username=found[1], session_id=found[2], version=int(found[3]), address=found[4])
        elif kind == "t" and value.replace(" ", "").isdigit():
            timing = value.strip(LWS)
        else:
            section.read(kind, value)
    if origin is None:
        raise BadDescription("no o= line, or a malformed one")
    return SessionDescription(origin=origin, media=tuple(section.line() for section in sections), timing=timing)


def _encode_audio(stream: AudioStream) -> Iterable[str]:
    numbers = " ".join(str(codec.payload_type) for codec in stream.codecs)
    yield f"m=audio {stream.port} {stream.protocol} {numbers}"
    if stream.address:
        yield f"c=IN {_net(stream.address)}"
    for codec in stream.codecs:
        if codec.name:
            yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate}"
        if codec.parameters:
            yield f"a=fmtp:{codec.payload_type} {codec.parameters}"
    for crypto in stream.cryptos:
        yield f"a=crypto:{crypto.encode()}"
    if stream.rtcp_mux:
        yield "a=rtcp-mux"
    if stream.rtcp is not None:
        host, port = stream.rtcp
        yield f"a=rtcp:{port} IN {_net(host)}" if host else f"a=rtcp:{port}"
    yield f"a=ptime:{stream.ptime}"
    yield f"a={stream.direction.value}"


def _encode_other(line: OtherMedia) -> Iterable[str]:
    yield f"m={line.kind} {line.port} {line.protocol} {line.formats}"


def _net(address: str) -> str:
    return f"IP6 {address}" if ":" in address else f"IP4 {address}"


def _spelling(name: str) -> str:
    """Names of encodings compare without case; the ones we know get the RFC's spelling."""
    return _SPELLINGS.get(name.lower(), name)
