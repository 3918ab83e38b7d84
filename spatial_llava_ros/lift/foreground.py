"""From a mask to the points that are the thing itself.

A mask is generous: it holds the wall seen through a mug's handle, a rim of the table under it, and pixels that a
stereo camera invents between a near edge and the far background ("flying pixels"). In this order they are taken out:

1. flying pixels: those that float between a nearer and a farther neighbour;
2. the surface that carries the thing, and walls behind it;
3. whatever lies beyond an empty stretch of depth longer than the thing is wide.

A thing the sensor cannot see (glass, chrome, black) leaves a hole with a rim of background in its mask. Such a rim
is recognised, and then there is no cloud at all: no position is better than the position of the table behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.lift.covariance import depth_sigma, noise_factor
from spatial_llava_ros.types import CameraIntrinsics, Plane, Region, RgbdFrame

MIN_POINTS = 25
MAX_POINTS = 1000
RIM = 5
"""Pixels over which the depth at the edge of a mask is compared with what is outside."""
FLAT = 0.03
"""Metres: of a thing lower than this, what lies in the surface that carries it belongs to it too."""
STEEPEST = 10.0
"""tan of the steepest surface, seen from the camera, that is still taken for a surface (84 degrees)."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """The visible points of one thing.

    Attributes:
        points: (N, 3) float64 camera frame, MIN_POINTS <= N <= MAX_POINTS, evenly drawn.
        pixels: how many depth pixels they were drawn from.
        valid: 0..1, share of the mask that gave such a pixel.
        noise: depth noise factor k in ``sigma_z = k z**2``, 1/metre.
        pixel: metres that one pixel spans at the thing.
        flat: True when it hardly rises over the surface that carries it.
    """

    points: np.ndarray
    pixels: int
    valid: float
    noise: float
    pixel: float
    flat: bool = False


def foreground(frame: RgbdFrame, region: Region, plane: Plane | None, planes: tuple[Plane, ...] = ()) -> Cloud | None:
    """The points of the thing in a region, or None when its depth was not measured.

    Args:
        plane: what carries the thing; its points are left out, unless the thing is flat and lies in it.
        planes: all surfaces of the frame; the ones behind the thing are left out.
    """
    depth, mask, origin = window(frame.depth, region)
    with np.errstate(invalid="ignore"):
        valid = mask & (depth > 0) & (depth < np.inf)
    area = int(np.count_nonzero(mask))
    count = int(np.count_nonzero(valid))
    if count < MIN_POINTS:
        return None
    distance = float(np.median(depth[valid][:: max(1, count // 500)]))
    pixel = distance / frame.intrinsics.fx
    noise = noise_factor(depth, valid)
    sigma = depth_sigma(distance, noise)
    if count < 0.6 * area and _is_rim_of_background(depth, mask, valid, 4 * sigma + STEEPEST * pixel):
        return None

    solid = valid & ~_stray(depth, mask, valid, 4 * sigma + STEEPEST * pixel)
    if np.count_nonzero(solid) < max(MIN_POINTS, 0.2 * count):
        solid = valid  # a wire, or gridded depth: nothing but edges
    rows, columns = np.nonzero(solid)
    points = _points(depth, rows, columns, origin, frame.intrinsics)

    keep, flat = _off_plane(points, plane, 3 * _along(points, plane, sigma) if plane else 0.0)
    if keep is None:
        return None
    if not flat:
        keep &= _before_walls(points, planes, plane, keep, 3 * sigma)
    if np.count_nonzero(keep) < MIN_POINTS:
        return None
    z = points[:, 2]
    x1, y1, x2, y2 = region.box
    width = max(np.sqrt((x2 - x1) * (y2 - y1)) * pixel, 6 * sigma, 0.02)
    near, far = _main_stretch(z[keep], max(6 * sigma, 0.15 * width), width)
    keep &= (z >= near) & (z <= far)
    total = int(np.count_nonzero(keep))
    if total < MIN_POINTS:
        return None
    kept = np.zeros(mask.shape, bool)
    kept[rows[keep], columns[keep]] = True
    rim_depth, rim_rows, rim_columns = _lost_rim(depth, kept, mask & ~solid)
    filled = depth.copy()
    filled[rim_rows, rim_columns] = rim_depth
    rows, columns = np.append(rows[keep], rim_rows), np.append(columns[keep], rim_columns)
    drawn = _drawn(len(rows), MAX_POINTS)
    points = _points(filled, rows[drawn], columns[drawn], origin, frame.intrinsics)
    return Cloud(points, total, min(1.0, total / max(area, 1)), noise, pixel, flat)


def window(depth: np.ndarray, region: Region, margin: int = 2) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Depth and mask in the region's box grown by a margin, and the column and row of its corner."""
    x1, y1, x2, y2 = region.box
    left, top = max(x1 - margin, 0), max(y1 - margin, 0)
    right, bottom = min(x2 + margin, depth.shape[1]), min(y2 + margin, depth.shape[0])
    mask = np.zeros((bottom - top, right - left), bool)
    mask[y1 - top : y2 - top, x1 - left : x2 - left] = region.mask
    return depth[top:bottom, left:right], mask, (left, top)


def _points(
    depth: np.ndarray, rows: np.ndarray, columns: np.ndarray, origin: tuple[int, int], intrinsics: CameraIntrinsics
) -> np.ndarray:
    """Camera points (N, 3) float64 of some pixels of a window."""
    x_rays, y_rays = pixel_rays(intrinsics)
    points = np.empty((len(rows), 3))
    points[:, 2] = depth[rows, columns]
    points[:, 0] = x_rays[columns + origin[0]] * points[:, 2]
    points[:, 1] = y_rays[rows + origin[1]] * points[:, 2]
    return points


def _lost_rim(depth: np.ndarray, kept: np.ndarray, lost: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, row and column of pixels that belong to the thing by its mask but lost their depth at its edge.

    Depth is unreliable within two pixels of an edge, and without them every side would come out some pixels short:
    they get the mean depth of the thing next to them.
    """
    size = (5, 5)
    weight = cv2.boxFilter(kept.astype(np.float32), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    summed = cv2.boxFilter(
        np.where(kept, depth, np.float32(0)), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    rows, columns = np.nonzero(lost & (weight > 0.5))
    return summed[rows, columns] / weight[rows, columns], rows, columns


def _stray(depth: np.ndarray, mask: np.ndarray, valid: np.ndarray, jump: float) -> np.ndarray:
    """Pixels of a mask that are not the thing's: flying ones, and ones that took the depth of what is next to it.

    A flying pixel has one neighbour nearer and another farther by a jump: it lies between two things, on none. A stolen
    one differs by a jump from its neighbours in the mask, but not from one outside of it.
    """
    far, near = np.float32(0), np.float32(1e6)
    with np.errstate(invalid="ignore"):
        outside = ~mask & (depth > 0) & (depth < np.inf)
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


def _is_rim_of_background(depth: np.ndarray, mask: np.ndarray, valid: np.ndarray, jump: float) -> bool:
    """True when only the edge of the mask has depth and that depth goes on outside without a step."""
    inner = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)
    deepest = float(inner.max())
    if deepest < 4:
        return False
    core = inner > max(0.4 * deepest, 3.0)
    rim = mask & ~core
    if valid[core].mean() > min(0.1, 0.3 * valid[rim].mean()):
        return False
    with np.errstate(invalid="ignore"):
        outside = ~mask & (depth > 0) & (depth < np.inf)
    size = (2 * RIM + 1, 2 * RIM + 1)
    weight = cv2.boxFilter(outside.astype(np.float32), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    summed = cv2.boxFilter(
        np.where(outside, depth, 0).astype(np.float32), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    edge = valid & (weight > 1.5) & (inner <= RIM)
    if np.count_nonzero(edge) < MIN_POINTS // 2:
        return False
    step = summed[edge] / weight[edge] - depth[edge]
    return bool(np.median(step) < jump)


def _along(points: np.ndarray, plane: Plane, sigma: float) -> np.ndarray:
    """(N,) height noise of points over a plane, from depth noise: an error moves a point along its ray."""
    return np.maximum(sigma * np.abs(points @ plane.normal) / points[:, 2], 0.001)


def _off_plane(points: np.ndarray, plane: Plane | None, reach: np.ndarray | float) -> tuple[np.ndarray | None, bool]:
    """Points above what carries the thing, and whether the thing is too flat to be told from that surface.

    None when the points lie below the surface: then the thing is looked through.
    """
    if plane is None:
        return np.ones(len(points), bool), False
    height = points @ plane.normal + plane.offset
    not_below = height > -2 * reach - 0.01
    if np.count_nonzero(not_below) < 0.5 * len(points):
        return None, False
    top = float(np.partition(height, -1 - len(height) // 50)[-1 - len(height) // 50])
    # The middle of a plate is as low as the table: there the mask is believed.
    flat = top < max(4 * float(np.median(reach)), FLAT)
    return (not_below if flat else height > reach), flat


def _before_walls(
    points: np.ndarray, planes: tuple[Plane, ...], carrier: Plane | None, keep: np.ndarray, reach: float
) -> np.ndarray:
    """All but the points in an upright surface that has most of the thing in front of it."""
    result = np.ones(len(points), bool)
    for wall in planes:
        if wall.horizontal or wall is carrier:
            continue
        height = points @ wall.normal + wall.offset
        front = height[keep] > reach
        if np.count_nonzero(front) > 0.6 * front.size:
            result &= height > reach
    return result


def _main_stretch(z: np.ndarray, crack: float, gap: float) -> tuple[float, float]:
    """Depth range of the thing among the depths z.

    A few pixels at the edge of a mask have the depth of what is behind: groups of less than 3 % that a crack parts
    from the rest are dropped. What remains is one thing as long as no gap parts it (over the rim of a bowl one sees
    its far side, with nothing in between); of several things the largest is meant, or a nearer one of half its size.
    """
    ordered = np.sort(z)
    groups = [g for g in _split(ordered, crack) if len(g) >= 0.03 * len(z)]
    if not groups:
        return float(ordered[0]), float(ordered[-1])
    kept = np.concatenate(groups)
    things = _split(kept, gap)
    most = max(len(t) for t in things)
    chosen = next(t for t in things if len(t) >= 0.5 * most)
    return float(chosen[0]), float(chosen[-1])


def _split(ordered: np.ndarray, gap: float) -> list[np.ndarray]:
    """Sorted values cut wherever the next one is more than a gap away."""
    return np.split(ordered, np.flatnonzero(np.diff(ordered) > gap) + 1)


def _drawn(n: int, most: int) -> np.ndarray:
    """Indices of at most so many of n items, evenly spread by the golden-ratio sequence: the same ones every time."""
    if n <= most:
        return np.arange(n)
    return (np.arange(most) * 0.6180339887498949 % 1.0 * n).astype(np.intp)
