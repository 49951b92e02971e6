"""The SMPP link against octets that no well-behaved centre sends, and against one that is silent, strict or gone."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from channels.sms.channel import SmsChannel
from config.settings import Settings
from config.sms import Smpp
from config.values import Duration, Secret
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable, UnusableSetting
from gateway.ports.intake import OutgoingMessage
from gateway.sms_parts import sms_channels
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans

TLS = Path("tests/data/tls")
BIND, BIND_RESP, ENQUIRE, ENQUIRE_RESP, NACK, DELIVER_RESP = 0x09, 0x80000009, 0x15, 0x80000015, 0x80000000, 0x80000005
Unit = tuple[int, int, int, bytes]
"""Command, status, sequence, body."""


class RawCentre:
    """Answers binds with ``status``, keeps every other unit, and says what a test says."""

    def __init__(self, *, status: int = 0, answers_life: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self.status = status
        self.tls = tls
        self.answers_life = answers_life
        self.port = 1
        self.units: asyncio.Queue[Unit] = asyncio.Queue()
        self.binds: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone: asyncio.Queue[None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def say(self, command: int, body: bytes = b"", *, status: int = 0, sequence: int = 77) -> None:
        self.writer.write(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        try:
            while True:
                length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                if command == BIND:
                    self.say(BIND_RESP, b"C\0", status=self.status, sequence=sequence)
                    self.binds.put_nowait(body)
                    continue
                if command == ENQUIRE and self.answers_life:
                    self.say(ENQUIRE_RESP, sequence=sequence)
                self.units.put_nowait((command, status, sequence, body))
        except (asyncio.IncompleteReadError, OSError):
            self.gone.put_nowait(None)
        finally:
            writer.close()


def channel_to(centre: RawCentre, **settings: Any) -> SmsChannel:
    section = Smpp(
        name="centre",
        address=f"127.0.0.1:{centre.port}",
        number="10659012345",
        system_id="jiesu",
        password=Secret("changeme"),
        **settings,
    )
    (channel,) = sms_channels(Settings(smpp=(section,)), MemoryMeans().means)
    assert isinstance(channel, SmsChannel)
    return channel


@asynccontextmanager
async def linked(centre: RawCentre, **settings: Any) -> AsyncIterator[SmsChannel]:
    channel = channel_to(centre, **settings)
    async with channel.running(MemoryIntake()):
        await centre.binds.get()
        yield channel


def speaking_tls(name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / f"{name}.pem", TLS / f"{name}.key")
    return context


async def test_a_silent_centre_is_asked_whether_it_lives() -> None:
    async with RawCentre() as centre, linked(centre, keep_alive=Duration.parse("20ms")):
        asked = [await centre.units.get() for _ in range(3)]

    assert [command for command, *_ in asked] == [ENQUIRE] * 3
    assert len({sequence for _, _, sequence, _ in asked}) == 3


async def test_a_centre_that_does_not_answer_is_left_and_bound_again() -> None:
    settings = {"keep_alive": Duration.parse("20ms"), "answer_within": Duration.parse("200ms")}
    async with RawCentre(answers_life=False) as centre, linked(centre, **settings):
        await centre.gone.get()
        centre.answers_life = True

        assert await centre.binds.get()


async def test_a_refused_bind_is_told_in_the_status_and_tried_again() -> None:
    async with RawCentre(status=0x0E) as centre, linked(centre) as channel:
        await centre.gone.get()

        assert channel.status == "centre: the centre refused us: ESME_RINVPASWD"
        with pytest.raises(Unavailable):
            await channel.send(OutgoingMessage(key="k", channel=ChannelKind.SMS, to="8613800138000", text="ok"))
        assert await centre.binds.get()


async def test_what_is_no_request_gets_the_protocols_refusal_and_the_link_stays() -> None:
    async with RawCentre() as centre, linked(centre):
        centre.say(0x103, b"data_sm", sequence=5)
        centre.say(0x80000103, b"an answer to nothing")
        centre.say(0x05, b"\0\1\1", sequence=6)
        centre.say(ENQUIRE, sequence=7)
        units = [await centre.units.get() for _ in range(3)]

    assert units == [(NACK, 0x03, 5, b""), (DELIVER_RESP, 0x01, 6, b"\0"), (ENQUIRE_RESP, 0, 7, b"")]


@pytest.mark.parametrize("length", [0, 15, 0x7FFFFFFF])
async def test_an_impossible_length_is_nacked_and_the_link_made_anew(length: int) -> None:
    async with RawCentre() as centre, linked(centre):
        centre.writer.write(struct.pack(">IIII", length, 0x05, 0, 1))

        assert await centre.units.get() == (NACK, 0x02, 0, b"")
        await centre.gone.get()
        assert await centre.binds.get()


async def test_a_connection_that_drops_in_the_middle_of_a_unit_is_made_again() -> None:
    async with RawCentre() as centre, linked(centre):
        centre.writer.write(b"\0\0\0\x40\0\0\0")
        await centre.writer.drain()
        centre.writer.transport.abort()

        assert await centre.binds.get()


async def test_a_centre_that_proves_itself_is_spoken_to_in_tls() -> None:
    async with (
        RawCentre(tls=speaking_tls("gateway")) as centre,
        linked(centre, tls=True, tls_authorities=str(TLS / "ca.pem")),
    ):
        centre.say(ENQUIRE, sequence=7)

        assert await centre.units.get() == (ENQUIRE_RESP, 0, 7, b"")


@pytest.mark.parametrize("name", ["stranger", "elsewhere"])
async def test_a_centre_that_cannot_prove_itself_is_told_nothing(name: str) -> None:
    hellos: asyncio.Queue[None] = asyncio.Queue()
    tls = speaking_tls(name)
    tls.sni_callback = lambda *_: hellos.put_nowait(None)
    async with RawCentre(tls=tls) as centre:
        channel = channel_to(centre, tls=True, tls_authorities=str(TLS / "ca.pem"))
        async with channel.running(MemoryIntake()):
            await hellos.get()
            await hellos.get()  # it has tried again, so it has not gone on the first time

            assert channel.status == "centre: cannot connect: SSLCertVerificationError"
    assert centre.binds.empty()


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"

    with pytest.raises(UnusableSetting, match=r"smpp\.tls_authorities = .*none\.pem"):
        channel_to(RawCentre(), tls=True, tls_authorities=str(missing))
