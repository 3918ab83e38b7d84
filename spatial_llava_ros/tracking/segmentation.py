"""Which pixels are the object's: near enough to where its box is expected, off the surface below, of its colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.tracking.appearance import Appearance
from spatial_llava_ros.tracking.body import Body, Held
from spatial_llava_ros.tracking.window import Window
from spatial_llava_ros.types import CameraIntrinsics

_INSIDE = 1.5  # log odds of a pixel within the box, before its colour is looked at
_FLAT = 4.0  # a thing lower than so many times the noise of its height is told from its support by colour
_SMALLEST = 0.08  # share of the mask that a piece of it must have
_SHRINK = 0.8  # of the box: most things are rounder than their boxes
_EDGE = 2  # pixels of the window at an edge that are not trusted
_BAD_ROWS = 0.2
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True, eq=False)
class Cut:
    """An object in a window.

    Attributes:
        mask: (h, w) bool.
        pixels: of the picture, that the mask has.
        hidden, free, unmeasured: shares 0..1 of where the object should be that something stands before, that is
            empty or shows something else, and that has no depth.
    """

    mask: np.ndarray
    pixels: int
    hidden: float
    free: float
    unmeasured: float


def segment(window: Window, body: Body, held: Held, appearance: Appearance | None, intrinsics: CameraIntrinsics) -> Cut:
    """The pixels of the object in a box, and what is to be seen in their place.

    Args:
        appearance: None before any is known: then all that is in the box.
    """
    with np.errstate(invalid="ignore"):
        belongs = np.where(held.outside < 0, 1, -9) if appearance is None else appearance.belongs(window.bins)
        likely = np.minimum(_INSIDE - (2 * _INSIDE / body.slack) * held.outside, _INSIDE) + belongs
        above = held.height > held.reach
        if body.size[2] < _FLAT * held.reach:  # false where there is no support: reach is -inf
            above = (held.height > -2 * held.reach) & (belongs > 0)
        mask = above & (likely > 0) & window.measured  # comparisons with NaN are false
    mask = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, _CROSS)
    mask = _large_pieces(cv2.morphologyEx(mask, cv2.MORPH_OPEN, _CROSS)) & window.measured
    place = body.silhouette(window, intrinsics, _SHRINK)
    total = max(int(np.count_nonzero(place)), 1)
    rest = place & ~mask
    empty = rest & window.measured
    with np.errstate(invalid="ignore"):
        before = empty & (window.depth < body.centre[2]) & (held.height > held.reach) & (held.outside > body.slack)
    hidden, free = np.count_nonzero(before), np.count_nonzero(empty) - np.count_nonzero(before)
    unmeasured = np.count_nonzero(rest & ~window.measured)
    pixels = int(np.count_nonzero(mask)) * window.step**2
    return Cut(mask, pixels, hidden / total, free / total, unmeasured / total)


def _large_pieces(mask: np.ndarray) -> np.ndarray:
    """(h, w) bool without specks. An object may be in pieces: a chair's leg may stand before it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count <= 2:
        return mask.view(bool)
    area = stats[:, cv2.CC_STAT_AREA]
    keep = area >= _SMALLEST * area[1:].sum()
    keep[0] = False
    return keep[labels]


def own_sides(
    window: Window, mask: np.ndarray, held: Held, belongs: np.ndarray, jump: float
) -> tuple[bool, bool, bool, bool]:
    """Which sides of a mask, left, top, right, bottom, are the object's own: False where something stands before or
    touches it there, or the picture ends.

    Args:
        mask: (h, w) bool, not empty.
        belongs: (h, w) log ratio of colours.
        jump: metres of depth between two neighbours that are not one surface.
    """
    with np.errstate(invalid="ignore"):
        above = held.height > held.reach
    alike = above & (belongs > 0)
    outside = window.measured & ~mask
    layers = mask, window.depth, outside, above, alike
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    ends = window.edges()
    at_end = columns[0] <= 1, rows[0] <= 1, columns[-1] >= width - 2, rows[-1] >= height - 2
    turned = (
        layers,
        tuple(layer.T for layer in layers),
        tuple(layer[:, ::-1] for layer in layers),
        tuple(layer.T[:, ::-1] for layer in layers),
    )
    return tuple(
        _left_is_own(*views, jump) and not (end and at) for views, end, at in zip(turned, ends, at_end, strict=True)
    )


def _left_is_own(
    mask: np.ndarray, depth: np.ndarray, outside: np.ndarray, above: np.ndarray, alike: np.ndarray, jump: float
) -> bool:
    """Whether most rows of a mask end on the left before something farther, or other: what is measured next counts,
    since beside an edge a stereo camera measures nothing."""
    rows = np.flatnonzero(mask.any(axis=1))
    left = mask[rows].argmax(axis=1)
    inner = depth[rows, np.minimum(left + _EDGE, mask.shape[1] - 1)]
    columns = np.arange(mask.shape[1], dtype=np.int32)
    last = np.maximum.accumulate(np.where(outside[rows], columns, np.int32(-1)), axis=1)
    next_to = last[np.arange(len(rows)), np.maximum(left - _EDGE, 0)]
    known = (next_to >= 0) & (left > _EDGE)
    outer = depth[rows, next_to]
    with np.errstate(invalid="ignore"):
        before = above[rows, next_to] & (outer < inner - jump)
        touching = alike[rows, next_to] & (np.abs(outer - inner) < jump)
    bad = np.count_nonzero(known & (before | touching))
    return bad <= _BAD_ROWS * len(rows)
