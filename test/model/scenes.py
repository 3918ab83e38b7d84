"""A frame of coloured squares before a wall, with its regions as features, for tests of grounders."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.grounding.features import Features, extract_features
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.types import CameraIntrinsics, Proposals, Region, RgbdFrame

BOXES = [(10, 20, 40, 60), (55, 30, 85, 70), (95, 15, 120, 50)]
COLOURS = [(200, 30, 30), (30, 60, 200), (30, 160, 50)]


def squares(n: int = 3) -> tuple[RgbdFrame, Features]:
    """(frame, features) of n squares from left to right: red, blue, green."""
    color = np.full((96, 128, 3), 120, np.uint8)
    depth = np.full((96, 128), 1.5, np.float32)
    regions = []
    for i, ((x1, y1, x2, y2), shade) in enumerate(zip(BOXES[:n], COLOURS, strict=False)):
        color[y1:y2, x1:x2] = shade
        depth[y1:y2, x1:x2] = 0.8 + 0.1 * i
        regions.append(Region(i + 1, (x1, y1, x2, y2), np.ones((y2 - y1, x2 - x1), bool), 0.9 - 0.1 * i))
    frame = RgbdFrame(color, depth, CameraIntrinsics(128, 96, 110.0, 110.0, 63.5, 47.5))
    proposals = Proposals(tuple(regions), (), np.array([0.0, -1.0, 0.0]))
    lifted = lift_all(frame, proposals, regions)
    return frame, extract_features(frame, proposals, [o for o, _ in lifted], [s for _, s in lifted])
