"""What a lifted thing looks like, in numbers that tell a can from a carton: how its points lie in its box, its outline.

All R things of a frame at once. None of the numbers decides anything: a can that is half hidden looks a little like a
box, and `grounding.forms` says how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.lift.box import BoxFit
from spatial_llava_ros.lift.foreground import Cloud
from spatial_llava_ros.types import Region

_POINTS = 256
_BANDS = 4  # of its height
_OUTLINE = 16  # pixels, the mask is reduced to this square

LOOKS = (
    "longest", "middle", "shortest", "height", "elongation",
    "roundness", "corner misfit", "circle misfit", "arc", "as box", "as cylinder", "as ball", "as roll",
    "off box", "off cylinder", "off ball", "off roll", "on top", "sticks out", "in corners",
    *(f"{what} of band {band}" for what in ("share", "width", "reach") for band in range(_BANDS)),
    "sunk", "inside",
    "filled", *(f"rows {k}" for k in range(4)), *(f"columns {k}" for k in range(4)), "upright",
    "lopsided", "top-heavy", *(f"corner {k}" for k in range(4)),
)  # fmt: skip
"""What the numbers of `Shape.looks` are, in order."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Measured form of a thing.

    Attributes:
        looks: (len(LOOKS),) float64.
        flat: 0..1, how much wider than high it is: 0 up to twice, 1 from five times on.
    """

    looks: np.ndarray
    flat: float


def describe_shapes(regions: Sequence[Region], clouds: Sequence[Cloud], fits: Sequence[BoxFit]) -> list[Shape]:
    """The shapes of things whose boxes are fitted."""
    if not fits:
        return []
    low, high = (np.array([getattr(fit, end) for fit in fits])[:, None] for end in ("low", "high"))
    size = (high - low)[:, 0]
    points = np.stack([_some(cloud.points) for cloud in clouds]) @ np.array([fit.rotation for fit in fits])
    inside = np.clip((points - low) / (high - low) * 2 - 1, -3, 3)  # (R, P, 3), the box is -1..1
    looks = np.concatenate([_sides(size), _footprint(fits, size), _faces(inside, size), _bands(inside),
                            _outlines([region.mask for region in regions])], axis=1)  # fmt: skip
    flat = np.clip((size[:, :2].min(axis=1) / size[:, 2] - 2) / 3, 0, 1)
    return [Shape(row, float(f)) for row, f in zip(looks, flat, strict=True)]


def _some(points: np.ndarray) -> np.ndarray:
    """_POINTS of the points (N, 3), evenly drawn."""
    return points[np.arange(_POINTS) * len(points) // _POINTS]


def _sides(size: np.ndarray) -> np.ndarray:
    x, y, z = np.log(np.maximum(size, 1e-3)).T
    return np.column_stack([np.sort(np.log(np.maximum(size, 1e-3)), axis=1)[:, ::-1], z, np.abs(x - y)])


def _footprint(fits: Sequence[BoxFit], size: np.ndarray) -> np.ndarray:
    """How well a circle and how well a corner explain the near outline, and what was made of it."""
    corner, circle, arc, radius, sigma = np.array(
        [(f.corner.rms, f.circle.rms, f.circle.arc, f.circle.radius, f.outline_sigma) for f in fits], np.float64
    ).T
    fitted = np.isfinite(circle)
    corner = np.where(np.isfinite(corner), corner, 0.05)
    circle = np.where(fitted, circle, corner + 0.02)
    noise = sigma + 0.01 * np.where(fitted, radius, 0.05)
    width = np.sqrt(size[:, 0] * size[:, 1])
    taken = [[float(f.kind == kind) for kind in ("box", "cylinder", "ball", "roll")] for f in fits]
    evidence = np.clip((corner**2 - circle**2) / noise**2, -6, 6)
    misfit = [np.log(rms / width + 0.003) for rms in (corner, circle)]
    return np.column_stack([evidence, *misfit, np.where(fitted, np.minimum(arc, 3.2), 0), taken])


def _faces(inside: np.ndarray, size: np.ndarray) -> np.ndarray:
    """How far the points lie from the faces of the box, and of the round bodies in it."""
    volume = np.cbrt(size.prod(axis=1))[:, None]
    to_face = (1 - np.abs(inside)) * (size[:, None] / 2)
    radial = np.hypot(inside[..., 0], inside[..., 1])
    to_side = np.abs(1 - radial) * size[:, None, :2].min(axis=2) / 2
    body = (
        np.abs(to_face.min(axis=2)) / volume,
        np.maximum(np.minimum(to_side, to_face[..., 2]), 0) / volume,
        np.abs(np.linalg.norm(inside, axis=2) - 1),
        np.abs(1 - np.hypot(inside[..., 1], inside[..., 2])),
    )
    most = int(0.8 * inside.shape[1])
    off = [np.log(np.partition(distance, most, axis=1)[:, :most].mean(axis=1) + 0.01) for distance in body]
    top = np.abs(1 - inside[..., 2]) < 0.15
    corners = (np.abs(inside[..., :2]) > 0.75).all(axis=2)
    return np.column_stack([*off, top.mean(axis=1), (radial > 1.15).mean(axis=1), corners.mean(axis=1)])


def _bands(inside: np.ndarray) -> np.ndarray:
    """From foot to top: how much is seen in each band of the height, and how wide the thing is there."""
    things, number, _ = inside.shape
    band = np.clip((inside[..., 2] + 1) / 2 * _BANDS, 0, _BANDS - 1).astype(np.intp)
    flat = (band + _BANDS * np.arange(things)[:, None]).ravel()

    def summed(values: np.ndarray | None = None) -> np.ndarray:
        values = None if values is None else values.ravel()
        return np.bincount(flat, values, minlength=things * _BANDS).reshape(things, _BANDS)

    count = summed()
    enough, some = count >= 5, np.maximum(count, 1)
    reach = summed(np.abs(inside[..., :2]).mean(axis=2)) / some
    spread = sum(summed(inside[..., k] ** 2) / some - (summed(inside[..., k]) / some) ** 2 for k in (0, 1))
    middle = (np.abs(inside[..., :2]) < 0.4).all(axis=2)
    inner = middle.sum(axis=1)
    sunk = np.where(inner >= 5, (inside[..., 2] * middle).sum(axis=1) / np.maximum(inner, 1), 0)
    return np.column_stack([
        count / number, np.where(enough, np.sqrt(np.maximum(spread, 0)), 0.5), np.where(enough, reach, 0.5),
        sunk, inner / number,
    ])  # fmt: skip


def _outlines(masks: Sequence[np.ndarray]) -> np.ndarray:
    """How the masks fill their boxes."""
    square = np.stack([_reduced(mask) for mask in masks]).astype(np.float64)
    rows, columns = (square.mean(axis=axis).reshape(len(masks), 4, -1).mean(axis=2) for axis in (2, 1))
    upright = np.log([mask.shape[0] / mask.shape[1] for mask in masks])
    lopsided = [np.abs(square - other).mean(axis=(1, 2)) for other in (square[:, :, ::-1], square[:, ::-1])]
    corners = [square[:, r, c].mean(axis=(1, 2)) for r in _ENDS for c in _ENDS]
    return np.column_stack([square.mean(axis=(1, 2)), rows, columns, upright, *lopsided, *corners])


_ENDS = slice(0, 3), slice(-3, None)


def _reduced(mask: np.ndarray) -> np.ndarray:
    """The mask at the middles of _OUTLINE x _OUTLINE cells."""
    rows, columns = ((2 * np.arange(_OUTLINE) + 1) * side // (2 * _OUTLINE) for side in mask.shape)
    return mask[rows][:, columns]
