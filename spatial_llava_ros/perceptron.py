"""A small perceptron in NumPy: what a few dozen measured clues say together. Learnt offline, kept beside its user.

Two hidden layers of rectified units, logistic loss, Adam (Kingma, Ba, ICLR 2015) with a cosine rate. Inference on
2,500 rows takes about 3 ms, needs nothing but NumPy, and the weights are some 20 kB.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

CLIP = 5.0  # standard deviations: no clue counts for more than that


@dataclass(frozen=True, eq=False)
class Perceptron:
    """mean, spread: (F,) of the clues it was trained on; layers: weights (A, B) and offsets (B,) of each layer."""

    mean: np.ndarray
    spread: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def __call__(self, clues: np.ndarray) -> np.ndarray:
        """Log odds (N,) float64 of clues (N, F)."""
        x = np.clip((clues - self.mean) / self.spread, -CLIP, CLIP).astype(np.float32)
        return _forward(x, self.layers)[-1][:, 0].astype(np.float64)

    def save(self, path: Path) -> None:
        """Write an .npz file; half precision is ample."""
        arrays = {"mean": self.mean, "spread": self.spread}
        for k, (weight, offset) in enumerate(self.layers):
            arrays |= {f"weight{k}": weight.astype(np.float16), f"offset{k}": offset.astype(np.float16)}
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Perceptron:
        """Read what `save` wrote."""
        with np.load(path) as file:
            count = sum(name.startswith("weight") for name in file.files)
            layers = tuple(
                (file[f"weight{k}"].astype(np.float32), file[f"offset{k}"].astype(np.float32)) for k in range(count)
            )
            return cls(file["mean"], file["spread"], layers)


def train(
    clues: np.ndarray,
    chance: np.ndarray,
    weight: np.ndarray,
    hidden: tuple[int, ...],
    epochs: int = 12,
    batch: int = 1024,
    rate: float = 2e-3,
    seed: int = 0,
) -> Perceptron:
    """Fit to examples.

    Args:
        clues: (N, F). chance: (N,) 0..1, what the odds should say. weight: (N,) how much each example counts.
        hidden: units of each hidden layer.
    """
    rng = np.random.default_rng(seed)
    mean, spread = clues.mean(axis=0), clues.std(axis=0) + 1e-3
    x = np.clip((clues - mean) / spread, -CLIP, CLIP).astype(np.float32)
    weight = (weight / weight.mean()).astype(np.float32)
    sizes = (x.shape[1], *hidden, 1)
    layers = []
    for k, (a, b) in enumerate(pairwise(sizes)):
        scale = np.sqrt(2 / a) * (0.1 if k == len(hidden) else 1)
        layers.append(((rng.standard_normal((a, b)) * scale).astype(np.float32), np.zeros(b, np.float32)))
    values = [array for layer in layers for array in layer]
    first, second = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    batch = min(batch, len(x))
    steps = epochs * (len(x) // batch)
    order = np.zeros(0, int)
    for step in range(1, steps + 1):
        if len(order) < batch:
            order = rng.permutation(len(x))
        rows, order = order[:batch], order[batch:]
        slopes = _slopes(x[rows], chance[rows], weight[rows] / batch, layers)
        now = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        for value, slope, m, v in zip(values, slopes, first, second, strict=True):
            m += 0.1 * (slope - m)
            v += 0.001 * (slope * slope - v)
            value -= now * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return Perceptron(mean, spread, tuple(layers))


def _forward(x: np.ndarray, layers: tuple[tuple[np.ndarray, np.ndarray], ...]) -> list[np.ndarray]:
    """What goes into each layer, and what comes out of the last."""
    passed = [x]
    for k, (weight, offset) in enumerate(layers):
        x = x @ weight + offset
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
        passed.append(x)
    return passed


def _slopes(x: np.ndarray, chance: np.ndarray, weight: np.ndarray, layers: list) -> list[np.ndarray]:
    """Of the logistic loss, for each weight and offset in turn (back-propagation)."""
    passed = _forward(x, layers)
    said = 0.5 * (1 + np.tanh(passed[-1][:, 0] / 2))
    error = ((said - chance) * weight)[:, None].astype(np.float32)
    slopes: list[np.ndarray] = []
    for k in range(len(layers) - 1, -1, -1):
        slopes = [passed[k].T @ error, error.sum(axis=0), *slopes]
        if k:
            error = (error @ layers[k][0].T) * (passed[k] > 0)
    return slopes
