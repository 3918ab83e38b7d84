"""The depth of a picture, prepared once for all regions in it.

A thing of some thousand pixels is known no better from all of them than from every second or third: large regions
are looked at in a picture reduced by a whole factor, so that a sofa takes no longer than a mug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.geometry import pixel_rays
from spatial_llava_ros.types import Region, RgbdFrame

FAR = np.float32(1e6)
PLENTY = 16384
"""Pixels: masks of so many are looked at with every second pixel, of four times as many with every third, and so on."""
AROUND = 8
"""Pixels of the view around its outermost regions."""


@dataclass(frozen=True, eq=False)
class View:
    """A part of the picture at 1 / step of its resolution, and what can be said of its pixels without a region.

    Attributes:
        step: pixels of the picture per pixel of the view.
        left, top: the view's corner in the picture, in pixels of the view.
        shape: (height, width) of the whole picture in pixels of the view.
        focal: focal length in pixels of the view.
        x_rays, y_rays: (w,) and (h,) float64, x/z of the columns and y/z of the rows.
        depth: (h, w) float32 metres, 0 where not measured.
        measured: (h, w) bool.
        nearest, farthest: (h, w) float32 metres, of the pixels within 2.
        bend: (h, w) float32 metres, by how far a pixel is off the plane through its four neighbours, times four.
    """

    step: int
    left: int
    top: int
    shape: tuple[int, int]
    focal: float
    x_rays: np.ndarray
    y_rays: np.ndarray
    depth: np.ndarray
    measured: np.ndarray
    nearest: np.ndarray
    farthest: np.ndarray
    bend: np.ndarray

    def reduce(self, region: Region) -> tuple[np.ndarray, slice, slice]:
        """The region's mask in pixels of the view, and the rows and columns of the view that it covers."""
        x1, y1 = region.box[:2]
        step = self.step
        row, column = -(-y1 // step), -(-x1 // step)
        mask = region.mask[row * step - y1 :: step, column * step - x1 :: step]
        row, column = row - self.top, column - self.left
        return mask, slice(row, row + mask.shape[0]), slice(column, column + mask.shape[1])

    def cut(self, rows: slice, columns: slice) -> tuple[bool, bool, bool, bool]:
        """Whether the left, top, right and bottom line of a window is where the picture ends."""
        bottom = self.top + min(rows.stop, self.depth.shape[0])
        right = self.left + min(columns.stop, self.depth.shape[1])
        height, width = self.shape
        return columns.start + self.left == 0, rows.start + self.top == 0, right == width, bottom == height


class Views:
    """The views of a frame that its regions need, each prepared when the first region asks for it."""

    def __init__(self, frame: RgbdFrame, regions: Sequence[Region]) -> None:
        self._frame = frame
        boxes = np.array([r.box for r in regions]).reshape(-1, 4)
        self._box = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)) if len(boxes) else (0, 0, 0, 0)
        self._views: dict[int, View] = {}

    def of(self, region: Region) -> View:
        """The view in which a region is looked at."""
        step = 1 + int(np.sqrt(np.count_nonzero(region.mask) / PLENTY))
        if step not in self._views:
            self._views[step] = self._prepare(step)
        return self._views[step]

    def _prepare(self, step: int) -> View:
        x1, y1, x2, y2 = (int(v) for v in self._box)
        left, top = max(x1 // step - AROUND, 0), max(y1 // step - AROUND, 0)
        window = slice(top * step, y2 + AROUND * step, step), slice(left * step, x2 + AROUND * step, step)
        raw = self._frame.depth[window]
        with np.errstate(invalid="ignore"):
            measured = (raw > 0) & (raw < np.inf)
        depth = np.where(measured, raw, np.float32(0))
        box = np.ones((5, 5), np.uint8)
        x_rays, y_rays = (rays.astype(np.float64) for rays in pixel_rays(self._frame.intrinsics))
        height, width = self._frame.depth.shape
        return View(
            step,
            left,
            top,
            (-(-height // step), -(-width // step)),
            self._frame.intrinsics.fx / step,
            x_rays[window[1]],
            y_rays[window[0]],
            depth,
            measured,
            cv2.erode(np.where(measured, raw, FAR), box),
            cv2.dilate(depth, box),
            np.abs(cv2.Laplacian(depth, cv2.CV_32F, ksize=1)),
        )
