"""The oriented box of an object as lines, in space and in the picture."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import invert_transform, matrix_from_quaternion, project, transform_points
from spatial_llava_ros.types import Object3D, RgbdFrame

# Corners are numbered by the signs of x, y, z as bits; an edge joins two that differ in one bit.
BOX_EDGES = tuple((a, a | bit) for a in range(8) for bit in (1, 2, 4) if not a & bit)
_SIGNS = np.array([[(corner >> axis & 1) * 2 - 1 for axis in range(3)] for corner in range(8)], np.float64)
_NEAR = 0.02  # metres in front of the camera at which lines are cut off


def box_corners(obj: Object3D) -> np.ndarray | None:
    """Corners (8, 3) of the oriented box in `obj.frame_id`, in the order of `BOX_EDGES`; None without a pose."""
    if obj.position is None or obj.orientation is None or obj.size is None:
        return None
    return _SIGNS * (obj.size / 2) @ matrix_from_quaternion(obj.orientation).T + obj.position


def in_camera(points: np.ndarray, frame_id: str, frame: RgbdFrame) -> np.ndarray | None:
    """Points (N, 3) in `frame_id` brought to the camera of `frame`; None if `frame` does not say how they relate."""
    if frame_id == frame.frame_id:
        return points
    if frame.world_from_camera is not None and frame_id == frame.world_frame_id:
        return transform_points(invert_transform(frame.world_from_camera), points)
    return None


def projected_edges(obj: Object3D, frame: RgbdFrame) -> np.ndarray:
    """The box's edges in the picture, (E, 2, 2) float64: pixels u, v of both ends.

    E is 12, less where edges lie behind the camera (those that pass it are cut), 0 where the box is not known
    or not in a known frame.
    """
    corners = box_corners(obj)
    corners = None if corners is None else in_camera(corners, obj.frame_id, frame)
    if corners is None:
        return np.empty((0, 2, 2))
    ends = corners[np.array(BOX_EDGES)]
    ends = ends[ends[..., 2].max(axis=1) > _NEAR]
    start, end = ends[:, 0], ends[:, 1]
    along = end - start
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = start + along * ((_NEAR - start[:, 2]) / along[:, 2])[:, None]
    ends = np.stack([np.where(start[:, 2:] < _NEAR, cut, start), np.where(end[:, 2:] < _NEAR, cut, end)], axis=1)
    return project(ends, frame.intrinsics)
