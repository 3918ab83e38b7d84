"""Superpixels that keep to edges of colour and depth: waterpixels (Machairas et al., IEEE TIP 2015).

The gradient is regularised by a grid of bowls, so that even surfaces fall apart into even cells; every pixel then
slides down the steepest way (toboggan watershed, Fairfield 1990), all at once by pointer jumping.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spatial_llava_ros.proposals.working import WorkingImage

CELL = 8  # working pixels
MAX_SUPERPIXELS = 1000
BOWL = 0.25  # height of the bowl's rim; edges of strength 1 win over it


@dataclass(frozen=True, eq=False)
class Edges:
    """Edge strengths per working pixel, (h, w) float32: about 1 on an edge a person would draw."""

    color: np.ndarray
    depth: np.ndarray


def find_edges(image: WorkingImage) -> Edges:
    """Edge strength of colour (CIE76 difference) and of inverse depth (second differences)."""
    gradient = np.zeros(image.shape, np.float32)
    for channel in cv2.split(image.lab):
        dx = cv2.Scharr(channel, cv2.CV_32F, 1, 0, scale=1 / 16)
        dy = cv2.Scharr(channel, cv2.CV_32F, 0, 1, scale=1 / 16)
        gradient += dx * dx + dy * dy
    gradient = np.sqrt(gradient)
    texture = 1.5 * float(np.median(gradient))  # noise and overall texture of this camera
    color = gradient / (6 + texture)
    return Edges(color, _depth_edges(image))


def _depth_edges(image: WorkingImage) -> np.ndarray:
    """Steps from second differences between neighbours; creases from those of the smoothed map, further apart."""
    q, known = image.inverse_depth, image.valid
    share = cv2.boxFilter(known.astype(np.float32), -1, (5, 5), borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.boxFilter(q, -1, (5, 5), borderType=cv2.BORDER_REPLICATE) / np.maximum(share, 1e-6)
    step = _bend(q, known, 1) / (12 * image.noise)
    crease = _bend(smooth, known, 4) / (8 * image.noise) - 0.5
    return np.minimum(step, 2) + np.clip(crease, 0, 1)


def _bend(q: np.ndarray, known: np.ndarray, distance: int) -> np.ndarray:
    """Largest second difference of q (h, w) along rows or columns, over that many pixels; 0 where unknown."""
    bend = np.zeros(q.shape, np.float32)
    for axis in (0, 1):
        size = q.shape[axis]
        if size <= 2 * distance:
            continue
        lower, middle, upper = np.s_[: size - 2 * distance], np.s_[distance : size - distance], np.s_[2 * distance :]
        if axis:
            lower, middle, upper = np.s_[:, lower], np.s_[:, middle], np.s_[:, upper]
        second = np.abs(q[upper] - 2 * q[middle] + q[lower])
        second *= known[upper] & known[middle] & known[lower]
        np.maximum(bend[middle], second, out=bend[middle])
    return bend


def grow_superpixels(edges: Edges, limit: int = MAX_SUPERPIXELS) -> tuple[np.ndarray, int]:
    """Label every working pixel.

    Returns:
        (h, w) int32 labels 0..N-1, and N, at most about `limit`.
    """
    relief = np.minimum(edges.color, 3) + edges.depth
    relief = cv2.GaussianBlur(relief, (3, 3), 0.8)
    labels, count = _slide_down(relief + _bowls(relief.shape))
    return _join_basins(labels, count, relief, limit)


def touching_pairs(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of neighbouring pixels with different labels.

    Returns:
        pair (E, 2) int of labels, first < second, sorted; row (B,) int of the pair of each pixel pair; and the flat
        indices (B,) of its two pixels.
    """
    width = labels.shape[1]
    across = np.flatnonzero(labels[:, :-1] != labels[:, 1:])
    across += across // max(1, width - 1)
    down = np.flatnonzero(labels[:-1] != labels[1:])
    here = np.concatenate([across, down])
    there = np.concatenate([across + 1, down + width])
    flat = labels.ravel()
    a, b = flat[here].astype(np.int64), flat[there].astype(np.int64)
    key, row = np.unique(np.minimum(a, b) * count + np.maximum(a, b), return_inverse=True)
    return np.stack([key // count, key % count], axis=1), row.ravel(), here, there


def mutual_best(dissimilarity: np.ndarray, pair: np.ndarray, nodes: int) -> np.ndarray:
    """Rows of `pair` (E, 2) whose two nodes are each other's least dissimilar neighbour; never empty if E > 0."""
    backwards = np.argsort(-dissimilarity, kind="stable")
    best = np.full(nodes, -1)
    best[pair[backwards].ravel()] = np.repeat(backwards, 2)  # the last write, the least dissimilar, stays
    rows = np.arange(len(pair))
    return np.flatnonzero((best[pair[:, 0]] == rows) & (best[pair[:, 1]] == rows))


def _slide_down(relief: np.ndarray) -> tuple[np.ndarray, int]:
    height, width = relief.shape
    padded = cv2.copyMakeBorder(relief, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=float("inf"))
    lowest = relief.copy()
    index = np.arange(height * width, dtype=np.int32).reshape(height, width)
    target = index.copy()
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            if dr == dc == 0:
                continue
            neighbour = padded[1 + dr : 1 + dr + height, 1 + dc : 1 + dc + width]
            lower = neighbour < lowest
            np.copyto(lowest, neighbour, where=lower)
            np.copyto(target, index + np.int32(dr * width + dc), where=lower)
    target = target.ravel()
    while True:
        further = target[target]
        if np.array_equal(further, target):
            break
        target = further
    is_root = np.zeros(height * width, bool)
    is_root[target] = True
    names = np.cumsum(is_root, dtype=np.int32) - 1
    return names[target].reshape(height, width), int(names[-1]) + 1


def _join_basins(labels: np.ndarray, count: int, relief: np.ndarray, limit: int) -> tuple[np.ndarray, int]:
    """Join basins over their lowest passes, crumbs first, until few enough are left."""
    pair, row, here, there = touching_pairs(labels, count)
    flat = relief.ravel()
    length = np.bincount(row, minlength=len(pair)).astype(np.float64)
    height = np.bincount(row, np.maximum(flat[here], flat[there]), len(pair))
    pixels = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    name = np.arange(count)
    while len(pixels) > limit and len(pair):
        size = np.minimum(pixels[pair[:, 0]], pixels[pair[:, 1]])
        cost = (0.1 + height / length) * np.sqrt(size)
        chosen = mutual_best(cost, pair, len(pixels))
        surplus = len(pixels) - limit
        if len(chosen) > surplus:
            chosen = chosen[np.argsort(cost[chosen], kind="stable")[:surplus]]
        step = np.arange(len(pixels))
        step[pair[chosen, 1]] = pair[chosen, 0]
        used, step = np.unique(step, return_inverse=True)
        step = step.ravel()
        name = step[name]
        pixels = np.bincount(step, pixels, len(used))
        pair = np.sort(step[pair], axis=1)
        keep = pair[:, 0] != pair[:, 1]
        key, row = np.unique(pair[keep, 0] * len(used) + pair[keep, 1], return_inverse=True)
        pair = np.stack([key // len(used), key % len(used)], axis=1)
        height = np.bincount(row.ravel(), height[keep], len(key))
        length = np.bincount(row.ravel(), length[keep], len(key))
    return name.astype(np.int32)[labels], len(pixels)


def _bowls(shape: tuple[int, int]) -> np.ndarray:
    """Grid of shallow bowls: the distance to the cell centre, tilted a hair so that no two pixels tie."""
    rows = (np.arange(shape[0]) % CELL - (CELL - 1) / 2).astype(np.float32) / (CELL / 2)
    columns = (np.arange(shape[1]) % CELL - (CELL - 1) / 2).astype(np.float32) / (CELL / 2)
    bowls = BOWL * (rows[:, None] ** 2 + columns**2)
    tilt = 1e-4 * (np.arange(shape[0], dtype=np.float32)[:, None] % 7 + 0.37 * (np.arange(shape[1]) % 5))
    return (bowls + tilt).astype(np.float32)
