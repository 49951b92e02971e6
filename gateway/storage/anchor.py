"""The anchor: a small file beside the database that remembers the journal's last entry, so that a cut at the end shows.

One line of JSON, ``{"hash":"...","seq":7}``. Copy it to another machine, and the journal before it is fixed for good.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from gateway.domain.errors import OurMistake
from gateway.storage.chain import Anchor, canonical
from gateway.storage.writer import Lost


def anchor_path(database: Path) -> Path:
    """Return where the anchor of *database* lies."""
    return database.with_name(database.name + ".anchor")


def read_anchor(database: Path) -> Anchor | None:
    """Return the anchor of *database*, None when it has none. Raises `OurMistake` when it is not one we wrote."""
    try:
        found = json.loads(anchor_path(database).read_bytes())
        return Anchor(seq=int(found["seq"]), hash=str(found["hash"]))
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise OurMistake(f"{anchor_path(database).name} is not an anchor") from error


def write_anchor(database: Path, anchor: Anchor) -> None:
    """Replace the anchor of *database*, durably: after a crash the old one or the new one is there. Raises `Lost`."""
    final = anchor_path(database)
    fresh = final.with_name(final.name + ".new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(canonical({"seq": anchor.seq, "hash": anchor.hash}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(final)
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Lost(f"{final.name}: {error.strerror}") from error
