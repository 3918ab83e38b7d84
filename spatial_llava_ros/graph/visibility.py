"""Is a remembered object still there? Its box held against the depth image, ray by ray.

    hidden    the ray ends before the box: something stands in the way
    occupied  it ends in the box
    free      it goes through the box and ends behind: nothing is there
Rays whose way through the box is shorter than the depth noise say nothing: a sheet of paper cannot be seen to be gone
by depth alone. Absence by projection into the depth image: as occupancy maps clear cells (Moravec & Elfes 1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.geometry import invert_transform, pixel_rays, transform_points
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.lift.covariance import depth_sigma
from spatial_llava_ros.types import RgbdFrame

_RAYS = 14  # to a side of the projected box
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
_SHRINK = 0.8  # of the box: its edges are not known to the pixel, and most things are rounder than their boxes
_MIN_RAYS = 8


@dataclass(frozen=True)
class View:
    """What the rays through a box say, as shares of those that say something.

    Attributes:
        inside: share of the box's outline that is in the picture; 0 when out of view or behind.
        rays: how many said something.
        hidden, occupied, free: 0..1.
    """

    inside: float
    rays: int
    hidden: float
    occupied: float
    free: float


OUT_OF_VIEW = View(0.0, 0, 0.0, 0.0, 0.0)


def look_at_track(track: Track, frame: RgbdFrame, camera_from_map: np.ndarray) -> View:
    """Hold one remembered object against the depth of a frame.

    Args:
        camera_from_map: (4, 4).
    """
    to_camera = camera_from_map[:3, :3] @ track.rotation
    centre = transform_points(camera_from_map, track.position)
    corners = _CORNERS * track.size @ to_camera.T + centre
    if corners[:, 2].min() < 0.05:
        return OUT_OF_VIEW
    k = frame.intrinsics
    u, v = corners[:, 0] / corners[:, 2] * k.fx + k.cx, corners[:, 1] / corners[:, 2] * k.fy + k.cy
    left, right, top, bottom = u.min(), u.max(), v.min(), v.max()
    x1, x2 = max(left, 0.0), min(right, k.width - 1.0)
    y1, y2 = max(top, 0.0), min(bottom, k.height - 1.0)
    if x2 <= x1 or y2 <= y1:
        return OUT_OF_VIEW
    inside = (x2 - x1) * (y2 - y1) / max((right - left) * (bottom - top), 1e-9)
    columns = np.unique(np.linspace(x1, x2, _RAYS).round().astype(int))
    rows = np.unique(np.linspace(y1, y2, _RAYS).round().astype(int))
    ray_x, ray_y = pixel_rays(k)
    rays = np.empty((len(rows), len(columns), 3))
    rays[..., 0], rays[..., 1], rays[..., 2] = ray_x[columns], ray_y[rows][:, None], 1.0
    enter, leave = _cross(rays, to_camera, centre, _SHRINK * track.size)
    depth = frame.depth[rows[:, None], columns]
    # The noise of the depth, and how far the box itself may be off along the view.
    view = centre / np.linalg.norm(centre)
    along = camera_from_map[:3, :3].T @ view
    off = np.sqrt(max(float(along @ track.covariance @ along), 0.0))
    margin = 2 * depth_sigma(float(centre[2])) + 0.5 * min(off, 0.05)
    with np.errstate(invalid="ignore"):
        hidden = depth < enter - 0.1 * (leave - enter) - margin - 0.1 * track.size.max()
        long = (leave - enter) > 2 * margin
        free = long & (depth > leave - 0.25 * (leave - enter))
        told = (leave > enter) & np.isfinite(depth) & (long | hidden)
        occupied = told & ~free & ~hidden
    count = int(np.count_nonzero(told))
    if count < _MIN_RAYS:
        return View(float(inside), count, 0.0, 0.0, 0.0)
    return View(
        float(inside),
        count,
        np.count_nonzero(hidden & told) / count,
        np.count_nonzero(occupied) / count,
        np.count_nonzero(free & told) / count,
    )


def _cross(
    rays: np.ndarray, to_camera: np.ndarray, centre: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Depth at which rays (..., 3) with z = 1 enter and leave a box, by slabs (Kay & Kajiya 1986)."""
    direction = rays @ to_camera
    direction = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    origin = -centre @ to_camera
    first, second = (-size / 2 - origin) / direction, (size / 2 - origin) / direction
    return np.minimum(first, second).max(axis=-1), np.maximum(first, second).min(axis=-1)


def camera_from_map(frame: RgbdFrame) -> np.ndarray:
    """(4, 4), of a frame whose pose is known."""
    return invert_transform(frame.world_from_camera)
