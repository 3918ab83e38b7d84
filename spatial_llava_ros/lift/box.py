"""The oriented boxes of things from the points that one camera sees of them.

A box stands on what carries the thing: z is the normal of that surface. One view shows less than half of a thing,
so the rest is completed from what is known: the carrier ends it below, a round footprint is a whole circle, a ball is
a whole ball, and a box ends where its top or its second face ends. What could be neither seen nor completed
is guessed, and the guess is given the standard deviation of a guess.

What costs time runs on all things of a frame at once, as arrays of R things by P points each; what decides between
box, cylinder and ball, and completes it, then looks at one thing at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.lift.contact import Contact, hidden_ends, hidden_faces, stands_on_plane
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.lift.footprint import Circle, Corner, fit_circle, fit_corner, row
from spatial_llava_ros.lift.foreground import MAX_POINTS, Cloud
from spatial_llava_ros.lift.outline import edges, near_outline, trimmed_rms
from spatial_llava_ros.lift.rounded import find_roll, fit_spheres, is_round, refine_ball, round_box

GUESSED_DEPTH = 0.9
"""Unseen depth of a thing as a share of the geometric mean of its visible sides: between a carton and a book."""

SEEN_MISFIT, UNSEEN_MISFIT = 0.04, 0.16
"""Standard deviation of a seen and of an unseen face because things are not quite boxes, cylinders and balls, and may
have a handle behind: as a share of the side, from the simulator's household things."""
CUT = 0.25
"""Standard deviation of a face behind something else, as a share of the side that is seen."""
GOLDEN = np.arange(MAX_POINTS) * 0.6180339887498949 % 1.0


@dataclass(frozen=True, eq=False)
class Thing:
    """What is known of a thing before its box: its points and what is around it.

    Attributes:
        up: (3,) unit vector, the box's z axis in the camera frame.
        offset: of the carrying plane: ``up @ p + offset`` is the height of p over it; None without one.
        contact: what is around the thing.
    """

    cloud: Cloud
    up: np.ndarray
    offset: float | None
    contact: Contact


@dataclass(frozen=True, eq=False)
class BoxFit:
    """A box, how each of its faces was found, and the fits behind it.

    Attributes:
        rotation: (3, 3) camera_from_box.
        low, high: (3,) faces along the box axes; the box frame has the camera's origin.
        face_std: (3, 2) standard deviation of low and high faces, metres.
        yaw_std: radians.
        kind: what was fitted: "box", "cylinder" (upright), "ball" or "roll" (a cylinder lying).
        outline_sigma: metres, noise of what the corner and the circle were fitted to.
        height_over_plane: of the lowest visible point, metres; NaN without a plane.
    """

    rotation: np.ndarray
    low: np.ndarray
    high: np.ndarray
    face_std: np.ndarray
    yaw_std: float
    kind: str
    corner: Corner
    circle: Circle
    outline_sigma: float
    height_over_plane: float

    @property
    def size(self) -> np.ndarray:
        return self.high - self.low

    @property
    def position(self) -> np.ndarray:
        """(3,) centre in the camera frame."""
        return self.rotation @ ((self.low + self.high) / 2)


@dataclass(frozen=True, eq=False)
class _Measured:
    """One thing as its box is decided: points (3, P) in its level frame, their extent (3,), the points `turned` (3, P)
    to its corner, the edges (3,) of the latter, noise (3,) along the level axes, and the first fits."""

    level: np.ndarray
    points: np.ndarray
    extent: np.ndarray
    turned: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    noise: np.ndarray
    along: np.ndarray
    distance: float
    sigma: float
    centroid: np.ndarray
    corner: Corner
    circle: Circle
    outline_sigma: float
    width: float
    boxy: float
    sphere: tuple[np.ndarray, float, float]


def fit_boxes(things: Sequence[Thing]) -> list[BoxFit]:
    """The boxes of the things of a frame."""
    if not things:
        return []
    return [_decide(thing, measured) for thing, measured in zip(things, _measure(things), strict=True)]


def level_frames(up: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """level_from_camera (R, 3, 3): z along up (R, 3), x horizontal, away from the camera to a point (R, 3)."""
    z = up / np.sqrt((up**2).sum(axis=1, keepdims=True))
    x = towards / np.sqrt((towards**2).sum(axis=1, keepdims=True))
    steep = np.abs((x * z).sum(axis=1)) > 0.98  # seen from straight above or below: the top of the picture is ahead
    x = np.where(steep[:, None], [0.0, -1.0, 0.0], x)
    x = x - (x * z).sum(axis=1, keepdims=True) * z
    x /= np.sqrt((x**2).sum(axis=1, keepdims=True))
    return np.stack([x, np.cross(z, x), z], axis=1)


def _measure(things: Sequence[Thing]) -> list[_Measured]:
    """All that is computed for every thing, whatever its kind turns out to be."""
    counts = np.array([len(t.cloud.points) for t in things])
    pixel = np.array([t.cloud.pixel for t in things])
    cloud = np.stack([sample(t.cloud.points) for t in things])  # (R, P, 3)
    centroid = np.full(MAX_POINTS, 1 / MAX_POINTS) @ cloud
    level = level_frames(np.array([t.up for t in things]), centroid)
    points = level @ np.swapaxes(cloud, 1, 2)
    sigma = np.array([depth_sigma(z, t.cloud.noise) for t, z in zip(things, centroid[:, 2], strict=True)])
    ray = np.abs((level @ (centroid / centroid[:, 2:])[..., None])[..., 0])
    noise = np.maximum(sigma[:, None] * ray, 0.0005)
    least, most = points.min(axis=2), points.max(axis=2)
    behind, whole = [], np.ones((len(things), 2), bool)
    for i, thing in enumerate(things):
        behind.append(thing.contact.silhouette[thing.contact.hides] @ level[i, :2].T)
        if len(behind[-1]):
            whole[i] = np.logical_not(hidden_ends(thing.contact, level[i], least[i, 1], most[i, 1]))
    outline = near_outline(points[:, 0], points[:, 1], noise[:, 0], pixel, counts, behind)
    corner = fit_corner(outline)
    circle = fit_circle(outline, whole)

    c, s = np.cos(corner.yaw)[:, None], np.sin(corner.yaw)[:, None]
    turned = points.copy()
    turned[:, 0] = c * points[:, 0] + s * points[:, 1]
    turned[:, 1] = c * points[:, 1] - s * points[:, 0]
    along = noise.copy()  # along the axes of the corner; depth noise is along the view, x
    along[:, :2] = noise[:, :1] * np.abs(np.hstack([c, s])) + 0.0003
    begin, end = edges(turned, along, pixel[:, None], np.repeat(counts[:, None], 3, axis=1))
    residual = np.abs(end[:, 2:] - turned[:, 2])
    residual = np.fmin(residual, np.abs(turned[:, 0] - corner.face_a[:, None]))
    boxy = trimmed_rms(np.fmin(residual, np.abs(turned[:, 1] - corner.face_b[:, None])))
    spheres = fit_spheres(points)
    distance = np.sqrt((centroid**2).sum(axis=1))
    return [
        _Measured(
            level[i], points[i], most[i] - least[i], turned[i], begin[i], end[i], noise[i], along[i],
            float(distance[i]), float(sigma[i]), centroid[i], row(corner, i), row(circle, i),
            float(outline.sigma[i]), float(outline.width[i]),
            float(boxy[i]), (spheres[0][i], float(spheres[1][i]), float(spheres[2][i])),
        )
        for i in range(len(things))
    ]  # fmt: skip


def sample(points: np.ndarray) -> np.ndarray:
    """MAX_POINTS of the points (N, 3), evenly drawn; of fewer each one several times."""
    if len(points) == MAX_POINTS:
        return points
    return points[(GOLDEN * len(points)).astype(np.intp)]


def _decide(thing: Thing, m: _Measured) -> BoxFit:
    """Ball, cylinder or box, and all of it."""
    cloud, offset, contact = thing.cloud, thing.offset, thing.contact
    seen_bottom, top = float(m.begin[2]), float(m.end[2])
    floor = roll = None  # the level it stands on; a cylinder on its side
    z_std = [m.noise[2] + 0.5 * cloud.pixel, m.noise[2] / 2 + 0.5 * cloud.pixel]
    ball = _ball(m, None if offset is None else -offset, top)
    if offset is not None:
        lowest, reach = seen_bottom + offset, 4 * m.noise[2] + 0.006
        if stands_on_plane(contact, thing.up, offset, lowest, top + offset, reach, m.width, cloud.pixel):
            floor = -offset
            z_std[0] = 0.002 + 0.3 * m.noise[2] + 0.1 * max(lowest - reach, 0.0)
            if ball is None:
                elevation = float(-m.centroid @ thing.up) / m.distance
                roll = find_roll(m.turned, m.boxy, floor, top, m.sigma, cloud.pixel, elevation)
    low_z = min(seen_bottom if floor is None else floor, top - 0.001)
    tall = top - low_z
    over_top = max(-top, 0.0) / m.distance  # sine of the angle under which the top is seen

    low, high, std = np.full(3, low_z), np.full(3, top), np.empty((3, 2))
    std[2] = z_std
    misfit = np.full((3, 2), SEEN_MISFIT)
    if ball is not None:
        centre, radius = ball
        low, high = centre - radius, centre + radius
        std[:] = m.sigma / 4 + cloud.pixel / 2
        rotation, yaw_std, kind = m.level.T, np.pi / np.sqrt(12), "ball"
        misfit[:] = (SEEN_MISFIT + UNSEEN_MISFIT) / 2
    elif is_round(m.circle, m.corner, m.outline_sigma, float(m.extent[0]), over_top):
        (low[:2], high[:2]), yaw, std[:2] = round_box(m.points[:2], m.circle, float(m.noise[0]), cloud.pixel)
        rotation, kind = _turned(m.level, yaw or 0.0), "cylinder"
        yaw_std = np.pi / np.sqrt(12) if yaw is None else 0.15
        misfit[0, 1] = UNSEEN_MISFIT
    else:
        rotation, kind, yaw_std = _turned(m.level, m.corner.yaw), "box", m.corner.yaw_std
        low[:2], high[:2], std[:2] = _rectangle(m, cloud.pixel, over_top, tall)
        if roll is not None:
            axis, centre = roll
            kind = "roll"
            low[axis], high[axis] = centre - tall / 2, centre + tall / 2
            std[axis] = m.sigma / 4 + cloud.pixel
            misfit[:] = (SEEN_MISFIT + UNSEEN_MISFIT) / 2
        else:
            # A far face that is far to the side shows its edge against the background; one far behind does not.
            misfit[0, 1] = np.hypot(SEEN_MISFIT, UNSEEN_MISFIT * abs(np.cos(m.corner.yaw)))
            misfit[1, 0] = np.hypot(SEEN_MISFIT, UNSEEN_MISFIT * abs(np.sin(m.corner.yaw)))
    if floor is None:
        misfit[2, 0] = UNSEEN_MISFIT
    side = (high - low)[:, None]
    cut = hidden_faces(contact, rotation, low, high)
    if kind == "ball" or kind == "cylinder":
        cut[:2] = False  # the circle is whole all the same
    if floor is not None:
        cut[2, 0] = False
    std = np.sqrt(std**2 + (misfit * side) ** 2 + (cut * CUT * side) ** 2)
    lowest = np.nan if offset is None else seen_bottom + offset
    return BoxFit(
        rotation, low, high, std, float(yaw_std), kind, m.corner, m.circle, m.outline_sigma, float(lowest)
    )  # fmt: skip


def _turned(level: np.ndarray, yaw: float) -> np.ndarray:
    """camera_from_box of a box turned by yaw in the level frame."""
    c, s = np.cos(yaw), np.sin(yaw)
    return level.T @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _ball(m: _Measured, floor: float | None, top: float) -> tuple[np.ndarray, float] | None:
    """Centre and radius of a ball, None when the points are not on one, or rather on a box."""
    centre, radius, rms = m.sphere
    limit = min(1.1 * m.sigma + 0.015 * radius, 0.85 * m.boxy)
    extent = float(m.extent[1])
    if not 0.3 * extent < radius < 0.8 * extent or rms > 1.5 * limit:
        return None
    return refine_ball(m.points, (centre, radius), m.circle, limit, m.sigma, floor, top)


def _rectangle(m: _Measured, pixel: float, over_top: float, tall: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low and high faces (2,) of a rectangular footprint along its axes a and b, and their std (2, 2).

    Face A (low a) and face B (high b) look at the camera. The far faces are where the points end, to the resolution
    with which the top, or the other near face, shows them; where neither does, the depth is guessed.
    """
    corner, turned, along = m.corner, m.turned, m.along[:2]
    low, high = m.begin[:2].copy(), m.end[:2].copy()
    # A near face is where the outline says, unless something sticks out of it.
    if corner.points_a >= min(4, corner.points_b):
        out = np.count_nonzero(turned[0] < corner.face_a - 3 * along[0] - 2 * pixel)
        if out < 0.02 * turned.shape[1]:
            low[0] = corner.face_a
    if corner.points_b >= min(4, corner.points_a):
        out = np.count_nonzero(turned[1] > corner.face_b + 3 * along[1] + 2 * pixel)
        if out < 0.02 * turned.shape[1]:
            high[1] = corner.face_b
    size = np.maximum(high - low, 0.001)
    std = np.empty((2, 2))
    std[:] = 0.5 * pixel + 0.4 * along[:, None]
    c, s = abs(np.cos(corner.yaw)), abs(np.sin(corner.yaw))
    shown = np.hypot(s, c * over_top), np.hypot(c, s * over_top)  # pixels per metre of each axis, scaled
    for axis, far in ((0, 1), (1, 0)):
        blur = pixel / max(shown[axis], 1e-3)
        if size[axis] > 4 * blur:
            std[axis, far] = np.hypot(std[axis, far], 1.5 * blur)
            continue
        # So thin that its depth would be a few pixels: it is at least what is seen, at most what would be resolved.
        guess = GUESSED_DEPTH * np.sqrt(size[1 - axis] * tall)
        guess = min(max(guess, size[axis]), size[axis] + 4 * blur)
        if far == 1:
            high[axis] = low[axis] + guess
        else:
            low[axis] = high[axis] - guess
        std[axis, far] = np.hypot(std[axis, far], 0.6 * guess)
    return low, high, std
