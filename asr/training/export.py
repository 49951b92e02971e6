"""From the trained network to Vosk's ``am/`` and ``conf/``: ``python -m asr.training.export NETWORK MODEL_FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]

from asr.training.corpus import CONTEXT
from asr.training.features import CONFIGURATION, DIMENSION
from asr.training.kaldi import Layer, write_model
from asr.training.network import LAYERS, SUBSAMPLING

DECODING = f"""\
--min-active=200
--max-active=2500
--beam=11.0
--lattice-beam=4.0
--acoustic-scale=0.5
--frame-subsampling-factor={SUBSAMPLING}
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""
"""Without ``--endpoint.silence-phones`` libvosk aborts its process at the first audio."""


def layers(trained: dict[str, Any]) -> list[Layer]:
    """Fold the features' normalisation, and each batch norm, into the affine layer after it.

    First and last layer keep 16 bits: at 8 the first, which has the features' scale in it, mishears in noise.
    """
    weights = {name: value.double().numpy() for name, value in trained["weights"].items()}
    scale = 1 / trained["deviation"].double().numpy()
    shift = -trained["mean"].double().numpy() * scale
    result = []
    for index in range(len(LAYERS) + 1):
        is_last = index == len(LAYERS)
        inputs = (0,) if is_last else LAYERS[index][0]
        name = "output" if is_last else f"affine.{index}"
        matrix = weights[f"{name}.weight"]
        result.append(
            Layer(
                name="output" if is_last else f"tdnn{index + 1}",
                source=_spliced("input" if index == 0 else f"tdnn{index}.relu", inputs),
                weights=matrix * np.tile(scale, len(inputs)),
                bias=weights[f"{name}.bias"] + matrix @ np.tile(shift, len(inputs)),
                bits=16 if is_last or index == 0 else 8,
                is_last=is_last,
            )
        )
        if not is_last:
            norm = {key: weights[f"norm.{index}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}
            scale = norm["weight"] / np.sqrt(norm["running_var"] + 1e-5)
            shift = norm["bias"] - norm["running_mean"] * scale
    return result


def _spliced(source: str, inputs: tuple[int, ...]) -> str:
    if inputs == (0,):
        return source
    return f"Append({', '.join(f'Offset({source}, {at})' if at else source for at in inputs)})"


def main() -> None:
    """Write the two folders."""
    trained = torch.load(sys.argv[1], weights_only=True)
    model = Path(sys.argv[2])
    for folder in ("am", "conf"):
        (model / folder).mkdir(parents=True, exist_ok=True)
    write_model(model / "am" / "final.mdl", layers(trained), DIMENSION, CONTEXT, trained["priors"].double().numpy())
    (model / "conf" / "mfcc.conf").write_text(CONFIGURATION)
    (model / "conf" / "model.conf").write_text(DECODING)


if __name__ == "__main__":
    main()
