"""The small commands, as an operator types them: what they print and how they end."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.sip.connections import ListenAddress
from channels.sip.session import Session
from channels.sip.target import Target
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from gateway.cli import COMMANDS, main
from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.storage.journal import verify
from gateway.storage.store import SqlStore
from tests.fakes.store import SetClock
from tests.fakes.virtual_time import START


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[node]\ndata = "{tmp_path / "data"}"\n'
        '[sip]\nlisten = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]\ntrunk_check_limit = "300ms"\n'
        '[web]\nlisten = "127.0.0.1:0"\n[media]\nports = [0, 0]\n'
    )
    return path


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        yield other.getsockname()[1]


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert COMMANDS[command] in " ".join(capsys.readouterr().out.split())


def test_a_sound_configuration_passes_the_check(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(config)]) == 0

    told = capsys.readouterr().out
    assert "all is well" in told
    assert "fail" not in told


def test_the_check_names_a_port_in_use_and_a_silent_trunk(
    config: Path, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = config.read_text() + f'[[trunk]]\nname = "quiet"\naddress = "127.0.0.1:{taken}"\n'
    config.write_text(quiet)
    assert main(["check", "--config", str(config)]) == 1
    assert "does not answer OPTIONS" in capsys.readouterr().out
    config.write_text(quiet.replace("udp:127.0.0.1:0", f"udp:127.0.0.1:{taken}"))

    assert main(["check", "--config", str(config)]) == 1
    assert "Address already in use" in capsys.readouterr().out


async def test_the_check_hears_a_trunk_that_answers(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def nobody(session: Session) -> None: ...

    listen = [ListenAddress("udp", "127.0.0.1", 0)]
    us = Trunk(name="us", target=Target("udp", "127.0.0.1", 9))
    async with UserAgent(UserAgentSettings(listen=listen, trunks=[us]), nobody) as carrier:
        trunk = f'[[trunk]]\nname = "carrier"\naddress = "127.0.0.1:{carrier.addresses[0].port}"\n'
        code = await asyncio.to_thread(_check_with, config, trunk)

    assert code == 0
    assert "answers OPTIONS with 200" in capsys.readouterr().out


def _check_with(config: Path, more: str) -> int:
    config.write_text(config.read_text() + more)
    return main(["check", "--config", str(config)])


def test_a_model_that_cannot_be_used_fails_the_check_and_one_that_is_none_ends_with_2(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torn" / "am").mkdir(parents=True)
    (tmp_path / "torn" / "am" / "final.mdl").write_bytes(b"torn")
    sound = config.read_text()
    config.write_text(sound + f'[asr]\nmodel = "{tmp_path / "torn"}"\n')
    assert main(["check", "--config", str(config)]) == 1
    assert str(tmp_path / "torn") in capsys.readouterr().out
    config.write_text(sound + '[asr]\nmodel = "/nowhere"\n')

    assert main(["check", "--config", str(config)]) == 2
    assert capsys.readouterr().err.startswith(f"jiesu: {config}: asr.model = /nowhere: ")


def test_a_wrong_key_is_one_line_and_ends_with_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[web]\nlistn = 1\n")

    assert main(["run", "--config", str(config)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"jiesu: {config}:2: web.listn = 1: unknown key; did you mean listen?"


async def test_the_journal_is_shown_and_verified_and_a_changed_word_is_found(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "data" / "jiesu.sqlite"
    database.parent.mkdir()
    async with SqlStore(database, clock=SetClock()) as store:
        for kind in ("call.offered", "call.ended"):
            fact = Fact(kind=kind, at=START, call_id=CallId("c1"), offset=1.5, values={"reason": "挂机"})
            await store.commit(lambda tx, fact=fact: tx.append(fact))  # type: ignore[misc]
    assert main(["journal", "show", "c1", "--config", str(config)]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["kind"], line["reason"]) for line in shown] == [("call.offered", "挂机"), ("call.ended", "挂机")]
    assert main(["journal", "show", "nobody", "--config", str(config)]) == 1
    assert main(["journal", "verify", "--config", str(config)]) == 0
    with sqlite3.connect(database) as forger:
        for (name,) in forger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forger.execute(f"DROP TRIGGER {name}")
        forger.execute('UPDATE journal SET "values" = \'{"reason":"x"}\' WHERE kind = \'call.ended\'')
    assert not verify(database).ok

    assert main(["journal", "verify", "--config", str(config)]) == 1
    assert "broken at entry" in capsys.readouterr().out


def test_the_model_that_listens_is_named_even_where_no_list_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["model", "list"])

    told = capsys.readouterr()
    assert told.out.startswith("listening by default: ")
    assert code == 0 or "could not be read" in told.err
