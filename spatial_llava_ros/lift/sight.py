"""What a mask shows: the depth in and around it, and which of its pixels can be trusted.

Stereo cameras invent depth at edges. Pixels that float between two things, or that took the depth of the thing next to
them, are recognised here, and so is the rim of background that is all one sees of a thing without depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.lift.covariance import depth_sigma, noise_factor
from spatial_llava_ros.lift.outline import middle
from spatial_llava_ros.lift.view import FAR, View
from spatial_llava_ros.types import Region

MIN_POINTS = 25
MARGIN = 6
"""Pixels looked at around the box of a region."""
RIM = 5
"""Pixels over which the depth at the edge of a mask is compared with what is outside."""
STEEPEST = 10.0
"""tan of the steepest surface, seen from the camera, that is still taken for a surface (84 degrees)."""
NEIGHBOURS = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, eq=False)
class Sight:
    """A window of a view around a region.

    Attributes:
        depth: (h, w) float32 metres, 0 where not measured.
        mask: (h, w) bool, the region.
        measured: (h, w) bool, pixels with depth.
        solid: (h, w) bool, pixels of the mask whose depth can be trusted.
        x_rays, y_rays: (w,) and (h,) float64, x/z of the columns and y/z of the rows.
        cut: (4,) bool, whether the window's left, top, right, bottom line is where the picture ends.
        share: pixels of the picture for each one of the window.
        area: pixels of the mask.
        distance: metres, median depth of the region.
        pixel: metres that one pixel spans there.
        noise: depth noise factor k in ``sigma_z = k z**2``, 1/metre.
        sigma: metres, depth noise there.
    """

    depth: np.ndarray
    mask: np.ndarray
    measured: np.ndarray
    solid: np.ndarray
    x_rays: np.ndarray
    y_rays: np.ndarray
    cut: tuple[bool, bool, bool, bool]
    share: int
    area: int
    distance: float
    pixel: float
    noise: float
    sigma: float

    def points(self, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray | None = None) -> np.ndarray:
        """Camera points (N, 3) float64 of some pixels of the window, at their own depth or at a given one (N,)."""
        points = np.empty((len(rows), 3))
        points[:, 2] = z = self.depth[rows, columns] if depth is None else depth
        np.multiply(self.x_rays[columns], z, out=points[:, 0])
        np.multiply(self.y_rays[rows], z, out=points[:, 1])
        return points


def look(view: View, region: Region) -> Sight | None:
    """The window of a region; None when the region has no depth of its own."""
    own, rows, columns = view.reduce(region)
    rows_around = slice(max(rows.start - MARGIN, 0), rows.stop + MARGIN)
    columns_around = slice(max(columns.start - MARGIN, 0), columns.stop + MARGIN)
    window = rows_around, columns_around
    depth, measured = view.depth[window].copy(), view.measured[window].copy()
    mask = np.zeros(depth.shape, bool)
    top, left = rows.start - rows_around.start, columns.start - columns_around.start
    mask[top : top + own.shape[0], left : left + own.shape[1]] = own
    valid = mask & measured
    trusted = depth[valid]
    count, area = len(trusted), int(np.count_nonzero(mask))
    if count < MIN_POINTS:
        return None
    distance = middle(trusted[:: max(1, count // 500)])
    pixel = distance / view.focal
    noise = noise_factor(depth, valid, max(1, 4 // view.step))
    sigma = depth_sigma(distance, noise)
    jump = 4 * sigma + STEEPEST * pixel
    if count < 0.6 * area and _is_rim_of_background(depth, mask, measured, jump):
        return None
    solid = valid
    # A pixel on a surface goes straight on into all four neighbours, be it as steep as a table top seen edge-on.
    edge = valid & (view.bend[window] >= 8 * sigma + 2 * pixel)
    if edge.any():
        nearer = depth - view.nearest[window] > jump
        farther = view.farthest[window] - depth > jump
        edge &= nearer | farther
        if edge.any():
            solid = valid & ~(edge & ((nearer & farther) | _stolen(depth, valid, measured & ~mask, jump)))
            if np.count_nonzero(solid) < max(MIN_POINTS, 0.2 * count):
                solid = valid  # a wire, or gridded depth: nothing but edges
    return Sight(
        depth, mask, measured, solid, view.x_rays[columns_around], view.y_rays[rows_around],
        view.cut(rows_around, columns_around), view.step**2, area, distance, pixel, noise, sigma,
    )  # fmt: skip


def box_sums(depth: np.ndarray, where: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Number and sum of the depths chosen by `where` within so many pixels of each pixel, (h, w) float32 each."""
    size = (2 * reach + 1, 2 * reach + 1)
    chosen = where.astype(np.float32)
    number = cv2.boxFilter(chosen, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    chosen *= depth
    return number, cv2.boxFilter(chosen, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)


def _stolen(depth: np.ndarray, inside: np.ndarray, outside: np.ndarray, jump: float) -> np.ndarray:
    """Pixels that differ by a jump from their neighbours inside, but not from one outside: their depth is from there.

    A flying pixel, in contrast, has one neighbour nearer and another farther by a jump: it lies between two things.
    """
    stands_out = cv2.dilate(depth * inside, NEIGHBOURS) - depth > jump
    stands_out |= depth - cv2.erode(np.where(inside, depth, FAR), NEIGHBOURS) > jump
    like_outside = np.abs(cv2.dilate(depth * outside, NEIGHBOURS) - depth) < jump
    like_outside |= np.abs(cv2.erode(np.where(outside, depth, FAR), NEIGHBOURS) - depth) < jump
    return stands_out & like_outside


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
