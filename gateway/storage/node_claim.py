"""A node's claim to its folder and its name: what is unfinished under a name is closed at the next start of that node.

Two that took themselves for the same node would close each other's calls. The claim is a lock that dies with the
process: on a file in the node's folder, and on PostgreSQL an advisory lock on the name, on a connection of its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gateway.domain.errors import Unavailable, UnusableSetting

NODE_LOCK = 0x6E6F6465
"""The first key of the advisory locks on names; the second one is made from the name."""


@contextmanager
def claimed(data: Path, name: str, url: str = "") -> Iterator[None]:
    """Hold the claim to the folder *data*, and to *name* in the database at *url*, for as long as the block lasts.

    Raises `UnusableSetting` when another gateway has one of them, `Unavailable` when the database cannot be asked.
    """
    with _folder(data):
        if not url:
            yield
            return
        with _name(url, name):
            yield


@contextmanager
def _folder(data: Path) -> Iterator[None]:
    file = os.open(data / "node.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableSetting(f"node.data = {data}: another gateway works in this folder") from None
        yield
    finally:
        os.close(file)


@contextmanager
def _name(url: str, name: str) -> Iterator[None]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=5, application_name="jiesu claim")
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database cannot be asked for node.name: {type(error).__name__}") from None
    with connection:
        taken = connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (NODE_LOCK, name)).fetchone()
        if taken != (True,):
            raise UnusableSetting(f"node.name = {name}: another gateway of this name works on the database")
        yield
