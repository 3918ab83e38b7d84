"""What a region looks like: a probability for each kind of household thing, from shape and size alone.

A perceptron with one hidden layer on the numbers of `lift.shape`. Nothing in it knows colours or pictures, so a can and
a jar stay alike; it knows how far a half-hidden can still looks like one. `fitting.forms` trains it on simulated scenes
and writes the weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

WEIGHTS_FILE = Path(__file__).with_name("forms.json")
LIMIT = 4.0  # standard deviations: what is beyond was not seen in training

KINDS = {
    "box": (
        "box", "tissue box", "book", "packet", "cabinet", "magazine", "phone", "remote", "keyboard", "laptop",
        "monitor", "bookcase", "printer",
    ),
    "cylinder": ("can", "tin", "bottle", "mug", "cup", "vase", "pot", "bin", "tape", "stool", "lamp"),
    "sphere": ("ball", "apple"),
    "bowl": ("bowl",),
}  # fmt: skip
"""The forms of which words for shapes are said."""


class Perceptron(NamedTuple):
    """Mean and spread (D,) of the numbers, and two layers: (D, H), (H,), (H, K), (K,)."""

    mean: np.ndarray
    spread: np.ndarray
    inner: np.ndarray
    inner_bias: np.ndarray
    outer: np.ndarray
    outer_bias: np.ndarray


@lru_cache(maxsize=1)
def load() -> tuple[tuple[str, ...], float, Perceptron]:
    stored = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))
    net = Perceptron(*(np.array(stored[name]) for name in Perceptron._fields))
    return tuple(stored["forms"]), stored["temperature"], net


def forms() -> tuple[str, ...]:
    """The kinds of things that are told apart."""
    return load()[0]


def likeness(looks: np.ndarray) -> np.ndarray:
    """(N, K) float64, rows sum to 1: what each region looks like; NaN where nothing was measured.

    Args:
        looks: (N, D) the numbers of `lift.shape.LOOKS`; NaN without depth.
    """
    _, temperature, net = load()
    return softmax(logits(net, standard(net, looks)) / temperature)


def standard(net: Perceptron, looks: np.ndarray) -> np.ndarray:
    """The numbers (N, D) in standard deviations."""
    return np.clip((looks - net.mean) / net.spread, -LIMIT, LIMIT)


def logits(net: Perceptron, standardised: np.ndarray) -> np.ndarray:
    """(N, K) before the softmax."""
    return np.tanh(standardised @ net.inner + net.inner_bias) @ net.outer + net.outer_bias


def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    power = np.exp(values - values.max(axis=-1, keepdims=True))
    return power / power.sum(axis=-1, keepdims=True)


def share(likely: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(N,) probability that a region is any of some forms."""
    return likely[:, [name in names for name in forms()]].sum(axis=1)
