"""Large planes and the direction of up, from surfels.

Every surfel proposes its own plane; the one that most surfels agree with is refined and taken out, and so on
(sequential consensus with exhaustive instead of random hypotheses: there are only a few hundred).
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.proposals.surfels import Surfels, fit_planes
from spatial_llava_ros.types import Plane

MAX_PLANES = 8
MIN_SHARE = 0.015  # of the pixels with depth: smaller planes are faces of things
SAME_DIRECTION = np.cos(np.radians(15))
LEVEL = np.cos(np.radians(12))


def find_planes(surfels: Surfels, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Planes that many surfels lie on, largest first.

    Returns:
        (K, 3) m of each plane, q = m . (x, y, 1); and (N,) int index of each surfel's plane, -1 for none.
    """
    member = np.full(len(surfels.pixels), -1)
    planes: list[np.ndarray] = []
    free = surfels.has_depth.copy()
    total = surfels.samples[free].sum()
    while len(planes) < MAX_PLANES and free.any():
        rows = np.flatnonzero(free)
        seeds = rows[np.argsort(-surfels.samples[rows], kind="stable")[:150]]
        fits = _on_plane(surfels, surfels.plane[seeds], rows, noise)
        votes = fits @ surfels.samples[rows]
        best = int(np.argmax(votes))
        inliers = rows[fits[best]]
        for _ in range(3):
            if len(inliers) < 3:
                break
            plane = fit_planes(surfels.moments[inliers].sum(axis=0, keepdims=True), noise)
            inliers = rows[_on_plane(surfels, plane, rows, noise)[0]]
        if len(inliers) < 3 or surfels.samples[inliers].sum() < MIN_SHARE * total:
            break
        plane = fit_planes(surfels.moments[inliers].sum(axis=0, keepdims=True), noise)
        planes.append(plane[0])
        member[inliers] = len(planes) - 1
        free[inliers] = False
    return np.array(planes).reshape(-1, 3), member


def _on_plane(surfels: Surfels, planes: np.ndarray, rows: np.ndarray, noise: float) -> np.ndarray:
    """(K, len(rows)) bool: the surfel's centre lies on the plane and its normal agrees."""
    ray = surfels.ray[rows]
    q = np.einsum("ij,ij->i", surfels.plane[rows], ray)
    residual = np.abs(planes @ ray.T - q)
    normal = -planes / np.linalg.norm(planes, axis=1, keepdims=True)
    # calibration bends planes by about 0.5 % of the depth
    return (residual < 2.5 * noise + 0.005 * q) & (normal @ surfels.normal[rows].T > SAME_DIRECTION)


def find_up(planes: np.ndarray, surfels: Surfels) -> np.ndarray:
    """Up in the camera frame, where no pose is known.

    Among the planes' normals and the picture's own up, the direction that most surface agrees with: lying on it or
    standing along it. Cameras are held level to about 20 degrees of roll, look down more than up, and seldom look
    straight down; a wall seen frontally is told from a floor seen from above by that prior alone.

    Args:
        planes: (K, 3) m of each plane.
        surfels: of the frame.

    Returns:
        (3,) unit vector.
    """
    default = np.array([0.0, -1.0, 0.0])
    if len(planes) == 0:
        return default
    normals = -planes / np.linalg.norm(planes, axis=1, keepdims=True)
    candidates = np.vstack([normals, default])
    used = surfels.has_depth
    normal, area = surfels.normal[used], surfels.samples[used] / max(1, surfels.samples[used].sum())
    cosine = np.abs(normal @ candidates.T)
    lying = area @ (cosine > LEVEL)
    standing = area @ (cosine < np.sqrt(1 - LEVEL**2))
    evidence = lying + 0.5 * standing + 0.05
    roll = np.arctan2(candidates[:, 0], np.hypot(candidates[:, 1], candidates[:, 2]))
    pitch = np.arctan2(-candidates[:, 2], -candidates[:, 1])  # looking down is positive
    prior = np.exp(-0.5 * (roll / np.radians(15)) ** 2)
    over = np.maximum(0, np.maximum(pitch - np.radians(60), -pitch - np.radians(10)))
    prior *= np.exp(-0.5 * (over / np.radians(20)) ** 2)
    return candidates[int(np.argmax(evidence * prior))]


def describe_planes(planes: np.ndarray, pixels: np.ndarray, up: np.ndarray) -> tuple[Plane, ...]:
    """Planes as others see them; horizontal within 12 degrees of level and facing up."""
    described = []
    for m, count in zip(planes, pixels, strict=True):
        length = float(np.linalg.norm(m))
        normal = -m / length
        described.append(Plane(normal, 1 / length, bool(normal @ up > LEVEL), int(count)))
    return tuple(described)
