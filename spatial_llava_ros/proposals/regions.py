"""Class-agnostic proposals: a frame falls into superpixels, superpixels join to things, the best things are kept."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.proposals.scoring import score_candidates, select
from spatial_llava_ros.proposals.segmentation import Segmentation, segment
from spatial_llava_ros.types import Proposals, Region, RgbdFrame

MAX_REGIONS = 60
MIN_SLACK = 0.02  # metres that a thing may seem to sink into what it stands on
MAX_GAP = 0.25  # metres from the lowest point seen to what may still carry it, hidden from view


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
    scale, boxes = segmentation.image.scale, segmentation.candidates.box[kept]
    parts = segmentation.parts(kept)
    parents = _parents(parts, segmentation.surfels.pixels)
    regions = []
    for k in range(len(kept)):
        x1, y1, x2, y2 = boxes[k].tolist()
        mask = parts[k][segmentation.labels[y1:y2, x1:x2]].repeat(scale, axis=0).repeat(scale, axis=1)
        x1, y1, x2, y2 = x1 * scale, y1 * scale, min(x2 * scale, width), min(y2 * scale, height)
        mask = np.ascontiguousarray(mask[: y2 - y1, : x2 - x1])
        valid = float(np.isfinite(frame.depth[y1:y2, x1:x2])[mask].mean()) if mask.any() else 0.0
        carrier = _carrier(parts[k], segmentation)
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


def _carrier(parts: np.ndarray, segmentation: Segmentation) -> int | None:
    """Index of the horizontal plane that a region stands on: under its lowest point, near it in height and place."""
    surfels = segmentation.surfels
    used = parts & surfels.has_depth
    if not used.any():
        return None
    points = surfels.centre[used]
    lowest = points[np.argmin(points @ segmentation.up)]
    slack = MIN_SLACK + 3 * segmentation.image.noise * lowest[2] ** 2
    best, best_distance = None, MAX_GAP
    for index, plane in enumerate(segmentation.planes):
        height = lowest @ plane.normal + plane.offset
        on_it = segmentation.member == index
        if not plane.horizontal or height < -slack or not (on_it & ~parts).any():
            continue
        near = np.linalg.norm(surfels.centre[on_it & ~parts] - lowest, axis=1).min()
        distance = abs(height) + 0.5 * max(0.0, near - abs(height))
        if distance < best_distance:
            best, best_distance = index, distance
    return best
