"""Class-agnostic proposals: a frame falls into superpixels, superpixels join to things, the best things are kept."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.proposals.adjacency import find_adjacency
from spatial_llava_ros.proposals.candidates import Candidates, collect_candidates
from spatial_llava_ros.proposals.merging import TREES, Tree, build_tree
from spatial_llava_ros.proposals.planes import describe_planes, find_planes, find_up
from spatial_llava_ros.proposals.scoring import score_candidates, select
from spatial_llava_ros.proposals.superpixels import find_edges, grow_superpixels
from spatial_llava_ros.proposals.surfels import Surfels, measure_surfels
from spatial_llava_ros.proposals.working import reduce_frame
from spatial_llava_ros.types import Plane, Proposals, Region, RgbdFrame

MAX_REGIONS = 60


def propose(frame: RgbdFrame) -> Proposals:
    """Everything in the frame that may be a thing, at most 60 regions, best first; and the planes that carry them.

    Works without depth on colour alone (regions then have `valid_depth` near 0, and there are no planes).
    """
    image = reduce_frame(frame)
    edges = find_edges(image)
    labels, count = grow_superpixels(edges)
    surfels = measure_surfels(image, edges, labels, count)
    flat, member = find_planes(surfels, image.noise)
    up = _up(frame, flat, member, surfels)
    pixels = np.bincount(member[member >= 0], surfels.samples[member >= 0], len(flat))
    planes = describe_planes(flat, pixels * image.scale**2, up)
    on_plane = np.array([0, *(1 + plane.horizontal for plane in planes)])[member + 1]
    adjacency = find_adjacency(image, edges, labels, surfels, member)
    trees = tuple(build_tree(surfels, adjacency, weights) for weights in TREES)
    candidates = collect_candidates(trees, surfels, adjacency, on_plane, image.shape)
    score = score_candidates(candidates)
    kept = select(candidates, score, MAX_REGIONS)
    regions = _regions(frame, labels, image.scale, trees, candidates[kept], score[kept], surfels, planes)
    return Proposals(regions, planes, up)


def _up(frame: RgbdFrame, flat: np.ndarray, member: np.ndarray, surfels: Surfels) -> np.ndarray:
    if frame.world_from_camera is None:
        return find_up(flat, surfels)
    up = frame.world_from_camera[2, :3].astype(np.float64)
    return up / np.linalg.norm(up)


def _regions(
    frame: RgbdFrame,
    labels: np.ndarray,
    scale: int,
    trees: tuple[Tree, ...],
    candidates: Candidates,
    score: np.ndarray,
    surfels: Surfels,
    planes: tuple[Plane, ...],
) -> tuple[Region, ...]:
    height, width = frame.intrinsics.shape
    parts = np.zeros((len(score), len(surfels.pixels)), bool)
    for k in range(len(score)):
        parts[k, trees[candidates.tree[k]].leaves_of(candidates.node[k])] = True
    parents = _parents(parts, surfels.pixels)
    regions = []
    for k in range(len(score)):
        x1, y1, x2, y2 = candidates.box[k]
        mask = parts[k][labels[y1:y2, x1:x2]]
        mask = mask.repeat(scale, axis=0).repeat(scale, axis=1)
        x1, y1 = int(x1) * scale, int(y1) * scale
        x2, y2 = min(int(x2) * scale, width), min(int(y2) * scale, height)
        mask = np.ascontiguousarray(mask[: y2 - y1, : x2 - x1])
        valid = float(np.isfinite(frame.depth[y1:y2, x1:x2])[mask].mean()) if mask.any() else 0.0
        carrier = _carrier(parts[k], surfels, planes)
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
