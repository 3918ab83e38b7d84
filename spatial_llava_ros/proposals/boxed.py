"""A region from a box that someone drew or a model wrote: the foreground inside it."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.proposals.regions import MAX_GAP, MIN_SLACK
from spatial_llava_ros.types import Box, Plane, Proposals, Region, RgbdFrame

_ENOUGH = 25  # pixels that can tell a thing from what is behind it
_RING = 8  # pixels looked at around the box
_GOES_ON = 0.1  # of the measured pixels around the box: a surface on which so many lie is behind or under the thing
_RISES = 0.1  # of the measured pixels: with fewer above the surfaces, the thing is flat, or seen through


def with_boxed(frame: RgbdFrame, proposals: Proposals, box: Box, score: float) -> Proposals:
    """Proposals with one more region, the last one: the thing in a box that none of the others covers.

    Pixels on the surfaces around the thing, and those far behind or before its middle, are left out; the lift looks
    closer. Where the depth cannot tell (flat things, glass, no depth) the whole box is the region.

    Args:
        box: in pixels of the frame; clipped to it, and at least one pixel large.
        score: 0..1, how sure it is that the box holds a thing.
    """
    height, width = frame.intrinsics.shape
    x1, y1 = min(max(math.floor(box[0]), 0), width - 1), min(max(math.floor(box[1]), 0), height - 1)
    x2, y2 = min(max(math.ceil(box[2]), x1 + 1), width), min(max(math.ceil(box[3]), y1 + 1), height)
    left, top = max(x1 - _RING, 0), max(y1 - _RING, 0)
    depth = frame.depth[top : y2 + _RING, left : x2 + _RING]
    columns, rows = pixel_rays(frame.intrinsics)
    columns, rows = columns[left : x2 + _RING], rows[top : y2 + _RING]
    points = np.stack([columns[None, :] * depth, rows[:, None] * depth, depth], axis=-1)
    inside = np.zeros(depth.shape, bool)
    inside[y1 - top : y2 - top, x1 - left : x2 - left] = True
    thing, carrier = _foreground(points, inside, proposals.planes)
    thing = thing[y1 - top : y2 - top, x1 - left : x2 - left]
    # The tight box of what is left.
    ys, xs = np.flatnonzero(thing.any(axis=1)), np.flatnonzero(thing.any(axis=0))
    mask = np.ascontiguousarray(thing[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1])
    tight = (x1 + int(xs[0]), y1 + int(ys[0]), x1 + int(xs[-1]) + 1, y1 + int(ys[-1]) + 1)
    region = Region(len(proposals.regions) + 1, tight, mask, score, carrier)
    valid = float(np.isfinite(frame.depth[region.slices])[mask].mean())
    return replace(proposals, regions=(*proposals.regions, replace(region, valid_depth=valid)))


def _foreground(points: np.ndarray, inside: np.ndarray, planes: tuple[Plane, ...]) -> tuple[np.ndarray, int | None]:
    """(h, w) bool of the thing in a box, never empty, and the plane that carries it.

    Args:
        points: (h, w, 3) camera points in and around the box.
        inside: (h, w) bool, the box.
    """
    measured = np.isfinite(points[..., 2])
    thing = measured & inside
    count, around = np.count_nonzero(thing), measured & ~inside
    if count < _ENOUGH:
        return inside, None
    noise = 2 * depth_sigma(float(np.median(points[thing, 2]))) + 0.003
    for plane in planes:
        on_it = np.abs(points @ plane.normal + plane.offset) < noise
        # A surface goes on around the box, more than in it; the thing's own front, though as flat, does not.
        without, within = np.count_nonzero(on_it & around), np.count_nonzero(on_it & inside)
        if without * count >= max(_GOES_ON * count, within) * np.count_nonzero(around):
            thing &= ~on_it
    flat = np.count_nonzero(thing) < max(_ENOUGH, _RISES * count)
    thing = inside if flat else _about_the_middle(points[..., 2], thing)
    own = points[thing & measured]
    carrier, nearest = None, MAX_GAP
    for index, plane in enumerate(planes):
        lowest = float(np.percentile(own @ plane.normal + plane.offset, 2))
        if plane.horizontal and -MIN_SLACK - noise < lowest < nearest:
            carrier, nearest = index, lowest
    return thing, carrier


def _about_the_middle(z: np.ndarray, thing: np.ndarray) -> np.ndarray:
    """The part of a thing that lies about as deep as its middle, within its own width."""
    rows, columns = np.flatnonzero(thing.any(axis=1)), np.flatnonzero(thing.any(axis=0))
    (top, bottom), (left, right) = np.percentile(rows, (25, 75)), np.percentile(columns, (25, 75))
    middle = np.zeros_like(thing)
    middle[int(top) : int(bottom) + 1, int(left) : int(right) + 1] = True
    core = z[thing & middle] if np.count_nonzero(thing & middle) >= _ENOUGH else z[thing]
    depth = float(np.median(core))
    ordered = np.sort(z[thing])
    # Cut at gaps in depth wider than 5 cm, which is more than the noise and less than most things are apart.
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) > 0.05) + 1)
    part = min(parts, key=lambda part: max(part[0] - depth, depth - part[-1], 0.0))
    near = thing & (z >= part[0]) & (z <= part[-1])
    closed = cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    if count < 2:
        return near
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.isin(labels, np.flatnonzero(areas >= 0.2 * areas.max()))
