"""sensor_msgs/CameraInfo to a pinhole camera, and pictures of a distorting lens to what that camera would see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.camera_file import check_focal_length
from spatial_llava_ros.types import CameraIntrinsics

# Below this, a pixel's neighbours see the same thing and the resampling would cost more than it corrects.
_NEGLIGIBLE_PIXELS = 0.5


@dataclass(frozen=True, eq=False)
class Calibration:
    """A camera as CameraInfo describes it.

    Attributes:
        intrinsics: of the rectified picture.
        distortion: (n,) coefficients as OpenCV orders them; empty when the picture is rectified already.
        fisheye: True for the equidistant model (Kannala and Brandt, PAMI 2006), False for plumb_bob and rational.
    """

    intrinsics: CameraIntrinsics
    distortion: np.ndarray
    fisheye: bool = False

    def rectify_color(self, color: np.ndarray) -> np.ndarray:
        """Straighten a picture (H, W, 3); given back as it is when the lens bends nothing by half a pixel."""
        return color if self._maps is None else cv2.remap(color, *self._maps, cv2.INTER_LINEAR)

    def rectify_depth(self, depth: np.ndarray) -> np.ndarray:
        """Straighten depth (H, W) seen through the same lens. It takes the nearest pixel: a mean of two depths lies
        on neither.
        """
        if self._maps is None:
            return depth
        return cv2.remap(depth, *self._maps, cv2.INTER_NEAREST, None, cv2.BORDER_CONSTANT, float("nan"))

    @cached_property
    def _maps(self) -> tuple[np.ndarray, np.ndarray] | None:
        if not np.any(self.distortion):
            return None
        i = self.intrinsics
        matrix = np.array([[i.fx, 0, i.cx], [0, i.fy, i.cy], [0, 0, 1]])
        undistort = cv2.fisheye.initUndistortRectifyMap if self.fisheye else cv2.initUndistortRectifyMap
        x, y = undistort(matrix, self.distortion, np.eye(3), matrix, (i.width, i.height), cv2.CV_32FC1)
        moved = max(np.abs(x - np.arange(i.width)).max(), np.abs(y - np.arange(i.height)[:, None]).max())
        return (x, y) if moved > _NEGLIGIBLE_PIXELS else None


def calibration(
    width: int,
    height: int,
    k: np.ndarray,
    p: np.ndarray,
    d: np.ndarray,
    distortion_model: str = "plumb_bob",
    rectified: bool = False,
    name: str = "camera_info",
) -> Calibration:
    """The camera that a CameraInfo describes.

    Args:
        width, height: pixels.
        k: (9,) intrinsics of the raw picture, row by row.
        p: (12,) projection of the rectified picture, row by row.
        d: distortion coefficients.
        rectified: True where the pictures are rectified (topics named image_rect): P holds then, not K and D.
        name: what the camera is called in an error.

    Raises:
        InvalidInputError: no calibration (all zero), values that no camera has, or an unknown distortion model.
    """
    k, p, d = (np.asarray(values, np.float64).ravel() for values in (k, p, d))
    if k.size != 9 or (p.size and p.size != 12):
        raise InvalidInputError(f"{name}: K must have 9 numbers and P 12, got {k.size} and {p.size}")
    use_p = rectified and p.size == 12 and p[0] > 0
    fx, fy, cx, cy = (p[0], p[5], p[2], p[6]) if use_p else (k[0], k[4], k[2], k[5])
    if fx == 0 and fy == 0:
        raise InvalidInputError(f"{name}: the camera is not calibrated (K is zero)")
    check_focal_length(fx, width or 1, f"{name}: fx")
    check_focal_length(fy, height or 1, f"{name}: fy")
    intrinsics = CameraIntrinsics(int(width), int(height), float(fx), float(fy), float(cx), float(cy))
    if rectified or not d.any():
        return Calibration(intrinsics, np.zeros(0))
    if distortion_model not in ("plumb_bob", "rational_polynomial", "equidistant", ""):
        raise InvalidInputError(f"{name}: distortion model '{distortion_model}' is not supported; rectify the pictures")
    if not np.isfinite(d).all() or d.size not in (4, 5, 8, 12, 14):
        raise InvalidInputError(f"{name}: distortion must be 4, 5, 8, 12 or 14 finite numbers, got {d.tolist()}")
    return Calibration(intrinsics, d, distortion_model == "equidistant")
