"""What a mask shows: the depth in and around it, and which of its pixels can be trusted.

Stereo cameras invent depth at edges. Pixels that float between two things, or that took the depth of the thing next to
them, are recognised here, and so is the rim of background that is all one sees of a thing without depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.lift.covariance import depth_sigma, noise_factor
from spatial_llava_ros.types import CameraIntrinsics, Region, RgbdFrame

MIN_POINTS = 25
MARGIN = 6
"""Pixels looked at around the box of a region."""
RIM = 5
"""Pixels over which the depth at the edge of a mask is compared with what is outside."""
STEEPEST = 10.0
"""tan of the steepest surface, seen from the camera, that is still taken for a surface (84 degrees)."""


@dataclass(frozen=True, eq=False)
class Sight:
    """A window of the frame around a region.

    Attributes:
        depth: (h, w) float32 metres.
        mask: (h, w) bool, the region.
        measured: (h, w) bool, pixels with depth.
        solid: (h, w) bool, pixels of the mask whose depth can be trusted.
        origin: column and row of the window's corner in the frame.
        intrinsics: of the frame.
        distance: metres, median depth of the region.
        pixel: metres that one pixel spans there.
        noise: depth noise factor k in ``sigma_z = k z**2``, 1/metre.
        sigma: metres, depth noise there.
    """

    depth: np.ndarray
    mask: np.ndarray
    measured: np.ndarray
    solid: np.ndarray
    origin: tuple[int, int]
    intrinsics: CameraIntrinsics
    distance: float
    pixel: float
    noise: float
    sigma: float

    def points(self, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray | None = None) -> np.ndarray:
        """Camera points (N, 3) float64 of some pixels of the window, at their own depth or at a given one (N,)."""
        x_rays, y_rays = pixel_rays(self.intrinsics)
        points = np.empty((len(rows), 3))
        points[:, 2] = self.depth[rows, columns] if depth is None else depth
        points[:, 0] = x_rays[columns + self.origin[0]] * points[:, 2]
        points[:, 1] = y_rays[rows + self.origin[1]] * points[:, 2]
        return points


def look(frame: RgbdFrame, region: Region) -> Sight | None:
    """The window of a region; None when the region has no depth of its own."""
    x1, y1, x2, y2 = region.box
    left, top = max(x1 - MARGIN, 0), max(y1 - MARGIN, 0)
    right, bottom = min(x2 + MARGIN, frame.depth.shape[1]), min(y2 + MARGIN, frame.depth.shape[0])
    depth = frame.depth[top:bottom, left:right]
    mask = np.zeros(depth.shape, bool)
    mask[y1 - top : y2 - top, x1 - left : x2 - left] = region.mask
    with np.errstate(invalid="ignore"):
        measured = (depth > 0) & (depth < np.inf)
    valid = mask & measured
    count = int(np.count_nonzero(valid))
    if count < MIN_POINTS:
        return None
    distance = float(np.median(depth[valid][:: max(1, count // 500)]))
    pixel = distance / frame.intrinsics.fx
    noise = noise_factor(depth, valid)
    sigma = depth_sigma(distance, noise)
    jump = 4 * sigma + STEEPEST * pixel
    if count < 0.6 * np.count_nonzero(mask) and _is_rim_of_background(depth, mask, measured, jump):
        return None
    stray = _stray(depth, mask, measured, jump) & ~_smooth(depth, measured, 8 * sigma + 2 * pixel)
    solid = valid & ~stray
    if np.count_nonzero(solid) < max(MIN_POINTS, 0.2 * count):
        solid = valid  # a wire, or gridded depth: nothing but edges
    return Sight(depth, mask, measured, solid, (left, top), frame.intrinsics, distance, pixel, noise, sigma)


def box_sums(depth: np.ndarray, where: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Number and sum of the depths chosen by `where` within so many pixels of each pixel, (h, w) float32 each."""
    size = (2 * reach + 1, 2 * reach + 1)
    chosen = where.astype(np.float32)
    number = cv2.boxFilter(chosen, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    masked = np.where(where, depth, np.float32(0))
    return number, cv2.boxFilter(masked, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)


def _smooth(depth: np.ndarray, measured: np.ndarray, bend: float) -> np.ndarray:
    """Pixels that go straight on into all four neighbours: on a surface, be it as steep as a table top seen edge-on."""
    filled = np.where(measured, depth, np.float32(0))
    return np.abs(cv2.Laplacian(filled, cv2.CV_32F, ksize=1)) < bend


def _stray(depth: np.ndarray, mask: np.ndarray, measured: np.ndarray, jump: float) -> np.ndarray:
    """Pixels of a mask that are not the thing's: flying ones, and ones that took the depth of what is next to it.

    A flying pixel has one neighbour nearer and another farther by a jump: it lies between two things, on none. A stolen
    one differs by a jump from its neighbours in the mask, but not from one outside of it.
    """
    far, near = np.float32(0), np.float32(1e6)
    valid, outside = mask & measured, ~mask & measured
    box = np.ones((5, 5), np.uint8)
    inside_near = cv2.erode(np.where(valid, depth, near), box)
    inside_far = cv2.dilate(np.where(valid, depth, far), box)
    outside_near = cv2.erode(np.where(outside, depth, near), box)
    outside_far = cv2.dilate(np.where(outside, depth, far), box)
    with np.errstate(invalid="ignore"):
        flying = (depth - np.minimum(inside_near, outside_near) > jump) & (
            np.maximum(inside_far, outside_far) - depth > jump
        )
        stands_out = (depth - inside_near > jump) | (inside_far - depth > jump)
        stolen = stands_out & ((np.abs(outside_near - depth) < jump) | (np.abs(outside_far - depth) < jump))
    return valid & (flying | stolen)


def _is_rim_of_background(depth: np.ndarray, mask: np.ndarray, measured: np.ndarray, jump: float) -> bool:
    """True when only the edge of the mask has depth and that depth goes on outside without a step."""
    inner = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)
    deepest = float(inner.max())
    if deepest < 4:
        return False
    core = inner > max(0.4 * deepest, 3.0)
    rim = mask & ~core
    valid = mask & measured
    if valid[core].mean() > min(0.1, 0.3 * valid[rim].mean()):
        return False
    weight, summed = box_sums(depth, ~mask & measured, RIM)
    edge = valid & (weight > 1.5) & (inner <= RIM)
    if np.count_nonzero(edge) < MIN_POINTS // 2:
        return False
    step = summed[edge] / weight[edge] - depth[edge]
    return bool(np.median(step) < jump)
