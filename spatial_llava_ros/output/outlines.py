"""Where a region is in the picture, as lines."""

from __future__ import annotations

import cv2
import numpy as np

from spatial_llava_ros.types import Region


def outlines(region: Region) -> list[np.ndarray]:
    """Outer contours of the mask, the largest first: each (N, 2) int32 pixels of the picture; crumbs are left out."""
    mask = np.pad(region.mask, 1).astype(np.uint8)
    corner = (region.box[0] - 1, region.box[1] - 1)
    contours = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=corner)[0]
    contours = sorted(contours, key=cv2.contourArea, reverse=True)[:4]
    contours = [c for c in contours if cv2.contourArea(c) >= 0.02 * region.mask.sum()] or contours[:1]
    return [c[:, 0] for c in contours]
