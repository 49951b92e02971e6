"""What every test run shares: Hypothesis's profiles, and tests that need a real peer.

A peer is an independent program (`scripts/peers.py` has the list). Where one is absent its tests are skipped and the
summary says so; with JIESU_REQUIRE_PEERS=1, as in CI, a test that does not meet its peer fails instead, unless that
peer is one of those that are required nowhere (`scripts.peers.FURTHER`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from scripts.peers import FURTHER, PEERS, is_installed

if TYPE_CHECKING:
    from tests.peers.postgresql import Cluster

REQUIRED = os.environ.get("JIESU_REQUIRE_PEERS") == "1"
_SKIPPED = pytest.StashKey[Counter[str]]()

settings.register_profile("dev", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def _needs(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            if name not in PEERS | FURTHER:
                known = ", ".join(PEERS | FURTHER)
                raise pytest.UsageError(f"{item.nodeid}: unknown peer {name}; known are {known}")
            yield name


def _lacks_further(item: pytest.Item) -> bool:
    """Whether a peer is absent that is required nowhere."""
    return any(name in FURTHER and not is_installed(name) for name in _needs(item))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SKIPPED] = Counter()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if absent := [name for name in _needs(item) if not is_installed(name)]:
        item.config.stash[_SKIPPED].update(absent)
        pytest.skip(f"{' and '.join(absent)} not installed (make peers)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRED and report.skipped and item.get_closest_marker("peer") and not _lacks_further(item):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must meet its peer here, and was skipped: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if skipped := config.stash[_SKIPPED]:
        told = ", ".join(f"{name} ({count} test{'s' if count > 1 else ''})" for name, count in skipped.items())
        verb = "failed" if REQUIRED else "skipped"
        terminalreporter.write_line(
            f"peers missing, so tests were {verb}: {told}; `make peers` installs them", yellow=True
        )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL for the whole run; who stops or crashes a server makes one of their own."""
    from tests.peers.postgresql import Cluster

    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _migrated(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    from gateway.storage.migrate import migrate
    from gateway.storage.postgresql import PostgresDatabase

    name = postgresql.make()
    migrate(PostgresDatabase(postgresql.url(name), anchored=tmp_path_factory.mktemp("postgresql") / "migrated"))
    return name


@pytest.fixture
def postgresql_url(postgresql: Cluster, _migrated: str) -> Iterator[str]:
    """A database with our tables and nothing in them."""
    name = postgresql.make(_migrated)
    yield postgresql.url(name)
    postgresql.drop(name)
