"""Candidates: the nodes of the merge trees, each measured as a possible thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.adjacency import Adjacency
from spatial_llava_ros.proposals.merging import Tree
from spatial_llava_ros.proposals.surfels import Surfels

MIN_SHARE = 0.0004  # of the picture: 11 x 11 pixels of 640 x 480
MAX_SHARE = 0.6

# what is summed along the outline, seen from inside ...
OUTER = ("color", "near", "far", "concave", "convex", "strong", "onto_plane", "off_plane")
# ... and along the boundaries that lie inside
INNER = ("color", "jump", "concave", "convex", "strong", "plane")


@dataclass(frozen=True, eq=False)
class Candidates:
    """One row per candidate.

    Attributes:
        tree, node: where it comes from.
        box: (C, 4) int, working pixels.
        pixels: (C,) working pixels.
        features: (C, F) float64, what its score is computed from, see `FEATURES`.
    """

    tree: np.ndarray
    node: np.ndarray
    box: np.ndarray
    pixels: np.ndarray
    features: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Candidates:
        return Candidates(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


FEATURES = (
    *(f"outer {name}" for name in OUTER),
    *(f"inner {name}" for name in INNER),
    "inner share",  # length of the boundaries inside over that of the outline
    "gap",  # how much more the next merge costs than the last one inside: how long the node lives in its tree
    "cost",  # of the last merge inside
    "border",  # share of the outline that is the border of the picture
    "solid",  # share of the box that it fills
    "round",  # 4 pi area / outline^2
    "log area",  # share of the picture
    "log size",  # square root of its area in square metres; that of 0.3 m where unknown
    "depth",  # share of its pixels with depth
    "on plane",  # share of its pixels on a large plane
    "on support",  # share of its pixels on a large horizontal plane
)


def collect_candidates(
    trees: tuple[Tree, ...], surfels: Surfels, adjacency: Adjacency, on_plane: np.ndarray, shape: tuple[int, int]
) -> Candidates:
    """All different nodes of the trees that are neither specks nor the whole picture.

    Args:
        on_plane: (N,) int, 0 for superpixels on no large plane, 1 on any, 2 on a horizontal one.
        shape: (rows, columns) of the working image.
    """
    total = shape[0] * shape[1]
    forth, back, within = _boundary_terms(adjacency, on_plane)
    i, j = adjacency.pair.T
    count = len(surfels.pixels)
    around = np.zeros((count, forth.shape[1]))
    np.add.at(around, i, forth)
    np.add.at(around, j, back)
    per_leaf = np.column_stack(
        [
            surfels.pixels,
            surfels.samples,
            np.where(surfels.has_depth, surfels.pixels, 0),
            np.where(surfels.has_depth, surfels.pixels * surfels.centre[:, 2] ** 2, 0),
            surfels.pixels * (on_plane >= 1),
            surfels.pixels * (on_plane == 2),
            _border_contact(surfels, shape),
            np.random.default_rng(0).random(count),  # the same set of superpixels has the same sum
        ]
    )
    found = []
    for index, tree in enumerate(trees):
        inside = np.zeros((len(tree.parent), within.shape[1]))
        removed = np.zeros((len(tree.parent), forth.shape[1]))
        np.add.at(inside, tree.joint, within)
        np.add.at(removed, tree.joint, forth + back)
        inner, outer = _sum_joints(tree, inside), tree.accumulate(around) - _sum_joints(tree, removed)
        sums = tree.accumulate(per_leaf)
        rows = np.flatnonzero((sums[:, 0] >= MIN_SHARE * total) & (sums[:, 0] <= MAX_SHARE * total))
        box = tree.boxes(surfels.box)[rows]
        features = _features(tree, rows, inner[rows], outer[rows], sums[rows], box, total, surfels)
        found.append((np.full(len(rows), index), rows, box, sums[rows, 0], features, np.round(sums[rows, -1], 9)))
    tree_of, node, box, pixels, features, names = (np.concatenate(column) for column in zip(*found, strict=True))
    _, first = np.unique(names, return_index=True)
    return Candidates(tree_of, node, box, pixels, features)[first]


def _sum_joints(tree: Tree, values: np.ndarray) -> np.ndarray:
    """Sums over all nodes below and at each node of values that belong to nodes."""
    count = len(tree.parent) - len(tree.children)
    values = values.copy()
    for first, last in zip(tree.rounds[:-1], tree.rounds[1:], strict=True):
        a, b = tree.children[first - count : last - count].T
        values[first:last] += values[a] + values[b]
    return values


def _boundary_terms(adjacency: Adjacency, on_plane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length and cues times length of each boundary: seen from its first side, from its second, and as an inner one."""
    i, j = adjacency.pair.T
    near, far = np.maximum(adjacency.jump, 0), np.maximum(-adjacency.jump, 0)
    color, concave, convex = adjacency.color, adjacency.concave, adjacency.convex
    strong = 1 - (1 - color) * (1 - np.abs(adjacency.jump)) * (1 - concave)
    onto = ((on_plane[i] == 0) & (on_plane[j] > 0)).astype(float)
    off = ((on_plane[i] > 0) & (on_plane[j] == 0)).astype(float)
    ones = np.ones(len(i))
    forth = np.column_stack([ones, color, near, far, concave, convex, strong, onto, off])
    back = np.column_stack([ones, color, far, near, concave, convex, strong, off, onto])
    within = np.column_stack([ones, color, near + far, concave, convex, strong, adjacency.plane])
    length = adjacency.length[:, None]
    return forth * length, back * length, within * length


def _features(
    tree: Tree,
    rows: np.ndarray,
    inner: np.ndarray,
    outer: np.ndarray,
    sums: np.ndarray,
    box: np.ndarray,
    total: int,
    surfels: Surfels,
) -> np.ndarray:
    parent = tree.parent[rows]
    parent_cost = np.where(parent >= 0, tree.cost[parent], tree.cost.max(initial=0) + 0.3)
    pixels, samples, known, depth2, plane, support, border, _ = sums.T
    outline = outer[:, 0]
    perimeter = np.maximum(outline + border, 1)
    wide_tall = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    square_metres = np.where(known > 0, pixels * depth2 / np.maximum(known, 1) * surfels.pixel_angle, 0.09)
    return np.column_stack(
        [
            outer[:, 1:] / np.maximum(outline, 1)[:, None],
            inner[:, 1:] / np.maximum(inner[:, :1], 1),
            np.log1p(inner[:, 0] / perimeter),
            np.minimum(parent_cost - tree.cost[rows], 1),
            tree.cost[rows],
            border / perimeter,
            pixels / np.maximum(wide_tall, 1),
            np.minimum(4 * np.pi * pixels / perimeter**2, 1),
            np.log(pixels / total),
            0.5 * np.log(np.maximum(square_metres, 1e-5)),
            samples / pixels,
            plane / pixels,
            support / pixels,
        ]
    )


def _border_contact(surfels: Surfels, shape: tuple[int, int]) -> np.ndarray:
    """Rough length (N,) of each superpixel's contact with the border of the picture."""
    x1, y1, x2, y2 = surfels.box.T
    wide, tall = x2 - x1, y2 - y1
    return wide * ((y1 == 0).astype(int) + (y2 == shape[0])) + tall * ((x1 == 0).astype(int) + (x2 == shape[1]))
