"""What a robot covers of the floor: a circle or a polygon, given as Nav2's `robot_radius` or `footprint`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError

_LARGEST = 10.0  # metres from the robot's origin


@dataclass(frozen=True, eq=False)
class Footprint:
    """A convex outline around the robot's origin, x forward.

    Attributes:
        corners: (K, 2) metres, in order around; empty for a circle.
        radius: of the circle, or to the farthest corner.
    """

    corners: np.ndarray
    radius: float

    @property
    def inscribed(self) -> float:
        """Metres from the origin to the nearest side; 0 where the origin is outside."""
        if not len(self.corners):
            return self.radius
        side = np.roll(self.corners, -1, 0) - self.corners
        away = (self.corners[:, 0] * side[:, 1] - self.corners[:, 1] * side[:, 0]) / np.linalg.norm(side, axis=1)
        return float(max(np.abs(away).min(), 0.0)) if (away > 0).all() or (away < 0).all() else 0.0

    def cells(self, spacing: float) -> np.ndarray:
        """(N, 2) points that leave no hole larger than `spacing` metres in the footprint, robot frame."""
        spacing = max(spacing, self.radius / 40)
        steps = np.arange(-np.ceil(self.radius / spacing), np.ceil(self.radius / spacing) + 1) * spacing
        x, y = (axis.ravel() for axis in np.meshgrid(steps, steps))
        points = np.stack([x, y], axis=1)
        if not len(self.corners):
            angles = np.linspace(0, 2 * np.pi, max(8, int(7 * self.radius / spacing)), endpoint=False)
            rim = self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            return np.vstack([points[np.hypot(x, y) <= self.radius], rim])
        outline = self.corners.astype(np.float32)
        inside = np.array([cv2.pointPolygonTest(outline, (float(a), float(b)), False) >= 0 for a, b in points], bool)
        ends = np.roll(self.corners, -1, 0)
        count = int(np.ceil(np.linalg.norm(ends - self.corners, axis=1).max() / spacing)) + 1
        share = np.linspace(0, 1, count)[:, None, None]
        rim = (self.corners + share * (ends - self.corners)).reshape(-1, 2)
        return np.vstack([points[inside], rim])

    def placed(self, places: np.ndarray, yaws: np.ndarray) -> np.ndarray:
        """(M, K, 2) corners of the polygon at M poses."""
        c, s = np.cos(yaws), np.sin(yaws)
        turn = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], axis=1)
        return np.einsum("mij,kj->mki", turn, self.corners) + places[:, None]

    def overlaps(self, places: np.ndarray, yaws: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Whether the robot at each pose would stand in each of some rectangles, by separating axes.

        Args:
            places: (M, 2). yaws: (M,).
            boxes: (N, 4, 2) corners in order around.

        Returns:
            (M, N) bool.
        """
        if not len(boxes):
            return np.zeros((len(places), 0), bool)
        origin = boxes[:, 0]
        first, second = boxes[:, 1] - origin, boxes[:, 3] - origin
        length = np.maximum(np.linalg.norm([first, second], axis=2), 1e-9)  # (2, N)
        axes = np.stack([first / length[0][:, None], second / length[1][:, None]])  # (2, N, 2)
        centre = boxes.mean(axis=1)
        if not len(self.corners):
            own = np.abs(np.einsum("anj,mnj->amn", axes, places[:, None] - centre))
            off = np.maximum(own - length[:, None] / 2, 0)
            return np.hypot(off[0], off[1]) < self.radius
        robot = self.placed(places, yaws)
        on_box = np.einsum("anj,mnkj->amnk", axes, robot[:, None] - centre[None, :, None])
        apart = (on_box.min(-1) > length[:, None] / 2) | (on_box.max(-1) < -length[:, None] / 2)
        separated = apart.any(axis=0)
        side = np.roll(robot, -1, 1) - robot
        normal = np.stack([side[..., 1], -side[..., 0]], axis=-1)  # (M, K, 2)
        own = np.einsum("mkj,mlj->mkl", normal, robot)
        other = np.einsum("mkj,ncj->mnkc", normal, boxes)
        apart = (other.min(-1) > own.max(-1)[:, None]) | (other.max(-1) < own.min(-1)[:, None])
        return ~(separated | apart.any(axis=-1))


def read_footprint(text: str, radius: float) -> Footprint:
    """A footprint from Nav2's two parameters: a polygon "[[x, y], [x, y], ...]", or a radius where that is empty.

    A polygon that is not convex is replaced by its hull.

    Raises:
        InvalidInputError: text that is no list of at least three points, numbers that are not finite or too large.
    """
    if not text.strip():
        if not (np.isfinite(radius) and 0 < radius <= _LARGEST):
            raise InvalidInputError(f"robot radius must be within 0 and {_LARGEST:g} m, got {radius}")
        return Footprint(np.zeros((0, 2)), float(radius))
    try:
        corners = np.array(json.loads(text), np.float64)
    except (ValueError, TypeError, RecursionError):
        raise InvalidInputError(f"footprint must be [[x, y], [x, y], ...], got '{text[:60]}'") from None
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise InvalidInputError(f"footprint must have three points or more of two numbers each, got '{text[:60]}'")
    if not np.isfinite(corners).all() or np.abs(corners).max() > _LARGEST:
        raise InvalidInputError(f"footprint must be within {_LARGEST:g} m, got '{text[:60]}'")
    hull = cv2.convexHull(corners.astype(np.float32)).reshape(-1, 2).astype(np.float64)
    if len(hull) < 3 or cv2.contourArea(hull.astype(np.float32)) < 1e-4:
        raise InvalidInputError(f"footprint must cover an area, got '{text[:60]}'")
    return Footprint(hull, float(np.linalg.norm(hull, axis=1).max()))
