"""`jiesu phone call` and `jiesu phone answer`: a telephone on the command line.

Exit codes: 0 the two talked; 1 nobody answered, or the call was refused; 2 the command line is wrong.
With ``--orders`` it does what it reads from standard input, a line each: ``play WAV``, ``say TEXT``, ``keys DIGITS``,
``hangup``; the end of the input hangs up. With ``--json`` it tells what happens in JSON, a line each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from channels.media.wav import UnusableWav
from channels.media.wav import parse as parse_wav
from channels.sip import softphone
from channels.sip.connections import ListenAddress, Target
from channels.sip.registration import Account
from channels.sip.softphone import Errand, Softphone
from channels.sip.uri import Uri
from config.values import Duration
from config.values import ListenAddress as ConfiguredAddress
from gateway import speech
from gateway.domain.errors import OurMistake, Unavailable
from gateway.telemetry import configure_logging

INTERRUPTED = 130


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    calling = actions.add_parser("call", help="call somebody; exit 1 if nobody answers")
    calling.add_argument("uri", metavar="URI", type=_uri, help="whom to call, such as sip:12345@127.0.0.1:5060")
    calling.add_argument("--from", dest="number", metavar="NUMBER", default="", help="the number to call from")
    _add_common(calling)
    calling.set_defaults(main=_main, act=_call)
    answering = actions.add_parser("answer", help="wait for calls and answer them")
    answering.add_argument("--once", action="store_true", help="end after the first call")
    _add_common(answering)
    answering.set_defaults(main=_main, act=_answer)


def _add_common(parser: argparse.ArgumentParser) -> None:
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--say", metavar="TEXT", help="speak this (needs espeak-ng)")
    words.add_argument("--play", metavar="WAV", type=Path, help="speak this file: 8 kHz, mono, 16 bits")
    parser.add_argument("--stay", action="store_true", help="stay when all is said, until the other side hangs up")
    parser.add_argument("--digits", metavar="KEYS", type=_digits, help="press these keys")
    parser.add_argument(
        "--after", metavar="TIME", type=_duration, default=0.0, help="how long after the answer to press them (0)"
    )
    parser.add_argument("--record", metavar="WAV", type=Path, help="keep what is heard in this file")
    parser.add_argument(
        "--limit", metavar="TIME", type=_duration, default=60.0, help="longest to ring, and to talk (60s)"
    )
    parser.add_argument(
        "--register", metavar="USER:PASSWORD@HOST:PORT", type=_account, help="be this telephone of that registrar"
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        type=_listen,
        default="udp:127.0.0.1:0",
        help="where to be reached (udp:127.0.0.1:0, which is this machine only)",
    )
    parser.add_argument("--orders", action="store_true", help="do what standard input says, a line each")
    parser.add_argument("--json", action="store_true", help="tell what happens in JSON, a line each")


def _main(arguments: argparse.Namespace) -> int:
    configure_logging("error", "console")
    tell = _tell_json if arguments.json else _tell_plainly
    with tempfile.TemporaryDirectory(prefix="jiesu-phone-") as folder:
        voice = _Voice(Path(folder))
        play = voice.spoken(arguments.say) if arguments.say else arguments.play
        if play is not None:
            _check_wav(play)
        errand = Errand(
            play=play,
            digits=arguments.digits or "",
            after=arguments.after,
            stays=arguments.stay or arguments.orders or (play is None and not arguments.digits),
            record=arguments.record,
            limit=arguments.limit,
        )
        return asyncio.run(_until_stopped(arguments, errand, voice, tell))


# --- the course ------------------------------------------------------------------------------------------------


async def _until_stopped(arguments: argparse.Namespace, errand: Errand, voice: _Voice, tell: _Tell) -> int:
    """Telephone until it is done or a signal comes; a signal hangs up and says good-bye to the registrar."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        async with Softphone(arguments.listen, arguments.register) as phone:
            orders = _Orders(await _standard_input(), voice, tell) if arguments.orders else None
            tell("listening", address=str(phone.address))
            if arguments.register:
                tell("registered", user=arguments.register.user)
            return int(await arguments.act(arguments, phone, errand, orders, tell))
    except asyncio.CancelledError:
        return INTERRUPTED
    except OSError as error:
        raise OurMistake(f"--listen {arguments.listen.host}:{arguments.listen.port}: {error.strerror}") from error


async def _call(
    arguments: argparse.Namespace, phone: Softphone, errand: Errand, orders: _Orders | None, tell: _Tell
) -> int:
    def say(news: softphone.News) -> None:
        _pass_on(news, tell)

    call = await phone.call(arguments.uri, number=arguments.number, tell=say)
    tell("calling", uri=str(arguments.uri))
    return 0 if await phone.attend(call, errand, orders.given() if orders else softphone.no_orders(), say) else 1


async def _answer(
    arguments: argparse.Namespace, phone: Softphone, errand: Errand, orders: _Orders | None, tell: _Tell
) -> int:
    def say(news: softphone.News) -> None:
        _pass_on(news, tell)

    while True:
        call = await phone.next_call()
        tell("ringing", caller=call.leg.leg.number)
        talked = await phone.attend(call, errand, orders.given() if orders else softphone.no_orders(), say)
        if arguments.once:
            return 0 if talked else 1


# --- orders ----------------------------------------------------------------------------------------------------


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


class _Orders:
    """What *lines* order, for one call after the other."""

    def __init__(self, lines: asyncio.StreamReader, voice: _Voice, tell: _Tell) -> None:
        self._lines = lines
        self._voice = voice
        self._tell = tell

    async def given(self) -> AsyncIterator[softphone.Order]:
        """Yield orders as they come; the end of the lines is the order to hang up."""
        while line := await self._lines.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            try:
                yield await self._order(verb, rest)
            except (OurMistake, Unavailable, argparse.ArgumentTypeError) as mistake:
                self._tell("not understood", reason=str(mistake))
        yield softphone.HangUp()

    async def _order(self, verb: str, rest: str) -> softphone.Order:
        match verb:
            case "play":
                return softphone.Play(path=_check_wav(Path(rest)))
            case "say":
                return softphone.Play(path=await asyncio.to_thread(self._voice.spoken, rest))
            case "keys":
                return softphone.Press(digits=_digits(rest))
            case "hangup":
                return softphone.HangUp()
            case _:
                raise OurMistake(f"no such order: {verb}")


class _Voice:
    """Speaks text into files of *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def spoken(self, text: str) -> Path:
        """Return a WAV that says *text*. Raises `Unavailable` without espeak-ng."""
        self._count += 1
        path = self._folder / f"{self._count}.wav"
        speech.say(text, speech.Voice(), path)
        return path


# --- telling ---------------------------------------------------------------------------------------------------

_Tell = Callable[..., None]


def _pass_on(news: softphone.News, tell: _Tell) -> None:
    values: dict[str, Any] = {
        name: str(value) if isinstance(value, Path) else value for name, value in asdict(news).items()
    }
    tell(_WORDS[type(news)], **values)


_WORDS: dict[type[softphone.News], str] = {
    softphone.Progressed: "progress",
    softphone.PickedUp: "answered",
    softphone.Spoken: "spoken",
    softphone.KeysSent: "keys sent",
    softphone.KeyHeard: "key heard",
    softphone.Held: "held",
    softphone.HungUp: "ended",
}


def _tell_json(event: str, **values: Any) -> None:
    with suppress(BrokenPipeError):
        print(json.dumps({"event": event, **values}, ensure_ascii=False), flush=True)


def _tell_plainly(event: str, **values: Any) -> None:
    with suppress(BrokenPipeError):
        print(_plain(event, values), flush=True)


def _plain(event: str, values: dict[str, Any]) -> str:
    match event:
        case "progress":
            sound = ", with sound" if values["early_media"] else ""
            return f"{values['status']} {values['reason']}{sound}"
        case "spoken":
            return f"spoken: {values['path']}" + ("" if values["is_whole"] else " (not to its end)")
        case "held":
            return "put on hold" if values["held"] else "taken back"
        case "ended":
            who = "the other side" if values["by_peer"] else "us"
            return f"ended by {who}" + (f": {values['reason']}" if values["reason"] else "")
        case _:
            return ": ".join([event, *(str(value) for value in values.values() if value != "")])


# --- what the command line says --------------------------------------------------------------------------------


def _uri(text: str) -> Uri:
    try:
        uri = Uri.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no SIP address: {error}") from error
    if uri.scheme != "sip" or not uri.host:
        raise argparse.ArgumentTypeError(f"{text} cannot be called; give sip:NUMBER@ADDRESS:PORT")
    return uri


def _account(text: str) -> Account:
    who, at, where = text.removeprefix("sip:").rpartition("@")
    user, colon, password = who.partition(":")
    host, _, port = where.partition(":")
    if not (at and colon and user and host and (not port or port.isdigit())):
        raise argparse.ArgumentTypeError("expected USER:PASSWORD@HOST:PORT")
    return Account(user=user, password=password, registrar=Target("udp", host, int(port or 5060)))


def _listen(text: str) -> ListenAddress:
    try:
        return ListenAddress(*ConfiguredAddress.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _duration(text: str) -> float:
    try:
        return 0.0 if text == "0" else Duration.parse(text).total_seconds()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _digits(text: str) -> str:
    if not text or set(text) - set("0123456789*#ABCD"):
        raise argparse.ArgumentTypeError("expected keys: 0-9 * # A-D")
    return text


def _check_wav(path: Path) -> Path:
    """Return *path* if it can be played. Raises `OurMistake`."""
    try:
        parse_wav(path.read_bytes())
    except (OSError, UnusableWav) as error:
        raise OurMistake(f"{path} cannot be played: {error}") from error
    return path
