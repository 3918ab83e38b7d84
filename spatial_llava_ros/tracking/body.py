"""The box that is tracked: as it is predicted to stand before the camera, and held against a window of the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.tracking.window import Window
from spatial_llava_ros.types import CameraIntrinsics

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
_SUPPORT_REACH = 0.02  # metres that the surface below may lie off the box's bottom
_MIN_SUPPORT = 60  # pixels of the window


@dataclass(frozen=True, eq=False)
class Body:
    """A box before the camera.

    Attributes:
        rotation: (3, 3) camera_from_box, its z axis up.
        centre: (3,) camera frame, metres.
        size: (3,) metres.
        slack: metres that its surface may lie off: how well place and size are known.
    """

    rotation: np.ndarray
    centre: np.ndarray
    size: np.ndarray
    slack: float

    @property
    def up(self) -> np.ndarray:
        """(3,)."""
        return self.rotation[:, 2]

    def at(self, centre: np.ndarray) -> Body:
        """The same box somewhere else."""
        return replace(self, centre=centre)

    def corners(self) -> np.ndarray:
        """(8, 3) camera frame."""
        return _CORNERS * self.size @ self.rotation.T + self.centre

    def outline(self, intrinsics: CameraIntrinsics) -> tuple[float, float]:
        """Pixels that the box covers, and the share of them that is in the picture; 0, 0 when it is behind."""
        corners = self.corners()
        if corners[:, 2].min() < 0.05:
            return 0.0, 0.0
        k = intrinsics
        pixels = corners[:, :2] / corners[:, 2:] * [k.fx, k.fy] + [k.cx, k.cy]
        hull = cv2.convexHull(pixels.astype(np.float32))
        area = float(cv2.contourArea(hull))
        edge = np.array([[0, 0], [k.width, 0], [k.width, k.height], [0, k.height]], np.float32)
        inside = float(cv2.intersectConvexConvex(hull, edge)[0]) if area > 0 else 0.0
        return area, inside / area if area > 0 else 0.0

    def silhouette(self, window: Window, intrinsics: CameraIntrinsics, shrink: float = 1.0) -> np.ndarray:
        """(h, w) bool, pixels of a window that the box covers."""
        filled = np.zeros(window.measured.shape, np.uint8)
        corners = (self.corners() - self.centre) * shrink + self.centre
        if corners[:, 2].min() > 0.05:
            k = intrinsics
            pixels = corners[:, :2] / corners[:, 2:] * [k.fx, k.fy] + [k.cx - window.left, k.cy - window.top]
            hull = cv2.convexHull((pixels / window.step).round().clip(-1e4, 1e4).astype(np.int32))
            cv2.fillConvexPoly(filled, hull, 1)
        return filled.view(bool)


@dataclass(frozen=True, eq=False)
class Held:
    """A window seen from a box.

    Attributes:
        outside: (h, w) float32 metres that a pixel lies outside the box, negative inside; NaN where not measured.
        height: (h, w) float32 metres over what carries the box, or over its bottom.
        reach: metres of height that may be noise.
        support: offset of the carrying surface, ``up @ p + offset`` is the height; None where there is none to see.
        support_pixels: of the window that lie on it.
    """

    outside: np.ndarray
    height: np.ndarray
    reach: float
    support: float | None
    support_pixels: int


def hold(body: Body, window: Window) -> Held:
    """Compare every pixel of a window with a box."""
    rotation = body.rotation.astype(np.float32)
    own = (window.points - body.centre.astype(np.float32)) @ rotation
    half = (body.size / 2).astype(np.float32)
    outside = np.abs(own) - half
    outside = outside.max(axis=-1)
    height = own[..., 2] + half[2]
    z = float(body.centre[2])
    # An error of the depth moves a point along its ray: seen flat, its height hardly changes.
    steep = abs(float(body.up @ body.centre)) / max(float(np.linalg.norm(body.centre)), 1e-6)
    reach = max(3 * depth_sigma(z) * steep, 0.003)
    with np.errstate(invalid="ignore"):
        near = (np.abs(height) < _SUPPORT_REACH + reach) & (np.abs(own[..., :2]).max(axis=-1) > half[:2].max())
    count = int(np.count_nonzero(near))
    low = float(body.up @ body.centre - half[2])
    if count < _MIN_SUPPORT:
        return Held(outside, height, -np.inf, None, 0)
    level = float(np.median(height[near]))
    return Held(outside, height - np.float32(level), reach, -(low + level), count)
