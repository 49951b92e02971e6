"""Kaldi's binary ``final.mdl``: a transition model and an nnet3 network, as far as this model needs them.

Layout after Kaldi's hmm/transition-model.cc, nnet3/nnet-simple-component.cc and matrix/compressed-matrix.h. Every
number carries its size, every object its name; integer vectors are raw.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.training.pronunciation import PHONE_ID, STATES_OF_ID

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """``weights @ input + bias``, then a rectifier except in the last layer, whose end is a log-softmax.

    *source* is the input in Kaldi's words; *bits* is what its weights are stored with, 8 or 16.
    """

    name: str
    source: str
    weights: NDArray[np.float64]
    bias: Vector
    bits: int
    is_last: bool


def write_model(path: Path, layers: list[Layer], dimension: int, context: int, priors: Vector) -> None:
    """Write the acoustic model: *dimension* features a frame, *context* frames on either side, the states' *priors*."""
    with path.open("wb") as file:
        file.write(b"\0B" + _transition_model() + _network(layers, dimension))
        file.write(_token("<LeftContext>") + _int(context) + _token("<RightContext>") + _int(context))
        file.write(_token("<Priors>") + _vector(priors))


def _transition_model() -> bytes:
    """Every state loops or goes on with even odds; phones have one state or two."""
    out = _token("<TransitionModel>") + _token("<Topology>")
    out += _ints(list(PHONE_ID.values())) + _ints([-1, *(len(states) - 1 for states in STATES_OF_ID)])
    out += _int(2)
    for count in (1, 2):
        out += _int(count + 1)
        for state in range(count):
            out += _int(state) + _int(2) + _int(state) + _float(0.5) + _int(state + 1) + _float(0.5)
        out += _int(-1) + _int(0)
    out += _token("</Topology>")
    triples = [
        (phone, index, state)
        for phone, states in enumerate(STATES_OF_ID, start=1)
        for index, state in enumerate(states)
    ]
    out += _token("<Triples>") + _int(len(triples)) + b"".join(_int(number) for triple in triples for number in triple)
    out += _token("</Triples>") + _token("<LogProbs>")
    out += _vector(np.array([0.0, *[np.log(0.5)] * (2 * len(triples))]))
    return out + _token("</LogProbs>") + _token("</TransitionModel>")


def _network(layers: list[Layer], dimension: int) -> bytes:
    plan = [f"input-node name=input dim={dimension}"]
    components: list[bytes] = []
    for layer in layers:
        width = len(layer.bias)
        plan.append(f"component-node name={layer.name}.affine component={layer.name}.affine input={layer.source}")
        components.append(_affine(layer))
        end = "log-softmax" if layer.is_last else "relu"
        plan.append(f"component-node name={layer.name}.{end} component={layer.name}.{end} input={layer.name}.affine")
        kind = "LogSoftmaxComponent" if layer.is_last else "RectifiedLinearComponent"
        components.append(_token("<ComponentName>") + _token(f"{layer.name}.{end}") + _nonlinearity(kind, width))
    plan.append(f"output-node name=output input={layers[-1].name}.log-softmax objective=linear")
    out = _token("<Nnet3>") + b"\n" + "\n".join(plan).encode() + b"\n\n"
    return out + _token("<NumComponents>") + _int(len(components)) + b"".join(components) + _token("</Nnet3>")


def _affine(layer: Layer) -> bytes:
    out = _token("<ComponentName>") + _token(f"{layer.name}.affine") + _token("<FixedAffineComponent>")
    out += _token("<LinearParams>") + _compressed(layer.weights, layer.bits)
    return out + _token("<BiasParams>") + _vector(layer.bias) + _token("</FixedAffineComponent>")


def _nonlinearity(kind: str, width: int) -> bytes:
    out = _token(f"<{kind}>") + _token("<Dim>") + _int(width)
    out += _token("<ValueAvg>") + _vector(np.empty(0)) + _token("<DerivAvg>") + _vector(np.empty(0))
    out += _token("<Count>") + _double(0.0) + _token("<OderivRms>") + _vector(np.empty(0))
    for name in ("OderivCount", "NumDimsSelfRepaired", "NumDimsProcessed"):
        out += _token(f"<{name}>") + _double(0.0)
    return out + _token(f"</{kind}>")


def _compressed(matrix: NDArray[np.float64], bits: int) -> bytes:
    """Return a CompressedMatrix, which Kaldi expands on reading."""
    least, span = float(matrix.min()), float(np.ptp(matrix))
    steps = np.rint((matrix - least) * ((2**bits - 1) / span)).astype("<u2" if bits == 16 else "u1")
    return _token("CM2" if bits == 16 else "CM3") + struct.pack("<ffii", least, span, *matrix.shape) + bytes(steps)


def _token(text: str) -> bytes:
    return text.encode() + b" "


def _int(value: int) -> bytes:
    return b"\x04" + struct.pack("<i", value)


def _float(value: float) -> bytes:
    return b"\x04" + struct.pack("<f", value)


def _double(value: float) -> bytes:
    return b"\x08" + struct.pack("<d", value)


def _ints(values: list[int]) -> bytes:
    return _int(len(values)) + np.asarray(values, "<i4").tobytes()


def _vector(values: Vector) -> bytes:
    return _token("FV") + _int(len(values)) + values.astype("<f4").tobytes()
