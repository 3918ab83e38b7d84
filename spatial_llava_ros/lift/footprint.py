"""What a thing looks like from above: the circle or the right-angled corner that explains its near outline.

All of it is 2D, in the level frame of the outline, for all R things of a frame at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spatial_llava_ros.lift.outline import Outline

QUARTER = np.pi / 2


class Circle(NamedTuple):
    """Round footprints of R things; of one thing after `row`.

    Attributes:
        centre: (R, 2) metres.
        radius: (R,) metres.
        rms: (R,) trimmed distance of the outline from it; infinite where no circle of sane size fits.
        arc: (R,) the angle seen of it, radians.
        std: (R, 3) standard deviation of centre and radius, metres.
    """

    centre: np.ndarray
    radius: np.ndarray
    rms: np.ndarray
    arc: np.ndarray
    std: np.ndarray


class Corner(NamedTuple):
    """Right-angled footprints of R things: face A looks along -a, face B along +b, one right, one left.

    Attributes:
        yaw: (R,) angle of axis a in the level frame, 0 <= yaw < pi/2; b is a quarter turn on.
        face_a, face_b: (R,) coordinate of the faces along a and b; NaN for one that is not seen.
        points_a, points_b: (R,) how many outline points lie on each.
        rms: (R,) trimmed distance of the outline from the faces.
        yaw_std: (R,) radians.
    """

    yaw: np.ndarray
    face_a: np.ndarray
    face_b: np.ndarray
    points_a: np.ndarray
    points_b: np.ndarray
    rms: np.ndarray
    yaw_std: np.ndarray


def row(fit: Circle | Corner, index: int) -> Circle | Corner:
    """The fit of one thing out of the fits of many."""
    return type(fit)(*(column[index] for column in fit))


def fit_corner(outline: Outline) -> Corner:
    """Two perpendicular lines through the near outline: least squares over every angle and every place of the corner.

    The L-shape of Zhang et al. 2017, "Efficient L-Shape Fitting for Vehicle Detection Using Laser Scanners", made
    exact: the outline is ordered, so running sums give the scatter on both sides of every split, and the best angle
    of a split is that of an eigenvector.
    """
    points, weights = outline.points, outline.weights
    kept = weights > 0
    x, y = points[..., 0], points[..., 1]
    right, left = _running_scatter(x, y, weights), _running_scatter(x[:, ::-1], y[:, ::-1], weights[:, ::-1])
    xx, xy, yy = right[0], right[1], right[2]
    # Face B is as far from its line across as face A is along: a quarter turn swaps the roles of its x and y.
    along = xx + left[2][:, ::-1]  # cost at yaw 0
    across = yy + left[0][:, ::-1]  # cost at a quarter turn
    mixed = xy - left[1][:, ::-1]
    # cost(yaw) = (along + across) / 2 + (along - across) / 2 cos(2 yaw) + mixed sin(2 yaw)
    half = (along - across) / 2
    inside = mixed < 0
    cost = np.where(inside, (along + across) / 2 - np.hypot(half, mixed), np.minimum(along, across))
    best = np.where(inside, np.arctan2(-mixed, -half) / 2, np.where(along <= across, 0.0, QUARTER))
    split = np.argmin(cost, axis=1)  # the first so many points are on face A
    yaw = np.clip(np.take_along_axis(best, split[:, None], axis=1), 0.0, QUARTER - 1e-6)
    c, s = np.cos(yaw), np.sin(yaw)
    a, b = c * x + s * y, c * y - s * x
    order = np.arange(weights.shape[1])
    on_a, on_b = kept & (order < split[:, None]), kept & (order >= split[:, None])
    face_a, lever_a = _line(a, b, weights, on_a)
    face_b, lever_b = _line(b, a, weights, on_b)
    residual = np.where(on_a, a - face_a[:, None], b - face_b[:, None])
    rms = _trimmed_rms(residual, kept)
    yaw_std = np.maximum(rms, outline.sigma) / np.sqrt(np.maximum(lever_a + lever_b, 1e-12))
    return Corner(
        yaw[:, 0], face_a, face_b, on_a.sum(axis=1), on_b.sum(axis=1), rms, np.minimum(yaw_std, np.pi / 4)
    )  # fmt: skip


def fit_circle(outline: Outline, tangents: np.ndarray) -> Circle:
    """Circles through the near outline that also touch the outermost rays, by robust Gauss-Newton.

    An arc alone leaves radius and distance nearly interchangeable; the rays that graze a round thing settle it.

    Args:
        tangents: (R, 2) bool, whether the right and the left end of the outline are the thing's own, not an occluder's.
    """
    points, weights, eye, ends = outline.points, outline.weights, outline.eye, outline.ends
    things, bins = weights.shape
    kept = weights > 0
    half = 0.5 * np.arccos(np.clip((ends[:, 0] * ends[:, 1]).sum(axis=1), -1, 1))
    towards = ends.sum(axis=1)
    towards /= np.maximum(np.sqrt((towards**2).sum(axis=1, keepdims=True)), 1e-9)
    ahead = ((points - eye[:, None]) @ towards[..., None])[..., 0]
    nearest = np.where(kept, ahead, np.inf).min(axis=1)
    sine = np.sin(half)
    sane = (kept.sum(axis=1) >= 5) & (sine > 0) & (sine < 0.95)
    sine, nearest = np.where(sane, sine, 0.5), np.where(np.isfinite(nearest), nearest, 1.0)
    distance = nearest / (1 - sine)
    radius = distance * sine
    centre, fitted = eye + towards * distance[:, None], radius
    # A ray grazes at a right angle to its normal: right end, then left end.
    normals = np.stack([ends[:, 0, ::-1] * [1, -1], ends[:, 1, ::-1] * [-1, 1]], axis=1)
    row_weight = np.zeros((things, bins + 2))
    row_weight[:, :bins] = weights / np.maximum(weights.max(axis=1, keepdims=True), 1e-9)
    row_weight[:, bins:] = 4.0 * tangents
    scale = 2 * outline.sigma + 0.01 * radius
    residual = np.empty((things, bins + 2))
    jacobian = np.empty((things, bins + 2, 3))
    jacobian[:, bins:, :2] = -normals
    jacobian[..., 2] = -1
    normal_matrix = np.eye(3)
    # From forgiving to strict, so that a handle towards the camera, where the fit starts, is outvoted.
    for loose in (0.3, 0.15, 0.07, 0.03, 0.0, 0.0):
        offset = points - centre[:, None]
        length = np.sqrt(np.maximum((offset**2).sum(axis=2), 1e-18))
        residual[:, :bins] = length - fitted[:, None]
        residual[:, bins:] = (normals @ (eye - centre)[..., None])[..., 0] - fitted[:, None]
        jacobian[:, :bins, :2] = -offset / length[..., None]
        cauchy = row_weight / (1 + (residual / np.maximum(scale, loose * radius)[:, None]) ** 2)
        weighted = np.swapaxes(jacobian * cauchy[..., None], 1, 2)
        normal_matrix = weighted @ jacobian + 1e-9 * np.eye(3)
        step = np.linalg.solve(normal_matrix, weighted @ residual[..., None])[..., 0]
        centre, fitted = centre - step[:, :2], fitted - step[:, 2]
    sane &= np.isfinite(fitted) & (0.5 * radius < fitted) & (fitted < 2 * radius)
    offset = points - centre[:, None]
    residual = np.sqrt((offset**2).sum(axis=2)) - fitted[:, None]
    rms = _trimmed_rms(residual, kept)
    inlier = kept & (np.abs(residual) < 3 * scale[:, None])
    sane &= inlier.sum(axis=1) >= 4
    sideways = offset[..., 1] * towards[:, :1] - offset[..., 0] * towards[:, 1:]
    bearing = np.arctan2(sideways, -(offset @ towards[..., None])[..., 0])
    arc = np.where(inlier, bearing, -np.inf).max(axis=1) - np.where(inlier, bearing, np.inf).min(axis=1)
    variance = np.diagonal(np.linalg.inv(normal_matrix), axis1=1, axis2=2)
    std = np.maximum(rms, outline.sigma)[:, None] * np.sqrt(np.maximum(variance, 0))
    return Circle(centre, fitted, np.where(sane, rms, np.inf), np.where(sane, arc, 0.0), std)


def _line(across: np.ndarray, along: np.ndarray, weights: np.ndarray, chosen: np.ndarray) -> tuple:
    """Weighted mean (R,) of `across` over the chosen points, NaN without, and their squared spread (R,) `along`."""
    number = chosen.sum(axis=1)
    weighted = np.where(chosen, weights, 0.0)
    with np.errstate(invalid="ignore"):
        face = (weighted * across).sum(axis=1) / weighted.sum(axis=1)
    mean = np.where(chosen, along, 0.0).sum(axis=1) / np.maximum(number, 1)
    lever = np.where(chosen, (along - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return face, lever


def _running_scatter(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(3, R, B+1) weighted scatter xx, xy, yy about the mean of the first k of B points, for every k and row."""
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    moments = np.zeros((6, *x.shape[:1], x.shape[1] + 1))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]) * weights
    np.cumsum(terms, axis=2, out=moments[:, :, 1:])
    number, mx, my, mxx, mxy, myy = moments
    number = np.maximum(number, 1e-9)
    return np.stack(
        [np.maximum(mxx - mx * mx / number, 0), mxy - mx * my / number, np.maximum(myy - my * my / number, 0)]
    )


def _trimmed_rms(residual: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Root mean square (R,) of the best four fifths of the kept: a handle or a spout leaves a mug round."""
    ordered = np.sort(np.where(kept, residual**2, np.inf), axis=1)
    number = kept.sum(axis=1)
    most = np.clip(np.ceil(0.8 * number).astype(np.intp), 3, np.maximum(number, 3))
    chosen = (np.arange(kept.shape[1]) < np.minimum(most, np.maximum(number, 1))[:, None]) & np.isfinite(ordered)
    return np.sqrt(np.where(chosen, ordered, 0.0).sum(axis=1) / np.maximum(chosen.sum(axis=1), 1))
