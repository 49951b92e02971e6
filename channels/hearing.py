"""Voice messages turned into words, within limits: a ticket does not wait for them for ever."""

from __future__ import annotations

import asyncio

import structlog

from channels.amr import is_amr, to_wav
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import Transcriber

log = structlog.get_logger(__name__)

LIMIT = 30.0
"""Seconds after which a ticket goes on without the words."""


async def words_of(octets: bytes, transcriber: Transcriber, limit: float = LIMIT) -> str:
    """Return what is said in a sound file, "" when nobody can tell now: the file is kept, somebody will listen."""
    try:
        async with asyncio.timeout(limit):
            sound = await asyncio.to_thread(to_wav, octets) if is_amr(octets) else octets
            return (await transcriber.transcribe(sound)).strip()
    except (Refused, Unavailable, TimeoutError):
        return ""
    except Exception:  # a message outlives every failure to hear it
        log.exception("hearing.failed")
        return ""
