"""Class-agnostic proposals: a frame falls into superpixels, superpixels join to things, the best things are kept."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.proposals.scoring import score_candidates, select
from spatial_llava_ros.proposals.segmentation import Segmentation, segment
from spatial_llava_ros.proposals.surfels import Surfels
from spatial_llava_ros.types import Plane, Proposals, Region, RgbdFrame

MAX_REGIONS = 60


def propose(frame: RgbdFrame) -> Proposals:
    """Everything in the frame that may be a thing, at most 60 regions, best first; and the planes that carry them.

    Works without depth on colour alone (regions then have `valid_depth` near 0, and there are no planes).
    """
    segmentation = segment(frame)
    score = score_candidates(segmentation.candidates)
    kept = select(segmentation.candidates, score, MAX_REGIONS)
    return Proposals(_regions(frame, segmentation, kept, score[kept]), segmentation.planes, segmentation.up)


def _regions(frame: RgbdFrame, segmentation: Segmentation, kept: np.ndarray, score: np.ndarray) -> tuple[Region, ...]:
    height, width = frame.intrinsics.shape
    scale, surfels, boxes = segmentation.image.scale, segmentation.surfels, segmentation.candidates.box[kept]
    parts = segmentation.parts(kept)
    parents = _parents(parts, surfels.pixels)
    regions = []
    for k in range(len(kept)):
        x1, y1, x2, y2 = boxes[k].tolist()
        mask = parts[k][segmentation.labels[y1:y2, x1:x2]].repeat(scale, axis=0).repeat(scale, axis=1)
        x1, y1, x2, y2 = x1 * scale, y1 * scale, min(x2 * scale, width), min(y2 * scale, height)
        mask = np.ascontiguousarray(mask[: y2 - y1, : x2 - x1])
        valid = float(np.isfinite(frame.depth[y1:y2, x1:x2])[mask].mean()) if mask.any() else 0.0
        carrier = _carrier(parts[k], surfels, segmentation.planes)
        parent = None if parents[k] < 0 else int(parents[k]) + 1
        regions.append(Region(k + 1, (x1, y1, x2, y2), mask, float(score[k]), carrier, parent, valid))
    return tuple(regions)


def _parents(parts: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Row of the smallest candidate that holds at least nine tenths of each, -1 where none does."""
    if not len(parts):
        return np.zeros(0, int)
    shared = (parts * pixels.astype(np.float32)) @ parts.T.astype(np.float32)
    size = np.diag(shared)
    holds = (shared >= 0.9 * size[:, None]) & (size > 1.15 * size[:, None])
    cost = np.where(holds, size, np.inf)
    return np.where(holds.any(axis=1), cost.argmin(axis=1), -1)


def _carrier(parts: np.ndarray, surfels: Surfels, planes: tuple[Plane, ...]) -> int | None:
    """Index of the horizontal plane that the region stands on: the highest one under its lowest points."""
    used = parts & surfels.has_depth
    if not used.any():
        return None
    points = surfels.centre[used]
    best, best_height = None, np.inf
    for index, plane in enumerate(planes):
        if not plane.horizontal:
            continue
        height = float((points @ plane.normal + plane.offset).min())
        if -0.03 < height < best_height:
            best, best_height = index, height
    return best
