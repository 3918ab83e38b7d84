"""A frame as a hierarchy: superpixels, the planes they lie on, the trees they merge to, the candidates in the trees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.adjacency import find_adjacency
from spatial_llava_ros.proposals.candidates import Candidates, collect_candidates
from spatial_llava_ros.proposals.merging import TREES, Tree, build_tree
from spatial_llava_ros.proposals.planes import describe_planes, find_planes, find_up
from spatial_llava_ros.proposals.superpixels import find_edges, grow_superpixels
from spatial_llava_ros.proposals.surfels import Surfels, measure_surfels
from spatial_llava_ros.proposals.working import WorkingImage, reduce_frame
from spatial_llava_ros.types import Plane, RgbdFrame


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Everything known of a frame before any candidate is judged.

    Attributes:
        labels: (h, w) int32, superpixel of each working pixel.
        member: (N,) int, index into `planes` of the plane that each superpixel lies on, -1 for none.
        up: (3,) unit vector in the camera frame.
    """

    image: WorkingImage
    labels: np.ndarray
    surfels: Surfels
    member: np.ndarray
    planes: tuple[Plane, ...]
    up: np.ndarray
    trees: tuple[Tree, ...]
    candidates: Candidates

    def parts(self, rows: np.ndarray) -> np.ndarray:
        """(len(rows), N) bool: the superpixels that candidates are made of."""
        count = len(self.surfels.pixels)
        parts = np.zeros((len(rows), count), bool)
        for index, tree in enumerate(self.trees):
            of_tree = np.flatnonzero(self.candidates.tree[rows] == index)
            node = self.candidates.node[rows[of_tree]]
            first, size = tree.spans()
            place = first[:count] - first[node, None]
            parts[of_tree] = (place >= 0) & (place < size[node, None])
        return parts


def segment(frame: RgbdFrame) -> Segmentation:
    """Take a frame apart. With no depth there are no planes, and colour alone speaks."""
    image = reduce_frame(frame)
    edges = find_edges(image)
    labels, count = grow_superpixels(edges)
    surfels = measure_surfels(image, edges, labels, count)
    flat, member = find_planes(surfels, image.noise)
    pixels = np.bincount(member[member >= 0], surfels.samples[member >= 0], len(flat))
    up = _up(frame, flat, pixels, surfels)
    planes = describe_planes(flat, pixels * image.scale**2, up)
    on_plane = np.array([0, *(1 + plane.horizontal for plane in planes)])[member + 1]
    adjacency = find_adjacency(image, edges, labels, surfels, member)
    trees = tuple(build_tree(surfels, adjacency, weights) for weights in TREES)
    candidates = collect_candidates(trees, surfels, adjacency, on_plane, image.shape, up, image.noise)
    return Segmentation(image, labels, surfels, member, planes, up, trees, candidates)


def _up(frame: RgbdFrame, flat: np.ndarray, pixels: np.ndarray, surfels: Surfels) -> np.ndarray:
    if frame.world_from_camera is None:
        return find_up(flat, pixels, surfels)
    up = frame.world_from_camera[2, :3].astype(np.float64)
    return up / np.linalg.norm(up)
