"""Depth as the colour camera would have measured it, for depth that was recorded as its own camera saw it."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import back_project, project, transform_points
from spatial_llava_ros.types import CameraIntrinsics


def register_depth(
    depth: np.ndarray,
    depth_intrinsics: CameraIntrinsics,
    color_from_depth: np.ndarray,
    color_intrinsics: CameraIntrinsics,
) -> np.ndarray:
    """Move every depth pixel to where the colour camera sees it; the nearest wins, as depth_image_proc's register does.

    A depth pixel covers as many colour pixels as the finer colour picture has for it, so no grid of holes opens.

    Args:
        depth: (h, w) float32 metres, NaN where nothing was measured.
        color_from_depth: (4, 4) maps points of the depth camera into the colour camera.

    Returns:
        (H, W) float32 metres along the colour camera's axis, NaN where nothing was measured or depth does not reach.
    """
    height, width = color_intrinsics.shape
    points = back_project(depth, depth_intrinsics)[np.isfinite(depth)]
    points = transform_points(color_from_depth.astype(np.float32), points)
    points = points[points[:, 2] > 0]
    pixels = project(points, color_intrinsics)
    z = np.ascontiguousarray(points[:, 2])

    registered = np.full(height * width, np.inf, np.float32)
    across = max(1, int(np.ceil(color_intrinsics.fx / depth_intrinsics.fx - 0.01)))
    down = max(1, int(np.ceil(color_intrinsics.fy / depth_intrinsics.fy - 0.01)))
    # Left upper pixel of a footprint that is centred on the point; far outside, it would overflow.
    u = np.rint(np.clip(pixels[:, 0] - (across - 1) / 2, -across, width)).astype(np.int32)
    v = np.rint(np.clip(pixels[:, 1] - (down - 1) / 2, -down, height)).astype(np.int32)
    for dy in range(down):
        for dx in range(across):
            x, y = u + dx, v + dy
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            np.minimum.at(registered, y[inside] * width + x[inside], z[inside])
    registered[np.isinf(registered)] = np.nan
    return registered.reshape(height, width)
