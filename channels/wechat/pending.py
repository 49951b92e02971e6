"""Messages that are being taken: WeChat hangs up after five seconds and pushes again, three times in all.

A push that comes again joins the work that its first delivery began, so that what takes ten seconds is answered at the
third. Nobody is told anything before his message is kept; who could not be told in time is told once it is. What could
not be kept within the three pushes is tried again here, as WeChat brings it no more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog

from gateway.domain.errors import GatewayError, Unavailable

log = structlog.get_logger(__name__)

ANSWER_WITHIN = 4.5
"""Seconds in which a push must be answered; WeChat's own limit is five."""
REMEMBERED = 1000
"""Messages whose answer is remembered, for pushes that come again although they were answered."""
LATER_AFTER = 20.0
"""Seconds after which WeChat has given up, and what could not be kept is tried again."""
LATER_FOR = 3600.0
"""Seconds for which that goes on; its sender has been told by WeChat that the account could not serve him."""
LATER_AT_MOST = 1000
"""Messages that wait so; one more is left to its sender."""
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is to be told, "" for nothing; ``is_new`` unless the message had been taken before."""

    text: str
    is_new: bool = True


Work = Callable[[], Awaitable[Answer]]
"""Takes a message. Raises `Unavailable`."""
Late = Callable[[str], Awaitable[bool]]
"""Tells the sender when nobody waits for the answer any more; returns whether he could be told."""


@dataclass(slots=True)
class _Pending:
    task: asyncio.Task[str | GatewayError]
    waiting: int = 0
    is_told: bool = False


class PendingMessages:
    """The work under way, by the key of its message; its tasks belong to *tasks*."""

    def __init__(
        self, tasks: asyncio.TaskGroup, answer_within: float = ANSWER_WITHIN, later_after: float = LATER_AFTER
    ) -> None:
        self._tasks = tasks
        self._answer_within = answer_within
        self._later_after = later_after
        self._known: OrderedDict[str, _Pending] = OrderedDict()
        self._later: dict[str, asyncio.Task[None]] = {}

    async def answer(self, key: str, work: Work, late: Late) -> str:
        """Return what to answer the push *key* with, "" for nothing. Raises `Unavailable`: it must come again."""
        pending = self._known.get(key)
        if pending is None:
            pending = self._known[key] = self._begun(key, work, late)
            self._forget_the_oldest()
        pending.waiting += 1
        try:
            async with asyncio.timeout(self._answer_within):
                outcome = await asyncio.shield(pending.task)
        except TimeoutError:
            raise Unavailable("still being taken") from None
        except asyncio.CancelledError:
            if pending.task.cancelled():
                raise Unavailable("the channel has stopped") from None
            raise
        finally:
            pending.waiting -= 1
        if isinstance(outcome, GatewayError):
            raise outcome
        return "" if pending.is_told else outcome

    def stop(self) -> None:
        """Give up what is under way; WeChat pushes it again, to this node or another."""
        for task in (*(pending.task for pending in self._known.values()), *self._later.values()):
            task.cancel()

    def _begun(self, key: str, work: Work, late: Late) -> _Pending:
        async def run() -> str | GatewayError:
            try:
                text = (await work()).text
                if text and not self._known[key].waiting:
                    self._known[key].is_told = await late(text)
                return text
            except GatewayError as error:
                failure = error
            except Exception:
                log.exception("wechat.message_failed")
                failure = Unavailable("failed")
            self._known.pop(key, None)  # the next push tries anew
            if key not in self._later and len(self._later) < LATER_AT_MOST:
                self._later[key] = self._tasks.create_task(self._try_later(key, work, late), name="wechat later")
            return failure

        return _Pending(self._tasks.create_task(run(), name="wechat message"))

    async def _try_later(self, key: str, work: Work, late: Late) -> None:
        """Take a message that no push brings any more, unless one of the three got through."""
        loop, pause = asyncio.get_running_loop(), self._later_after
        end = loop.time() + LATER_FOR
        try:
            while loop.time() < end:
                await asyncio.sleep(pause)
                if key in self._known:
                    return
                try:
                    answer = await work()
                    if answer.text and answer.is_new:
                        await late(answer.text)
                    return
                except Unavailable as error:
                    pause = min(max(pause * 2, error.retry_after or 0.0), LONGEST_PAUSE)
        except Exception:
            log.exception("wechat.message_failed")
        finally:
            del self._later[key]

    def _forget_the_oldest(self) -> None:
        def finished() -> Iterator[str]:
            return (key for key, pending in self._known.items() if pending.task.done())

        while len(self._known) > REMEMBERED and (key := next(finished(), None)) is not None:
            del self._known[key]
