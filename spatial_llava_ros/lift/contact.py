"""What is around a thing in the picture: what it touches, and what hides part of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.lift.foreground import Cloud, window
from spatial_llava_ros.types import Region, RgbdFrame

GAP, RING = 2, 6
"""Pixels around the mask: the first few are left out, as depth edges wander by so much; so far it is looked."""


@dataclass(frozen=True, eq=False)
class Contact:
    """The ring of measured pixels around a mask, each compared with the nearest pixels of the mask.

    Attributes:
        rays: (N, 3) float64, camera rays with z = 1.
        depth: (N,) metres; NaN beyond the border of the picture.
        silhouette: (N, 3) float64 metres, the rays followed to the depth of the thing next to them.
        touches: (N,) bool, goes on at the thing's own depth.
        hides: (N,) bool, lies in front of the thing, or is where the picture ends.
    """

    rays: np.ndarray
    depth: np.ndarray
    silhouette: np.ndarray
    touches: np.ndarray
    hides: np.ndarray


def find_contact(frame: RgbdFrame, region: Region, cloud: Cloud) -> Contact:
    """Look around a region whose cloud was found."""
    depth, mask, origin = window(frame.depth, region, RING)
    with np.errstate(invalid="ignore"):
        measured = (depth > 0) & (depth < np.inf)
    size = (2 * RING + 1, 2 * RING + 1)
    near_z, far_z = cloud.points[:, 2].min(), cloud.points[:, 2].max()
    with np.errstate(invalid="ignore"):
        inside = mask & (depth >= near_z) & (depth <= far_z)
    weight = cv2.boxFilter(inside.astype(np.float32), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    summed = cv2.boxFilter(
        np.where(inside, depth, np.float32(0)), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    around = cv2.dilate(mask.view(np.uint8), np.ones((2 * GAP + 1, 2 * GAP + 1), np.uint8)) == 0
    rows, columns = np.nonzero(around & measured & (weight > 0.5))
    z = depth[rows, columns].astype(np.float64)
    beside = (summed[rows, columns] / weight[rows, columns]).astype(np.float64)
    step = z - beside
    sigma = depth_sigma(float(np.median(cloud.points[:, 2])), cloud.noise)
    jump = 4 * sigma + RING * cloud.pixel
    touches, hides = np.abs(step) < jump, step < -jump

    height, width = frame.depth.shape
    y, x = np.nonzero(inside)
    border = (x + origin[0] == 0) | (y + origin[1] == 0) | (x + origin[0] == width - 1) | (y + origin[1] == height - 1)
    x, y = x[border], y[border]
    x_rays, y_rays = pixel_rays(frame.intrinsics)
    rays = np.stack(
        [
            x_rays[np.append(columns, x) + origin[0]],
            y_rays[np.append(rows, y) + origin[1]],
            np.ones(len(rows) + len(y)),
        ],
        axis=1,
    )
    return Contact(
        rays,
        np.append(z, np.full(len(x), np.nan)),
        rays * np.append(beside, depth[y, x])[:, None],
        np.append(touches, np.zeros(len(x), bool)),
        np.append(hides, np.ones(len(x), bool)),
    )


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
    if lowest < reach or len(contact.rays) == 0:
        return True
    touching = contact.rays[contact.touches] * contact.depth[contact.touches, None]
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
    beyond = (contact.rays * contact.depth[:, None]) @ up + offset < lowest - reach
    return np.count_nonzero(beyond & lower_end & facing) < 0.4 * (RING - GAP) * width / pixel


def hidden_ends(contact: Contact, level: np.ndarray, right: float, left: float) -> tuple[bool, bool]:
    """Whether the right and the left end of a thing are cut off by something in front or by the picture's border.

    Args:
        level: level_from_camera (3, 3), x away from the camera, y to the left.
        right, left: metres, where the thing ends along y.
    """
    if not contact.hides.any():
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
    result = np.zeros((3, 2), bool)
    if not contact.hides.any():
        return result
    silhouette = contact.silhouette @ rotation
    margin = 0.15 * (high - low)
    for axis in range(3):
        result[axis, 0] = _mostly(contact.hides, silhouette[:, axis] < low[axis] + margin[axis])
        result[axis, 1] = _mostly(contact.hides, silhouette[:, axis] > high[axis] - margin[axis])
    return result


def _mostly(what: np.ndarray, where: np.ndarray) -> bool:
    """Whether at least a third of what is there is so, and more than a pixel or two."""
    count = int(np.count_nonzero(what & where))
    return count > 4 and count > 0.33 * np.count_nonzero(where)
