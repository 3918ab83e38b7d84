"""Are remembered objects still there? Their boxes held against the depth image, ray by ray.

    hidden    the ray ends before the box: something stands in the way
    occupied  it ends in the box
    free      it goes through the box and ends behind: nothing is there
Rays whose way through the box is shorter than the depth noise say nothing: a sheet of paper cannot be seen to be gone
by depth alone. Absence by projection into the depth image: as occupancy maps clear cells (Moravec & Elfes 1985).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.geometry import invert_transform
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.types import RgbdFrame

_RAYS = 14  # to a side of the projected box
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
_SHRINK = 0.8  # of the box: its edges are not known to the pixel, and most things are rounder than their boxes
_MIN_RAYS = 8
_STEPS = np.linspace(0, 1, _RAYS)


@dataclass(frozen=True, eq=False)
class Views:
    """What the rays through T boxes say, as shares of those that say something.

    Attributes:
        inside: (T,) share of each box's outline that is in the picture; 0 when out of view or behind.
        rays: (T,) how many said something, 0 where they were too few.
        hidden, occupied, free: (T,) 0..1.
    """

    inside: np.ndarray
    rays: np.ndarray
    hidden: np.ndarray
    occupied: np.ndarray
    free: np.ndarray


def look_at_tracks(tracks: Sequence[Track], frame: RgbdFrame) -> Views:
    """Hold remembered objects against the depth of a frame, whose pose is known."""
    t, k = len(tracks), frame.intrinsics
    inside, rays, shares = np.zeros(t), np.zeros(t, int), np.zeros((3, t))
    if not t:
        return Views(inside, rays, *shares)
    camera_from_map = invert_transform(frame.world_from_camera)
    to_camera = camera_from_map[:3, :3] @ np.array([track.rotation for track in tracks])
    size = np.array([track.size for track in tracks])
    centre = np.array([track.position for track in tracks]) @ camera_from_map[:3, :3].T + camera_from_map[:3, 3]
    corners = (_CORNERS * size[:, None]) @ to_camera.transpose(0, 2, 1) + centre[:, None]
    in_front = corners[..., 2].min(axis=1) >= 0.05
    z = np.maximum(corners[..., 2], 0.05)
    u, v = corners[..., 0] / z * k.fx + k.cx, corners[..., 1] / z * k.fy + k.cy
    left, right, top, bottom = u.min(axis=1), u.max(axis=1), v.min(axis=1), v.max(axis=1)
    x1, x2 = np.maximum(left, 0.0), np.minimum(right, k.width - 1.0)
    y1, y2 = np.maximum(top, 0.0), np.minimum(bottom, k.height - 1.0)
    rows = np.flatnonzero(in_front & (x2 > x1) & (y2 > y1))
    if not rows.size:
        return Views(inside, rays, *shares)
    area = np.maximum((right - left) * (bottom - top), 1e-9)
    inside[rows] = ((x2 - x1) * (y2 - y1) / area)[rows]
    across = np.rint(x1[rows, None] + (x2 - x1)[rows, None] * _STEPS).astype(int)
    down = np.rint(y1[rows, None] + (y2 - y1)[rows, None] * _STEPS).astype(int)
    # A pixel that several steps round to counts once.
    once = np.diff(across, axis=1, prepend=-1)[:, None, :].astype(bool) & np.diff(down, axis=1, prepend=-1)[
        :, :, None
    ].astype(bool)
    way = np.ones((len(rows), _RAYS, _RAYS, 3))
    way[..., 0] = ((across - k.cx) / k.fx)[:, None, :]
    way[..., 1] = ((down - k.cy) / k.fy)[:, :, None]
    enter, leave = _cross(way.reshape(len(rows), -1, 3), to_camera[rows], centre[rows], _SHRINK * size[rows])
    depth = frame.depth[down[:, :, None], across[:, None, :]].reshape(len(rows), -1)
    # The noise of the depth, and how far the box itself may be off along the view.
    along = (centre[rows] / np.linalg.norm(centre[rows], axis=1, keepdims=True)) @ camera_from_map[:3, :3]
    covariance = np.array([tracks[i].covariance for i in rows])
    off = np.sqrt(np.maximum(np.einsum("ti,tij,tj->t", along, covariance, along), 0.0))
    noise = np.array([depth_sigma(z) for z in centre[rows, 2]])
    margin = (2 * noise + 0.5 * np.minimum(off, 0.05))[:, None]
    with np.errstate(invalid="ignore"):
        length = leave - enter
        hidden = depth < enter - 0.1 * length - margin - 0.1 * size[rows].max(axis=1)[:, None]
        long = length > 2 * margin
        free = long & (depth > leave - 0.25 * length)
        told = once.reshape(len(rows), -1) & (leave > enter) & np.isfinite(depth) & (long | hidden)
    count = told.sum(axis=1)
    enough = count >= _MIN_RAYS
    rays[rows] = np.where(enough, count, 0)
    scale = enough / np.maximum(count, 1)
    for share, kind in zip(shares, (hidden, ~free & ~hidden, free), strict=True):
        share[rows] = (kind & told).sum(axis=1) * scale
    return Views(inside, rays, *shares)


def _cross(
    rays: np.ndarray, to_camera: np.ndarray, centre: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Depth at which rays (T, R, 3) with z = 1 enter and leave each of T boxes, by slabs (Kay & Kajiya 1986)."""
    direction = rays @ to_camera
    direction = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    origin = -np.einsum("ti,tij->tj", centre, to_camera)[:, None]
    half = size[:, None] / 2
    first, second = (-half - origin) / direction, (half - origin) / direction
    return np.minimum(first, second).max(axis=-1), np.maximum(first, second).min(axis=-1)
