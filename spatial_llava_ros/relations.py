"""Spatial relations between things, decided on their 3D boxes: one definition for grounding, checking and graphs.

Every predicate gives a whole (N, N) matrix at once: entry [i, j] is how well "i <predicate> j" holds, 0..1,
with soft boundaries so that noise does not flip it. The viewer's words (left, right, in front, behind) are
decided in the viewer frame of `geometry.viewer_from_camera`; the others do not depend on who looks.
Left and right compare bearings, which is what a person sees in the picture; behind means farther along the view.

The rules follow SpatialRGPT's (Cheng et al. 2024, camera-frame centres and extents) with margins added, and
contact and containment stated in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion, viewer_from_camera
from spatial_llava_ros.types import CameraIntrinsics, Object3D

CONTACT_M = 0.025  # two surfaces this near touch, as far as a depth camera can tell


@dataclass(frozen=True, eq=False)
class Layout:
    """Where N things are, as arrays. Rows of things without depth are NaN in the metric fields.

    Attributes:
        low, high: (N, 3) corners of the box around each thing along the viewer axes (x forward, y left, z up), metres.
        bearing: (N, 2) left and right edge as angles from straight ahead, left positive, radians.
        elevation: (N, 2) bottom and top edge as angles above straight ahead, radians.
    """

    low: np.ndarray
    high: np.ndarray
    bearing: np.ndarray
    elevation: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """(N, 3) metres, viewer frame."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> np.ndarray:
        """(N, 3) half extents along the viewer axes, metres."""
        return (self.high - self.low) / 2


def layout_of(objects: Sequence[Object3D], up: np.ndarray, intrinsics: CameraIntrinsics) -> Layout:
    """Layout of objects that are stated in the camera frame.

    Args:
        up: (3,) direction against gravity in the camera frame.
        intrinsics: of the image that the objects' boxes are in.
    """
    n = len(objects)
    viewer = viewer_from_camera(up)
    low, high = np.full((n, 3), np.nan), np.full((n, 3), np.nan)
    for i, obj in enumerate(objects):
        if obj.position is None:
            continue
        half = np.abs(viewer @ matrix_from_quaternion(obj.orientation)) @ obj.size / 2
        centre = viewer @ obj.position
        low[i], high[i] = centre - half, centre + half
    boxes = np.array([obj.box for obj in objects], np.float64).reshape(n, 4)
    bearing = -np.arctan((boxes[:, [0, 2]] - intrinsics.cx) / intrinsics.fx)
    elevation = -np.arctan((boxes[:, [3, 1]] - intrinsics.cy) / intrinsics.fy)
    return Layout(low, high, bearing, elevation)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))


def _differences(values: np.ndarray) -> np.ndarray:
    """[i, j] = values[i] - values[j]."""
    return values[:, None] - values[None, :]


def _sums(values: np.ndarray) -> np.ndarray:
    return values[:, None] + values[None, :]


def _shift(edges: np.ndarray) -> np.ndarray:
    """[i, j]: how far the middle of i lies beyond that of j, in half their summed widths: 1 is edge to edge."""
    middle, half = edges.mean(axis=1), np.abs(np.diff(edges, axis=1))[:, 0] / 2
    return _differences(middle) / np.maximum(_sums(half), 1e-6)


def gaps(layout: Layout) -> np.ndarray:
    """(N, N) free horizontal distance between boxes in metres; 0 where they overlap, NaN without depth."""
    distance = np.abs(_differences(layout.centre[:, 0])), np.abs(_differences(layout.centre[:, 1]))
    apart = [np.maximum(d - _sums(layout.half[:, k]), 0) for k, d in enumerate(distance)]
    return np.hypot(*apart)


def _left_of(layout: Layout) -> np.ndarray:
    side = _sigmoid(6 * (_shift(layout.bearing) - 0.5))
    # Said of things beside each other: less so the more the one is behind, in front of, or above the other.
    aside = np.abs(_differences(layout.centre[:, 1]))
    off = np.maximum(np.abs(_differences(layout.centre[:, 0])) - _sums(layout.half[:, 0]), 0)
    lift = np.maximum(np.abs(_differences(layout.centre[:, 2])) - _sums(layout.half[:, 2]), 0)
    slant = np.arctan2(np.hypot(off, lift), np.maximum(aside, 1e-6))
    fits = 1 - 0.6 * _sigmoid(6 * (slant - 1.0))
    return side * np.where(np.isnan(fits), 0.8, fits)


def _behind(layout: Layout) -> np.ndarray:
    reach = np.maximum(_sums(layout.half[:, 0]), 0.04)
    farther = _sigmoid(6 * (_differences(layout.centre[:, 0]) / reach - 0.5))
    # Without depth: on a common floor, what is farther starts higher in the picture.
    seen = _sigmoid(40 * (_differences(layout.elevation[:, 0]) - 0.02))
    farther = np.where(np.isnan(farther), 0.8 * seen, farther)
    in_line = 1 - 0.6 * _sigmoid(3 * (np.abs(_shift(layout.bearing)) - 1.5))
    # Far behind, the step aside may be large: what counts is that it is smaller than the step back.
    step, aside = _differences(layout.centre[:, 0]), np.abs(_differences(layout.centre[:, 1]))
    slant = 1 - 0.6 * _sigmoid(8 * (np.arctan2(aside, np.maximum(step, 1e-6)) - 0.7))
    return farther * np.fmax(in_line, slant)


def _share_over(layout: Layout) -> np.ndarray:
    """[i, j]: share of the footprint of i that lies over the footprint of j, 0..1."""
    share = np.ones((len(layout.low), len(layout.low)))
    for axis in (0, 1):
        low = np.maximum(layout.low[:, None, axis], layout.low[None, :, axis])
        high = np.minimum(layout.high[:, None, axis], layout.high[None, :, axis])
        width = np.maximum(2 * layout.half[:, axis], 1e-3)
        share = share * np.clip((high - low) / width[:, None], 0, 1)
    return share


def _on(layout: Layout) -> np.ndarray:
    gap = layout.low[:, None, 2] - layout.high[None, :, 2]
    # The hidden foot of the upper thing is a guess, so it may reach into the lower one; a gap in the air may not be.
    sunk = -gap / np.maximum(2 * np.minimum(layout.half[:, None, 2], layout.half[None, :, 2]), 0.02)
    contact = np.where(gap > 0, np.exp(-((gap / (1.5 * CONTACT_M)) ** 2)), _sigmoid(8 * (0.7 - sunk)))
    higher = _sigmoid(_differences(layout.centre[:, 2]) / 0.01)
    held = _sigmoid(8 * (_share_over(layout) - 0.35))
    return contact * higher * held


def _above(layout: Layout) -> np.ndarray:
    clear = (layout.low[:, None, 2] - layout.centre[None, :, 2]) / (0.25 * layout.half[None, :, 2] + 0.01)
    over = _sigmoid(8 * (np.maximum(_share_over(layout), _share_over(layout).T) - 0.35))
    metric = _sigmoid(clear) * over
    # Without depth: higher in the picture, in the same columns.
    seen = _sigmoid(6 * (_shift(layout.elevation) - 0.7)) * _sigmoid(6 * (1 - np.abs(_shift(layout.bearing))))
    return np.where(np.isnan(metric), 0.8 * seen, metric)


def _inside(layout: Layout) -> np.ndarray:
    share = np.ones((len(layout.low), len(layout.low)))
    for axis in range(3):
        low = np.maximum(layout.low[:, None, axis], layout.low[None, :, axis])
        high = np.minimum(layout.high[:, None, axis], layout.high[None, :, axis])
        width = np.maximum(2 * layout.half[:, axis], 1e-3)
        share = share * np.clip((high - low) / width[:, None], 0, 1)
    volume = np.prod(np.maximum(2 * layout.half, 1e-3), axis=1)
    smaller = _sigmoid(4 * (np.log(volume)[None, :] - np.log(volume)[:, None]))
    return _sigmoid(10 * (share - 0.45)) * smaller


def _next_to(layout: Layout) -> np.ndarray:
    scale = 0.06 + 0.35 * _sums(np.max(layout.half[:, :2], axis=1))
    beside = np.exp(-((gaps(layout) / scale) ** 2))
    level = np.exp(-((np.maximum(np.abs(_differences(layout.centre[:, 2])) - _sums(layout.half[:, 2]), 0) / 0.1) ** 2))
    stacked = np.maximum(_on(layout), _on(layout).T)
    metric = beside * level * (1 - 0.7 * stacked)
    apart = np.maximum(np.abs(_shift(layout.bearing)), np.abs(_shift(layout.elevation)))
    return np.where(np.isnan(metric), 0.8 * np.exp(-np.maximum(apart - 1, 0)), metric)


def _near(layout: Layout) -> np.ndarray:
    scale = 0.15 + 1.0 * _sums(np.max(layout.half[:, :2], axis=1))
    metric = np.exp(-((gaps(layout) / scale) ** 2))
    apart = np.maximum(np.abs(_shift(layout.bearing)), np.abs(_shift(layout.elevation)))
    return np.where(np.isnan(metric), 0.8 * np.exp(-np.maximum(apart - 1, 0) / 2), metric)


def _at_edge_of(layout: Layout) -> np.ndarray:
    """On j, and close to one of the sides of its top."""
    to_side = np.full((len(layout.low), len(layout.low)), np.inf)
    for axis in (0, 1):
        for low, high in ((layout.low, layout.low), (layout.high, layout.high)):
            to_side = np.minimum(to_side, np.abs(low[:, None, axis] - high[None, :, axis]))
    extent = np.min(layout.half[:, :2], axis=1)[None, :]
    return np.maximum(_on(layout), _above(layout)) * np.exp(-((to_side / (0.05 + 0.15 * extent)) ** 2))


_RULES: dict[str, Callable[[Layout], np.ndarray]] = {
    "left_of": _left_of,
    "right_of": lambda layout: _left_of(layout).T,
    "behind": _behind,
    "in_front_of": lambda layout: _behind(layout).T,
    "on": _on,
    "above": lambda layout: np.fmax(_above(layout), _on(layout)),
    "under": lambda layout: np.fmax(_on(layout), _above(layout)).T,
    "below": lambda layout: np.fmax(_on(layout), _above(layout)).T,
    "inside": _inside,
    "next_to": _next_to,
    "near": _near,
    "far_from": lambda layout: 1 - _near(layout),
    "at_edge_of": _at_edge_of,
}

DECIDABLE = (*_RULES, "between")


def pairwise(predicate: str, layout: Layout) -> np.ndarray:
    """(N, N) float64: how well "i <predicate> j" holds, 0..1; 0 on the diagonal and where depth is needed and missing.

    Raises:
        KeyError: a predicate that geometry cannot decide (see DECIDABLE) or that takes two landmarks.
    """
    with np.errstate(invalid="ignore"):
        score = np.nan_to_num(_RULES[predicate](layout), nan=0.0)
    np.fill_diagonal(score, 0)
    return score


def between(layout: Layout) -> np.ndarray:
    """(N, N, N) float64: how well "i is between j and k" holds, 0..1; on the floor plan, or the picture."""
    place = layout.centre[:, :2].copy()
    missing = np.isnan(place).any(axis=1)
    if missing.any():
        place = np.stack([-layout.bearing.mean(axis=1), layout.elevation[:, 0]], axis=1)
    span = place[None, None, :] - place[None, :, None]  # [., j, k] from j to k
    offset = place[:, None, None] - place[None, :, None]  # [i, j, .] from j to i
    length = np.maximum(np.linalg.norm(span, axis=-1), 1e-6)
    along = (offset * span).sum(-1) / length**2
    across = np.abs(offset[..., 0] * span[..., 1] - offset[..., 1] * span[..., 0]) / length**2
    score = _sigmoid(20 * (along - 0.12)) * _sigmoid(20 * (0.88 - along)) * np.exp(-((across / 0.35) ** 2))
    i = np.arange(len(place))
    score[i, i, :] = score[i, :, i] = score[:, i, i] = 0
    return score


def evidence(predicate: str, layout: Layout, i: int, j: int) -> float:
    """The number behind "i <predicate> j", in metres; NaN without depth.

    Lateral offset for left/right, distance along the view for behind/in front, vertical gap for on/above/under/below,
    horizontal gap for the rest. Positive in the direction the predicate states.
    """
    step = layout.centre[i] - layout.centre[j]
    if predicate in ("left_of", "right_of"):
        return float(step[1] if predicate == "left_of" else -step[1])
    if predicate in ("behind", "in_front_of"):
        return float(step[0] if predicate == "behind" else -step[0])
    if predicate in ("on", "above"):
        return float(layout.low[i, 2] - layout.high[j, 2])
    if predicate in ("under", "below"):
        return float(layout.low[j, 2] - layout.high[i, 2])
    return float(gaps(layout)[i, j])
