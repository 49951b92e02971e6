"""How soon an emergency phrase is noticed, and how soon its desk is rung, on real calls.

    python -m benchmarks.emergency [--calls N] [--at-once N] [--json]

Fifty sentences (``emergency_sentences.toml``) are spoken by espeak-ng and told to a gateway over real SIP and RTP,
several calls at once, with an agent on each. Three instants count: the end of the phrase in the audio as it left the
caller, the gateway's journal saying that it suspects, and the INVITE arriving at the 119 desk's socket. The end of
the phrase is where bare Vosk, given the whole sentence at leisure, puts it. The same audio goes through bare Vosk in
the same run, by the packet; what the gateway adds to that is jitter buffer, framing, processes and the network.

Goals: phrase to detection under 1.0 s at p95; detection to INVITE under 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import socket
import sys
import tempfile
import time
import tomllib
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import vosk
from rich.progress import track

from asr.models import DEMO_MODEL
from channels.sip.connections import ListenAddress, Target
from channels.sip.offer_answer import accept_answer, answer, make_offer
from channels.sip.registration import Account, Registration
from channels.sip.session import Session
from channels.sip.session_events import Answered
from channels.sip.uri import NameAddr, Uri
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings
from config.lexicons import load_emergency
from gateway.domain.transcript import Word
from gateway.speech import Voice, say
from routing.emergency import Detector
from tests.peers.gateway import GatewayProcess, running
from tests.peers.rtp import Pcm, RtpPhone

HERE = Path(__file__).parent
DETECTOR = Detector(load_emergency(HERE.parent / "config" / "lexicons" / "emergency.toml"))
VOICES = [Voice(variant=variant, pitch=pitch) for variant in ("f2", "f3", "m1", "m3", "m7", "f5") for pitch in (40, 55)]
RATE = 8000
PACKET = 160
LIMIT = 20.0
AGENT_TONE = 440.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is said; ``phrase_end`` and ``bare`` (the bare recogniser's detection) in seconds of the audio."""

    text: str
    line: str
    samples: Pcm
    phrase_end: float | None = None
    bare: float | None = None


@dataclass(slots=True)
class Measured:
    """One call's latencies in seconds; None where the step did not happen."""

    sentence: Sentence
    detection: float | None = None
    invite: float | None = None


# --- bare Vosk -------------------------------------------------------------------------------------------------


def heard_bare(sentence: Sentence, model: vosk.Model) -> Sentence:
    """Return *sentence* with where its phrase ends, and when bare Vosk had it, fed packet by packet."""
    whole = _recogniser(model)
    padded = np.concatenate([sentence.samples, np.zeros(RATE, np.int16)])
    whole.AcceptWaveform(padded.tobytes())
    said = json.loads(whole.FinalResult()).get("result", [])
    words = [Word(text=word["word"], start=word["start"], end=word["end"]) for word in said]
    hits = DETECTOR.look("".join(word.text for word in words), words)
    ends = [hit.end for hit in hits if hit.line == sentence.line and hit.end is not None]
    if not ends:
        return sentence
    bare = _detected_bare(padded, sentence.line, _recogniser(model))
    return Sentence(text=sentence.text, line=sentence.line, samples=sentence.samples, phrase_end=min(ends), bare=bare)


def _detected_bare(samples: Pcm, line: str, recogniser: vosk.KaldiRecognizer) -> float | None:
    for start in range(0, len(samples), PACKET):
        ended = recogniser.AcceptWaveform(samples[start : start + PACKET].tobytes())
        result = json.loads(recogniser.Result() if ended else recogniser.PartialResult())
        text = str(result.get("text") or result.get("partial") or "").replace(" ", "")
        if any(hit.line == line for hit in DETECTOR.look(text, final=bool(ended))):
            return (start + PACKET) / RATE
    return None


def _recogniser(model: vosk.Model) -> vosk.KaldiRecognizer:
    recogniser = vosk.KaldiRecognizer(model, RATE)
    recogniser.SetWords(True)
    return recogniser


# --- the telephones around the gateway -------------------------------------------------------------------------


class TimedPhone(RtpPhone):
    """Remembers when the first packet of its speech left."""

    began: float | None = None

    def _next_samples(self) -> Pcm:
        if self.began is None and len(self._to_say):
            self.began = time.time()
        return super()._next_samples()


@dataclass(slots=True)
class Field:
    """Who stands around the gateway: callers and desks behind one trunk, agents at registered telephones."""

    gateway: Target
    callers: UserAgent
    stack: AsyncExitStack
    rung: dict[tuple[str, str], asyncio.Future[float]] = field(default_factory=dict)

    async def desk(self, session: Session) -> None:
        """Note when an INVITE for a desk arrived, and answer it."""
        arrived = time.time() - (time.monotonic() - session.invited_at)
        call = (session.request.headers.get("X-Jiesu-Caller") or "", session.called.user or "")
        if call in self.rung and not self.rung[call].done():
            self.rung[call].set_result(arrived)
        await self._answer(session, 0.0)

    async def agent(self, session: Session) -> None:
        """Answer as an agent who hums."""
        await self._answer(session, AGENT_TONE)

    async def _answer(self, session: Session, tone: float) -> None:
        async with RtpPhone() as phone:
            if tone:
                phone.hum(tone, amplitude=1000)
            if session.remote_offer is None:
                return await session.reject(488)
            description, agreed = answer(
                session.remote_offer, address="127.0.0.1", port=phone.port, session_id=secrets.randbits(31)
            )
            phone.law, phone.remote = agreed.codec, (agreed.address, agreed.port)
            await session.answer(description)
            async for _ in session.events():
                pass

    async def call(self, sentence: Sentence, number: str, gateway: GatewayProcess) -> Measured:
        """Call as *number*, say the sentence once an agent is there, and measure."""
        measured = Measured(sentence)
        desk = self.rung[number, sentence.line] = asyncio.get_running_loop().create_future()
        async with TimedPhone() as phone:
            session = await self._connected(number, phone)
            try:
                await phone.until(lambda packet: _is_loud(packet.payload, packet.payload_type), limit=LIMIT)
                phone.say(sentence.samples)
                async with asyncio.timeout(LIMIT):
                    rung = await desk
            except TimeoutError:
                rung = None
            finally:
                await session.hang_up()
        suspected = await self._suspected(gateway, number, sentence.line)
        if suspected is not None and phone.began is not None and sentence.phrase_end is not None:
            measured.detection = suspected - phone.began - sentence.phrase_end
            measured.invite = None if rung is None else rung - suspected
        return measured

    async def _connected(self, number: str, phone: RtpPhone) -> Session:
        offer = make_offer(address="127.0.0.1", port=phone.port, session_id=secrets.randbits(31))
        from_ = NameAddr(uri=Uri(user=number, host="127.0.0.1"))
        session = await self.callers.invite(self.callers.trunk("gateway", "12345"), offer=offer, from_=from_)
        async for event in session.events():
            if isinstance(event, Answered) and event.description is not None:
                agreed = accept_answer(offer, event.description)
                phone.law, phone.remote = agreed.codec, (agreed.address, agreed.port)
                return session
        raise RuntimeError(f"the gateway did not answer the call from {number}")

    async def _suspected(self, gateway: GatewayProcess, number: str, line: str) -> float | None:
        """Return the instant at which the journal has the first suspicion of *line*, by the clock of the wall."""
        listed = await gateway.get(f"/api/tickets?search={number}")
        call_id = listed["tickets"][0]["call_id"]
        await gateway.fact(call_id, "call.ended")
        found = [
            fact
            for fact in gateway.facts(call_id)
            if fact.kind == "emergency.suspected" and fact.values["line"] == line
        ]
        return found[0].at.timestamp() if found else None


def _is_loud(payload: bytes, payload_type: int) -> bool:
    """Whether a packet carries a voice: far from the code of silence in most samples."""
    silence = 0xFF if payload_type == 0 else 0xD5
    return payload_type in (0, 8) and sum(abs((code ^ silence) & 0x7F) > 8 for code in payload) > len(payload) // 2


@asynccontextmanager
async def around(folder: Path, agents: int) -> AsyncIterator[tuple[Field, GatewayProcess]]:
    """Start a gateway, its trunk and *agents* agents."""
    port = _free_port()
    to_gateway = Trunk(name="gateway", target=Target("udp", "127.0.0.1", port))
    async with AsyncExitStack() as stack:
        place: list[Field] = []
        callers = UserAgent(_settings(to_gateway), lambda session: place[0].desk(session))
        await stack.enter_async_context(callers)
        place.append(Field(to_gateway.target, callers, stack))
        desk = f"127.0.0.1:{callers.addresses[0].port}"
        numbers = [str(8001 + number) for number in range(agents)]
        gateway = await stack.enter_async_context(
            running(
                folder,
                sip={"listen": [f"udp:127.0.0.1:{port}", "tcp:127.0.0.1:0"], "max_calls": 1000},
                media={"ports": [0, 0], "greeting": False},
                desk={"wrap_up_limit": "100ms"},
                trunk=[{"name": "field", "address": desk}],
                telephone=[
                    {"user": user, "password": user, "name": user, "role": "agent", "agent": user} for user in numbers
                ],
                emergency_line=[
                    {"line": line, "name": line, "chain": [{"number": line, "trunk": "field"}]}
                    for line in ("110", "119", "120", "122")
                ],
            )
        )
        for user in numbers:
            agent = await stack.enter_async_context(UserAgent(_settings(to_gateway), place[0].agent))
            account = Account(user=user, password=user, registrar=to_gateway.target)
            await stack.enter_async_context(Registration(agent.endpoint, account))
        yield place[0], gateway


def _settings(trunk: Trunk) -> UserAgentSettings:
    return UserAgentSettings(listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=[trunk])


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


# --- the run ---------------------------------------------------------------------------------------------------


def sentences(folder: Path, most: int) -> list[Sentence]:
    """Speak the benchmark's sentences, each in one of several voices."""
    listed = tomllib.loads((HERE / "emergency_sentences.toml").read_text(encoding="utf-8"))["emergency"][:most]
    spoken = []
    for number, entry in enumerate(track(listed, "speaking", transient=True)):
        path = folder / f"{number}.wav"
        say(entry["text"], VOICES[number % len(VOICES)], path)
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        spoken.append(Sentence(text=entry["text"], line=entry["line"], samples=samples))
    return spoken


async def measure(spoken: Sequence[Sentence], folder: Path, at_once: int) -> list[Measured]:
    """Make one call a sentence, *at_once* at a time."""
    async with around(folder, at_once) as (place, gateway):
        free = asyncio.Semaphore(at_once)

        async def one(number: int, sentence: Sentence) -> Measured:
            async with free:
                return await place.call(sentence, f"1390000{number:04d}", gateway)

        async with asyncio.TaskGroup() as calls:
            tasks = [calls.create_task(one(number, sentence)) for number, sentence in enumerate(spoken)]
        return [task.result() for task in tasks]


def summary(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures: seconds, and the ratio to bare Vosk."""
    detections = [call.detection for call in measured if call.detection is not None]
    invites = [call.invite for call in measured if call.invite is not None]
    known = [call.sentence for call in measured if call.sentence.phrase_end is not None]
    added = [
        call.detection + call.sentence.phrase_end - call.sentence.bare
        for call in measured
        if call.detection is not None and call.sentence.phrase_end is not None and call.sentence.bare is not None
    ]
    bare = [sentence.bare - sentence.phrase_end for sentence in known if sentence.bare and sentence.phrase_end]
    return {
        "calls": len(measured),
        "detected": len(detections),
        "detected by bare vosk": len(bare),
        "invited": len(invites),
        "phrase to detection": _quantiles(detections),
        "phrase to detection, bare vosk": _quantiles(bare),
        "ratio to bare vosk, p95": round(_quantile(detections, 0.95) / _quantile(bare, 0.95), 2),
        "added to bare vosk": _quantiles(added),
        "detection to INVITE": _quantiles(invites),
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    return {name: round(_quantile(values, share), 4) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share)) if values else float("nan")


def main() -> int:
    """Run it; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50, help="how many of the sentences")
    parser.add_argument("--at-once", type=int, default=4, help="calls at the same time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    vosk.SetLogLevel(-1)
    with tempfile.TemporaryDirectory() as folder:
        model = vosk.Model(str(DEMO_MODEL))
        spoken = [heard_bare(sentence, model) for sentence in sentences(Path(folder), chosen.calls)]
        measured = asyncio.run(measure(spoken, Path(folder), chosen.at_once))
    figures = summary(measured)
    if chosen.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        for name, value in figures.items():
            print(f"{name:<32} {value}")
        for call in measured:
            if call.detection is None or call.invite is None:
                print(f"missed: {call.sentence.line} {call.sentence.text}", file=sys.stderr)
    fast = figures["phrase to detection"]["p95"] < 1.0 and figures["detection to INVITE"]["p95"] < 0.05
    return 0 if fast and figures["detected"] == figures["detected by bare vosk"] else 1


if __name__ == "__main__":
    sys.exit(main())
