"""The acoustic network and its training: ``python -m asr.training.network STEPS FILE DEV_SHARD SHARD...``.

A time-delay network of 0.8 million weights that judges every third frame from 15 frames on either side. Splicing is
unpadded, so that normalisations can be folded into the next layer's weights without loss (`asr.training.export`).
Steps, not minutes, bound the training: a wall clock cannot be repeated.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]
from numpy.typing import NDArray
from torch import nn  # type: ignore[import-not-found, unused-ignore]

from asr.training.corpus import CONTEXT
from asr.training.features import DIMENSION
from asr.training.pronunciation import STATE_COUNT

LAYERS = (
    ((-2, -1, 0, 1, 2), 192),
    ((-1, 0, 1), 256),
    ((-3, 0, 3), 256),
    ((-3, 0, 3), 256),
    ((-6, 0, 6), 256),
)
"""Each layer's inputs, in 10 ms frames around the one it computes, and its width."""
SUBSAMPLING = 3
"""libvosk takes 30 ms per judged frame for granted."""

_JUDGED = 100
_BATCH = 48
_RATE = 2e-3
_SPAN = SUBSAMPLING * _JUDGED + 2 * CONTEXT


class Network(nn.Module):  # type: ignore[misc, unused-ignore]
    """Features [batch, 3 n + 28, 32] in, scores [batch, n, states] out."""

    def __init__(self) -> None:
        super().__init__()
        width = DIMENSION
        self.affine, self.norm = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs in LAYERS:
            self.affine.append(nn.Linear(width * len(inputs), outputs))
            self.norm.append(nn.BatchNorm1d(outputs))
            width = outputs
        self.output = nn.Linear(width, STATE_COUNT)

    def forward(self, x: Any) -> Any:
        """Splice, weigh, rectify and normalise layer by layer; from the second on at every third frame only."""
        for index, (affine, norm) in enumerate(zip(self.affine, self.norm, strict=True)):
            inputs = LAYERS[index][0]
            if index == 0:
                length = x.shape[1] - 4
                x = torch.cat([x[:, at : at + length] for at in range(5)], 2)
            elif index == 1:
                length = (x.shape[1] - 3) // SUBSAMPLING + 1
                x = torch.cat([x[:, at : at + SUBSAMPLING * length - 2 : SUBSAMPLING] for at in range(3)], 2)
            else:
                step = inputs[2] // SUBSAMPLING
                length = x.shape[1] - 2 * step
                x = torch.cat([x[:, at * step : at * step + length] for at in range(3)], 2)
            x = torch.relu(affine(x))
            x = norm(x.flatten(0, 1)).view(x.shape)
        return self.output(x)


class Material:
    """Shards laid end to end, from which windows are cut."""

    def __init__(self, files: list[str]) -> None:
        shards = [np.load(file) for file in files]
        self._features = torch.from_numpy(np.concatenate([shard["features"] for shard in shards]))
        self._labels = torch.from_numpy(np.concatenate([shard["labels"] for shard in shards]).astype(np.int64))

    def windows(self, starts: NDArray[np.int64], mean: Any, deviation: Any) -> tuple[Any, Any]:
        """Return normalised features and the labels of the judged frames of the windows at *starts*."""
        seen = self._features[starts[:, None] + np.arange(_SPAN - 2)].float()
        judged = self._labels[starts[:, None] + CONTEXT + SUBSAMPLING * np.arange(_JUDGED)]
        return (seen - mean) / deviation, judged

    def statistics(self) -> tuple[Any, Any, Any]:
        """Return mean and deviation of the features, and how frequent each state is."""
        sample = self._features[::7].float()
        counts = torch.bincount(self._labels[self._labels >= 0], minlength=STATE_COUNT) + 1.0
        return sample.mean(0), sample.std(0), counts / counts.sum()

    def random_starts(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return where the windows of one batch begin."""
        return rng.integers(0, len(self._features) - _SPAN, _BATCH)

    def all_starts(self) -> NDArray[np.int64]:
        """Return where windows begin that cover everything once."""
        return np.arange(0, len(self._features) - _SPAN, SUBSAMPLING * _JUDGED)


def accuracy(network: Network, material: Material, mean: Any, deviation: Any) -> float:
    """Return the share of frames judged right."""
    network.eval()
    right = judged = 0
    with torch.no_grad():
        for start in np.array_split(material.all_starts(), max(1, len(material.all_starts()) // 64)):
            x, y = material.windows(start, mean, deviation)
            known = y >= 0
            right += int((network(x).argmax(2)[known] == y[known]).sum())
            judged += int(known.sum())
    network.train()
    return right / judged


def train(steps: int, material: Material, held_out: Material) -> dict[str, Any]:
    """Train for *steps* batches and return weights and statistics."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    mean, deviation, priors = material.statistics()
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-3)
    for step in range(steps):
        for group in optimiser.param_groups:
            warm = min(1.0, step / 50 + 0.02)
            group["lr"] = _RATE * warm * (0.5 * (1 + math.cos(math.pi * step / steps)) + 0.005)
        x, y = material.windows(material.random_starts(rng), mean, deviation)
        loss = nn.functional.cross_entropy(network(x).flatten(0, 1), y.flatten(), ignore_index=-1)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5)
        optimiser.step()
        if (step + 1) % 100 == 0:
            right = accuracy(network, held_out, mean, deviation)
            print(
                f"step {step + 1} of {steps}: loss {loss.item():.3f}, {right:.1%} of held-out frames right", flush=True
            )
    return {"weights": network.state_dict(), "mean": mean, "deviation": deviation, "priors": priors}


def main() -> None:
    """Train and save."""
    torch.set_num_threads(1)
    steps, file, held_out, *shards = sys.argv[1:]
    torch.save(train(int(steps), Material(shards), Material([held_out])), file)


if __name__ == "__main__":
    main()
