"""A private PostgreSQL: a cluster in a folder of its own on a free port, gone without a trace afterwards.

`initdb` and `postgres` refuse to run as root, so root hands them to the user ``postgres`` that Debian's package makes.
"""

from __future__ import annotations

import itertools
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from scripts.peers import postgresql_programs

READY_LIMIT = 30.0
"""Seconds that a server may take to start or stop."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
}
QUICK = {
    "fsync": "off",
    "shared_buffers": "32MB",
    "deadlock_timeout": "50ms",
    "autovacuum": "off",
}
"""For a server that nobody will miss."""


class Cluster:
    """One server with its databases, running inside the block. *standby_of* makes it follow another, reading only.

    A *durable* one is as it comes, in a folder *under* the one that is given. Others leave their commits to the kernel,
    where they outlive the server and not the machine, and write their log in files of one megabyte.
    """

    def __init__(self, *, standby_of: Cluster | None = None, durable: bool = False, under: Path | None = None) -> None:
        programs = postgresql_programs()
        assert programs is not None
        self._programs = programs
        self._owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._under = under
        self._names = itertools.count()
        self._primary = standby_of
        self._durable = durable
        self._server: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="jiesu-postgresql-", dir=self._under))
        if self._owner:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        try:
            if self._primary is None:
                options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]
                options += [] if self._durable else ["--wal-segsize=1"]
                self._run("initdb", *options, "--no-sync", str(self._data))
            else:
                source = f"--dbname=host=127.0.0.1 port={self._primary.port} user=postgres"
                self._run("pg_basebackup", source, "--checkpoint=fast", "--write-recovery-conf", f"-D{self._data}")
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self, *, largest_file: int | None = None) -> None:
        """Start the server and wait until it takes connections; none of its files may grow beyond *largest_file*."""

        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))

        settings = SETTINGS | {"port": str(self.port)} | ({} if self._durable else QUICK)
        settings["unix_socket_directories"] = str(self.folder)
        options = [f"-c{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._server = self._spawn("postgres", f"-D{self._data}", *options, stderr=log, preexec_fn=limit)
        pause = threading.Event()
        for _ in range(int(READY_LIMIT / 0.05)):
            with suppress(psycopg.OperationalError), self.connect():
                return
            assert self._server.poll() is None, (self.folder / "log").read_text()
            pause.wait(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT rolls back what runs (a fast shutdown), SIGKILL is a crash of its postmaster."""
        if self._server is not None:
            children = _children(self._server.pid)
            with suppress(ProcessLookupError):
                os.kill(self._server.pid, how)
            self._server.wait(READY_LIMIT)
            self._server = None
            for child in children:  # without their postmaster they end by themselves, and hold the memory until then
                _await_end(child)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Connect as the administrator, each statement a transaction of its own."""
        return psycopg.connect(self.url(database), autocommit=True)

    def url(self, database: str) -> str:
        """Return where *database* is."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def make(self, template: str = "template0") -> str:
        """Make a database like *template* and return its name."""
        name = f"jiesu_{next(self._names)}"
        with self.connect() as administrator:
            administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def dump(self, database: str, file: Path) -> None:
        """Dump a database, in the custom format."""
        with file.open("wb") as target:
            done = self._spawn("pg_dump", "--format=custom", self.url(database), stdout=target)
        assert done.wait() == 0

    def restore(self, file: Path) -> str:
        """Restore a dump into a new database and return its name."""
        name = self.make()
        with file.open("rb") as source:
            done = self._spawn("pg_restore", "--exit-on-error", f"--dbname={self.url(name)}", stdin=source)
        assert done.wait() == 0
        return name

    def drop(self, database: str) -> None:
        """Drop a database, whoever is in it."""
        with self.connect() as administrator:
            administrator.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        done = self._spawn(program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = done.communicate()
        assert done.returncode == 0, said.decode()

    def _spawn(self, program: str, *arguments: str, **how: Any) -> subprocess.Popen[bytes]:
        if self._owner:
            how |= {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        return subprocess.Popen([str(self._programs / program), *arguments], cwd=self.folder, env=environment, **how)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _await_end(pid: int) -> None:
    pause = threading.Event()
    for _ in range(int(READY_LIMIT / 0.02)):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        pause.wait(0.02)
