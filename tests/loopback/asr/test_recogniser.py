"""The real recogniser process with the bundled demo model and the bundled voices."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.models import DEMO_MODEL, ModelChoice, ModelKind
from asr.probe import Unusable, Usable, probe
from asr.recogniser import FAILURES_TO_GIVE_UP, VoskRecognizer
from asr.recognition import LOST, LegRecognition
from gateway.domain.call import LegId
from gateway.domain.transcript import Gap, Utterance
from gateway.ports.hearing import Recognizer

SPEECH = Path(__file__).parents[3] / "gateway" / "demo_speech"
DEMO = ModelChoice(path=DEMO_MODEL, kind=ModelKind.DEMO)
PATIENCE = 30.0

News = list[Utterance | Gap]


def spoken(name: str) -> bytes:
    with wave.open(str(SPEECH / name)) as file:
        return bytes(file.readframes(file.getnframes()))


def hear(recognition: LegRecognition, pcm: bytes, at: float) -> None:
    for start in range(0, len(pcm), 320):
        recognition.hear(pcm[start : start + 320], at + start / 16000)


async def collect(
    recognition: LegRecognition, news: News, seen: Callable[[Utterance | Gap], None] = lambda new: None
) -> None:
    async for new in recognition:
        news.append(new)
        seen(new)


def finals(news: News) -> list[Utterance]:
    return [new for new in news if isinstance(new, Utterance) and new.is_final]


async def test_a_citizen_is_transcribed_with_times_and_partials_before_the_final() -> None:
    news: News = []
    async with asyncio.timeout(PATIENCE), VoskRecognizer(DEMO) as recognizer, asyncio.TaskGroup() as tasks:
        recognition = recognizer.listen(LegId("citizen"))
        tasks.create_task(collect(recognition, news))
        hear(recognition, spoken("citizen_fire_1.wav"), 12.5)
        await recognition.finish()

    utterances = [new for new in news if isinstance(new, Utterance)]
    assert "".join(final.text for final in finals(news)) == "喂你好阳光小区三号楼着火了烟很大有人被困快点来人"
    assert not utterances[0].is_final
    assert {utterance.leg_id for utterance in utterances} == {"citizen"}
    words = [word for final in finals(news) for word in final.words]
    assert 12.5 <= words[0].start < 13.0
    assert 19.0 < words[-1].end < 12.5 + 7.5
    assert all(word.start < word.end for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)


async def test_two_legs_are_heard_apart() -> None:
    citizen: News = []
    agent: News = []
    async with asyncio.timeout(PATIENCE), VoskRecognizer(DEMO) as recognizer, asyncio.TaskGroup() as tasks:
        legs = recognizer.listen(LegId("citizen")), recognizer.listen(LegId("agent"))
        tasks.create_task(collect(legs[0], citizen))
        tasks.create_task(collect(legs[1], agent))
        hear(legs[0], spoken("citizen_water_1.wav"), 0.0)
        hear(legs[1], spoken("agent_water_1.wav"), 0.0)
        await asyncio.gather(*(leg.finish() for leg in legs))

    assert "".join(final.text for final in finals(citizen)) == "你好我们小区停水三天了物业没人管"
    assert "".join(final.text for final in finals(agent)) == "您好请说"


async def test_killing_the_process_in_mid_stream_leaves_a_gap_and_hearing_goes_on() -> None:
    first, second = spoken("citizen_fire_1.wav"), spoken("citizen_fire_3.wav")
    resume_at = len(first) / 16000 + 1.0
    news: News = []
    understood, back = asyncio.Event(), asyncio.Event()
    lost: list[str] = []

    def watch(new: Utterance | Gap) -> None:
        if isinstance(new, Utterance) and "着火" in new.text:
            understood.set()

    recognizer = VoskRecognizer(DEMO, on_lost=lost.append, on_back=lambda seconds: back.set())
    async with asyncio.timeout(PATIENCE), recognizer, asyncio.TaskGroup() as tasks:
        recognition = recognizer.listen(LegId("citizen"))
        tasks.create_task(collect(recognition, news, watch))
        hear(recognition, first, 0.0)
        await understood.wait()
        back.clear()
        assert recognizer.pid is not None
        os.kill(recognizer.pid, signal.SIGKILL)
        await back.wait()
        hear(recognition, second, resume_at)
        await recognition.finish()
        assert recognizer.available

    (gap,) = (new for new in news if isinstance(new, Gap))
    before, after = news[: news.index(gap)], finals(news[news.index(gap) :])
    assert gap.reason == LOST
    assert 0.0 < gap.start <= gap.end <= resume_at
    assert "着火" in finals(before)[-1].text
    assert finals(before)[-1].end <= gap.start
    assert "".join(final.text for final in after).endswith("家里有老人小孩快点谢谢")
    assert after[-1].words[-1].end < resume_at + len(second) / 16000
    assert recognizer.restarts == 1
    assert "SIGKILL" in lost[0]


async def test_a_model_that_never_loads_is_given_up_and_a_call_only_loses_its_words(tmp_path: Path) -> None:
    nothing = ModelChoice(path=tmp_path, kind=ModelKind.CONFIGURED)
    recognizer = VoskRecognizer(nothing, back_off=(0.0,), finish_limit=PATIENCE)
    async with asyncio.timeout(PATIENCE), recognizer:
        recognition = recognizer.listen(LegId("citizen"))
        hear(recognition, bytes(16000), 1.0)
        await recognition.finish()

        assert not recognizer.available
        assert recognizer.restarts >= FAILURES_TO_GIVE_UP - 1
        (gap,) = [new async for new in recognition]
        assert isinstance(gap, Gap)
        assert (gap.start, gap.end) == (1.0, 2.0)


async def test_leaving_ends_the_process_and_the_transcripts_still_open() -> None:
    async with asyncio.timeout(PATIENCE):
        async with VoskRecognizer(DEMO) as recognizer:
            recognition = recognizer.listen(LegId("citizen"))
            await recognizer.hearing()
            pid = recognizer.pid

        assert [new async for new in recognition] == []
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_console_can_say_which_model_listens() -> None:
    recognizer: Recognizer = VoskRecognizer(DEMO)

    assert recognizer.model == DEMO.description


async def test_the_demo_model_is_usable() -> None:
    verdict = await probe(DEMO_MODEL)

    assert isinstance(verdict, Usable)
    assert verdict.rate == 8000


def damaged(folder: Path) -> Path:
    return Path(shutil.copytree(DEMO_MODEL, folder / "damaged"))


async def test_a_truncated_model_is_unusable_for_a_reason_that_is_told(tmp_path: Path) -> None:
    model = damaged(tmp_path)
    os.truncate(model / "am" / "final.mdl", 400_000)

    verdict = await probe(model)

    assert isinstance(verdict, Unusable)
    assert "Failed to read" in verdict.reason


async def test_a_model_that_aborts_its_process_is_found_out_without_harm(tmp_path: Path) -> None:
    model = damaged(tmp_path)
    configuration = model / "conf" / "model.conf"
    lines = configuration.read_text().splitlines(keepends=True)
    configuration.write_text("".join(line for line in lines if "silence-phones" not in line))

    verdict = await probe(model)

    assert isinstance(verdict, Unusable)
    assert "silence-phones" in verdict.reason
    assert "SIGABRT" in verdict.reason


async def test_a_model_that_may_not_upsample_is_fed_at_its_own_rate(tmp_path: Path) -> None:
    model = damaged(tmp_path)
    features = model / "conf" / "mfcc.conf"
    features.write_text(features.read_text().replace("--allow-upsample=true\n", ""))
    news: News = []

    choice = ModelChoice(path=model, kind=ModelKind.CONFIGURED)
    async with asyncio.timeout(PATIENCE), VoskRecognizer(choice) as recognizer, asyncio.TaskGroup() as tasks:
        recognition = recognizer.listen(LegId("citizen"))
        tasks.create_task(collect(recognition, news))
        hear(recognition, spoken("citizen_water_1.wav"), 0.0)
        await recognition.finish()

    verdict = await probe(model)
    assert isinstance(verdict, Usable)
    assert verdict.rate == 16000
    assert "停水三天" in "".join(final.text for final in finals(news))


async def test_loading_is_reported_and_a_model_that_never_gets_ready_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asr.recogniser.WATCH_EVERY", 0.01)
    monkeypatch.setattr("asr.recogniser.LOAD_LIMIT", 0.05)
    told = asyncio.Queue[float]()

    async with asyncio.timeout(PATIENCE), VoskRecognizer(DEMO, on_loading=told.put_nowait) as recognizer:
        longest = 0.0
        while (loading_for := await told.get()) > longest:
            longest = loading_for

        assert recognizer.restarts == 1
        assert not recognizer.is_hearing
    assert longest > 0.05


async def test_a_process_that_stops_decoding_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr.recogniser.WATCH_EVERY", 0.01)
    monkeypatch.setattr("asr.recogniser.STUCK_AFTER", 0.2)
    lost, back = asyncio.Queue[str](), asyncio.Event()
    news: News = []

    recognizer = VoskRecognizer(DEMO, on_lost=lost.put_nowait, on_back=lambda seconds: back.set())
    async with asyncio.timeout(PATIENCE), recognizer, asyncio.TaskGroup() as tasks:
        recognition = recognizer.listen(LegId("citizen"))
        tasks.create_task(collect(recognition, news))
        await recognizer.hearing()
        back.clear()
        assert recognizer.pid is not None
        os.kill(recognizer.pid, signal.SIGSTOP)
        hear(recognition, spoken("citizen_water_2.wav"), 0.0)
        assert "nothing was decoded" in await lost.get()
        await back.wait()
        hear(recognition, spoken("citizen_water_1.wav"), 20.0)
        await recognition.finish()

    assert [new.reason for new in news if isinstance(new, Gap)] == [LOST]
    assert "停水三天" in finals(news)[-1].text
