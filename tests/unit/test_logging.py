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

    try:
        fail("我家" + "停水了")
    except ZeroDivisionError:
        structlog.get_logger("test").exception("test.failed")

    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "停水" not in shown.replace('fail("我家" + "停水了")', "")
