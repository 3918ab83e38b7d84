"""Things that are not boxes: balls, upright cylinders with or without a handle, and cylinders that lie.

All of one thing, in its level frame (x away from the camera, z up), metres.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.lift.footprint import Circle, Corner
from spatial_llava_ros.lift.outline import trimmed_rms

SIDES = np.array([[1.0], [-1.0]])


def is_round(circle: Circle, corner: Corner, noise: float, deep: float, over_top: float) -> bool:
    """Whether a circle explains the near outline better than a corner does, and well enough.

    Args:
        noise: metres, of the outline.
        deep: metres along the view that the points reach; a circle is seen to its middle, and further from above.
        over_top: sine of the angle under which the top is seen.
    """
    tolerance = 2 * noise + 0.06 * circle.radius
    fits = circle.rms < tolerance and circle.rms < corner.rms and circle.arc > 1.2
    return bool(fits and deep > 0.65 * circle.radius * (1 + over_top))


def fit_spheres(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spheres through the points (R, 3, P) of R things by linear least squares.

    Returns:
        Centre (R, 3), radius (R,) and trimmed distance of the points (R,); NaN radius where none fits.
    """
    origin = points.mean(axis=2, keepdims=True)
    p = points - origin
    square = (p**2).sum(axis=1)
    mean_square = square.mean(axis=1)
    # About their mean, the centre c solves  2 <p p'> c = <p |p|^2>.
    scatter = 2 * (p @ np.swapaxes(p, 1, 2)) + 1e-12 * np.eye(3)
    centre = np.linalg.solve(scatter, p @ square[..., None])[..., 0]
    radius = np.sqrt(mean_square + (centre**2).sum(axis=1))
    distance = np.sqrt(((p - centre[..., None]) ** 2).sum(axis=1))
    return origin[..., 0] + centre, radius, trimmed_rms(distance - radius[:, None])


def refine_ball(
    points: np.ndarray,
    start: tuple[np.ndarray, float],
    circle: Circle,
    limit: float,
    sigma: float,
    floor: float | None,
    top: float,
) -> tuple[np.ndarray, float] | None:
    """Centre (3,) and radius of a ball through the points (3, P), from a first guess.

    Args:
        limit: metres; None is returned when the points are not within it of the ball, or nearer to an upright
            cylinder around the circle, or when the ball goes on where nothing was seen.
        floor: level of what carries it.
        top: level of its highest point.
    """
    centre, radius = start
    # Linear least squares shrinks a ball of which a part is seen; Gauss-Newton on distances does not.
    for _ in range(3):
        offset = centre[:, None] - points
        length = np.sqrt((offset**2).sum(axis=0))
        jacobian = np.vstack([offset / np.maximum(length, 1e-9), np.full(len(length), -1.0)])
        normal = jacobian @ jacobian.T + 1e-9 * np.eye(4)
        step = np.linalg.solve(normal, jacobian @ (length - radius))
        centre, radius = centre - step[:3], radius - float(step[3])
    extent = float(np.ptp(points[1]))
    if not 0.4 * extent < radius < 0.7 * extent:
        return None
    if np.isfinite(circle.rms):
        upright = np.abs(np.hypot(*(points[:2] - circle.centre[:, None])) - circle.radius)
        limit = min(limit, 1.25 * float(trimmed_rms(np.minimum(upright, np.abs(points[2] - top)))))
    length = np.sqrt(((points - centre[:, None]) ** 2).sum(axis=0))
    if trimmed_rms(length - radius) > limit:
        return None
    slack = 0.12 * radius + 1.5 * sigma
    if abs(centre[2] + radius - top) > slack:
        return None  # a bowl
    if floor is not None:
        if centre[2] - radius < floor - slack:
            return None
        if abs(centre[2] - radius - floor) < slack:  # it touches the floor: that settles its size
            radius = (top - floor) / 2
            centre = np.array([centre[0], centre[1], floor + radius])
    return centre, radius


def round_box(
    points: np.ndarray, circle: Circle, noise: float, pixel: float
) -> tuple[tuple[np.ndarray, np.ndarray], float | None, float]:
    """Square around a circle, lengthened by what sticks out of it (a handle), which then gives the yaw.

    Args:
        points: (2, P) level.

    Returns:
        Low and high faces (2,), the yaw or None, and the standard deviation of a face.
    """
    offset = points - circle.centre[:, None]
    length = np.hypot(*offset)
    beyond = length > circle.radius + max(3 * noise, 0.15 * circle.radius)
    yaw = None
    reach = circle.radius
    if np.count_nonzero(beyond) > 0.03 * len(length):
        direction = offset[:, beyond].mean(axis=1)
        distance = float(np.hypot(*direction))
        if distance > 0.8 * circle.radius:  # all on one side: a handle; all around: not one
            yaw = float(np.arctan2(direction[1], direction[0]))
            along = np.sort(direction @ offset[:, beyond] / distance)
            reach = max(float(along[-1 - len(along) // 100]), circle.radius)
    c, s = np.cos(yaw or 0.0), np.sin(yaw or 0.0)
    centre = np.array([c * circle.centre[0] + s * circle.centre[1], -s * circle.centre[0] + c * circle.centre[1]])
    high = centre + np.array([reach, circle.radius])
    std = float(np.hypot(circle.std.max(), 0.5 * pixel + 0.03 * circle.radius))
    return (centre - circle.radius, high), yaw, std


def find_roll(
    turned: np.ndarray, boxy: float, floor: float, top: float, sigma: float, pixel: float, elevation: float
) -> tuple[int, float] | None:
    """Whether the thing is a cylinder lying along one box axis: the other axis, and where its centre is on that.

    The carrier below and the ridge above give the radius, so one number is left to fit, and the fit is a sharp test.

    Args:
        turned: (3, P) points in the axes of the corner.
        boxy: metres, their distance from the box.
        elevation: sine of the angle under which the camera looks down.
    """
    radius = (top - floor) / 2
    if radius < 3 * pixel:
        return None
    least = 0.75 * radius * (1 + max(elevation, 0.0))  # so much of a cylinder that lies on the carrier would be seen
    height = turned[2] - floor - radius
    flank = np.abs(height) < 0.8 * radius
    if np.count_nonzero(flank) < 10:
        return None
    bulge = np.sqrt(np.maximum(radius**2 - height[flank] ** 2, 0))
    flanks = turned[:2, flank] + bulge * SIDES  # the near flank is at low a, or at high b
    half = flanks.shape[1] // 2
    centre = np.partition(flanks, half, axis=1)[:, half]
    rms = trimmed_rms(np.sqrt((turned[:2] - centre[:, None]) ** 2 + height**2) - radius)
    rms[turned[:2].max(axis=1) - turned[:2].min(axis=1) < least] = np.inf
    axis = int(np.argmin(rms))
    if rms[axis] >= min(boxy, 1.2 * sigma + 0.06 * radius):
        return None
    return axis, float(centre[axis])
