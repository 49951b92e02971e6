"""An SMPP 3.4 centre: smpp34 from PyPI, a codec and server in Rust that shares nothing with what it meets here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Self

import smpp34

ESME_RX_T_APPN = 0x64
ESME_RX_P_APPN = 0x65


class SmppCentre:
    """Lets in whoever binds. Use as an async context manager; inside the block ``port`` says where it listens."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.rejections: list[int] = []
        """Statuses for the next messages that are submitted; then they are accepted."""
        self.sent: asyncio.Queue[tuple[str, smpp34.SubmitSmEvent]] = asyncio.Queue()
        self.bound = asyncio.Event()
        self.unbound = asyncio.Event()
        self._esme: smpp34.Esme | None = None
        self._count = 0

    async def __aenter__(self) -> Self:
        if not self.port:
            with socket.socket() as found:
                found.bind(("127.0.0.1", 0))
                self.port = found.getsockname()[1]
        self._server = smpp34.Server(host="127.0.0.1", port=self.port, system_id="CENTRE")
        await self._server.start()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._server.stop()
        self.bound.clear()

    async def deliver(
        self,
        content: bytes,
        *,
        sender: str = "8613800138000",
        to: str = "10659012345",
        coding: int = 8,
        esm_class: int = 0,
        tlvs: Sequence[smpp34.Tlv] = (),
    ) -> int:
        """Deliver one unit and return the status that the service answers."""
        await self.bound.wait()
        assert self._esme is not None
        answer = await self._esme.deliver_sm(
            to,
            content,
            source_addr=sender,
            source_addr_ton=1,
            source_addr_npi=1,
            data_coding=coding,
            esm_class=esm_class,
            tlvs=list(tlvs),
        )
        return answer.command_status

    async def report(self, message_id: str, state: str = "DELIVRD", error: str = "000") -> int:
        """Deliver a receipt as centres write it (appendix B)."""
        text = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 "
            f"stat:{state} err:{error} Text:"
        )
        return await self.deliver(text.encode(), coding=0, esm_class=0x04)

    async def unbind(self) -> None:
        """Tell the service to leave."""
        assert self._esme is not None
        self.bound.clear()
        await self._esme.unbind()

    async def _listen(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._esme = event
                self.bound.set()
            elif isinstance(event, smpp34.SubmitSmEvent):
                if self.rejections:
                    event.reject(self.rejections.pop(0))
                    continue
                self._count += 1
                message_id = f"centre-{self._count}"
                event.accept(message_id)
                self.sent.put_nowait((message_id, event))
            else:
                self.unbound.set()
