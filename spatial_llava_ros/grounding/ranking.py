"""Superlatives and ordinals as probabilities: who is k-th among those that fit, when neither is certain."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding.features import Features


def exceeds(value: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """(N, N), [j, i]: probability that j is more extreme than i, for (N,) values with noise of a given scale."""
    return 1 / (1 + np.exp(-np.clip((value[:, None] - value[None, :]) / scale, -40, 40)))


def more_extreme(key: str, features: Features, member: np.ndarray) -> np.ndarray:
    """(N, N) float64, [j, i]: probability that thing j has more of an ordinal's quantity than thing i.

    Without depth the picture answers: lower is nearer, larger is bigger.

    Args:
        key: one of `language.expression.ORDINAL_KEYS`.
        member: (N,) probability that a thing belongs to the set; only the middle depends on it.
    """
    layout, size = features.layout, features.size
    across = layout.bearing.mean(axis=1)
    width = np.abs(np.diff(layout.bearing, axis=1))[:, 0]
    lateral = 0.08 * (width[:, None] + width[None, :]) + 0.002
    area = 0.5 * np.log(np.maximum(features.pixels, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.linalg.norm(np.stack([layout.low[:, 0], layout.centre[:, 1], layout.centre[:, 2]], 1), axis=1)
        if key == "left":
            return exceeds(across, lateral)
        if key == "right":
            return exceeds(-across, lateral)
        if key == "middle":
            order = np.argsort(across)
            half = np.searchsorted(np.cumsum(member[order]), member.sum() / 2)
            return exceeds(-np.abs(across - across[order[min(half, len(order) - 1)]]), lateral)
        metric, fallback = {
            "near": (exceeds(-distance, 0.015 * distance + 0.005), exceeds(-layout.elevation[:, 0], 0.01)),
            "far": (exceeds(distance, 0.015 * distance + 0.005), exceeds(layout.elevation[:, 0], 0.01)),
            "high": (exceeds(layout.high[:, 2], 0.01), exceeds(layout.elevation[:, 1], 0.01)),
            "low": (exceeds(-layout.low[:, 2], 0.01), exceeds(-layout.elevation[:, 0], 0.01)),
            "tall": (exceeds(np.log(size[:, 2]), 0.06), exceeds(np.diff(layout.elevation, axis=1)[:, 0], 0.01)),
            "short": (exceeds(-np.log(size[:, 2]), 0.06), exceeds(-np.diff(layout.elevation, axis=1)[:, 0], 0.01)),
            "big": (exceeds(np.log(size).mean(axis=1), 0.06), exceeds(area, 0.1)),
            "small": (exceeds(-np.log(size).mean(axis=1), 0.06), exceeds(-area, 0.1)),
            "wide": (exceeds(np.log(size[:, :2].max(axis=1)), 0.06), exceeds(width, 0.01)),
            "narrow": (exceeds(-np.log(size[:, :2].max(axis=1)), 0.06), exceeds(-width, 0.01)),
            "long": (exceeds(np.log(size.max(axis=1)), 0.06), exceeds(width, 0.01)),
            "thin": (exceeds(-np.log(size.min(axis=1)), 0.08), exceeds(-width, 0.01)),
        }[key]
    measured = np.isfinite(size[:, 0])
    fallback = np.where(measured[:, None] != measured, (fallback + 0.5) / 2, fallback)  # two yardsticks: half as sure
    return np.where(np.isfinite(metric), metric, fallback)


def rank_probability(more: np.ndarray, member: np.ndarray, same: np.ndarray, rank: int) -> np.ndarray:
    """(N,) probability that exactly rank - 1 members are more extreme than each thing (Poisson binomial).

    Args:
        more: (N, N), [j, i] as from `more_extreme`.
        member: (N,) probability that a thing belongs to the set; 0 for those that only repeat another.
        same: (N, N) bool, pairs that cannot both be things and so do not compete.
        rank: 1 for the extreme itself.
    """
    n = len(member)
    ahead = np.zeros((n, rank))
    ahead[:, 0] = 1
    for j in np.flatnonzero(member > 0.02):
        p = member[j] * more[j] * ~same[j]
        moved = ahead * (1 - p)[:, None]
        moved[:, 1:] += ahead[:, :-1] * p[:, None]
        ahead = moved
    return ahead[:, rank - 1]
