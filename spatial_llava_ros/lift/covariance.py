"""Depth noise of the sensor, and the covariance of a box from how each of its faces was found.

Stereo and structured light measure disparity, so their depth noise grows with the square of the distance,
``sigma_z = k z**2`` (Khoshelham & Elberink 2012, "Accuracy and resolution of Kinect depth data"). k is measured on
the thing itself, held near that of an Intel D435 (0.08 px sub-pixel noise, 50 mm baseline, 640 px focal length).
"""

from __future__ import annotations

from math import hypot

import numpy as np

from spatial_llava_ros.lift.outline import middle

D435_NOISE = 0.08 / (640 * 0.050)
"""k of an Intel D435 at 640x480: 2.5 mm at 1 m."""
DEPTH_BIAS = 0.25
"""Part of the depth noise that all pixels of a thing share (calibration, matching windows): it does not average out."""

DEPTH_SCALE_ERROR = 0.005
"""Calibrated depth cameras still measure up to about 1 % too near or too far: as a share of the distance."""


def depth_sigma(distance: float, noise: float = D435_NOISE) -> float:
    """Standard deviation of one depth pixel at a distance, both in metres; at least half a millimetre."""
    return max(noise * distance * distance, 0.0005)


def noise_factor(depth: np.ndarray, valid: np.ndarray, step: int = 4) -> float:
    """k in ``sigma_z = k z**2``, measured on a depth window from how far neighbours in a row are from a line.

    Args:
        depth: (H, W) float32 metres.
        valid: (H, W) bool, the pixels of one thing.
        step: how far apart the neighbours are; those next to each other in a stereo matcher share their noise.

    Returns:
        D435_NOISE where too few neighbours are measured; never beyond a factor of 4 from it.
    """
    row = slice(None, None, max(1, depth.shape[0] // 32))
    depth, valid = depth[row], valid[row]
    triple = valid[:, : -2 * step] & valid[:, step:-step] & valid[:, 2 * step :]
    if np.count_nonzero(triple) < 50:
        return D435_NOISE
    centre = depth[:, step:-step]
    bend = (depth[:, : -2 * step] - 2 * centre + depth[:, 2 * step :])[triple]
    sigma = 1.4826 * middle(np.abs(bend)) / np.sqrt(6)
    distance = middle(centre[triple])
    return min(max(float(sigma) / distance**2, D435_NOISE / 4), 4 * D435_NOISE)


def box_covariance(
    position: np.ndarray,
    rotation: np.ndarray,
    face_std: np.ndarray,
    yaw_std: float,
    tilt_std: float,
    noise: float,
) -> np.ndarray:
    """Covariance of a box's centre and rotation in the camera frame, in ROS order x y z rx ry rz.

    The centre is half-way between opposite faces, so it has a quarter of the sum of their variances; on top comes
    the depth error that all pixels share, along the ray.

    Args:
        position: (3,) centre, camera frame.
        rotation: (3, 3) camera_from_box.
        face_std: (3, 2) standard deviation in metres of the low and high face along each box axis.
        yaw_std: radians about the box's z axis.
        tilt_std: radians about each of its horizontal axes.
        noise: k of the depth noise.

    Returns:
        (6, 6) float64, symmetric and positive definite.
    """
    distance = float(np.sqrt(position @ position))
    ray = position / distance
    shared = hypot(DEPTH_BIAS * depth_sigma(distance, noise), DEPTH_SCALE_ERROR * distance)
    covariance = np.zeros((6, 6))
    centre = np.square(face_std).sum(axis=1) / 4
    covariance[:3, :3] = (rotation * centre) @ rotation.T + shared**2 * ray[:, None] * ray
    covariance[3:, 3:] = (rotation * np.square([tilt_std, tilt_std, yaw_std])) @ rotation.T
    return (covariance + covariance.T) / 2


def size_std(face_std: np.ndarray) -> np.ndarray:
    """(3,) standard deviation of the side lengths, from that of the faces (3, 2)."""
    return np.sqrt(np.square(face_std).sum(axis=1))
