"""Header fields as they come: RFC 5322 fields, RFC 2047 encoded words, RFC 2231 parameters, and their broken forms.

What is tolerated: octets beyond ASCII, encoded words inside quotes, with spaces, without an end, cut in the middle of
a character, or standing in parameters.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from channels.mail.charset import decode

LONGEST = 4000
"""Characters of a field that are read; what follows is left in the original."""
MOST_IDS = 50

_FOLD = re.compile(rb"[\r\n]+[ \t]*")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_WORD = re.compile(rb"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)(?:\?=|\?$|$)")
_ANGLE = re.compile(r"<([^<>\x00-\x20]{1,998})>")
_MAILBOX = re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}@[^\s<>()\[\],;:\"'@]{1,255}")
_COMMENT = re.compile(r"\(([^()]*)\)")
_PARAMETER = re.compile(rb";\s*([^=;\s\"]{1,60})\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;]*)")
_PIECE = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?$")


class Headers:
    """The header fields of a message or part, by name in any case; each is read when asked for."""

    def __init__(self, message: Message) -> None:
        self._fields: dict[str, list[bytes]] = {}
        self._parameters: dict[str, dict[str, str]] = {}
        for name, value in message.raw_items():
            name, text = name.lower(), str(value)
            text = text[-LONGEST:] if name == "references" else text[:LONGEST]  # whose nearest are at its end
            self._fields.setdefault(name, []).append(text.encode("utf-8", "surrogateescape"))

    def all(self, name: str) -> list[str]:
        """Return the fields of that name as they stand, unfolded."""
        return [_unfolded(octets).decode("utf-8", "replace").strip() for octets in self._fields.get(name, ())]

    def raw(self, name: str) -> str:
        """Return the first field of that name as it stands, unfolded; "" for none."""
        octets = self._first(name)
        return _unfolded(octets).decode("utf-8", "replace").strip() if octets else ""

    def text(self, name: str) -> str:
        """Return the first field of that name for people to read."""
        return plain(self._first(name))

    def count(self, name: str) -> int:
        """Return how many fields have that name."""
        return len(self._fields.get(name, ()))

    def octets(self, *names: str) -> Iterable[bytes]:
        """Yield the fields of those names octet by octet."""
        for name in names:
            yield from self._fields.get(name, ())

    def token(self, name: str) -> str:
        """Return what stands before the first semicolon, in lower case: a media type, a disposition."""
        return self.raw(name).partition(";")[0].strip().lower()

    def parameters(self, name: str) -> dict[str, str]:
        """Return a field's parameters (RFC 2231), by name in lower case."""
        if name not in self._parameters:
            self._parameters[name] = _parameters(_unfolded(self._first(name)))
        return self._parameters[name]

    def mailbox(self, name: str) -> tuple[str, str]:
        """Return the first mailbox of the field: the displayed name, and the address in lower case; "" for none."""
        octets = self._first(name)
        raw = _unfolded(octets).decode("utf-8", "surrogateescape")
        return _mailbox(raw) or _mailbox(plain(octets)) or (_name(raw), "")

    def mailboxes(self, name: str) -> int:
        """Return how many addresses the fields of that name hold."""
        angled = ((text, [inner for inner in _ANGLE.findall(text) if "@" in inner]) for text in self.all(name))
        return sum(len(found or _MAILBOX.findall(text)) for text, found in angled)

    def ids(self, name: str) -> list[str]:
        """Return the message ids of all fields of that name, without brackets, each once."""
        found: dict[str, None] = {}
        for text in self.all(name):
            bare = _ANGLE.findall(text) or [word for word in text.split() if "@" in word and len(word) < 998]
            found.update(dict.fromkeys(bare[:MOST_IDS]))
        return list(found)

    def _first(self, name: str) -> bytes:
        fields = self._fields.get(name)
        return fields[0] if fields else b""

    def moment(self, name: str) -> datetime | None:
        """Return the instant that a date field gives; None when it gives none, or no time zone."""
        try:
            instant = parsedate_to_datetime(self.raw(name))
            return instant if instant.tzinfo is not None and instant.utcoffset() is not None else None
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


def plain(octets: bytes) -> str:
    """Return a field body with its encoded words read and everything on one line."""
    octets = _unfolded(octets[:LONGEST])
    if b"=?" not in octets:
        return one_line(decode(octets))
    runs: list[tuple[str, bytes]] = []  # charset, octets; charset "" for what stands between encoded words
    end, after_word = 0, False
    for match in _WORD.finditer(octets):
        between = octets[end : match.start()]
        if between.strip() or (between and not after_word):
            runs.append(("", between))
        charset, inner = match[1].decode("ascii").lower(), _word(match[2], match[3])
        if runs and runs[-1][0] == charset:  # a character may be cut by the end of an encoded word
            runs[-1] = charset, runs[-1][1] + inner
        else:
            runs.append((charset, inner))
        end, after_word = match.end(), True
    runs.append(("", octets[end:]))
    return one_line("".join(decode(inner, charset) for charset, inner in runs))


def one_line(text: str) -> str:
    """Return *text* without control characters and line ends."""
    return (text if text.isprintable() else _UNPRINTABLE.sub(" ", text)).strip()


def base64(octets: bytes) -> bytes:
    """Return what *octets* encode, leaving out what is not base64, as far as they go."""
    out = []
    for run in octets.translate(None, _NOT_BASE64).split(b"="):
        whole = run[: len(run) - (len(run) % 4 == 1)]
        out.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return b"".join(out)


_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


def _unfolded(octets: bytes) -> bytes:
    return _FOLD.sub(b" ", octets) if b"\n" in octets or b"\r" in octets else octets


def _mailbox(text: str) -> tuple[str, str] | None:
    """Return name and address of the first mailbox in *text*."""
    if found := next((match for match in _ANGLE.finditer(text) if "@" in match[1]), None):
        return _name(text[: found.start()]), _address(found[1])
    if found := _MAILBOX.search(text):
        comment = _COMMENT.search(text)
        return _name(comment[1] if comment else text[: found.start()]), _address(found[0])
    return None


def _word(encoding: bytes, octets: bytes) -> bytes:
    if encoding in b"bB":
        return base64(octets)
    return binascii.a2b_qp(octets, header=True)


def _name(text: str) -> str:
    octets = text.encode("utf-8", "surrogateescape")
    name = plain(octets.strip().strip(b"\"'").replace(b'\\"', b'"'))
    return name.strip().strip("\"'<>").strip()


def _address(text: str) -> str:
    octets = text.encode("utf-8", "surrogateescape")
    return one_line(decode(octets)).lower().strip(".")


def _parameters(octets: bytes) -> dict[str, str]:
    pieces: dict[str, list[tuple[int, bool, bytes]]] = {}
    for key, value in _PARAMETER.findall(octets):
        parsed = _PIECE.match(key.decode("ascii", "replace").lower())
        if parsed is None:
            continue
        value = value.strip()
        if value.startswith(b'"'):
            value = re.sub(rb"\\([\"\\])", rb"\1", value.strip(b'"'))
        pieces.setdefault(parsed[1], []).append((int(parsed[2] or -1), bool(parsed[3]), value))
    return {name: _joined(parts) for name, parts in pieces.items()}


def _joined(parts: list[tuple[int, bool, bytes]]) -> str:
    """Join the pieces of one parameter; one in RFC 2231's form is preferred to a plain one beside it."""
    parts.sort(key=lambda part: part[0])
    if not any(extended for _, extended, _ in parts):
        chosen = parts if parts[0][0] >= 0 or len(parts) == 1 else parts[:1]
        return plain(b"".join(value for *_, value in chosen))
    chosen = [part for part in parts if part[0] >= 0] or [part for part in parts if part[1]][:1]
    charset = ""
    if chosen[0][1] and chosen[0][2].count(b"'") >= 2:
        label, _, value = chosen[0][2].split(b"'", 2)
        charset = label.decode("ascii", "replace")
        chosen[0] = (*chosen[0][:2], value)
    octets = b"".join(unquote_to_bytes(value) if extended else value for _, extended, value in chosen)
    return plain(octets) if b"=?" in octets else one_line(decode(octets, charset))
