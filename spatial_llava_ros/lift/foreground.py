"""From a mask to the points that are the thing itself.

A mask is generous: it holds the wall seen through a mug's handle and a rim of the table under it. In this order they
are taken out:

1. pixels at depth edges that cannot be trusted (see sight.py);
2. the surface that carries the thing, and walls behind it;
3. whatever lies beyond an empty stretch of depth longer than the thing is wide;
4. points strewn over more depth than the thing is wide, where hardly any others are near: what an edge or a gap between
   two slats lets through.

A thing that is looked through (glass, a hole in the depth) has no cloud at all: no position is better than that of the
table behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spatial_llava_ros.lift.outline import middle
from spatial_llava_ros.lift.sight import MIN_POINTS, Sight, box_sums
from spatial_llava_ros.types import Plane

MAX_POINTS = 640
"""Points that stand for a thing: with 32 outline points, 20 for each."""
CANDIDATES = 1280
"""Pixels of a mask that are looked at: some thing is behind most of them."""
ENOUGH = 300
"""Points that decide whether a thing is before a wall."""
_MOST_CELLS = 100_000
_DEEP, _COMPANY, _FEW = 0.9, 0.12, 0.02
"""As shares of a thing's extent in the picture: the depth from which on it is looked at for strewn points, and the side
of cells; and the share of its points in a cell and those around it up to which they are strewn."""
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
    rows, columns, depth, solid = _candidates(sight)
    points = sight.points(rows, columns, depth)
    keep, flat = _off_plane(points, plane, sight.sigma)
    if keep is None:
        return None
    if not flat:
        keep &= _before_walls(points, planes, plane, keep, 3 * sight.sigma, sight.share * sight.area / len(points))
    if np.count_nonzero(keep) < MIN_POINTS:
        return None
    z = points[:, 2]
    width = max(np.sqrt(sight.area) * sight.pixel, 6 * sight.sigma, 0.02)
    crack = max(6 * sight.sigma, 0.15 * width)
    near, far = _main_stretch(z[keep], crack, width)
    keep &= (z >= near) & (z <= far)
    extent = max(np.ptp(rows), np.ptp(columns)) * sight.pixel
    if far - near > _DEEP * extent:  # what is strewn over an empty stretch hides that it is one
        keep[keep] = _in_company(points[keep], max(6 * sight.sigma, _COMPANY * extent, 0.04))
        near, far = _main_stretch(z[keep], crack, width)
        keep &= (z >= near) & (z <= far)
    share = np.count_nonzero(keep & solid) / max(np.count_nonzero(solid), 1)
    total = int(share * np.count_nonzero(sight.solid))
    if total < MIN_POINTS:
        return None
    kept = np.flatnonzero(keep)
    points = points[kept[_drawn(len(kept), MAX_POINTS)]]
    valid = min(1.0, total / sight.area)
    return Cloud(points, total * sight.share, valid, sight.noise, sight.pixel, flat)


def _candidates(sight: Sight) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and depth of a few thousand pixels that may be the thing's, and which of them are solid.

    Depth is unreliable within two pixels of an edge, and without them every side would come out some pixels short:
    pixels of the mask that lost their depth at its edge get the mean depth of the solid ones next to them.
    """
    number, summed = box_sums(sight.depth, sight.solid, 2)
    place = np.flatnonzero(sight.mask & (number > 0.5))
    place = place[_drawn(len(place), CANDIDATES)]
    solid = sight.solid.ravel()[place]
    beside = summed.ravel()[place] / number.ravel()[place]
    depth = np.where(solid, sight.depth.ravel()[place], beside).astype(np.float64)
    rows, columns = np.divmod(place, sight.mask.shape[1])
    return rows, columns, depth, solid


def _off_plane(points: np.ndarray, plane: Plane | None, sigma: float) -> tuple[np.ndarray | None, bool]:
    """Points above what carries the thing, and whether the thing is too flat to be told from that surface.

    None when the points lie below the surface: then the thing is looked through.

    Args:
        sigma: metres, depth noise.
    """
    if plane is None:
        return np.ones(len(points), bool), False
    along = points @ plane.normal
    height = along + plane.offset
    # The noise of the height: an error moves a point along its ray.
    reach = np.maximum(np.abs(along) * (3 * sigma) / points[:, 2], 0.003)
    not_below = height > -2 * reach - 0.01
    if np.count_nonzero(not_below) < 0.5 * len(points):
        return None, False
    top = float(np.partition(height, -1 - len(height) // 50)[-1 - len(height) // 50])
    # The middle of a plate is as low as the table: there the mask is believed.
    flat = top < max(4 * middle(reach), FLAT)
    return (not_below if flat else height > reach), flat


def _before_walls(
    points: np.ndarray, planes: tuple[Plane, ...], carrier: Plane | None, keep: np.ndarray, reach: float, share: float
) -> np.ndarray:
    """All but the points in an upright surface that has most of the thing in front of it.

    Args:
        share: pixels of the picture for each point.
    """
    result = np.ones(len(points), bool)
    walls = [plane for plane in planes if not plane.horizontal and plane is not carrier]
    if not walls:
        return result
    few = 1 + len(points) // ENOUGH
    height = np.array([w.normal for w in walls]) @ points[::few].T + np.array([[w.offset] for w in walls])
    kept = keep[::few]
    front = np.count_nonzero((height > reach) & kept, axis=1) > 0.6 * np.count_nonzero(kept)
    inside = np.count_nonzero(np.abs(height) < reach, axis=1) * few * share
    for wall, before, own in zip(walls, front, inside, strict=True):
        if before and wall.pixels >= 2 * own:  # the back of a chair is the chair
            result &= points @ wall.normal + wall.offset > reach
    return result


def _main_stretch(z: np.ndarray, crack: float, gap: float) -> tuple[float, float]:
    """Depth range of the thing among the depths z.

    A few pixels at the edge of a mask have the depth of what is behind: groups of less than 3 % that a crack parts
    from the rest are dropped. What remains is one thing as long as no gap parts it (over the rim of a bowl one sees
    its far side, with nothing in between); of several things the largest is meant, or a nearer one of half its size.
    """
    ordered = np.sort(z)
    if len(ordered) < 2 or np.diff(ordered).max() <= min(crack, gap):
        return float(ordered[0]), float(ordered[-1])
    groups = [g for g in _split(ordered, crack) if len(g) >= 0.03 * len(z)]
    if not groups:
        return float(ordered[0]), float(ordered[-1])
    kept = np.concatenate(groups)
    things = _split(kept, gap)
    most = max(len(t) for t in things)
    chosen = next(t for t in things if len(t) >= 0.5 * most)
    return float(chosen[0]), float(chosen[-1])


def _in_company(points: np.ndarray, side: float) -> np.ndarray:
    """(N,) bool: points with enough others in the cells around them; radius outlier removal, on a grid.

    Args:
        points: (N, 3) metres.
        side: of a cell, metres.
    """
    cell = ((points - points.min(axis=0)) / side).astype(np.intp) + 1
    shape = cell.max(axis=0) + 2
    if np.prod(shape) > _MOST_CELLS:
        return np.ones(len(points), bool)
    place = (cell[:, 0] * shape[1] + cell[:, 1]) * shape[2] + cell[:, 2]
    count = np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)
    for axis in range(3):
        count = count + np.roll(count, 1, axis) + np.roll(count, -1, axis)  # the rim of the grid is empty
    return count.ravel()[place] > max(_FEW * len(points), 3)


def _split(ordered: np.ndarray, gap: float) -> list[np.ndarray]:
    """Sorted values cut wherever the next one is more than a gap away."""
    return np.split(ordered, np.flatnonzero(np.diff(ordered) > gap) + 1)


def _drawn(n: int, most: int) -> np.ndarray:
    """Indices of at most so many of n items, evenly spread by the golden-ratio sequence: the same ones every time."""
    if n <= most:
        return np.arange(n)
    return (_golden(most) * n).astype(np.intp)


@lru_cache(maxsize=4)
def _golden(n: int) -> np.ndarray:
    """(n,) sorted numbers spread evenly over 0..1, in no step with the rows of a picture."""
    return np.sort(np.arange(n) * 0.6180339887498949 % 1.0)
