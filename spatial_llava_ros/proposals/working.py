"""Working image: colour and inverse depth at about 320 x 240, whatever the camera gives.

Inverse depth q = 1/z is the natural unit here. A plane is linear in it, q = m . (x, y, 1) with m = n/d, and the
noise of stereo and structured light cameras, which grows with z squared, is constant in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.types import RgbdFrame

WORKING_PIXELS = 320 * 240
SENSOR_NOISE = 0.0008  # 1/m: the best of the common sensors, Kinect v1 at 1/8 pixel of disparity (Khoshelham 2012)


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """A reduced frame; working pixel (r, c) covers `scale` x `scale` pixels of the frame.

    Attributes:
        scale: whole-number reduction.
        lab: (h, w, 3) float32 CIE L*a*b*, lightly smoothed.
        inverse_depth: (h, w) float32 in 1/m, 0 where unknown; small holes and sparse samples are filled.
        valid: (h, w) bool, inverse depth is known.
        x, y: (w,) and (h,) float32, tangent of the viewing angle of columns and rows.
        noise: standard deviation of inverse depth, 1/m.
    """

    scale: int
    lab: np.ndarray
    inverse_depth: np.ndarray
    valid: np.ndarray
    x: np.ndarray
    y: np.ndarray
    noise: float

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.valid.shape


def reduce_frame(frame: RgbdFrame) -> WorkingImage:
    """Reduce a frame to working size."""
    height, width = frame.intrinsics.shape
    scale = max(1, round((height * width / WORKING_PIXELS) ** 0.5))
    rows, columns = -(-height // scale), -(-width // scale)
    pad = (0, rows * scale - height, 0, columns * scale - width)
    color, depth = frame.color, frame.depth
    if any(pad):
        color = cv2.copyMakeBorder(color, *pad, cv2.BORDER_REPLICATE)
        depth = cv2.copyMakeBorder(depth, *pad, cv2.BORDER_REPLICATE)
    small = cv2.resize(color, (columns, rows), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (3, 3), 0.7)
    inverse_depth = _reduce_depth(depth, scale)
    inverse_depth = _fill(inverse_depth)
    valid = inverse_depth > 0
    k = frame.intrinsics
    centre = (scale - 1) / 2
    x = ((np.arange(columns) * scale + centre - k.cx) / k.fx).astype(np.float32)
    y = ((np.arange(rows) * scale + centre - k.cy) / k.fy).astype(np.float32)
    return WorkingImage(scale, lab, inverse_depth, valid, x, y, _noise(inverse_depth, valid))


def _reduce_depth(depth: np.ndarray, scale: int) -> np.ndarray:
    """Mean inverse depth of each block, of the near side only where a block spans an edge; 0 where empty."""
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(depth > 0, 1 / depth, np.float32(0))
    q[~np.isfinite(q)] = 0
    if scale == 1:
        return q
    samples = [q[i::scale, j::scale] for i in range(scale) for j in range(scale)]
    nearest = samples[0]
    for sample in samples[1:]:
        nearest = np.maximum(nearest, sample)
    floor = nearest * np.float32(0.97)
    total, count = np.zeros_like(nearest), np.zeros_like(nearest)
    for sample in samples:
        close = (sample >= floor) & (sample > 0)
        total += sample * close
        count += close
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def _fill(q: np.ndarray) -> np.ndarray:
    """Close pinholes, and the gaps between the samples of a sparse sensor, by normalised convolution.

    Solid holes (shadows, dark or shiny things) stay open but for a rim of one pixel.
    """
    if not q.any():
        return q
    for _ in range(4):
        valid = (q > 0).astype(np.float32)
        count = cv2.boxFilter(valid, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        total = cv2.boxFilter(q, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        gap = (valid == 0) & (count >= 3)
        q = np.where(gap, total / np.maximum(count, 1), q)
        solid = cv2.morphologyEx(valid.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        if valid.sum() > 0.75 * solid.sum():
            break
    return q


def _noise(q: np.ndarray, valid: np.ndarray) -> float:
    """Standard deviation of inverse depth from its second differences, which cancel planes (Immerkaer 1996)."""
    usable = valid[:, 2:] & valid[:, 1:-1] & valid[:, :-2]
    if np.count_nonzero(usable) < 50:
        return 2 * SENSOR_NOISE
    second = (q[:, 2:] - 2 * q[:, 1:-1] + q[:, :-2])[usable]
    return max(SENSOR_NOISE, 1.4826 * float(np.median(np.abs(second))) / 6**0.5)
