"""Hierarchical merging of superpixels (Uijlings et al., Selective Search, IJCV 2013; Arbelaez et al., MCG, CVPR 2014).

Regions join in order of dissimilarity: what speaks against them along their common boundary, how their colours
differ, and how large they are. Each round joins all pairs that are each other's best at once, so that a tree takes a
few dozen whole-array rounds. Trees with other weights see other things; all inner nodes of all trees are candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.adjacency import Adjacency
from spatial_llava_ros.proposals.superpixels import mutual_best
from spatial_llava_ros.proposals.surfels import Surfels


@dataclass(frozen=True)
class Weights:
    """How much each cue speaks against merging."""

    color: float
    jump: float
    concave: float
    convex: float
    plane: float
    contrast: float
    size: float

    def boundary(self) -> np.ndarray:
        """(5,) weights in the order of `Adjacency.cues`."""
        return np.array([self.color, self.jump, self.concave, self.convex, self.plane])


# set by hand, then moved half way to what a random search for mean overlap on the simulator found: not all the way,
# lest they lean on its clean colours
SHAPE_TREE = Weights(color=0.7, jump=1.2, concave=0.6, convex=0.08, plane=0.6, contrast=0.75, size=0.7)
COLOR_TREE = Weights(color=1.2, jump=0.7, concave=0.28, convex=0.17, plane=0.15, contrast=1.4, size=0.4)
TREES = (SHAPE_TREE, COLOR_TREE)


@dataclass(frozen=True, eq=False)
class Tree:
    """A binary merge tree over N superpixels; nodes 0..N-1 are the superpixels, later nodes join two earlier ones.

    Attributes:
        children: (M, 2) int, of node N + k.
        cost: (N + M,) dissimilarity at which a node was made; 0 for superpixels.
        parent: (N + M,) int, -1 at a root.
        joint: (E,) int, the node in which the two sides of each boundary of the adjacency come together.
        rounds: first node of each round of merging, and the number of nodes: nodes of a round do not depend on each
            other.
    """

    children: np.ndarray
    cost: np.ndarray
    parent: np.ndarray
    joint: np.ndarray
    rounds: tuple[int, ...]

    def accumulate(self, leaves: np.ndarray) -> np.ndarray:
        """Sums over the superpixels of every node, (N + M, K), of values (N, K)."""
        return self._pass_up(leaves, np.add)

    def maximum(self, leaves: np.ndarray) -> np.ndarray:
        """Largest values over the superpixels of every node, (N + M, K), of values (N, K)."""
        return self._pass_up(leaves, np.maximum)

    def boxes(self, leaves: np.ndarray) -> np.ndarray:
        """Boxes (N + M, 4) of every node from those of the superpixels (N, 4)."""
        low = self._pass_up(leaves[:, :2], np.minimum)
        return np.hstack([low, self._pass_up(leaves[:, 2:], np.maximum)])

    def spans(self) -> tuple[np.ndarray, np.ndarray]:
        """First place and number of places (N + M,) of every node, where the superpixels stand in tree order.

        Superpixel i stands at ``first[i]`` and belongs to node n if ``first[n] <= first[i] < first[n] + size[n]``.
        """
        count = len(self.parent) - len(self.children)
        size = self._pass_up(np.ones((count, 1), np.int64), np.add)[:, 0]
        first = np.zeros(len(size), np.int64)
        roots = np.flatnonzero(self.parent < 0)
        first[roots] = np.cumsum(size[roots]) - size[roots]
        for begin, end in reversed(list(zip(self.rounds[:-1], self.rounds[1:], strict=True))):
            a, b = self.children[begin - count : end - count].T
            first[a] = first[begin:end]
            first[b] = first[begin:end] + size[a]
        return first, size

    def _pass_up(self, leaves: np.ndarray, join: np.ufunc) -> np.ndarray:
        count = len(leaves)
        values = np.empty((len(self.parent), leaves.shape[1]), leaves.dtype)
        values[:count] = leaves
        for first, last in zip(self.rounds[:-1], self.rounds[1:], strict=True):
            a, b = self.children[first - count : last - count].T
            values[first:last] = join(values[a], values[b])
        return values


def build_tree(surfels: Surfels, adjacency: Adjacency, weights: Weights) -> Tree:
    """Merge touching superpixels until none touch."""
    count = len(surfels.pixels)
    limit = 2 * count
    pixels = np.zeros(limit)
    pixels[:count] = surfels.pixels
    color = np.zeros((limit, 3))
    color[:count] = surfels.lab * surfels.pixels[:, None]
    total = pixels.sum()
    children = np.zeros((count, 2), np.int64)
    cost = np.zeros(limit)
    parent = np.full(limit, -1, np.int64)
    pair = adjacency.pair.copy()
    against = (adjacency.cues() @ weights.boundary()) * adjacency.length
    length = adjacency.length.copy()
    made = count
    rounds = [made]
    joint = np.zeros(len(pair), np.int64)
    current = np.arange(len(pair))  # row in `pair` of each boundary, -1 once its sides have come together
    while len(pair):
        i, j = pair.T
        dissimilarity = _dissimilarity(pixels, color, total, i, j, against / length, weights)
        chosen = mutual_best(dissimilarity, pair, made)
        new = made + np.arange(len(chosen))
        a, b = i[chosen], j[chosen]
        children[new - count] = pair[chosen]
        # a node never costs less than its parts, so that the tree reads as a hierarchy of boundaries
        cost[new] = np.maximum(dissimilarity[chosen], np.maximum(cost[a], cost[b]))
        parent[a] = parent[b] = new
        pixels[new] = pixels[a] + pixels[b]
        color[new] = color[a] + color[b]
        made += len(chosen)
        name = np.arange(made)
        name[a] = name[b] = new
        pair = np.sort(name[pair], axis=1)
        keep = pair[:, 0] != pair[:, 1]
        inside = pair[:, 0]
        key, row = np.unique(pair[keep, 0] * limit + pair[keep, 1], return_inverse=True)
        row = row.ravel()
        renamed = np.full(len(keep), -1)
        renamed[keep] = row
        open_ = np.flatnonzero(current >= 0)
        joint[open_] = inside[current[open_]]  # final for those that close now
        current[open_] = renamed[current[open_]]
        rounds.append(made)
        pair = np.stack([key // limit, key % limit], axis=1)
        against = np.bincount(row, against[keep], len(key))
        length = np.bincount(row, length[keep], len(key))
    return Tree(children[: made - count], cost[:made], parent[:made], joint, tuple(rounds))


def _dissimilarity(
    pixels: np.ndarray,
    color: np.ndarray,
    total: float,
    i: np.ndarray,
    j: np.ndarray,
    boundary: np.ndarray,
    weights: Weights,
) -> np.ndarray:
    difference = np.linalg.norm(color[i] / pixels[i, None] - color[j] / pixels[j, None], axis=1)
    contrast = 1 - np.exp(-difference / 20)
    small = np.minimum(pixels[i], pixels[j]) / total
    # a crumb costs less to join than a whole thing: up to `size` more at one percent of the picture and beyond
    crumb = 1 - weights.size * (1 - np.minimum(1, small / 0.01) ** 0.5)
    return (boundary + weights.contrast * contrast) * crumb
