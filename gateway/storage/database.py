"""What the store needs of a database engine, and nothing more; `gateway.storage.sqlite` and `.postgresql` are the two.

An engine differs in how it is opened, how a group of units gets the write to itself, what its driver raises, and how
one notices that the database behind an open connection is not there any more. All else is the same SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import QueuePool

from gateway.domain.errors import Conflict, OurMistake, Unavailable
from gateway.storage.writer import RETRY_AFTER


class Hindered(Unavailable):
    """One unit of work met somebody else's lock and was undone by itself; the transaction around it stands.

    ``passing`` says that the same unit may well succeed at once: a deadlock was broken, a serialization failed.
    """

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message, retry_after=RETRY_AFTER)
        self.passing = passing


class Database(Protocol):
    """One database. What it raises is `Lost`, `Hindered` or `OurMistake` inside `losses`, the driver's own outside."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def anchored(self) -> Path:
        """The file, there or not, beside which the journal's anchor lies."""
        ...

    @property
    def absence(self) -> float:
        """Seconds after which one that went away may be back: what is worth waiting to learn of a commit's end."""
        ...

    def create(self) -> None:
        """Make it when there is none. Raises `Lost`, or `Refused` when it can never serve."""
        ...

    def describe(self) -> str:
        """Try it and say what is there. Raises `Lost`, or `Refused` when it should not be served on."""
        ...

    def engine(self, *, writes: bool, patience: float, connections: int = 1) -> sa.Engine:
        """Return an engine; *patience* is how long, in seconds, it waits for another's lock.

        A writing engine opens every transaction with the write to itself and keeps no pool. A reading engine cannot
        write, sees one moment in a transaction, and keeps up to *connections* while they lead to the database. Neither
        puts the values of a row, which are people's words, into its errors.
        """
        ...

    def losses(self) -> AbstractContextManager[None]:
        """Turn what the driver says when it cannot work into `Lost`, and our own mistakes into `OurMistake`."""
        ...

    def watch(self, connection: sa.Connection) -> Callable[[], None]:
        """Return what raises `Lost`, without waiting, once a writing *connection* leads elsewhere or nowhere."""
        ...

    def prove(self, connection: sa.Connection) -> None:
        """Write something that leaves nothing behind, to find out whether the database takes a write."""
        ...


def kept(connections: int) -> dict[str, Any]:
    """Return the arguments of an engine that keeps up to *connections* open, and never makes more."""
    return {"poolclass": QueuePool, "pool_size": connections, "max_overflow": 0}


@contextmanager
def named(name: str, driver_error: type[Exception], meaning: Callable[[Any], Exception]) -> Iterator[None]:
    """Raise what *meaning* makes of a driver's error, whether SQLAlchemy has wrapped it or not."""
    try:
        yield
    except driver_error as error:
        raise meaning(error) from error
    except UnicodeEncodeError as error:
        raise OurMistake(f"{name}: a text that UTF-8 cannot carry") from error
    except exc.StatementError as error:
        cause = error.orig
        if isinstance(cause, OurMistake | Conflict):
            raise cause from error
        raise (meaning(cause) if isinstance(cause, driver_error) else OurMistake(f"{name}: {cause}")) from error
