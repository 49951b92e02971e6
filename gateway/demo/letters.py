"""The four written stories: what somebody writes on each way, and what comes back to him there.

Each goes over the far end's own protocol and ends when its writer has read an answer with his ticket's number.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import smtplib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, Final

import aiohttp
import soundfile
from PIL import Image, ImageDraw

from channels.mail.channel import MailChannel
from channels.wording import VOICE
from gateway.app import Gateway
from gateway.demo.chronicle import STEP_LIMIT, Chronicle
from gateway.demo.failure import StepMissing
from gateway.demo.far_ends.cmpp_centre import Sent, cut
from gateway.demo.neighbours import MAILBOX, SMS_NUMBER, Neighbours
from gateway.demo.stories import SPEECH
from gateway.domain.contact import ChannelKind, Contact
from gateway.domain.decision import DecisionKind
from gateway.domain.ticket import Ticket, TicketId

SMS_WRITER: Final = "13800000003"
SMS_WORDS: Final = "朝阳区人民路阳光小区三号楼着火了，有人被困！我是聋人，不能接电话，请发短信联系。"
MAIL_WRITER: Final = "lin@mail.example"
MAIL_SUBJECT: Final = "路灯坏了"
MAIL_WORDS: Final = """您好：

和平路菜市场门口的路灯坏了一个星期了，晚上看不清路，建议尽快维修。照片见附件。

林先生
"""
WEB_MATTER: Final = {
    "text": "我要投诉：小区门口的下水道堵塞三天了，污水流到路面上，没人处理。",
    "place": "文化路幸福小区北门",
    "name": "陈女士",
    "telephone": "13800000004",
    "is_text_only": False,
    "point": None,
    "consent": True,
}
VOICE_WRITER: Final = 700_001
VOICE_NOTE: Final = SPEECH / "citizen_noise_1.wav"
MAIL_LIMIT: Final = 30.0
"""Seconds that the mail server may take for one answer."""
WEB_LIMIT: Final = aiohttp.ClientTimeout(total=30.0)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the writer has in his hands: his ticket's number and the words he was told; *further* is what came of it."""

    ticket_id: TicketId
    told: str
    further: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A written story that is over: as the store remembers it, or why it failed."""

    channel: ChannelKind
    ticket: Ticket | None = None
    contact: Contact | None = None
    opened: bool = False
    reply: Reply | None = None
    failure: str = ""

    @property
    def transcript(self) -> str | None:
        """What was heard in a voice note; None for what was not spoken."""
        if self.contact is None or self.channel is not ChannelKind.TELEGRAM:
            return None
        return self.contact.text.removeprefix(VOICE).strip()


def lines_of(ticket: Ticket) -> list[str]:
    """Return the emergency lines that what was written speaks of, each once."""
    found = (each.outcome for each in ticket.decisions if each.kind is DecisionKind.EMERGENCY)
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Everything that is written to *gateway* from its neighbours; *told* is its chronicle."""

    gateway: Gateway
    around: Neighbours
    told: Chronicle
    on_over: Callable[[Letter], None]

    async def write(self, *channels: ChannelKind) -> list[Letter]:
        """Let the stories of *channels* happen, one after another."""
        return [await self._write(channel) for channel in channels]

    async def _write(self, channel: ChannelKind) -> Letter:
        try:
            async with asyncio.timeout(STEP_LIMIT):
                letter = await self._remembered(channel, await STORIES[channel](self))
        except TimeoutError:
            letter = Letter(channel=channel, failure=f"within {STEP_LIMIT:g} s nothing came back")
        except (StepMissing, OSError, aiohttp.ClientError) as error:
            letter = Letter(channel=channel, failure=str(error) or repr(error))
        self.on_over(letter)
        return letter

    async def _remembered(self, channel: ChannelKind, reply: Reply) -> Letter:
        """Read back what the store has of it. Raises `StepMissing` unless that is one message on one ticket."""
        ticket = await self.told.written(channel, lambda ticket: bool(ticket.matter), "the ticket is filled from it")
        letters = await self.gateway.store.correspondence.letters(ticket.id)
        entries = await self.gateway.store.entries(ticket_id=ticket.id)
        if reply.ticket_id != ticket.id or len(letters) != 1:
            raise StepMissing(f"{ticket.id} has {len(letters)} messages, and its writer was told {reply.ticket_id}")
        opened = any(entry.fact.kind == "ticket.opened" for entry in entries)
        return Letter(channel=channel, ticket=ticket, contact=letters[0].contact, opened=opened, reply=reply)

    async def ticket_id(self, channel: ChannelKind) -> TicketId:
        """Wait until a message has come in on *channel*."""
        return (await self.told.written(channel, lambda ticket: True, "the message has come in")).id


async def sms(post: Post) -> Reply:
    """Somebody who cannot hear texts that her house is on fire: the 119 desk reads it, she gets a text, no call."""
    centre = post.around.centre
    await centre.until_up()
    contents = cut(SMS_WORDS, reference=1)
    for content in contents:
        result = await centre.deliver(content, sender=SMS_WRITER, to=SMS_NUMBER, has_header=len(contents) > 1)
        if result:
            raise StepMissing(f"the short message was refused: {result}")
    ticket_id = await post.ticket_id(ChannelKind.SMS)
    report = await post.around.desk.report(lambda report: report["values"]["ticket"] == ticket_id)
    parts: list[Sent] = []
    while not parts or len(parts) < parts[0].total:
        parts.append(await centre.sent.get())
        await centre.report(parts[-1].message_id, b"DELIVRD", parts[-1].terminal)
    told = "".join(part.text for part in sorted(parts, key=lambda part: part.number))
    return _reply(ticket_id, told, f"{report['values']['line']}值班台屏幕已收到书面通报")


async def mail(post: Post) -> Reply:
    """Somebody mails a suggestion with a photo, and finds an answer in the thread."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = f"林先生 <{MAIL_WRITER}>", MAILBOX, MAIL_SUBJECT
    letter["Message-ID"] = make_msgid(domain="mail.example")
    letter.set_content(MAIL_WORDS)
    letter.add_attachment(_photo(), maintype="image", subtype="jpeg", filename="路灯.jpg")
    host, port = _mail_server(post.gateway)
    await asyncio.to_thread(_hand_over, host, port, letter)
    smarthost = post.around.smarthost
    await smarthost.arrived.wait()
    content = smarthost.received[0].content
    answer = message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)
    if letter["Message-ID"] not in (answer["In-Reply-To"] or ""):
        raise StepMissing("the mail that came back answers another one")
    body = answer.get_body(("plain",))
    return _reply(await post.ticket_id(ChannelKind.MAIL), "" if body is None else body.get_content())


async def web(post: Post) -> Reply:
    """Somebody fills in the form, as his browser posts it, and asks with number and query code how it stands."""
    url = post.gateway.written.url
    form = aiohttp.FormData()
    form.add_field("body", json.dumps(WEB_MATTER), content_type="application/json", filename="body.json")
    proof = {"Authorization": f"Bearer {secrets.token_urlsafe(32)}", "Idempotency-Key": secrets.token_hex(16)}
    async with aiohttp.ClientSession(url, timeout=WEB_LIMIT, headers={"Origin": url}) as browser:
        taken = await _answer(browser.post("/web/matters", data=form, headers=proof))
        number = {"ticket_id": taken["ticket_id"], "query_code": taken["query_code"]}
        progress = await _answer(browser.post("/web/progress", json=number))
    steps = "、".join(step["text"] for step in progress["steps"])
    return Reply(TicketId(taken["ticket_id"]), taken["told"], f"凭编号和查询码查得：{progress['state']}（{steps}）")


async def voice_note(post: Post) -> Reply:
    """Somebody speaks to the bot: she is heard as a caller is, and answered in the chat."""
    telegram = post.around.telegram
    citizen = telegram.citizen(VOICE_WRITER)
    citizen.first_name = "周女士"
    citizen.sends_file("voice", await asyncio.to_thread(_opus), duration=9, mime_type="audio/ogg")
    ticket_id = await post.ticket_id(ChannelKind.TELEGRAM)
    await telegram.until(lambda: any(ticket_id in message.get("text", "") for message in citizen.heard))
    return _reply(ticket_id, next(message["text"] for message in citizen.heard if ticket_id in message.get("text", "")))


STORIES: Final[Mapping[ChannelKind, Callable[[Post], Awaitable[Reply]]]] = {
    ChannelKind.SMS: sms,
    ChannelKind.MAIL: mail,
    ChannelKind.WEB: web,
    ChannelKind.TELEGRAM: voice_note,
}


def _reply(ticket_id: TicketId, told: str, further: str = "") -> Reply:
    """Return what was told, on one line. Raises `StepMissing` when the ticket's number is not in it."""
    if ticket_id not in told:
        raise StepMissing(f"what came back does not name {ticket_id}")
    return Reply(ticket_id, " ".join(told.split()), further)


def _mail_server(gateway: Gateway) -> tuple[str, int]:
    for channel in gateway.written.channels:
        if isinstance(channel, MailChannel) and channel.server is not None:
            return channel.server.addresses[0]
    raise StepMissing("the gateway has no mail server")


def _hand_over(host: str, port: int, letter: EmailMessage) -> None:
    with smtplib.SMTP(host, port, timeout=MAIL_LIMIT) as server:
        server.send_message(letter)


async def _answer(asking: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> dict[str, Any]:
    async with asking as response:
        if response.status >= 400:
            raise StepMissing(f"the citizens' page refused: {response.status} {(await response.text())[:200]}")
        answer: dict[str, Any] = await response.json()
        return answer


def _photo() -> bytes:
    """Return a picture of a street lamp that is out, as JPEG."""
    picture = Image.new("RGB", (320, 240), (24, 28, 44))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 205, 320, 240), fill=(44, 44, 48))
    draw.rectangle((156, 60, 162, 205), fill=(96, 98, 104))
    draw.rectangle((156, 56, 216, 61), fill=(96, 98, 104))
    draw.ellipse((200, 58, 232, 74), fill=(58, 58, 60), outline=(110, 110, 112))
    written = io.BytesIO()
    picture.save(written, "JPEG")
    return written.getvalue()


def _opus() -> bytes:
    """Return the voice note as Telegram carries it, OGG with Opus."""
    samples, rate = soundfile.read(VOICE_NOTE, dtype="int16")
    written = io.BytesIO()
    soundfile.write(written, samples, rate, format="OGG", subtype="OPUS")
    return written.getvalue()
