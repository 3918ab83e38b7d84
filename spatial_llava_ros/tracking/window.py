"""The part of a picture in which a thing must be, small enough to look at every pixel of it in time."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.tracking.appearance import colour_bins
from spatial_llava_ros.types import RgbdFrame

MOST = 180
"""Pixels to a side: of larger windows only every second pixel is looked at, and so on."""
NEAREST = 0.1
"""Metres: nothing is tracked nearer to the camera than this."""


@dataclass(frozen=True, eq=False)
class Window:
    """A cut-out of a frame at 1 / step of its resolution.

    Attributes:
        step: pixels of the picture per pixel of the window.
        left, top: its corner, pixels of the picture.
        points: (h, w, 3) float32 camera frame, metres; NaN where depth was not measured.
        measured: (h, w) bool.
        bins: (h, w) int32, see `appearance`.
        rays: x/z of the columns (w,) and y/z of the rows (h,), float32.
        focal: focal length in pixels of the window.
        shape: (height, width) of the picture.
    """

    step: int
    left: int
    top: int
    points: np.ndarray
    measured: np.ndarray
    bins: np.ndarray
    rays: tuple[np.ndarray, np.ndarray]
    focal: float
    shape: tuple[int, int]

    @property
    def depth(self) -> np.ndarray:
        """(h, w) float32 metres, NaN where not measured."""
        return self.points[..., 2]

    def edges(self) -> tuple[bool, bool, bool, bool]:
        """Whether its left, top, right and bottom line is where the picture ends."""
        bottom = self.top + self.points.shape[0] * self.step
        right = self.left + self.points.shape[1] * self.step
        return self.left == 0, self.top == 0, right >= self.shape[1] - 1, bottom >= self.shape[0] - 1


def cut_window(frame: RgbdFrame, centre: np.ndarray, reach: float) -> Window | None:
    """What of a frame is within `reach` metres of a point (3,) in the camera frame; None where that is out of view."""
    k = frame.intrinsics
    z = float(centre[2])
    if z + reach < NEAREST:
        return None
    near = max(z - reach, NEAREST, 0.6 * z)
    u, v = (float(centre[i]) / max(z, NEAREST) for i in (0, 1))
    half_x, half_y = reach / near * k.fx, reach / near * k.fy
    u, v = u * k.fx + k.cx, v * k.fy + k.cy
    left, right = max(int(u - half_x), 0), min(int(u + half_x) + 1, k.width)
    top, bottom = max(int(v - half_y), 0), min(int(v + half_y) + 1, k.height)
    if right - left < 4 or bottom - top < 4:
        return None
    step = -(-max(right - left, bottom - top) // MOST)
    cut = slice(top, bottom, step), slice(left, right, step)
    depth = frame.depth[cut]
    with np.errstate(invalid="ignore"):
        measured = (depth > NEAREST) & (depth < np.inf)
    x, y = pixel_rays(k)
    points = np.empty((*depth.shape, 3), np.float32)
    points[..., 2] = np.where(measured, depth, np.float32(np.nan))
    np.multiply(points[..., 2], x[cut[1]], out=points[..., 0])
    np.multiply(points[..., 2], y[cut[0]][:, None], out=points[..., 1])
    color = np.ascontiguousarray(frame.color[top:bottom, left:right])
    if step > 1:
        color = cv2.blur(color, (step, step))[::step, ::step]
    return Window(step, left, top, points, measured, colour_bins(color), (x[cut[1]], y[cut[0]]), k.fx / step, k.shape)
