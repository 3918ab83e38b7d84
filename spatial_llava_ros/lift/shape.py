"""What shape a lifted thing has, in numbers that words like "box", "bowl" or "flat" can be held against."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np

from spatial_llava_ros.lift.box import BoxFit
from spatial_llava_ros.lift.foreground import Cloud
from spatial_llava_ros.lift.outline import middle


@dataclass(frozen=True)
class Shape:
    """Measured form of a thing.

    Attributes:
        kind_scores: 0..1 for each of box, cylinder, sphere, flat, bowl; not a distribution: a plate is flat and round.
        horizontal_roundness: 0 for a right-angled footprint .. 1 for a circular one.
        flatness: 1 - height / shorter horizontal side, at least 0.
        elongation: longest side / middle side.
        height_m: height of the box, metres.
        height_over_carrier_m: of its lowest visible point over the surface that carries it; NaN without one.
        hollow: 0..1, how deep its top is sunk, as a share of its height: a bowl is about 0.5 and more.
    """

    kind_scores: dict[str, float]
    horizontal_roundness: float
    flatness: float
    elongation: float
    height_m: float
    height_over_carrier_m: float
    hollow: float


def describe_shape(cloud: Cloud, fit: BoxFit) -> Shape:
    """The shape of a cloud whose box is fitted."""
    x, y, height = fit.size.tolist()
    shorter = min(x, y)
    ordered = sorted((x, y, height))
    roundness = _roundness(fit)
    flatness = _unit(1 - height / max(shorter, 1e-6))
    hollow = _hollow(cloud, fit)
    flat = _unit((shorter / max(height, 1e-6) - 2) / 3)
    ball = float(fit.kind == "ball")
    roll = float(fit.kind == "roll")
    wide = _unit(shorter / max(height, 1e-6) - 0.8)  # cups are as high as wide
    kinds = {
        "box": (1 - roundness) * (1 - ball) * (1 - roll),
        "cylinder": max(roundness * (1 - ball), roll),
        "sphere": ball,
        "flat": flat,
        "bowl": roundness * (1 - ball) * (1 - flat) * wide * _unit(2.5 * hollow),
    }
    elongation = ordered[2] / max(ordered[1], 1e-6)
    return Shape(kinds, roundness, flatness, elongation, height, fit.height_over_plane, hollow)


def _roundness(fit: BoxFit) -> float:
    """Circle against corner by how far the near outline is from each, in units of its own noise."""
    if not np.isfinite(fit.circle.rms) or fit.circle.arc < 1.0:
        return 0.0
    noise2 = (fit.outline_sigma + 0.01 * fit.circle.radius) ** 2
    better = (fit.corner.rms**2 - fit.circle.rms**2) / noise2
    return 1 / (1 + exp(-min(max(2 * better, -30), 30)))


def _hollow(cloud: Cloud, fit: BoxFit) -> float:
    """How far the middle of the thing lies under its top, as a share of its height; 0 where it is not seen."""
    half = fit.size / 2
    offset = cloud.points @ fit.rotation - (fit.low + half)
    inner = (np.abs(offset[:, 0]) < 0.4 * half[0]) & (np.abs(offset[:, 1]) < 0.4 * half[1])
    if np.count_nonzero(inner) < 0.03 * len(offset):
        return 0.0
    depth = float(half[2]) - middle(offset[inner, 2])
    return _unit(depth / max(2 * float(half[2]), 1e-6))


def _unit(value: float) -> float:
    """The value held within 0..1."""
    return min(max(value, 0.0), 1.0)
