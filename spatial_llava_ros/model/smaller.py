"""The same frame at half the resolution, for a device that has no memory left for the whole."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from spatial_llava_ros.grounding.features import Features
from spatial_llava_ros.types import CameraIntrinsics, Region, RgbdFrame


def halved(frame: RgbdFrame, features: Features) -> tuple[RgbdFrame, Features]:
    """A frame and its regions at half the size; what was measured of the regions stays as it is.

    A box of it is twice as large in the frame it came from. Odd last rows and columns are dropped.
    """
    height, width = (side // 2 for side in frame.intrinsics.shape)
    color = cv2.resize(frame.color[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    i = frame.intrinsics
    camera = CameraIntrinsics(width, height, i.fx / 2, i.fy / 2, (i.cx - 0.5) / 2, (i.cy - 0.5) / 2)
    depth = np.ascontiguousarray(frame.depth[: 2 * height : 2, : 2 * width : 2])
    regions = tuple(_halved(region, width, height) for region in features.regions)
    return replace(frame, color=color, depth=depth, intrinsics=camera), replace(features, regions=regions)


def _halved(region: Region, width: int, height: int) -> Region:
    x1, y1 = min(region.box[0] // 2, width - 1), min(region.box[1] // 2, height - 1)
    x2, y2 = min(max(-(-region.box[2] // 2), x1 + 1), width), min(max(-(-region.box[3] // 2), y1 + 1), height)
    mask = cv2.resize(region.mask.astype(np.uint8), (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA) > 0
    if not mask.any():
        mask[:] = True
    return replace(region, box=(x1, y1, x2, y2), mask=mask)
