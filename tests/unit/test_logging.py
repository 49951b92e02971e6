"""The technical log names nobody: not even in the traceback of a mistake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from gateway.telemetry import configure_logging


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_values(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", form)

    def fail(words: str) -> None:
        raise ZeroDivisionError(len(words))

    said = "我家停水了"
    try:
        fail(said)
    except ZeroDivisionError:
        structlog.get_logger("test").exception("test.failed")

    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert said not in shown
