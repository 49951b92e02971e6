"""Files by content (附件库): what came with a contact, under the SHA-256 of its octets, in a folder of the node.

A file is durable before its hash is given out: written beside, flushed to the disk, renamed, the folder flushed. The
same octets are kept once. What a file is, its octets say, never its sender; an image gets a second copy for display,
drawn anew and so without its metadata. Nothing here is ever executed or served as it is called.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BufferedReader, BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import puremagic
import structlog
from clamav_client.clamd import ClamdError, ClamdNetworkSocket, ClamdUnixSocket
from PIL import Image, ImageOps

from gateway.domain.contact import Attachment
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import Part

T = TypeVar("T")

log = structlog.get_logger(__name__)

PIECE = 256 * 1024
"""Octets read at a time."""
WORKERS = 2
SCAN_LIMIT = 10
"""Seconds that the scanner gets for a file."""
LONGEST_SIDE = 1600
"""Pixels of the longer side of a copy for display."""
MOST_PIXELS = 80_000_000
"""An image larger than this is kept and not drawn."""
NOT_SCANNED = "not scanned"
"""The finding about a file that the scanner could not be asked about."""
_HASH = re.compile(r"[0-9a-f]{64}")
_TEXT_LIKE = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff"})


class FileRoom:
    """The files in *folder* (`gateway.ports.intake.FileRoom`).

    *scanner* is where clamd listens: ``unix:/run/clamav/clamd.ctl`` or ``tcp://127.0.0.1:3310``; empty for none.
    Use as an async context manager.
    """

    def __init__(self, folder: Path, *, scanner: str = "") -> None:
        self._folder = folder
        self._scanner = scanner
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="files")

    async def __aenter__(self) -> Self:
        """Make the folder. Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is under way."""
        await asyncio.to_thread(self._threads.shutdown)

    async def keep(self, part: Part) -> Attachment:
        """Keep a file and return what it is. Raises `Unavailable` when the disk does not take it."""
        return await self._run(partial(self._keep, part))

    async def keep_original(self, octets: bytes) -> str:
        """Keep a message byte for byte and return its hash. Raises `Unavailable`."""
        return await self._run(partial(self._write, octets))

    async def read(self, sha256: str) -> bytes:
        """Return the octets of a file. Raises `Refused` when there is none of that hash."""
        return await self._run(self._path(sha256).read_bytes)

    async def stream(self, sha256: str) -> AsyncIterator[bytes]:
        """Yield the octets of a file in pieces. Raises `Refused` when there is none of that hash."""
        path = self._path(sha256)
        file: BufferedReader = await self._run(lambda: path.open("rb"))
        try:
            while piece := await self._run(partial(file.read, PIECE)):
                yield piece
        finally:
            file.close()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except FileNotFoundError as error:
            raise Refused("there is no file of that hash") from error
        except OSError as error:
            raise Unavailable(f"a file could not be kept: {error.strerror}") from error

    def _path(self, sha256: str) -> Path:
        if not _HASH.fullmatch(sha256):
            raise Refused("there is no file of that hash")
        return self._folder / sha256[:2] / sha256[2:]

    def _keep(self, part: Part) -> Attachment:
        media_type = media_type_of(part.content)
        shown = _drawn_anew(part.content) if media_type in _SHOWN else None
        return Attachment(
            sha256=self._write(part.content),
            name=part.name,
            media_type=media_type,
            size=len(part.content),
            finding=self._scanned(part.content),
            shown="" if shown is None else self._write(shown),
        )

    def _write(self, octets: bytes) -> str:
        sha256 = hashlib.sha256(octets).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        if is_new := not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{uuid4().hex}")
        with beside.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        for folder in (path.parent, self._folder) if is_new else (path.parent,):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return sha256

    def _scanned(self, octets: bytes) -> str:
        """Return what clamd finds in *octets*, "" for nothing."""
        if not self._scanner:
            return ""
        try:
            status, finding = _clamd(self._scanner).instream(BytesIO(octets))["stream"]
        except (ClamdError, OSError, KeyError) as error:
            log.warning("scanner.away", reason=type(error).__name__)
            return NOT_SCANNED
        return "" if status == "OK" else str(finding or status)


def media_type_of(octets: bytes) -> str:
    """Return the media type (RFC 2046) that the octets themselves show, ``application/octet-stream`` when none does."""
    try:
        found = str(puremagic.from_string(octets, mime=True))
    except (puremagic.PureError, ValueError):
        found = ""
    if found:
        return found
    if octets and not _TEXT_LIKE.search(octets[:4096]):
        try:
            octets[:4096].decode("utf-8")
        except UnicodeDecodeError as error:
            return "text/plain" if error.start > 4090 else "application/octet-stream"
        return "text/plain"
    return "application/octet-stream"


def _drawn_anew(octets: bytes) -> bytes | None:
    """Return a copy of an image for display: upright, no metadata, not too large; None when it can't be read."""
    try:
        with Image.open(BytesIO(octets)) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            drawn = BytesIO()
            upright.save(drawn, "JPEG", quality=85)
            return drawn.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _clamd(address: str) -> ClamdUnixSocket | ClamdNetworkSocket:
    if address.startswith("unix:"):
        return ClamdUnixSocket(path=address.removeprefix("unix:"), timeout=SCAN_LIMIT)
    place = urlsplit(address)
    return ClamdNetworkSocket(host=place.hostname or "127.0.0.1", port=place.port or 3310, timeout=SCAN_LIMIT)
