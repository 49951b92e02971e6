from __future__ import annotations

from pathlib import Path

import pytest

from asr.models import DEMO_MODEL, ModelKind, choose, input_rate, is_model
from gateway.domain.errors import OurMistake


def make_model(folder: Path, name: str, features: str = "--sample-frequency=16000\n") -> Path:
    model = folder / name
    (model / "am").mkdir(parents=True)
    (model / "conf").mkdir()
    (model / "am" / "final.mdl").touch()
    (model / "conf" / "mfcc.conf").write_text(features)
    return model


def test_the_configured_model_comes_first(tmp_path: Path) -> None:
    make_model(tmp_path, "vosk-model-cn-0.22")
    own = make_model(tmp_path, "our-dialect")

    choice = choose(own, [tmp_path])

    assert (choice.path, choice.kind) == (own, ModelKind.CONFIGURED)


def test_a_configured_path_without_a_model_is_refused_and_not_replaced(tmp_path: Path) -> None:
    make_model(tmp_path, "vosk-model-cn-0.22")

    with pytest.raises(OurMistake, match="our-dialect"):
        choose(tmp_path / "our-dialect", [tmp_path])


def test_among_official_models_the_large_one_is_preferred_and_then_the_newest(tmp_path: Path) -> None:
    for name in ("vosk-model-small-cn-0.22", "vosk-model-cn-0.15", "vosk-model-en-us-0.22"):
        make_model(tmp_path, name)
    newest = make_model(tmp_path, "vosk-model-cn-0.22")

    choice = choose(None, [tmp_path / "absent", tmp_path])

    assert (choice.path, choice.kind) == (newest, ModelKind.OFFICIAL)


def test_a_half_fetched_official_model_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "vosk-model-cn-0.22").mkdir()
    small = make_model(tmp_path, "vosk-model-small-cn-0.22")

    assert choose(None, [tmp_path]).path == small


def test_without_any_other_the_demo_model_listens_and_the_console_is_told_so(tmp_path: Path) -> None:
    choice = choose(None, [tmp_path])

    assert choice.path == DEMO_MODEL
    assert is_model(DEMO_MODEL)
    assert choice.description.kind == "demo"
    assert "不可用于真实来电" in choice.description.words_zh


@pytest.mark.parametrize(
    ("features", "rate"),
    [
        ("--sample-frequency=16000\n--allow-upsample=true\n", 8000),
        ("--sample-frequency=16000 # telephone\n--allow-upsample\n", 8000),
        ("--sample-frequency=16000\n", 16000),
        ("--sample-frequency=8000\n", 8000),
        ("--use-energy=false\n", 16000),
        ("--sample-frequency=16000\n# --allow-upsample=true\n", 16000),
    ],
)
def test_telephone_audio_goes_in_as_it_is_only_where_the_model_allows_it(
    tmp_path: Path, features: str, rate: int
) -> None:
    assert input_rate(make_model(tmp_path, "model", features)) == rate
