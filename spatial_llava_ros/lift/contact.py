"""What is around a thing in the picture: what it touches, and what hides part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from spatial_llava_ros.lift.outline import middle
from spatial_llava_ros.lift.sight import MARGIN, Sight, box_sums
from spatial_llava_ros.types import Plane

GAP, RING = 2, MARGIN
"""Pixels around the mask: the first few are left out, as depth edges wander by so much; so far it is looked."""
PLENTY = 1024
"""Pixels: of a ring of more only every second is taken, and so on."""
AROUND = np.ones((2 * GAP + 1, 2 * GAP + 1), np.uint8)


@dataclass(frozen=True, eq=False)
class Contact:
    """The ring of measured pixels around a mask, each compared with the nearest pixels of the mask.

    Attributes:
        points: (N, 3) float64 metres, what is there; NaN beyond the border of the picture.
        silhouette: (N, 3) float64 metres, the same rays followed to the depth of the thing next to them.
        touches: (N,) bool, goes on at the thing's own depth.
        hides: (N,) bool, lies in front of the thing, or is where the picture ends.
        share: how many pixels of the ring each stands for.
    """

    points: np.ndarray
    silhouette: np.ndarray
    touches: np.ndarray
    hides: np.ndarray
    share: int = 1


def find_contact(sight: Sight) -> Contact:
    """Look around a region."""
    number, summed = box_sums(sight.depth, sight.solid, RING)
    around = cv2.dilate(sight.mask.view(np.uint8), AROUND) == 0
    around &= sight.measured
    around &= number > 0.5
    place = np.flatnonzero(around)
    share = 1 + len(place) // PLENTY
    place = place[::share]
    z = sight.depth.ravel()[place].astype(np.float64)
    beside = summed.ravel()[place] / number.ravel()[place]
    rows, columns = np.divmod(place, around.shape[1])
    step = z - beside
    jump = 4 * sight.sigma + RING * sight.pixel
    touches, hides = np.abs(step) < jump, step < -jump
    if any(sight.cut):
        y, x = _at_border(sight)
        rows, columns = np.append(rows, y), np.append(columns, x)
        z, beside = np.append(z, np.full(len(x), np.nan)), np.append(beside, sight.depth[y, x])
        touches, hides = np.append(touches, np.zeros(len(x), bool)), np.append(hides, np.ones(len(x), bool))
    rays = np.ones((len(rows), 3))
    rays[:, 0], rays[:, 1] = sight.x_rays[columns], sight.y_rays[rows]
    return Contact(rays * z[:, None], rays * beside[:, None], touches, hides, share)


def _at_border(sight: Sight) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the thing's pixels where the picture ends, each as often as the ring is wide."""
    border = np.zeros_like(sight.solid)
    for cut, line in zip(sight.cut, (np.s_[:, 0], np.s_[0], np.s_[:, -1], np.s_[-1]), strict=True):
        border[line] |= cut
    y, x = np.nonzero(sight.solid & border)
    return np.repeat(y, RING - GAP), np.repeat(x, RING - GAP)


def without_carrier(contact: Contact, plane: Plane, sigma: float) -> Contact:
    """The same ring, knowing what carries the thing: that lies before its foot, but hides nothing."""
    height = contact.points @ plane.normal + plane.offset
    return replace(contact, hides=contact.hides & ~(height < 3 * sigma + 0.003))


def find_carrier(contact: Contact, sight: Sight, planes: tuple[Plane, ...], guess: int | None) -> Plane | None:
    """What the thing in a region stands on: the horizontal surface that it touches most, else the guessed one.

    A surface that is a side or the top of the thing itself is touched nowhere, however well it fits the points.
    """
    place = np.flatnonzero(sight.solid)
    total = len(place)
    points = sight.points(*np.divmod(place[:: max(1, total // 200)], sight.solid.shape[1]))
    best, most = planes[guess] if guess is not None else None, 0
    if (
        best is not None
        and middle(points @ best.normal + best.offset) < 0
        and _mostly(contact.hides, np.ones(len(contact.hides), bool))
    ):
        return best  # farther than all around it and under its carrier: looked through, and the foreground will say so
    level = [index for index, plane in enumerate(planes) if plane.horizontal]
    normals = np.array([planes[i].normal for i in level]).reshape(-1, 3)
    offsets = np.array([planes[i].offset for i in level])[:, None]
    along = normals @ points.T
    reach = 3 * np.maximum(sight.sigma * np.abs(along.mean(axis=1, keepdims=True)) / sight.distance, 0.001) + 0.003
    height = along + offsets
    on_it = np.count_nonzero(np.abs(height) < reach, axis=1)
    below = np.count_nonzero(height < -reach, axis=1)
    touching = contact.points[contact.touches]
    touched = np.count_nonzero(np.abs(normals @ touching.T + offsets) < reach, axis=1)
    for k, index in enumerate(level):
        plane = planes[index]
        own = plane.pixels < 1.5 * total * sight.share and on_it[k] > 0.5 * len(points)
        if own or below[k] > 0.1 * len(points):  # its own top, or it goes through
            if best is plane:
                best = None
            continue
        number = touched[k] * (2 if index == guess else 1)
        if number > max(most, 7):
            best, most = plane, number
    return best


def stands_on_plane(
    contact: Contact, up: np.ndarray, offset: float, lowest: float, top: float, reach: float, width: float, pixel: float
) -> bool:
    """Whether a thing whose lowest visible point is over a plane reaches down to it all the same.

    It does unless it is seen to rest on something else, or to hang. It rests on something else when what it touches
    around its lower end is high above the plane as well. It hangs when its lower part would have to be seen and is
    not: round things hide their lower half, others at most a little. A lower end that something hides proves nothing.

    Args:
        up, offset: the plane, ``height = up @ p + offset``.
        lowest, top: metres, heights of the lowest and highest visible point.
        reach: metres, heights up to this are those of the plane.
        width: metres that the thing spans across the view.
        pixel: metres that a pixel spans at the thing.
    """
    if lowest < reach or len(contact.points) == 0:
        return True
    touching = contact.points[contact.touches]
    height = touching @ up + offset
    low = np.count_nonzero(height < reach)
    high = np.count_nonzero((height >= reach) & (height < lowest + reach))
    if high > 2 * low and high >= 8:
        return False
    silhouette = contact.silhouette @ up + offset
    lower_end = silhouette < lowest + 0.3 * (top - lowest) + reach
    if lowest < 0.6 * top or _mostly(contact.hides, lower_end):
        return True
    ray = contact.silhouette.mean(axis=0)
    steep = abs(ray @ up) / np.linalg.norm(ray)  # sine of the elevation; sides shrink with its cosine
    if lowest * np.sqrt(1 - min(steep, 1.0) ** 2) < 6 * pixel:
        return True
    # Background seen along most of the lower end that faces the camera, where the side would be.
    away = ray - (ray @ up) * up
    distance = contact.silhouette @ (away / np.linalg.norm(away))
    facing = distance < distance.min() + 0.25 * np.ptp(distance)
    beyond = contact.points @ up + offset < lowest - reach
    return np.count_nonzero(beyond & lower_end & facing) < 0.4 * (RING - GAP) * width / (pixel * contact.share)


def hidden_ends(contact: Contact, level: np.ndarray, right: float, left: float) -> tuple[bool, bool]:
    """Whether the right and the left end of a thing are cut off by something in front or by the picture's border.

    Args:
        level: level_from_camera (3, 3), x away from the camera, y to the left.
        right, left: metres, where the thing ends along y.
    """
    if np.count_nonzero(contact.hides) <= 4:
        return False, False
    y = contact.silhouette @ level[1]
    margin = 0.1 * (left - right)
    return _mostly(contact.hides, y < right + margin), _mostly(contact.hides, y > left - margin)


def hidden_faces(contact: Contact, rotation: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(3, 2) bool: which low and high faces of a box are cut off by something in front or by the picture's border.

    Args:
        rotation: camera_from_box (3, 3).
        low, high: (3,) faces along the box axes, the box frame having the camera's origin.
    """
    if np.count_nonzero(contact.hides) <= 4:
        return np.zeros((3, 2), bool)
    silhouette = contact.silhouette @ rotation
    margin = 0.15 * (high - low)
    at_face = np.stack([silhouette < low + margin, silhouette > high - margin], axis=2)
    count = np.count_nonzero(at_face[contact.hides], axis=0)
    return (count > 4) & (count > 0.33 * np.count_nonzero(at_face, axis=0))


def _mostly(what: np.ndarray, where: np.ndarray) -> bool:
    """Whether at least a third of what is there is so, and more than a pixel or two."""
    count = int(np.count_nonzero(what & where))
    return count > 4 and count > 0.33 * np.count_nonzero(where)
