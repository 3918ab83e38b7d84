"""From a mask to the points that are the thing itself.

A mask is generous: it holds the wall seen through a mug's handle and a rim of the table under it. In this order they
are taken out:

1. pixels at depth edges that cannot be trusted (see sight.py);
2. the surface that carries the thing, and walls behind it;
3. whatever lies beyond an empty stretch of depth longer than the thing is wide.

A thing that is looked through (glass, a hole in the depth) has no cloud at all: no position is better than that of the
table behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.lift.sight import MIN_POINTS, Sight, box_sums
from spatial_llava_ros.types import Plane

MAX_POINTS = 640
"""Points that stand for a thing: with 32 outline points, 20 for each."""
FLAT = 0.03
"""Metres: of a thing lower than this, what lies in the surface that carries it belongs to it too."""


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


def foreground(sight: Sight, plane: Plane | None, planes: tuple[Plane, ...] = ()) -> Cloud | None:
    """The points of the thing in a region, or None when its depth was not measured.

    Args:
        plane: what carries the thing; its points are left out, unless the thing is flat and lies in it.
        planes: all surfaces of the frame; the ones behind the thing are left out.
    """
    rows, columns = np.nonzero(sight.solid)
    points = sight.points(rows, columns)
    keep, flat = _off_plane(points, plane, 3 * _along(points, plane, sight.sigma) if plane else 0.0)
    if keep is None:
        return None
    if not flat:
        keep &= _before_walls(points, planes, plane, keep, 3 * sight.sigma)
    if np.count_nonzero(keep) < MIN_POINTS:
        return None
    z = points[:, 2]
    width = max(np.sqrt(np.count_nonzero(sight.mask)) * sight.pixel, 6 * sight.sigma, 0.02)
    near, far = _main_stretch(z[keep], max(6 * sight.sigma, 0.15 * width), width)
    keep &= (z >= near) & (z <= far)
    total = int(np.count_nonzero(keep))
    if total < MIN_POINTS:
        return None
    rows, columns = rows[keep], columns[keep]
    rim_depth, rim_rows, rim_columns = _lost_rim(sight, rows, columns)
    depth = np.append(sight.depth[rows, columns], rim_depth)
    drawn = _drawn(len(depth), MAX_POINTS)
    points = sight.points(np.append(rows, rim_rows)[drawn], np.append(columns, rim_columns)[drawn], depth[drawn])
    valid = min(1.0, total / np.count_nonzero(sight.mask))
    return Cloud(points, total, valid, sight.noise, sight.pixel, flat)


def _lost_rim(sight: Sight, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, row and column of pixels that belong to the thing by its mask but lost their depth at its edge.

    Depth is unreliable within two pixels of an edge, and without them every side would come out some pixels short:
    they get the mean depth of the thing next to them.

    Args:
        rows, columns: pixels of the thing.
    """
    kept = np.zeros(sight.mask.shape, bool)
    kept[rows, columns] = True
    number, summed = box_sums(sight.depth, kept, 2)
    rows, columns = np.nonzero(sight.mask & ~sight.solid & (number > 0.5))
    return summed[rows, columns] / number[rows, columns], rows, columns


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
        own = wall.pixels < 2 * np.count_nonzero(np.abs(height) < reach)  # the back of a chair is the chair
        if not own and np.count_nonzero(front) > 0.6 * front.size:
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
