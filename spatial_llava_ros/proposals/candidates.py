"""Candidates: the nodes of the merge trees, each measured as a possible thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.adjacency import Adjacency
from spatial_llava_ros.proposals.merging import Tree
from spatial_llava_ros.proposals.surfels import Surfels

MIN_SHARE = 0.0004  # of the picture: 11 x 11 pixels of 640 x 480
MAX_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Candidates:
    """One row per candidate.

    Attributes:
        parts: (C, N) bool, the superpixels it is made of.
        box: (C, 4) int, working pixels.
        pixels: (C,) working pixels.
        gap: (C,) how much more the next merge costs than the last one inside: how long the node lives.
        outer: (C, 5) mean cues along its outline, in the order of `Adjacency.cues`.
        inner: (C, 5) mean cues along the boundaries inside.
        border: (C,) share of its outline that is the border of the picture.
    """

    parts: np.ndarray
    box: np.ndarray
    pixels: np.ndarray
    gap: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    border: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Candidates:
        return Candidates(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def collect_candidates(
    trees: tuple[Tree, ...], surfels: Surfels, adjacency: Adjacency, shape: tuple[int, int]
) -> Candidates:
    """All different nodes of the trees that are neither specks nor the whole picture.

    Args:
        shape: (rows, columns) of the working image.
    """
    count = len(surfels.pixels)
    parts, box, gap = [], [], []
    for tree in trees:
        node_parts, node_box = _expand(tree, surfels.box)
        parent_cost = np.where(tree.parent >= 0, tree.cost[tree.parent], tree.cost.max(initial=0) + 0.5)
        parts.append(node_parts)
        box.append(node_box)
        gap.append(parent_cost - tree.cost)
    all_parts, all_box, all_gap = np.concatenate(parts), np.concatenate(box), np.concatenate(gap)
    pixels = all_parts.astype(np.float32) @ surfels.pixels.astype(np.float32)
    total = shape[0] * shape[1]
    sized = np.flatnonzero((pixels >= MIN_SHARE * total) & (pixels <= MAX_SHARE * total))
    # the same set of superpixels has the same sum of random names
    names = np.random.default_rng(0).random(count)
    _, first, again = np.unique(np.round(all_parts[sized] @ names, 9), return_index=True, return_inverse=True)
    longest = np.zeros(len(first))
    np.maximum.at(longest, again.ravel(), all_gap[sized])
    rows = sized[first]
    outer, inner, outline = _outline(all_parts[rows], adjacency)
    touch = _border_contact(surfels, shape)
    border = all_parts[rows].astype(np.float32) @ touch
    return Candidates(
        all_parts[rows], all_box[rows], pixels[rows], longest, outer, inner, border / np.maximum(border + outline, 1)
    )


def _expand(tree: Tree, leaf_box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Superpixels (nodes, N) bool and box (nodes, 4) of every node."""
    count = len(leaf_box)
    nodes = count + len(tree.children)
    parts = np.zeros((nodes, count), bool)
    parts[np.arange(count), np.arange(count)] = True
    box = np.empty((nodes, 4), np.int32)
    box[:count] = leaf_box
    for node, (a, b) in enumerate(tree.children.tolist(), start=count):
        np.logical_or(parts[a], parts[b], out=parts[node])
        box[node, :2] = np.minimum(box[a, :2], box[b, :2])
        box[node, 2:] = np.maximum(box[a, 2:], box[b, 2:])
    return parts, box


def _outline(parts: np.ndarray, adjacency: Adjacency) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean cues (C, 5) along the outline and inside, and the length of the outline (C,)."""
    i, j = adjacency.pair.T
    first, second = parts[:, i], parts[:, j]
    terms = np.column_stack([adjacency.length, adjacency.cues() * adjacency.length[:, None]]).astype(np.float32)
    outer = (first != second).astype(np.float32) @ terms
    inner = (first & second).astype(np.float32) @ terms
    return (
        outer[:, 1:] / np.maximum(outer[:, :1], 1),
        inner[:, 1:] / np.maximum(inner[:, :1], 1),
        outer[:, 0],
    )


def _border_contact(surfels: Surfels, shape: tuple[int, int]) -> np.ndarray:
    """Rough length (N,) of each superpixel's contact with the border of the picture."""
    x1, y1, x2, y2 = surfels.box.T
    wide, tall = x2 - x1, y2 - y1
    contact = wide * ((y1 == 0).astype(int) + (y2 == shape[0])) + tall * ((x1 == 0).astype(int) + (x2 == shape[1]))
    return contact.astype(np.float32)
