"""Large planes and the direction of up, from surfels.

Every surfel proposes its own plane; the one that most surfels agree with is refined and taken out, and so on
(sequential consensus with exhaustive instead of random hypotheses: there are only a few hundred).
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.proposals.surfels import Surfels, fit_planes
from spatial_llava_ros.types import Plane

MAX_PLANES = 12
MIN_SHARE = 0.008  # of the pixels with depth: smaller planes are faces of things
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


def find_up(planes: np.ndarray, pixels: np.ndarray, surfels: Surfels) -> np.ndarray:
    """Up in the camera frame, where no pose is known.

    Of the planes' normals, the one that most surface agrees with, by lying on it or standing along it, and that a
    camera is likely to have: rolled by 15 degrees or so, looking down more than up. Straight down is unlikely, and
    more so from far away: a wall seen frontally and a floor seen from above differ in nothing else.

    Args:
        planes: (K, 3) m of each plane.
        pixels: (K,) working pixels on each.
        surfels: of the frame.

    Returns:
        (3,) unit vector; the top of the picture where no plane speaks.
    """
    default = np.array([0.0, -1.0, 0.0])
    if len(planes) == 0:
        return default
    length = np.linalg.norm(planes, axis=1)
    up = -planes / length[:, None]
    used = surfels.has_depth
    area = surfels.samples[used] / max(1, surfels.samples[used].sum())
    cosine = np.abs(surfels.normal[used] @ up.T)
    lying = area @ (cosine > LEVEL)
    standing = area @ (cosine < np.sqrt(1 - LEVEL**2))
    roll = np.arctan2(up[:, 0], np.hypot(up[:, 1], up[:, 2]))
    pitch = np.degrees(np.arctan2(-up[:, 2], -up[:, 1]))  # looking down is positive
    steep = np.maximum(0, np.maximum(pitch - 50, -pitch - 10)) / 25
    far = np.where(pitch > 60, np.maximum(0, 1 / length - 1.2) / 0.5, 0)
    likely = np.exp(-0.5 * ((roll / np.radians(15)) ** 2 + steep**2 + far**2))
    evidence = (lying + standing * np.minimum(1, 5 * lying)) * likely
    best = int(np.argmax(evidence))
    if evidence[best] < 0.05:
        return default
    level = np.flatnonzero(up @ up[best] > LEVEL)
    return up[level[np.argmax(pixels[level])]]  # of the levels, the largest is known best


def describe_planes(planes: np.ndarray, pixels: np.ndarray, up: np.ndarray) -> tuple[Plane, ...]:
    """Planes as others see them; horizontal within 12 degrees of level and facing up."""
    described = []
    for m, count in zip(planes, pixels, strict=True):
        length = float(np.linalg.norm(m))
        normal = -m / length
        described.append(Plane(normal, 1 / length, bool(normal @ up > LEVEL), int(count)))
    return tuple(described)
