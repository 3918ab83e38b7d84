"""Depth layers of a view, near to far: LLaVA-SpaceSGG (Xu et al. 2024, 3.2, "layers aggregation").

A thing covers another if its depth range holds the other's. Things that cover none are the seeds; a layer is a seed
with everything that covers it, so a long table belongs to the layer of each thing along it.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.types import Object3D


def depth_range(obj: Object3D, camera_from_frame: np.ndarray) -> tuple[float, float]:
    """Nearest and farthest depth of an object's box along the optical axis, metres; NaN without depth."""
    if obj.position is None:
        return np.nan, np.nan
    to_camera = camera_from_frame[:3, :3] @ matrix_from_quaternion(obj.orientation)
    middle = camera_from_frame[2, :3] @ obj.position + camera_from_frame[2, 3]
    half = np.abs(to_camera[2]) @ obj.size / 2
    return float(middle - half), float(middle + half)


def depth_layers(ranges: np.ndarray) -> list[list[int]]:
    """Indices of the things of each layer, near to far, each with its seed first.

    Args:
        ranges: (N, 2) nearest and farthest depth of each thing; rows with NaN belong to no layer.
    """
    ranges = np.asarray(ranges, np.float64).reshape(-1, 2)
    known = np.isfinite(ranges).all(axis=1)
    near, far = ranges.T
    covers = (near[:, None] < near[None, :]) & (far[:, None] > far[None, :])
    seeds = np.flatnonzero(known & ~covers.any(axis=1))
    seeds = seeds[np.argsort(ranges[seeds].mean(axis=1), kind="stable")]
    return [[int(s), *(int(i) for i in np.flatnonzero(covers[:, s]))] for s in seeds]


def first_layers(layers: list[list[int]], n: int) -> list[int]:
    """For each of n things the number of the nearest layer that it is in, counted from 1; 0 for none."""
    numbers = [0] * n
    for number, members in enumerate(layers, 1):
        for member in members:
            numbers[member] = numbers[member] or number
    return numbers
