"""Pinhole projection, rigid transforms and quaternions on whole arrays.

A matrix named ``a_from_b`` maps coordinates in frame b to frame a: ``p_a = a_from_b @ p_b``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.types import CameraIntrinsics, Object3D


def pixel_rays(intrinsics: CameraIntrinsics) -> tuple[np.ndarray, np.ndarray]:
    """x/z for every column, shape (W,), and y/z for every row, shape (H,), float32."""
    columns = (np.arange(intrinsics.width, dtype=np.float32) - np.float32(intrinsics.cx)) / np.float32(intrinsics.fx)
    rows = (np.arange(intrinsics.height, dtype=np.float32) - np.float32(intrinsics.cy)) / np.float32(intrinsics.fy)
    return columns, rows


def back_project(depth: np.ndarray, intrinsics: CameraIntrinsics) -> np.ndarray:
    """Depth image (H, W) in metres to camera-frame points (H, W, 3) float32; NaN stays NaN."""
    columns, rows = pixel_rays(intrinsics)
    points = np.empty((*depth.shape, 3), np.float32)
    np.multiply(depth, columns, out=points[..., 0])
    np.multiply(depth, rows[:, None], out=points[..., 1])
    points[..., 2] = depth
    return points


def project(points: np.ndarray, intrinsics: CameraIntrinsics) -> np.ndarray:
    """Camera-frame points (..., 3) to pixels (..., 2) as u, v; NaN for points behind the camera."""
    z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
    u = points[..., 0] / z * intrinsics.fx + intrinsics.cx
    v = points[..., 1] / z * intrinsics.fy + intrinsics.cy
    return np.stack([u, v], axis=-1)


def transform_points(a_from_b: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 3) in frame b to frame a, by a (4, 4) rigid transform."""
    return points @ a_from_b[:3, :3].T + a_from_b[:3, 3]


def invert_transform(a_from_b: np.ndarray) -> np.ndarray:
    """b_from_a of a (4, 4) rigid transform."""
    b_from_a = np.eye(4)
    b_from_a[:3, :3] = a_from_b[:3, :3].T
    b_from_a[:3, 3] = -a_from_b[:3, :3].T @ a_from_b[:3, 3]
    return b_from_a


def matrix_from_quaternion(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) of a quaternion x, y, z, w of any non-zero length.

    Raises:
        InvalidInputError: a quaternion that is zero or not finite.
    """
    q = np.asarray(quaternion, np.float64)
    norm = np.linalg.norm(q)
    if not (np.isfinite(norm) and norm > 1e-9):
        raise InvalidInputError(f"quaternion must be finite and not zero, got {q.tolist()}")
    x, y, z, w = q / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_from_matrix(rotation: np.ndarray) -> np.ndarray:
    """Unit quaternion x, y, z, w (w >= 0) of a rotation matrix (3, 3), by Shepperd's method (1978)."""
    m = rotation
    trace = np.trace(m)
    candidates = np.array([m[0, 0], m[1, 1], m[2, 2], trace])
    best = int(np.argmax(candidates))
    if best == 3:
        q = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], 1 + trace])
    else:
        i, j, k = best, (best + 1) % 3, (best + 2) % 3
        q = np.empty(4)
        q[i] = 1 - trace + 2 * m[i, i]
        q[j] = m[j, i] + m[i, j]
        q[k] = m[k, i] + m[i, k]
        q[3] = m[k, j] - m[j, k]
    q /= np.linalg.norm(q)
    return -q if q[3] < 0 else q


def transform_matrix(translation: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """(4, 4) rigid transform of a translation (3,) and a quaternion x, y, z, w, as TF states them."""
    matrix = np.eye(4)
    matrix[:3, :3] = matrix_from_quaternion(quaternion)
    matrix[:3, 3] = translation
    return matrix


def principal_axes(covariance: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (3,) of a position along its principal axes, and the quaternion (4,) from x, y, z to these.

    Args:
        covariance: (6, 6) or (3, 3), position first; None or not finite gives zeros.
    """
    block = np.zeros((3, 3)) if covariance is None else np.asarray(covariance, np.float64)[:3, :3]
    variances, axes = np.linalg.eigh(block if np.isfinite(block).all() else np.zeros((3, 3)))
    if np.linalg.det(axes) < 0:
        axes[:, 0] = -axes[:, 0]
    return np.sqrt(np.maximum(variances, 0)), quaternion_from_matrix(axes)


def viewer_from_camera(up: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) from the optical frame to the viewer frame: the camera held level, x forward, y left, z up.

    This REP-103 body frame at the camera is where "left of", "behind" and "above" are decided.
    A camera that looks straight up or down takes the top of its picture as forward.

    Args:
        up: (3,) direction against gravity in the camera frame; any length.
    """
    z = up / np.linalg.norm(up)
    forward = np.array([0.0, 0.0, 1.0])
    if abs(forward @ z) > 0.985:
        forward = np.array([0.0, -1.0, 0.0])
    x = forward - (forward @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def transform_object(obj: Object3D, a_from_b: np.ndarray, frame_id: str) -> Object3D:
    """The same object stated in frame a. The box moves by its pose; its extents are never rotated.

    Args:
        a_from_b: (4, 4), b being ``obj.frame_id``.
        frame_id: name of frame a.
    """
    if obj.position is None:
        return replace(obj, frame_id=frame_id)
    rotation = a_from_b[:3, :3]
    covariance = None
    if obj.covariance is not None:
        turn = np.zeros((6, 6))
        turn[:3, :3] = turn[3:, 3:] = rotation
        covariance = turn @ obj.covariance @ turn.T
    orientation = obj.orientation
    if orientation is not None:
        orientation = quaternion_from_matrix(rotation @ matrix_from_quaternion(orientation))
    return replace(
        obj,
        frame_id=frame_id,
        position=transform_points(a_from_b, obj.position),
        orientation=orientation,
        covariance=covariance,
    )
