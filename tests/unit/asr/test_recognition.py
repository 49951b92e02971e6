from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from asr import wire
from asr.recognition import BACKLOG, LOADING, LOST, OVERRUN, UNAVAILABLE, WINDOW, LegRecognition, joined
from gateway.domain.call import LegId
from gateway.domain.transcript import Gap, Utterance

RATE = wire.RATE
LEG = LegId("leg-1")
TENTH = bytes(2 * RATE // 10)


class Line:
    """What a recognition sent to its process."""

    def __init__(self) -> None:
        self.sent: list[wire.ToProcess] = []

    def __call__(self, message: wire.ToProcess) -> None:
        self.sent.append(message)

    @property
    def audio(self) -> list[wire.Audio]:
        return [message for message in self.sent if isinstance(message, wire.Audio)]


def recognition(outage: str = LOADING, finish_limit: float = 0.0) -> LegRecognition:
    return LegRecognition(LEG, 1, outage=outage, finish_limit=finish_limit, ended=lambda: None)


def speak(leg: LegRecognition, start: float, seconds: float) -> None:
    for tenth in range(round(seconds * 10)):
        leg.hear(TENTH, start + tenth / 10)


def heard(*words: tuple[str, float, float], final: bool = False) -> wire.Heard:
    return wire.Heard(1, final, tuple(wire.HeardWord(*word) for word in words))


async def everything(leg: LegRecognition) -> list[Utterance | Gap]:
    leg.close()
    return [news async for news in leg]


async def test_audio_goes_out_in_tenths_of_a_second_at_its_place_in_the_call() -> None:
    leg, line = recognition(), Line()
    leg.connect(line)

    for packet in range(15):
        leg.hear(bytes(320), 7.0 + packet * 0.02)

    assert [(audio.position, len(audio.pcm)) for audio in line.audio] == [(56000, 1600), (56800, 1600), (57600, 1600)]


async def test_no_more_than_the_window_is_with_the_process() -> None:
    leg, line = recognition(), Line()
    leg.connect(line)
    speak(leg, 0.0, 5.0)
    assert leg.undecoded == WINDOW

    leg.receive(wire.Taken(1, RATE, RATE))

    assert line.audio[-1].position + RATE // 10 == WINDOW + RATE


async def test_when_the_queue_is_full_the_oldest_audio_becomes_a_gap() -> None:
    leg, line = recognition(), Line()
    leg.connect(line)
    speak(leg, 0.0, 15.0)

    leg.receive(wire.Taken(1, WINDOW, WINDOW))

    kept_from = 15.0 - BACKLOG / RATE
    assert await everything(leg) == [
        Gap(leg_id=LEG, start=2.0, end=kept_from, reason=OVERRUN),
        Gap(leg_id=LEG, start=kept_from + 2.0, end=15.0, reason=OVERRUN),
    ]


async def test_audio_from_before_the_model_was_loaded_is_heard_as_far_as_it_was_kept() -> None:
    leg, line = recognition(LOADING), Line()
    speak(leg, 0.0, 30.0)

    leg.connect(line)

    assert line.audio[0].position == 20 * RATE
    assert (await everything(leg))[0] == Gap(leg_id=LEG, start=0.0, end=20.0, reason=LOADING)


async def test_a_lost_process_leaves_its_last_words_standing_and_a_gap_until_audio_is_heard_again() -> None:
    leg, line = recognition(), Line()
    leg.connect(line)
    speak(leg, 10.0, 1.0)
    leg.receive(heard(("着火了", 10.2, 10.7)))
    leg.receive(wire.Taken(1, 11 * RATE, 10 * RATE))

    leg.disconnect(LOST)
    speak(leg, 12.0, 1.0)
    leg.connect(line)
    leg.receive(heard(("快点", 12.3, 12.8), final=True))

    words, gap, more, *_ = await everything(leg)
    assert isinstance(words, Utterance)
    assert isinstance(more, Utterance)
    assert (words.text, words.is_final, words.number) == ("着火了", True, 0)
    assert gap == Gap(leg_id=LEG, start=10.7, end=12.0, reason=LOST)
    assert (more.text, more.start, more.number) == ("快点", 12.3, 1)


async def test_an_unread_partial_gives_way_to_what_replaces_it() -> None:
    leg = recognition()
    leg.connect(Line())

    leg.receive(heard(("喂", 0.0, 0.2)))
    leg.receive(heard(("喂", 0.0, 0.2), ("你好", 0.2, 0.6)))
    leg.receive(heard(("喂你好", 0.0, 0.6), final=True))

    (utterance,) = await everything(leg)
    assert isinstance(utterance, Utterance)
    assert (utterance.text, utterance.is_final) == ("喂你好", True)


async def test_an_empty_final_result_is_dropped_and_its_number_used_again() -> None:
    leg = recognition()
    leg.connect(Line())

    leg.receive(heard(final=True))
    leg.receive(heard(("好的", 1.0, 1.5), final=True))

    (utterance,) = await everything(leg)
    assert isinstance(utterance, Utterance)
    assert utterance.number == 0


async def test_an_empty_final_result_takes_back_the_partial_before_it() -> None:
    leg = recognition()
    leg.connect(Line())

    leg.receive(heard(("业务", 1.0, 1.4)))
    assert [news.text async for news in _first(leg)] == ["业务"]
    leg.receive(heard(final=True))
    leg.receive(heard(("好的", 2.0, 2.5), final=True))

    taken_back, said = await everything(leg)
    assert isinstance(taken_back, Utterance)
    assert isinstance(said, Utterance)
    assert (taken_back.number, taken_back.text, taken_back.is_final, taken_back.start) == (0, "", True, 1.0)
    assert (said.number, said.text) == (1, "好的")


async def _first(leg: LegRecognition) -> AsyncIterator[Utterance]:
    async for news in leg:
        assert isinstance(news, Utterance)
        yield news
        return


async def test_finishing_flushes_what_waits_and_ends_after_the_last_words() -> None:
    leg, line = recognition(finish_limit=5.0), Line()

    def answer(message: wire.ToProcess) -> None:
        line(message)
        if isinstance(message, wire.Finish):
            leg.receive(heard(("再见", 0.0, 0.01), final=True))
            leg.receive(wire.Closed(1))

    leg.connect(answer)
    leg.hear(bytes(320), 0.0)
    await leg.finish()

    assert line.sent == [wire.Listen(1), wire.Audio(1, 0, bytes(320)), wire.Finish(1)]
    assert [news.text async for news in leg if isinstance(news, Utterance)] == ["再见"]


@pytest.mark.parametrize("outage", [UNAVAILABLE, LOADING])
async def test_finishing_while_nobody_listens_ends_with_one_gap(outage: str) -> None:
    leg = recognition(outage, finish_limit=0.0)
    speak(leg, 3.0, 20.0)

    await leg.finish()

    assert [news async for news in leg] == [Gap(leg_id=LEG, start=3.0, end=23.0, reason=outage)]


async def test_leaving_the_iteration_tells_the_process_to_forget_the_stream() -> None:
    leg, line = recognition(), Line()
    leg.connect(line)
    leg.receive(heard(("喂", 0.0, 0.2)))

    news = aiter(leg)
    await anext(news)
    await news.aclose()  # type: ignore[attr-defined]

    assert line.sent[-1] == wire.Forget(1)


def test_chinese_words_are_joined_without_blanks_and_latin_ones_with() -> None:
    assert joined(["我", "要", "投诉"]) == "我要投诉"
    assert joined(["vosk", "model", "很", "好", "ok"]) == "vosk model很好ok"
