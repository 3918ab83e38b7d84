"""What shape a lifted thing has, in numbers that words like "box", "bowl" or "flat" can be held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.lift.box import BoxFit
from spatial_llava_ros.lift.foreground import Cloud


@dataclass(frozen=True)
class Shape:
    """Measured form of a thing.

    Attributes:
        kind_scores: 0..1 for each of box, cylinder, sphere, flat, bowl; not a distribution.
        horizontal_roundness: 0 for a right-angled footprint .. 1 for a circular one.
        flatness: 1 - height / shorter horizontal side, at least 0.
        elongation: longest side / middle side.
        height_m: height of the box, metres.
    """

    kind_scores: dict[str, float]
    horizontal_roundness: float
    flatness: float
    elongation: float
    height_m: float


def describe_shape(cloud: Cloud, fit: BoxFit) -> Shape:
    """The shape of a cloud whose box is fitted."""
    size = fit.size
    roundness = 0.0
    if fit.circle is not None:
        soft = fit.outline.sigma + 0.02 * fit.circle.radius
        roundness = float(fit.corner.rms**2 / (fit.corner.rms**2 + fit.circle.rms**2 + soft**2))
    horizontal = np.sort(size[:2])
    ordered = np.sort(size)
    flatness = float(np.clip(1 - size[2] / max(horizontal[0], 1e-6), 0, 1))
    kinds = {
        "box": 1 - roundness,
        "cylinder": roundness,
        "sphere": float(fit.kind == "ball"),
        "flat": float(np.clip((horizontal[0] / max(size[2], 1e-6) - 2) / 4, 0, 1)),
        "bowl": 0.0,
    }
    return Shape(kinds, roundness, flatness, float(ordered[2] / max(ordered[1], 1e-6)), float(size[2]))
