"""The near outline: what of a thing faces the camera, seen from above, sharper than any single depth pixel.

All of it is 2D, in a level frame at the camera: x points away from the camera, y to the left, metres. Rather than
hundreds of noisy points, fits work on the nearest surface in each of a few dozen viewing directions, averaged over
what is seen there. All R things of a frame are worked on at once, each sampled by the same number P of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BINS = 32
FEW = 200
"""Places that tell where something hides the outline: they lie four deep, and to four pixels is near enough."""


class Outline(NamedTuple):
    """The sides of R things that face the camera, seen from above, from right to left.

    Attributes:
        points: (R, B, 2) float64.
        weights: (R, B) float64, how many depth points each was averaged from (capped); 0 where nothing was seen.
        sigma: (R,) metres, noise of one outline point.
        eye: (R, 2) where the camera is; far behind the origin for a view from above.
        ends: (R, 2, 2) unit directions from the eye that graze the thing on its right and on its left.
        width: (R,) metres from the rightmost to the leftmost point.
    """

    points: np.ndarray
    weights: np.ndarray
    sigma: np.ndarray
    eye: np.ndarray
    ends: np.ndarray
    width: np.ndarray


def near_outline(
    x: np.ndarray,
    y: np.ndarray,
    sigma: np.ndarray,
    pixel: np.ndarray,
    counts: np.ndarray,
    hidden: Sequence[np.ndarray | None],
) -> Outline:
    """The nearest surface in each viewing direction.

    Args:
        x, y: (R, P) level points, x > 0 away from the camera at the origin.
        sigma: (R,) noise of x in metres.
        pixel: (R,) metres that a pixel spans.
        counts: (R,) how many different points each row holds.
        hidden: for each thing the places (M, 2) where it goes on behind something else: no outline is taken there.
    """
    things, samples = x.shape
    share = (np.minimum(counts, samples) / samples)[:, None]  # a sample of a small thing is less than a point
    distance = np.partition(x, samples // 2, axis=1)[:, samples // 2]
    extent = y.max(axis=1) - y.min(axis=1) + 1e-6
    nearest = x.min(axis=1, keepdims=True)
    from_above = (distance < 2 * extent) | (nearest[:, 0] < 0.2 * distance)
    eye_x = np.where(from_above, distance - 1000.0, 0.0)  # no perspective seen from the side
    direction = y / (x - eye_x[:, None]) * (distance - eye_x)[:, None]
    low, high = edges(direction, np.zeros(things), pixel, counts)
    bins = np.clip((high - low) / (1.5 * pixel), 4, BINS).astype(np.intp)
    index = ((direction - low[:, None]) * (bins / (high - low + 1e-9))[:, None]).astype(np.intp)
    index = np.clip(index, 0, bins[:, None] - 1)
    flat = (index + BINS * np.arange(things)[:, None]).ravel()

    def summed(weights: np.ndarray | None = None) -> np.ndarray:
        values = None if weights is None else weights.ravel()
        return np.bincount(flat, values, minlength=things * BINS).reshape(things, BINS)

    number = summed()
    filled = number * share >= 2.5
    filled |= (np.count_nonzero(filled, axis=1) < 3)[:, None] & (number > 0)
    # Each row sorted by direction, then by x: one number holds both.
    scale = (x.max(axis=1, keepdims=True) - nearest) * 1.000001 + 1e-9
    ordered = np.sort(index + (x - nearest) / scale, axis=1)
    ordered = (ordered - np.floor(ordered)) * scale + nearest
    starts = np.cumsum(number, axis=1) - number

    def ranked(rank: np.ndarray) -> np.ndarray:
        return np.take_along_axis(ordered, np.clip(rank.astype(np.intp), 0, samples - 1), axis=1)

    # Start at the nearest, but for outliers. Where depths pile up there, a wall is seen and the average of the pile is
    # taken; where they do not (the middle of a plate, a top seen from above), the surface just begins.
    real = number * share
    first = ranked(starts + (real // 40 + (real > 8)) / share)
    span = ranked(starts + number - 1 - number // 10) - first
    reach = np.maximum(2.5 * sigma, 0.75 * pixel)[:, None]

    def beyond(depth: np.ndarray) -> np.ndarray:
        return x - np.take(depth, flat).reshape(x.shape)

    depth = beyond(first)
    pile = summed(np.abs(depth) <= 1.6 * reach)
    wall = pile > np.minimum(1.4 * 1.6 * reach / np.maximum(span, 1e-9), 0.6) * number
    near = np.abs(depth - 0.8 * reach) <= reach
    near_number = summed(near)
    begins = first + 0.3 * sigma[:, None]
    for _ in range(3):
        mean = summed(near * x) / np.maximum(near_number, 1)
        first = np.where(wall & (near_number > 0), mean, first)
        near = np.abs(beyond(first)) <= reach
        near_number = summed(near)
    points = np.empty((things, BINS, 2))
    points[..., 0] = np.where(wall, first, begins)
    points[..., 1] = summed(near * y) / np.maximum(near_number, 1)
    kept = filled & (near_number > 0)
    for i, places in enumerate(hidden):
        if places is not None and len(places):
            places = places[:: 1 + len(places) // FEW]
            close = np.abs(points[i, :, None] - places[None]) < 4 * pixel[i] + 2 * sigma[i]
            free = kept[i] & ~(close[..., 0] & close[..., 1]).any(axis=1)
            if np.count_nonzero(free) >= 5:
                kept[i] = free
    points[~kept] = 0
    weights = np.where(kept, np.minimum(near_number * share, 20), 0.0)
    walled = wall.sum(axis=1) > 0.5 * bins
    typical = np.where(walled, np.maximum(_middle_of(weights, kept), 1.0), 2.0)
    outline_sigma = np.maximum(sigma / np.sqrt(typical), 0.3 * pixel)
    ends = np.empty((things, 2, 2))
    ends[..., 0] = (distance - eye_x)[:, None]
    ends[:, 0, 1], ends[:, 1, 1] = low, high
    ends /= np.sqrt((ends**2).sum(axis=2, keepdims=True))
    along_y = points[..., 1]
    width = np.where(kept, along_y, -np.inf).max(axis=1) - np.where(kept, along_y, np.inf).min(axis=1)
    return Outline(points, weights, outline_sigma, np.stack([eye_x, np.zeros(things)], axis=1), ends, width)


def edges(
    values: np.ndarray, sigma: np.ndarray, pixel: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where things begin and end along an axis: the ends of values (..., P), freed of noise and of a few outliers.

    Percentiles alone cut a piece off every side; here as much is added again as the next such piece is long. Where
    the values pile up at an end they show a face, and the face is at their middle, not at the end of their noise.

    Args:
        sigma: (...) noise of the values; 0 to look for no faces.
        pixel: (...) metres that a pixel spans.
        counts: (...) how many different values there are among the P.
    """
    n = values.shape[-1]
    ordered = np.sort(values, axis=-1)
    trim = np.ceil(n * np.maximum(counts // 200, 1) / counts).astype(np.intp)
    trim = np.minimum(trim, n // 5)

    def ranked(rank: np.ndarray) -> np.ndarray:
        return np.take_along_axis(ordered, np.broadcast_to(rank, values.shape[:-1])[..., None], axis=-1)[..., 0]

    low, low_inner, high_inner, high = (ranked(k) for k in (trim, 2 * trim, n - 1 - 2 * trim, n - 1 - trim))
    span = np.maximum(high - low, 1e-6)
    window = 4 * sigma
    begin = low - np.minimum(low_inner - low, 0.03 * span) - 0.5 * pixel + 0.8 * sigma
    end = high + np.minimum(high - high_inner, 0.03 * span) + 0.5 * pixel - 0.8 * sigma
    if not np.any(window > 0):
        return begin, end
    narrow = span < 2 * window
    pile = np.minimum(2.5 * window / span, 0.9) * n
    first = np.count_nonzero(ordered < (low + window)[..., None], axis=-1)
    last = np.count_nonzero(ordered > (high - window)[..., None], axis=-1)
    begin = np.where(narrow | (first > pile), ranked(first // 2), begin)
    end = np.where(narrow | (last > pile), ranked(n - 1 - (last - 1) // 2), end)
    return begin, end


def trimmed_rms(residual: np.ndarray, share: float = 0.9) -> np.ndarray:
    """Root mean square (...,) of the best nine tenths, or another share, of residuals (..., P)."""
    squared = residual**2
    most = max(int(share * squared.shape[-1]), 1)
    return np.sqrt(np.partition(squared, most - 1, axis=-1)[..., :most].mean(axis=-1))


def middle(values: np.ndarray) -> float:
    """Median of values (N,), the upper one of an even number: a tenth of the time of NumPy's on short arrays."""
    half = len(values) // 2
    return float(np.partition(values, half)[half])


def _middle_of(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(R,) upper median of the chosen ones of values (R, B); 0 for a row without."""
    ordered = np.sort(np.where(chosen, values, np.inf), axis=1)
    rank = np.count_nonzero(chosen, axis=1) // 2
    found = np.take_along_axis(ordered, np.minimum(rank, values.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(np.isfinite(found), found, 0.0)
