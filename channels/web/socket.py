"""One page's end of a conversation: a WebSocket that tells every line in order and takes the citizen's own."""

from __future__ import annotations

import asyncio

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from channels.web.bodies import WordsSent, line_view, words_message
from channels.web.house import NOT_TAKEN, Visit, conversation_of
from channels.web.messages import AnyFromPage, AnyToPage, Confirm, Hello, LineTold, NotTaken, Ready, Say, TakenTold
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.http_api.problems import Problem

log = structlog.get_logger(__name__)

HEARTBEAT = 20.0
HELLO_LIMIT = 10.0
SEND_LIMIT = 10.0
CLOSE_LIMIT = 2.0
LARGEST_MESSAGE = 16 * 1024
LISTEN = 60.0
"""Seconds of one wait for lines."""
NOT_NOW = "系统暂时无法收下，将自动重试"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyFromPage)


async def converse(visit: Visit, socket: web.WebSocketResponse) -> None:
    """Serve one page until it goes; it comes again after whatever ends this."""
    try:
        async with asyncio.timeout(HELLO_LIMIT):
            first = await _next(socket)
        if not isinstance(first, Hello):
            return
        link = _Link(visit, socket, conversation_of(first.token))
        await link.run(first.after)
    except (Problem, msgspec.MsgspecError):
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
    except Unavailable:
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"unavailable")
    except (TimeoutError, ConnectionError):
        log.info("conversation.lost")


def opened() -> web.WebSocketResponse:
    """Return the response that a conversation runs over."""
    return web.WebSocketResponse(heartbeat=HEARTBEAT, timeout=CLOSE_LIMIT, max_msg_size=LARGEST_MESSAGE, compress=False)


async def _next(socket: web.WebSocketResponse) -> AnyFromPage | None:
    message: WSMessage = await socket.receive()
    if message.type is not WSMsgType.TEXT:
        return None
    said: AnyFromPage = _decoder.decode(message.data)
    return said


class _Link:
    def __init__(self, visit: Visit, socket: web.WebSocketResponse, conversation: str) -> None:
        self._visit = visit
        self._house = visit.house
        self._socket = socket
        self._conversation = conversation

    async def run(self, after: int) -> None:
        """Listen and tell, until one of them ends; then let the assistant finish. Raises what ended it."""
        async with asyncio.TaskGroup() as self._answers:
            results = await self._converse(after)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _converse(self, after: int) -> list[BaseException | None]:
        listening = asyncio.create_task(self._listen())
        telling = asyncio.create_task(self._tell(after))
        both = (listening, telling)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            results = await asyncio.gather(*both, return_exceptions=True)
        return list(results)

    async def _tell(self, after: int) -> None:
        await self._send(Ready())
        while True:
            for line in await self._house.conversations.lines(self._conversation, after, wait=LISTEN):
                await self._send(LineTold(line=line_view(line)))
                after = line.number

    async def _listen(self) -> None:
        while (message := await _next(self._socket)) is not None:
            match message:
                case Say():
                    await self._take(message)
                case Confirm():
                    await self._house.conversations.confirm(self._visit.intake, self._conversation, message.number)
                case Hello():
                    return

    async def _take(self, say: Say) -> None:
        """Take one line; whatever hinders it is told, and hinders no other."""
        house = self._house
        message = words_message(
            WordsSent(text=say.text, is_text_only=say.is_text_only, wants_person=say.wants_person),
            channel=house.kind,
            conversation=self._conversation,
            key=say.id,
            addressee=house.addressee,
            at=house.clock.now(),
            parts=(),
        )
        try:
            self._visit.admit_words(say.text)
            taken = await house.conversations.take(self._visit.intake, message)
        except Problem as problem:
            wait = float(problem.headers.get("Retry-After", 0))
            await self._send(NotTaken(id=say.id, message=problem.view.error.message, retry_after=wait))
        except Unavailable as failure:
            await self._send(NotTaken(id=say.id, message=NOT_NOW, retry_after=failure.retry_after or 3.0))
        except Refused:
            await self._send(NotTaken(id=say.id, message=NOT_TAKEN))
        except GatewayError as failure:
            log.error("words.failed", reason=type(failure).__name__)
            await self._send(NotTaken(id=say.id, message=NOT_NOW, retry_after=10.0))
        else:
            await self._send(
                TakenTold(
                    id=say.id,
                    ticket_id=taken.ticket_id,
                    query_code=taken.query_code,
                    opened=taken.opened,
                    told=taken.told,
                    emergencies=list(taken.emergencies),
                )
            )
            self._answers.create_task(house.conversations.answer(message, taken))

    async def _send(self, message: AnyToPage) -> None:
        async with asyncio.timeout(SEND_LIMIT):
            await self._socket.send_str(_encoder.encode(message).decode())
