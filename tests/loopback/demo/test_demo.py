"""The demonstration, whole: two calls to telephones that are not ours, four written contacts, and what they leave."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LIMIT = 600.0
INSTANTS = ("phrase_end", "detected", "invited", "answered", "joined", "accepted")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `jiesu demo --once --json` prints. Two conversations take as long as people talk."""
    faulthandler.cancel_dump_traceback_later()
    kept = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "gateway", "demo", "--once", "--json", "--keep", str(kept)]
    done = subprocess.run(command, cwd=ROOT, env=environment(kept), capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "kept": kept, "told on stderr": done.stderr}


def environment(mark: Path) -> dict[str, str]:
    """An environment that this demonstration's processes can be known by."""
    return os.environ | {"PYTHONPATH": str(ROOT), "JIESU_TEST_MARK": str(mark)}


def still_running(mark: Path) -> list[str]:
    """Return the commands of the processes that carry *mark* in their environment."""
    wanted = f"JIESU_TEST_MARK={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def fire(told: dict[str, Any]) -> dict[str, Any]:
    contact: dict[str, Any] = told["contacts"][0]
    return contact


def water(told: dict[str, Any]) -> dict[str, Any]:
    contact: dict[str, Any] = told["contacts"][1]
    return contact


def letters(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {letter["channel"]: letter for letter in told["letters"]}


def words(contact: dict[str, Any], leg: str) -> str:
    return "".join(line["text"] for line in contact["transcript"] if line["leg"] == leg)


def test_the_report_has_the_fields_it_promises_and_no_others(told: dict[str, Any]) -> None:
    assert {"model", "contacts", "letters"} <= told.keys()
    assert told["model"].keys() == {"name", "kind"}
    for contact in told["contacts"]:
        assert contact.keys() == {
            "channel", "caller", "ticket", "category", "elements", "transcript", "emergency", "heard",
        }  # fmt: skip
        assert contact["elements"].keys() == {"time", "place", "person", "cause", "course", "outcome"}
        for line in contact["transcript"]:
            assert line.keys() == {"leg", "text", "start", "end"}
            assert 0.0 <= line["start"] < line["end"]
    for letter in told["letters"]:
        assert letter.keys() == {
            "channel", "ticket", "opened", "told_back", "told", "further", "emergency", "text_only", "category",
            "matter", "files", "transcript", "failure",
        }  # fmt: skip


def test_each_call_is_a_contact_with_a_ticket_of_its_own(told: dict[str, Any]) -> None:
    assert [contact["channel"] for contact in told["contacts"]] == ["telephone", "telephone"]
    assert [contact["caller"] for contact in told["contacts"]] == ["13800000001", "13800000002"]
    assert len({contact["ticket"] for contact in told["contacts"]}) == 2


def test_the_tickets_are_filled_from_what_was_said(told: dict[str, Any]) -> None:
    assert fire(told)["category"] == "help"
    assert fire(told)["elements"]["cause"] == "着火"
    assert "阳光小区三号楼" in fire(told)["elements"]["place"]
    assert water(told)["category"]
    assert water(told)["elements"]["time"].startswith("三天（")
    assert water(told)["elements"]["cause"] == "停水"
    assert "五号楼" in water(told)["elements"]["place"]


def test_every_party_is_transcribed_separately_and_in_order(told: dict[str, Any]) -> None:
    assert "着火" in words(fire(told), "citizen")
    assert "马上联系" in words(fire(told), "agent")
    assert "消防车" in words(fire(told), "desk")
    assert "停水三天" in words(water(told), "citizen")
    assert "自来水公司" in words(water(told), "agent")
    assert "今天晚上" in words(water(told), "unit")
    for contact in told["contacts"]:
        starts = [line["start"] for line in contact["transcript"]]
        assert starts == sorted(starts)


def test_the_emergency_is_found_while_she_speaks_and_every_step_follows_the_one_before(told: dict[str, Any]) -> None:
    emergency = fire(told)["emergency"]
    sentence = next(line for line in fire(told)["transcript"] if "着火" in line["text"])

    assert emergency.keys() == {"line", "phrase", *INSTANTS}
    assert emergency["line"] == "119"
    assert emergency["phrase"] in sentence["text"]
    assert sentence["start"] < emergency["phrase_end"] < sentence["end"]
    assert sentence["start"] < emergency["detected"] < sentence["end"]
    instants = [emergency[name] for name in INSTANTS]
    assert instants == sorted(instants)


def test_a_call_without_an_emergency_has_none(told: dict[str, Any]) -> None:
    assert water(told)["emergency"] is None


def test_their_telephones_received_the_words_of_exactly_those_they_talked_with(told: dict[str, Any]) -> None:
    assert {party: set(whom) for party, whom in fire(told)["heard"].items()} == {
        "citizen": {"agent", "desk"},
        "agent": {"citizen", "desk"},
        "desk": {"citizen", "agent"},
    }
    assert {party: set(whom) for party, whom in water(told)["heard"].items()} == {
        "citizen": {"agent", "unit"},
        "agent": {"citizen", "unit"},
        "unit": {"citizen"},
    }


def test_what_is_written_opens_a_ticket_each_and_its_number_comes_back_the_same_way(told: dict[str, Any]) -> None:
    assert list(letters(told)) == ["sms", "mail", "web", "telegram"]
    for letter in told["letters"]:
        assert letter["failure"] == ""
        assert letter["opened"]
        assert letter["told_back"]
        assert letter["ticket"] in letter["told"]
    tickets = [each["ticket"] for each in (*told["contacts"], *told["letters"])]
    assert len(set(tickets)) == len(tickets)


def test_what_is_written_is_understood(told: dict[str, Any]) -> None:
    understood = {channel: (letter["category"], letter["matter"]) for channel, letter in letters(told).items()}

    assert understood == {
        "sms": ("help", "fire"),
        "mail": ("suggestion", "roads"),
        "web": ("complaint", "roads"),
        "telegram": ("complaint", "noise"),
    }


def test_a_written_emergency_reaches_the_desk_and_its_writer_is_not_to_be_called(told: dict[str, Any]) -> None:
    message = letters(told)["sms"]

    assert message["emergency"] == ["119"]
    assert message["text_only"]
    assert "不会给您打电话" in message["told"]
    assert "119值班台" in message["further"]
    assert [letter["emergency"] for letter in told["letters"][1:]] == [[], [], []]


def test_the_photo_comes_with_the_mail_and_the_voice_note_is_heard(told: dict[str, Any]) -> None:
    assert letters(told)["mail"]["files"] == ["image/jpeg"]
    assert "施工噪音扰民" in letters(told)["telegram"]["transcript"]


def test_the_form_can_be_asked_for_with_number_and_code(told: dict[str, Any]) -> None:
    assert "已登记" in letters(told)["web"]["further"]


def test_the_journal_it_leaves_is_unbroken(told: dict[str, Any]) -> None:
    settings = told["kept"] / "gateway.toml"
    settings.write_text(f'[node]\ndata = "{told["kept"]}"\n')
    command = [sys.executable, "-m", "gateway", "journal", "verify", "--config", str(settings)]

    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode == 0


def test_nothing_is_left_running(told: dict[str, Any]) -> None:
    assert still_running(told["kept"]) == []


# --- when it is cut short --------------------------------------------------------------------------------------


@asynccontextmanager
async def demonstration(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A demonstration whose temporary folder lies in *folder*, up to its first call."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo"),
        cwd=ROOT,
        env=environment(folder) | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_told(process: asyncio.subprocess.Process, words: str) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(LIMIT):
        while line := await process.stdout.readline():
            if words in line.decode():
                return
    raise AssertionError(f"ended without {words!r}: {await process.stderr.read()!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_in_mid_call_leaves_no_process_and_no_folder(tmp_path: Path, number: signal.Signals) -> None:
    async with demonstration(tmp_path) as process, asyncio.timeout(LIMIT):
        await until_told(process, "坐席接听")
        process.send_signal(number)
        code = await process.wait()

    assert code == 130
    assert still_running(tmp_path) == []
    assert os.listdir(tmp_path) == []


async def test_a_telephone_that_dies_ends_the_demonstration_with_1_and_is_named(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as process, asyncio.timeout(LIMIT):
        await until_told(process, "坐席接听")
        victim = next(number for number, command in children_of(process.pid) if "pyvoip_phone" in command)
        os.kill(victim, signal.SIGKILL)
        _, complaints = await process.communicate()

    assert process.returncode == 1
    assert b"the telephone of " in complaints
    assert b"Traceback" not in complaints
    assert still_running(tmp_path) == []
    assert os.listdir(tmp_path) == []


def children_of(parent: int) -> list[tuple[int, str]]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent:
                found.append((int(process.name), (process / "cmdline").read_text().replace("\0", " ")))
        except OSError:
            continue
    return found


async def test_without_its_parent_every_process_ends_by_itself(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as process, asyncio.timeout(LIMIT):
        await until_told(process, "坐席接听")
        process.kill()
        await process.wait()
        while still_running(tmp_path):  # noqa: ASYNC110 - nobody is left who could tell
            await asyncio.sleep(0.1)
