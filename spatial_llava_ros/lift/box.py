"""The oriented box of a thing from the points that one camera sees of it.

The box stands on what carries the thing: z is the normal of that surface. One view shows less than half of a thing,
so the rest is completed from what is known: the carrier ends it below, a round footprint is a whole circle, a ball is
a whole ball, and a box ends where its top or its second face ends. What could be neither seen nor completed
is guessed, and the guess is given the standard deviation of a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.lift.contact import Contact, hidden_ends, hidden_faces, stands_on_plane
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.lift.footprint import (
    Circle,
    Corner,
    Outline,
    edges,
    fit_circle,
    fit_corner,
    middle,
    near_outline,
)
from spatial_llava_ros.lift.foreground import Cloud

GUESSED_DEPTH = 0.9
"""Unseen depth of a thing as a share of the geometric mean of its visible sides: between a carton and a book."""

SEEN_MISFIT, UNSEEN_MISFIT = 0.04, 0.16
"""Standard deviation of a seen and of an unseen face because things are not quite boxes, cylinders and balls, and may
have a handle behind: as a share of the side, from the simulator's household things."""
CUT = 0.25
"""Standard deviation of a face behind something else, as a share of the side that is seen."""


@dataclass(frozen=True, eq=False)
class BoxFit:
    """A box, how each of its faces was found, and the fits behind it.

    Attributes:
        rotation: (3, 3) camera_from_box.
        low, high: (3,) faces along the box axes; the box frame has the camera's origin.
        face_std: (3, 2) standard deviation of low and high faces, metres.
        yaw_std: radians.
        kind: what was fitted: "box", "cylinder" (upright), "ball" or "roll" (a cylinder lying).
        height_over_plane: of the lowest visible point, metres; NaN without a plane.
    """

    rotation: np.ndarray
    low: np.ndarray
    high: np.ndarray
    face_std: np.ndarray
    yaw_std: float
    kind: str
    corner: Corner
    circle: Circle | None
    outline: Outline
    height_over_plane: float

    @property
    def size(self) -> np.ndarray:
        return self.high - self.low

    @property
    def position(self) -> np.ndarray:
        """(3,) centre in the camera frame."""
        return self.rotation @ ((self.low + self.high) / 2)


def level_frame(up: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """level_from_camera (3, 3): z along up, x the horizontal direction away from the camera towards a point."""
    z = up / np.linalg.norm(up)
    x = towards / np.linalg.norm(towards)
    if abs(x @ z) > 0.98:  # seen from straight above or below: the top of the picture is ahead
        x = np.array([0.0, -1.0, 0.0])
    x = x - (x @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def fit_box(cloud: Cloud, up: np.ndarray, offset: float | None = None, contact: Contact | None = None) -> BoxFit:
    """The box of a cloud.

    Args:
        up: (3,) unit vector, the box's z axis in the camera frame.
        offset: of the carrying plane: ``up @ p + offset`` is the height of p over it; None without one.
        contact: what is around the thing.
    """
    centroid = cloud.points.mean(axis=0)
    level = level_frame(up, centroid)
    points = cloud.points @ level.T
    sigma = depth_sigma(float(centroid[2]), cloud.noise)
    ray = np.abs(level @ (centroid / centroid[2]))
    noise = np.maximum(sigma * ray, 0.0005)
    hidden, behind = (False, False), None
    if contact is not None:
        behind = contact.silhouette[contact.hides] @ level[:2].T
        hidden = hidden_ends(contact, level, float(points[:, 1].min()), float(points[:, 1].max()))
    outline = near_outline(points[:, :2], noise[0], cloud.pixel, behind)
    corner = fit_corner(outline)
    circle = fit_circle(outline, (not hidden[0], not hidden[1]))

    seen_bottom, top = edges(points[:, 2], noise[2], cloud.pixel)
    floor = None  # the level it stands on
    roll = None
    z_std = [noise[2] + 0.5 * cloud.pixel, noise[2] / 2 + 0.5 * cloud.pixel]
    turned = cloud.points @ _turned(level, corner.yaw)
    boxy = _box_residual(turned, corner, top)
    ball = _ball(points, circle, boxy, sigma, None if offset is None else -offset, top)
    if offset is not None:
        lowest, reach = seen_bottom + offset, 4 * noise[2] + 0.006
        width = float(np.ptp(outline.points[:, 1]))
        if contact is None or stands_on_plane(contact, up, offset, lowest, top + offset, reach, width, cloud.pixel):
            floor = -offset
            z_std[0] = 0.002 + 0.3 * noise[2] + 0.1 * max(lowest - reach, 0.0)
            roll = _roll(turned, boxy, floor, top, sigma, cloud.pixel, -centroid @ up / np.linalg.norm(centroid))
    low_z = min(seen_bottom if floor is None else floor, top - 0.001)
    high_z = top
    tall = high_z - low_z

    over_top = max(-top, 0.0) / float(np.linalg.norm(centroid))  # sine of the angle under which the top is seen
    if ball is not None:
        centre, radius = ball
        low, high = centre - radius, centre + radius
        std = np.full((3, 2), sigma / 4 + cloud.pixel / 2)
        rotation, yaw_std, kind = level.T, np.pi / np.sqrt(12), "ball"
    elif circle is not None and _is_round(circle, corner, outline, float(np.ptp(points[:, 0])), over_top):
        low, high, yaw, std = _round_box(points, circle, noise, cloud.pixel)
        low, high = np.append(low, low_z), np.append(high, high_z)
        std = np.vstack([std, z_std])
        rotation, kind = _turned(level, yaw or 0.0), "cylinder"
        yaw_std = np.pi / np.sqrt(12) if yaw is None else 0.15
    else:
        rotation = _turned(level, corner.yaw)
        kind, yaw_std = "box", corner.yaw_std
        low, high, std = _rectangle(turned, corner, noise, cloud.pixel, over_top, tall)
        low, high = np.append(low, low_z), np.append(high, high_z)
        std = np.vstack([std, z_std])
        if roll is not None:
            axis, centre = roll
            kind = "roll"
            low[axis], high[axis] = centre - tall / 2, centre + tall / 2
            std[axis] = sigma / 4 + cloud.pixel

    side = (high - low)[:, None]
    misfit = np.full((3, 2), SEEN_MISFIT)
    if kind == "cylinder":
        misfit[0, 1] = UNSEEN_MISFIT
    elif kind == "box":
        # A far face that is far to the side shows its edge against the background; one far behind does not.
        misfit[0, 1] = np.hypot(SEEN_MISFIT, UNSEEN_MISFIT * abs(np.cos(corner.yaw)))
        misfit[1, 0] = np.hypot(SEEN_MISFIT, UNSEEN_MISFIT * abs(np.sin(corner.yaw)))
    else:
        misfit[:] = (SEEN_MISFIT + UNSEEN_MISFIT) / 2
    if floor is None:
        misfit[2, 0] = UNSEEN_MISFIT
    std = np.hypot(std, misfit * side)
    if contact is not None:
        cut = hidden_faces(contact, rotation, low, high)
        if kind == "ball" or kind == "cylinder":
            cut[:2] = False  # the circle is whole all the same
        if floor is not None:
            cut[2, 0] = False
        std = np.hypot(std, np.where(cut, CUT * side, 0.0))
    lowest = np.nan if offset is None else seen_bottom + offset
    return BoxFit(rotation, low, high, std, float(yaw_std), kind, corner, circle, outline, float(lowest))


def _turned(level: np.ndarray, yaw: float) -> np.ndarray:
    """camera_from_box of a box turned by yaw in the level frame."""
    c, s = np.cos(yaw), np.sin(yaw)
    return level.T @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _is_round(circle: Circle, corner: Corner, outline: Outline, deep: float, over_top: float) -> bool:
    """Whether a circle explains the near outline better than a corner does, and well enough.

    Args:
        deep: metres along the view that the points reach; a circle is seen to its middle, and further from above.
    """
    tolerance = 2 * outline.sigma + 0.06 * circle.radius
    fits = circle.rms < tolerance and circle.rms < corner.rms and circle.arc > 1.2
    return fits and deep > 0.65 * circle.radius * (1 + over_top)


def _box_residual(turned: np.ndarray, corner: Corner, top: float) -> float:
    """Trimmed distance of points, in the axes of a corner, from the three visible faces of its box."""
    residual = np.abs(top - turned[:, 2])
    for axis, face in ((0, corner.face_a), (1, corner.face_b)):
        if np.isfinite(face):
            residual = np.minimum(residual, np.abs(turned[:, axis] - face))
    return _trimmed_rms(residual)


def _ball(
    points: np.ndarray, circle: Circle | None, boxy: float, sigma: float, floor: float | None, top: float
) -> tuple[np.ndarray, float] | None:
    """Centre and radius of a sphere through the points, by linear least squares.

    None when they are not on one, or rather on an upright cylinder around the circle or on a box (residual boxy).
    """
    origin = points.mean(axis=0)
    p = points - origin
    design = np.column_stack([2 * p, np.ones(len(p))])
    square = (p**2).sum(axis=1)
    try:
        solution = np.linalg.solve(design.T @ design, design.T @ square)
    except np.linalg.LinAlgError:
        return None
    radius = float(np.sqrt(max(solution[3] + solution[:3] @ solution[:3], 0)))
    centre = solution[:3]
    limit = min(1.1 * sigma + 0.015 * radius, 0.85 * boxy)
    extent = float(np.ptp(p[:, 1]))
    if not 0.3 * extent < radius < 0.8 * extent or _trimmed_rms(_length(p - centre) - radius) > 1.5 * limit:
        return None
    for _ in range(
        3
    ):  # linear least squares shrinks a ball of which a part is seen; Gauss-Newton on distances does not
        offset = centre - p
        length = _length(offset)
        jacobian = np.column_stack([offset / np.maximum(length, 1e-9)[:, None], np.full(len(p), -1.0)])
        normal = jacobian.T @ jacobian + 1e-9 * np.eye(4)
        step = np.linalg.solve(normal, jacobian.T @ (length - radius))
        centre, radius = centre - step[:3], radius - float(step[3])
    if not 0.4 * extent < radius < 0.7 * extent:
        return None
    if circle is not None:
        upright = np.abs(_length(points[:, :2] - circle.centre) - circle.radius)
        limit = min(limit, 1.25 * _trimmed_rms(np.minimum(upright, np.abs(points[:, 2] - top))))
    if _trimmed_rms(_length(p - centre) - radius) > limit:
        return None
    slack = 0.12 * radius + 1.5 * sigma
    if abs(origin[2] + centre[2] + radius - top) > slack:
        return None  # a bowl: the sphere goes on where nothing was seen
    centre = origin + centre
    if floor is not None:
        if centre[2] - radius < floor - slack:
            return None
        if abs(centre[2] - radius - floor) < slack:  # it touches the floor: that settles its size
            radius = (top - floor) / 2
            centre[2] = floor + radius
    return centre, radius


def _round_box(
    points: np.ndarray, circle: Circle, noise: np.ndarray, pixel: float
) -> tuple[np.ndarray, np.ndarray, float | None, np.ndarray]:
    """Square around a circle, lengthened by what sticks out of it (a handle), which then gives the yaw."""
    offset = points[:, :2] - circle.centre
    beyond = _length(offset) > circle.radius + max(3 * noise[0], 0.15 * circle.radius)
    yaw = None
    reach = circle.radius
    if np.count_nonzero(beyond) > 0.03 * len(points):
        direction = offset[beyond].mean(axis=0)
        # All on one side: a handle. All around: not one.
        if np.linalg.norm(direction) > 0.8 * circle.radius:
            yaw = float(np.arctan2(direction[1], direction[0]))
            axis = direction / np.linalg.norm(direction)
            reach = max(edges(offset[beyond] @ axis, 0.5 * noise[0], pixel)[1], circle.radius)
    c, s = np.cos(yaw or 0.0), np.sin(yaw or 0.0)
    centre = np.array([c * circle.centre[0] + s * circle.centre[1], -s * circle.centre[0] + c * circle.centre[1]])
    low = centre - circle.radius
    high = centre + np.array([reach, circle.radius])
    std = np.full((2, 2), float(np.hypot(circle.std.max(), 0.5 * pixel + 0.03 * circle.radius)))
    return low, high, yaw, std


def _rectangle(
    turned: np.ndarray,
    corner: Corner,
    noise: np.ndarray,
    pixel: float,
    over_top: float,
    tall: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low and high faces (2,) of a rectangular footprint along its axes a and b, and their std (2, 2).

    Face A (low a) and face B (high b) look at the camera. The far faces are where the points end, to the resolution
    with which the top, or the other near face, shows them; where neither does, the depth is guessed.
    """
    c, s = abs(np.cos(corner.yaw)), abs(np.sin(corner.yaw))
    along = np.array([noise[0] * c, noise[0] * s]) + 0.0003  # noise is along the view, x
    low, high = np.array([edges(turned[:, axis], along[axis], pixel) for axis in (0, 1)]).T
    # A near face is where the outline says, unless something sticks out of it.
    a_out = np.count_nonzero(turned[:, 0] < corner.face_a - 3 * along[0] - 2 * pixel)
    b_out = np.count_nonzero(turned[:, 1] > corner.face_b + 3 * along[1] + 2 * pixel)
    if corner.points_a >= min(4, corner.points_b) and a_out < 0.02 * len(turned):
        low[0] = corner.face_a
    if corner.points_b >= min(4, corner.points_a) and b_out < 0.02 * len(turned):
        high[1] = corner.face_b
    size = np.maximum(high - low, 0.001)
    std = np.empty((2, 2))
    std[:] = 0.5 * pixel + 0.4 * along[:, None]
    shown = np.array([np.hypot(s, c * over_top), np.hypot(c, s * over_top)])  # pixels per metre of each axis, scaled
    blur = pixel / np.maximum(shown, 1e-3)
    for axis, far in ((0, 1), (1, 0)):
        if size[axis] > 4 * blur[axis]:
            std[axis, far] = np.hypot(std[axis, far], 1.5 * blur[axis])
            continue
        # So thin that its depth would be a few pixels: it is at least what is seen, at most what would be resolved.
        guess = GUESSED_DEPTH * np.sqrt(size[1 - axis] * tall)
        guess = float(np.clip(guess, size[axis], size[axis] + 4 * blur[axis]))
        if far == 1:
            high[axis] = low[axis] + guess
        else:
            low[axis] = high[axis] - guess
        std[axis, far] = np.hypot(std[axis, far], 0.6 * guess)
    return low, high, std


def _roll(
    turned: np.ndarray, boxy: float, floor: float, top: float, sigma: float, pixel: float, elevation: float
) -> tuple[int, float] | None:
    """Whether the thing is a cylinder lying along one box axis: the other axis, and where its centre is on that.

    The carrier below and the ridge above give the radius, so one number is left to fit, and the fit is a sharp test.
    """
    radius = (top - floor) / 2
    if radius < 3 * pixel:
        return None
    height = turned[:, 2] - floor - radius
    bulge = np.sqrt(np.maximum(radius**2 - height**2, 0))
    flank = np.abs(height) < 0.8 * radius
    if np.count_nonzero(flank) < 10:
        return None
    best, limit = None, min(boxy, 1.2 * sigma + 0.06 * radius)
    for axis, sign in ((0, 1.0), (1, -1.0)):
        if np.ptp(turned[:, axis]) < 0.75 * radius * (1 + max(elevation, 0.0)):
            continue  # so much of a cylinder that lies on the carrier would be seen
        centre = middle(turned[flank, axis] + sign * bulge[flank])
        rms = _trimmed_rms(np.hypot(turned[:, axis] - centre, height) - radius)
        if rms < limit:
            best, limit = (axis, centre), rms
    return best


def _trimmed_rms(residual: np.ndarray) -> float:
    """Root mean square of the best nine tenths."""
    squared = residual**2
    most = max(int(0.9 * len(squared)), 1)
    return float(np.sqrt(np.partition(squared, most - 1)[:most].mean()))


def _length(vectors: np.ndarray) -> np.ndarray:
    """(N,) lengths of the rows."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
