"""What a thing looks like from above: its near outline, and the circle or the right-angled corner that explains it.

All of it is 2D, in a level frame at the camera: x points away from the camera, y to the left, metres. Rather than
thousands of noisy points, fits work on the near outline: the nearest surface in each of a few dozen viewing
directions, averaged over what is seen there, so that it is several times sharper than the depth noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 32
ANGLES = np.deg2rad(np.arange(0.0, 90.0, 1.5))


@dataclass(frozen=True, eq=False)
class Outline:
    """The side of a thing that faces the camera, seen from above, from right to left.

    Attributes:
        points: (B, 2) float64.
        weights: (B,) float64, how many depth points each was averaged from (capped).
        sigma: metres, noise of one outline point.
        eye: (2,) where the camera is; far behind the origin for a view from above.
        ends: (2, 2) unit directions from the eye that graze the thing on its right and on its left.
    """

    points: np.ndarray
    weights: np.ndarray
    sigma: float
    eye: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True, eq=False)
class Circle:
    """A round footprint. `rms` is the trimmed distance of the outline from it, `arc` the angle seen of it (radians)."""

    centre: np.ndarray
    radius: float
    rms: float
    arc: float
    std: np.ndarray


@dataclass(frozen=True, eq=False)
class Corner:
    """A right-angled footprint: face A looks along -a, face B along +b, one to the right, one to the left.

    Attributes:
        yaw: angle of axis a in the level frame, 0 <= yaw < pi/2; b is a quarter turn on.
        face_a, face_b: coordinate of the faces along a and b; NaN for one that is not seen.
        points_a, points_b: how many outline points lie on each.
        rms: trimmed distance of the outline from the faces.
        yaw_std: radians.
    """

    yaw: float
    face_a: float
    face_b: float
    points_a: int
    points_b: int
    rms: float
    yaw_std: float


def near_outline(xy: np.ndarray, sigma: float, pixel: float, hidden: np.ndarray | None = None) -> Outline:
    """The nearest surface in each viewing direction.

    Args:
        xy: (N, 2) level points, x > 0 away from the camera at the origin.
        sigma: noise of x in metres.
        pixel: metres that a pixel spans.
        hidden: (M, 2) places where the thing goes on behind something else: no outline is taken there.
    """
    x, y = xy[:, 0], xy[:, 1]
    distance = middle(x)
    extent = float(np.ptp(y)) + 1e-6
    eye = np.zeros(2)
    if distance < 2 * extent or float(x.min()) < 0.2 * distance:
        eye = np.array([distance - 1000.0, 0.0])  # from above: no perspective seen from the side
    direction = y / (x - eye[0]) * (distance - eye[0])
    low, high = edges(direction, 0.0, pixel)
    bins = int(np.clip((high - low) / (1.5 * pixel), 4, BINS))
    index = np.clip(((direction - low) * (bins / (high - low + 1e-9))).astype(np.intp), 0, bins - 1)
    order = np.lexsort((x, index))
    counts = np.bincount(index, minlength=bins)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    filled = counts >= 3
    if np.count_nonzero(filled) < 3:
        filled = counts >= 1
    # Start at the nearest, but for outliers. Where depths pile up there, a wall is seen and the average of the pile is
    # taken; where they do not (the middle of a plate, a top seen from above), the surface just begins.
    last = len(x) - 1
    first = x[order[np.minimum(starts + counts // 40 + (counts > 8), last)]]
    span = x[order[np.clip(starts + counts - 1 - counts // 10, 0, last)]] - first
    reach = max(2.5 * sigma, 0.75 * pixel)
    depth = x - first[index]
    pile = np.bincount(index[np.abs(depth) <= 1.6 * reach], minlength=bins)
    wall = pile > np.minimum(1.4 * 1.6 * reach / np.maximum(span, 1e-9), 0.6) * counts
    near = np.abs(depth - 0.8 * reach) <= reach
    number = np.bincount(index[near], minlength=bins)
    begins = first + 0.3 * sigma
    for _ in range(3):
        safe = np.maximum(number, 1)
        first = np.where(wall & (number > 0), np.bincount(index[near], x[near], minlength=bins) / safe, first)
        near = np.abs(x - first[index]) <= reach
        number = np.bincount(index[near], minlength=bins)
    safe = np.maximum(number, 1)
    mean_x = np.where(wall, first, begins)
    mean_y = np.bincount(index[near], y[near], minlength=bins) / safe
    kept = filled & (number > 0)
    points = np.stack([mean_x[kept], mean_y[kept]], axis=1)
    if hidden is not None and len(hidden):
        near_hidden = (np.abs(points[:, None] - hidden[None]) < 4 * pixel + 2 * sigma).all(axis=2).any(axis=1)
        if np.count_nonzero(~near_hidden) >= 5:
            points, number, kept = points[~near_hidden], number[kept][~near_hidden], slice(None)
    weights = np.minimum(number[kept], 20).astype(np.float64)
    typical = max(middle(weights), 1.0) if wall.mean() > 0.5 else 2.0
    outline_sigma = max(sigma / np.sqrt(typical), 0.3 * pixel)
    ends = np.array([[distance - eye[0], low], [distance - eye[0], high]])
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    return Outline(points, weights, outline_sigma, eye, ends)


def fit_corner(outline: Outline) -> Corner:
    """Two perpendicular lines through the near outline: least squares over every angle and every place of the corner.

    The L-shape of Zhang et al. 2017, "Efficient L-Shape Fitting for Vehicle Detection Using Laser Scanners", made
    exact: the outline is ordered, so running sums give the squared error of every split at once.
    """
    points, weights = outline.points, outline.weights
    cos, sin = np.cos(ANGLES)[:, None], np.sin(ANGLES)[:, None]
    a = cos * points[:, 0] + sin * points[:, 1]
    b = -sin * points[:, 0] + cos * points[:, 1]
    right, left = _running_error(a, weights), _running_error(b[:, ::-1], weights[::-1])[:, ::-1]
    cost = right + left  # (angles, splits): split k has the k rightmost points on face A
    angle, split = np.unravel_index(int(np.argmin(cost)), cost.shape)
    yaw = float(ANGLES[angle] + _vertex(cost[:, split], angle))
    c, s = np.cos(yaw), np.sin(yaw)
    a = c * points[:, 0] + s * points[:, 1]
    b = -s * points[:, 0] + c * points[:, 1]
    on_a, on_b = slice(0, split), slice(split, len(points))
    number_a, number_b = split, len(points) - split
    face_a = float(np.average(a[on_a], weights=weights[on_a])) if number_a else np.nan
    face_b = float(np.average(b[on_b], weights=weights[on_b])) if number_b else np.nan
    residual = np.concatenate([a[on_a] - face_a, b[on_b] - face_b])
    lever = 0.0
    if number_a > 1:
        lever += float(((b[on_a] - b[on_a].mean()) ** 2).sum())
    if number_b > 1:
        lever += float(((a[on_b] - a[on_b].mean()) ** 2).sum())
    rms = _trimmed_rms(residual)
    yaw_std = max(rms, outline.sigma) / np.sqrt(max(lever, 1e-12))
    return Corner(yaw % (np.pi / 2), face_a, face_b, number_a, number_b, rms, float(min(yaw_std, np.pi / 4)))


def fit_circle(outline: Outline, tangents: tuple[bool, bool] = (True, True)) -> Circle | None:
    """A circle through the near outline that also touches the outermost rays, by robust Gauss-Newton.

    An arc alone leaves radius and distance nearly interchangeable; the rays that graze a round thing settle it.

    Args:
        tangents: whether the right and the left end of the outline are the thing's own, not an occluder's.

    Returns:
        None when no circle of sane size fits.
    """
    points, weights, eye, ends = outline.points, outline.weights, outline.eye, outline.ends
    if len(points) < 5:
        return None
    half = 0.5 * np.arccos(np.clip(ends[0] @ ends[1], -1, 1))
    towards = ends.sum(axis=0) / np.linalg.norm(ends.sum(axis=0))
    nearest = float(((points - eye) @ towards).min())
    if not 0 < np.sin(half) < 0.95:
        return None
    distance = nearest / (1 - np.sin(half))
    radius = distance * np.sin(half)
    state = np.array([*(eye + towards * distance), radius])
    # A ray grazes at a right angle to its normal: right end, then left end.
    normals = np.array([[ends[0, 1], -ends[0, 0]], [-ends[1, 1], ends[1, 0]]])
    use = np.array(tangents, float)
    row_weight = np.concatenate([np.sqrt(weights / weights.max()), 2.0 * use])
    scale = 2 * outline.sigma + 0.01 * radius
    normal_matrix = np.eye(3)
    # From forgiving to strict, so that a handle towards the camera, where the fit starts, is outvoted.
    for loose in (0.3, 0.15, 0.07, 0.03, 0.0, 0.0):
        offset = points - state[:2]
        length = np.maximum(np.linalg.norm(offset, axis=1), 1e-9)
        residual = np.concatenate([length - state[2], normals @ (eye - state[:2]) - state[2]])
        jacobian = np.empty((len(residual), 3))
        jacobian[:-2, :2] = -offset / length[:, None]
        jacobian[-2:, :2] = -normals
        jacobian[:, 2] = -1
        cauchy = row_weight**2 / (1 + (residual / max(scale, loose * radius)) ** 2)
        normal_matrix = (jacobian * cauchy[:, None]).T @ jacobian + 1e-9 * np.eye(3)
        step = np.linalg.solve(normal_matrix, (jacobian * cauchy[:, None]).T @ residual)
        state = state - step
    centre, fitted = state[:2], float(state[2])
    if not (np.isfinite(state).all() and 0.5 * radius < fitted < 2 * radius):
        return None
    offset = points - centre
    residual = np.linalg.norm(offset, axis=1) - fitted
    rms = _trimmed_rms(residual)
    inlier = np.abs(residual) < 3 * scale
    if np.count_nonzero(inlier) < 4:
        return None
    bearing = np.arctan2(offset[inlier] @ [-towards[1], towards[0]], -(offset[inlier] @ towards))
    std = max(rms, outline.sigma) * np.sqrt(np.diag(np.linalg.inv(normal_matrix)))
    return Circle(centre, fitted, rms, float(np.ptp(bearing)), std)


def edges(values: np.ndarray, sigma: float, pixel: float) -> tuple[float, float]:
    """Where a thing begins and ends along an axis: the ends of the values (N,), freed of noise and of a few outliers.

    Percentiles alone cut a piece off every side; here as much is added again as the next such piece is long. Where
    the values pile up at an end they show a face, and the face is at their middle, not at the end of their noise.
    """
    n = len(values)
    trim = max(n // 200, 1)
    order = np.partition(values, (trim, 2 * trim, n - 1 - 2 * trim, n - 1 - trim))
    low, low_inner, high_inner, high = (float(order[k]) for k in (trim, 2 * trim, n - 1 - 2 * trim, n - 1 - trim))
    span = max(high - low, 1e-6)
    window = 4 * sigma
    begin = low - min(low_inner - low, 0.03 * span) - 0.5 * pixel + 0.8 * sigma
    end = high + min(high - high_inner, 0.03 * span) + 0.5 * pixel - 0.8 * sigma
    if window > 0:
        pile = n if span < 2 * window else min(2.5 * window / span, 0.9) * n
        first, last = values[values < low + window], values[values > high - window]
        if span < 2 * window or len(first) > pile:
            begin = middle(first)
        if span < 2 * window or len(last) > pile:
            end = middle(last)
    return begin, end


def middle(values: np.ndarray) -> float:
    """Median of values (N,), the upper one of an even number: a tenth of the time of NumPy's on short arrays."""
    half = len(values) // 2
    return float(np.partition(values, half)[half])


def _running_error(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T, B+1) weighted squared error about the mean of the first k of B values, for every k and every row."""
    zero = np.zeros((len(values), 1))
    total = np.concatenate([[0.0], np.cumsum(weights)])
    centred = values - values.mean(axis=1, keepdims=True)
    first = np.concatenate([zero, np.cumsum(weights * centred, axis=1)], axis=1)
    second = np.concatenate([zero, np.cumsum(weights * centred**2, axis=1)], axis=1)
    return np.maximum(second - first**2 / np.maximum(total, 1e-9), 0)


def _vertex(cost: np.ndarray, index: int) -> float:
    """Where between the angles the parabola through the lowest cost and its neighbours has its minimum, radians."""
    before, here, after = cost[index - 1], cost[index], cost[(index + 1) % len(cost)]
    bend = before - 2 * here + after
    if bend <= 0 or index in (0, len(cost) - 1):
        return 0.0
    step = float(ANGLES[1] - ANGLES[0])
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) * step


def _trimmed_rms(residual: np.ndarray) -> float:
    """Root mean square of the best four fifths: a handle or a spout does not make a mug less round."""
    squared = np.sort(residual**2)
    return float(np.sqrt(squared[: max(3, int(np.ceil(0.8 * len(squared))))].mean()))
