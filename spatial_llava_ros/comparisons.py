"""Which of two things is bigger, taller, wider …: decided on the sides of their boxes and how well those are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.types import Object3D

_LEAST = 0.06  # logarithm: two things that differ by less pass for alike, however well they are measured
_UNSTATED = 0.01  # metres, standard deviation of a side where none is stated

# predicate -> what is compared, and the sign of "more"
_SIDES: dict[str, tuple[str, int]] = {
    "bigger_than": ("volume", 1), "smaller_than": ("volume", -1), "taller_than": ("height", 1),
    "shorter_than": ("height", -1), "wider_than": ("width", 1), "narrower_than": ("width", -1),
    "longer_than": ("length", 1), "thinner_than": ("thickness", -1),
}  # fmt: skip
COMPARISONS = tuple(_SIDES)


def ratios(predicate: str, objects: Sequence[Object3D]) -> tuple[np.ndarray, np.ndarray]:
    """How many times i is as large as j, as a logarithm, and its standard deviation; NaN without depth.

    Args:
        predicate: one of COMPARISONS; "shorter_than" compares like "taller_than", with the sign turned.

    Returns:
        (N, N) and (N, N) float64; volumes count by their cube root, so that all are ratios of lengths.
    """
    n = len(objects)
    size = np.array([np.full(3, np.nan) if o.size is None else o.size for o in objects]).reshape(n, 3)
    std = np.array([np.full(3, _UNSTATED) if o.size_std is None else o.size_std for o in objects]).reshape(n, 3)
    log, spread = np.log(np.maximum(size, 1e-3)), std / np.maximum(size, 1e-3)
    what, sign = _SIDES[predicate]
    if what == "volume":
        value, deviation = log.mean(axis=1), np.sqrt(np.square(spread).sum(axis=1)) / 3
    else:
        rows = np.arange(n)
        side = {
            "height": np.full(n, 2), "width": log[:, :2].argmax(axis=1),
            "length": log.argmax(axis=1), "thickness": log.argmin(axis=1),
        }[what]  # fmt: skip
        value, deviation = log[rows, side], spread[rows, side]
    step = sign * (value[:, None] - value[None, :])
    return step, np.sqrt(_LEAST**2 + np.square(deviation)[:, None] + np.square(deviation)[None, :])


def larger(predicate: str, objects: Sequence[Object3D]) -> np.ndarray:
    """(N, N) float64 probability that "i <predicate> j"; 0.5 where one has no depth, 0 on the diagonal.

    Raises:
        KeyError: a predicate that is none of COMPARISONS.
    """
    step, deviation = ratios(predicate, objects)
    likely = np.nan_to_num(1 / (1 + np.exp(-np.clip(1.7 * step / deviation, -40, 40))), nan=0.5)
    np.fill_diagonal(likely, 0)
    return likely
