"""Region adjacency: which superpixels touch, and how much speaks against their being one thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.superpixels import Edges, touching_pairs
from spatial_llava_ros.proposals.surfels import Surfels
from spatial_llava_ros.proposals.working import WorkingImage


@dataclass(frozen=True, eq=False)
class Adjacency:
    """One row per pair of touching superpixels.

    Attributes:
        pair: (E, 2) int, first < second.
        length: (E,) float, working pixels of common boundary.
        color: (E,) mean colour edge along it, 0..1.
        jump: (E,) depth step across it, -1..1, positive where the first is nearer; 0 where unknown.
        concave: (E,) inward crease, 0..1 (the valley between two things, Stein et al., CVPR 2014).
        convex: (E,) outward crease, 0..1.
        plane: (E,) 1 where one side lies on a large plane that the other does not.
    """

    pair: np.ndarray
    length: np.ndarray
    color: np.ndarray
    jump: np.ndarray
    concave: np.ndarray
    convex: np.ndarray
    plane: np.ndarray

    def cues(self) -> np.ndarray:
        """(E, 5) the strengths, in the order color, jump, concave, convex, plane."""
        return np.stack([self.color, np.abs(self.jump), self.concave, self.convex, self.plane], axis=1)


def find_adjacency(
    image: WorkingImage, edges: Edges, labels: np.ndarray, surfels: Surfels, member: np.ndarray
) -> Adjacency:
    """Measure the common boundaries of the superpixels in a label image (h, w).

    Args:
        member: (N,) index of the large plane each superpixel lies on, -1 for none.
    """
    count = len(surfels.pixels)
    pair, row, here, there = touching_pairs(labels, count)
    size = len(pair)
    length = np.bincount(row, minlength=size).astype(np.float64)
    safe = np.maximum(length, 1)
    color = np.minimum(edges.color.ravel(), 3)
    mean_color = np.bincount(row, np.maximum(color[here], color[there]), size) / safe
    x = np.bincount(row, image.x[here % labels.shape[1]], size) / safe
    y = np.bincount(row, image.y[here // labels.shape[1]], size) / safe
    jump, concave, convex = _depth_cues(surfels, pair, np.stack([x, y, np.ones(size)], axis=1), image.noise)
    i, j = pair.T
    known = surfels.has_depth[i] & surfels.has_depth[j]
    different = known & (member[i] != member[j])
    return Adjacency(pair, length, 1 - np.exp(-mean_color), jump, concave, convex, different.astype(np.float64))


def _depth_cues(
    surfels: Surfels, pair: np.ndarray, ray: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step, inward and outward crease at the middle of each boundary, whose viewing rays are (E, 3)."""
    i, j = pair.T
    known = surfels.has_depth[i] & surfels.has_depth[j]
    q_i = np.einsum("ij,ij->i", surfels.plane[i], ray)
    q_j = np.einsum("ij,ij->i", surfels.plane[j], ray)
    step = (q_i - q_j) / (4 * noise + 0.01 * np.maximum(np.maximum(q_i, q_j), 1e-3))
    jump = np.where(known, np.sign(step) * (1 - np.exp(-(step**2))), 0)
    n_i, n_j = surfels.normal[i], surfels.normal[j]
    angle = np.arccos(np.clip(np.einsum("ij,ij->i", n_i, n_j), -1, 1))
    outward = np.einsum("ij,ij->i", n_i - n_j, surfels.centre[i] - surfels.centre[j]) > 0
    crease = np.where(known, 1 - np.exp(-((angle / np.radians(35)) ** 2)), 0)
    return jump, np.where(outward, 0, crease), np.where(outward, crease, 0)
