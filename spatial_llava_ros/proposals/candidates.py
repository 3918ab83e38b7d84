"""Candidates: the nodes of the merge trees, each measured as a possible thing.

A thing ends where its outline steps, creases or changes colour; its inside does so less; the merge that made it was
easy and the next one is hard; and its surfaces are those of a solid rather than of a room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.proposals.adjacency import Adjacency
from spatial_llava_ros.proposals.merging import Tree
from spatial_llava_ros.proposals.surfels import Surfels, fit_planes

MIN_SHARE = 0.0004  # of the picture: 11 x 11 pixels of 640 x 480
MAX_SHARE = 0.6
WEAK, FIRM = 0.3, 0.7  # of 1: boundaries that are hardly one, and surely one

# means along the outline, seen from inside ...
OUTER = (
    *("color", "near", "far", "concave", "convex", "strong", "onto_plane", "off_plane"),
    *("smooth", "blank", "weak", "firm", "step", "unknown"),
)
# ... along all boundaries that lie inside ...
INNER = ("color", "jump", "concave", "convex", "strong", "plane")
# ... along the boundary that closed in the last merge, and along the one that closes in the next
JOINT = ("color", "jump", "concave", "convex", "strong", "plane", "contrast", "smooth")

FEATURES = (
    *(f"outer {name}" for name in OUTER),
    *(f"inner {name}" for name in INNER),
    *(f"last {name}" for name in JOINT),
    *(f"next {name}" for name in JOINT),
    "last ratio",  # log share of the smaller of the two parts
    "last difference",  # of the mean colours of the two parts
    "last share",  # of the outline of the smaller part that was closed
    "next ratio",  # log share that it will have of the next node
    "next share",  # of its outline that will be closed
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
    "upright",  # share of its pixels on upright surfaces
    "level",  # share of its pixels on level surfaces
    "colour spread",  # standard deviation of Lab over its superpixels
    "hue spread",  # the same without lightness
    "bent",  # log distance of its points from a common plane, metres
    "rough",  # the same against the noise
    "facing up",  # of that plane
    "tall",  # log extent upwards, metres
    "wide",  # log extent sidewards
    "deep",  # log extent along the view
)


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


@dataclass(frozen=True, eq=False)
class _Frame:
    """What is known of the superpixels and their boundaries, before any tree.

    around is what each superpixel sees along all its boundaries, across the same of both sides of each boundary
    together, cues what JOINT and INNER are made of; all times length, after a column of lengths.
    """

    surfels: Surfels
    up: np.ndarray
    noise: float
    shape: tuple[int, int]
    around: np.ndarray
    across: np.ndarray
    cues: np.ndarray
    sums: np.ndarray
    extent: np.ndarray


def collect_candidates(
    trees: tuple[Tree, ...],
    surfels: Surfels,
    adjacency: Adjacency,
    on_plane: np.ndarray,
    shape: tuple[int, int],
    up: np.ndarray,
    noise: float,
) -> Candidates:
    """All different nodes of the trees that are neither specks nor the whole picture.

    Args:
        on_plane: (N,) int, 0 for superpixels on no large plane, 1 on any, 2 on a horizontal one.
        shape: (rows, columns) of the working image.
        up: (3,) unit vector in the camera frame.
        noise: of inverse depth, 1/m.
    """
    frame = _measure_frame(surfels, adjacency, on_plane, shape, up, noise)
    total = shape[0] * shape[1]
    names = np.random.default_rng(0).random(len(surfels.pixels))  # the same set of superpixels has the same sum
    found, seen = [], np.zeros(0)
    for index, tree in enumerate(trees):
        pixels, name = tree.accumulate(np.column_stack([surfels.pixels, names])).T
        name = np.round(name, 9)
        rows = np.flatnonzero((pixels >= MIN_SHARE * total) & (pixels <= MAX_SHARE * total) & ~np.isin(name, seen))
        seen = np.concatenate([seen, name[rows]])
        box = tree.boxes(surfels.box)[rows]
        found.append((np.full(len(rows), index), rows, box, pixels[rows], _features(tree, rows, box, frame)))
    return Candidates(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _measure_frame(
    surfels: Surfels, adjacency: Adjacency, on_plane: np.ndarray, shape: tuple[int, int], up: np.ndarray, noise: float
) -> _Frame:
    i, j = adjacency.pair.T
    near, far = np.maximum(adjacency.jump, 0), np.maximum(-adjacency.jump, 0)
    color, concave, convex = adjacency.color, adjacency.concave, adjacency.convex
    strong = 1 - (1 - color) * (1 - near - far) * (1 - concave)
    known = surfels.has_depth[i] & surfels.has_depth[j]
    smooth = known * (1 - near - far) * (1 - concave) * (1 - convex)
    onto, off = (on_plane[i] == 0) & (on_plane[j] > 0), (on_plane[i] > 0) & (on_plane[j] == 0)
    contrast = np.minimum(np.linalg.norm(surfels.lab[i] - surfels.lab[j], axis=1), 60) / 20
    alike = (smooth, smooth * (1 - color), strong < WEAK, strong > FIRM, near + far > 0.5, ~known)
    ones, length = np.ones(len(i)), adjacency.length[:, None]
    forth = np.column_stack([ones, color, near, far, concave, convex, strong, onto, off, *alike]) * length
    back = np.column_stack([ones, color, far, near, concave, convex, strong, off, onto, *alike]) * length
    cues = np.column_stack([ones, color, near + far, concave, convex, strong, adjacency.plane, contrast, smooth])
    count, has = len(surfels.pixels), surfels.has_depth
    around = _sum_rows(np.concatenate([i, j]), np.concatenate([forth, back]), count)
    tilt = np.where(has, np.abs(surfels.normal @ up), 0.5)
    pixels = surfels.pixels.astype(np.float64)
    shares = np.column_stack(
        [
            np.ones(count),
            has,
            np.where(has, surfels.centre[:, 2] ** 2, 0),
            on_plane >= 1,
            on_plane == 2,
            tilt < 0.25,
            tilt > 0.9,
            surfels.lab,
            surfels.lab**2,
        ]
    )
    sums = np.column_stack(
        [
            shares * pixels[:, None],
            surfels.samples,
            _border_contact(surfels, shape),
            np.where(has[:, None], surfels.moments, 0),
        ]
    )
    aside = np.cross(up, [0.0, 0.0, 1.0])
    aside /= max(np.linalg.norm(aside), 1e-9)
    place = surfels.centre @ np.stack([up, aside, np.cross(aside, up)], axis=1)
    extent = np.where(has[:, None], np.hstack([place, -place]), -np.inf)
    return _Frame(surfels, up, noise, shape, around, forth + back, cues * length, sums, extent)


def _features(tree: Tree, rows: np.ndarray, box: np.ndarray, frame: _Frame) -> np.ndarray:
    """(len(rows), F) of some nodes of a tree."""
    count = len(tree.parent)
    joint = _sum_rows(tree.joint, np.hstack([frame.cues, frame.across]), count)
    below = _sum_joints(tree, joint)
    outer = tree.accumulate(frame.around)[rows] - below[rows, frame.cues.shape[1] :]
    outline, inner, joint = outer[:, 0], below[rows, :7], joint[:, : frame.cues.shape[1]]
    sums = tree.accumulate(frame.sums)
    parent = tree.parent[rows]
    top = parent < 0
    parent_cost = np.where(top, tree.cost.max(initial=0) + 0.3, tree.cost[parent])
    return np.column_stack(
        [
            outer[:, 1:] / np.maximum(outline, 1)[:, None],
            inner[:, 1:] / np.maximum(inner[:, :1], 1),
            joint[rows, 1:] / np.maximum(joint[rows, :1], 1),
            np.where(top[:, None], 0, joint[parent, 1:] / np.maximum(joint[parent, :1], 1)),
            _last_merge(tree, rows, joint[:, 0], sums, frame),
            np.where(top, 0, np.log(sums[rows, 0] / sums[parent, 0])),
            np.where(top, 0, joint[parent, 0] / np.maximum(outline, 1)),
            np.log1p(inner[:, 0] / np.maximum(outline + sums[rows, 14], 1)),
            np.minimum(parent_cost - tree.cost[rows], 1),
            tree.cost[rows],
            _shape(sums[rows], outline, box, frame),
            _surface(sums[rows, 15:], frame),
            _extent(tree, rows, frame),
        ]
    )


def _last_merge(tree: Tree, rows: np.ndarray, closed: np.ndarray, sums: np.ndarray, frame: _Frame) -> np.ndarray:
    """How alike the two parts of each node were, (len(rows), 3): see FEATURES; zero for superpixels."""
    count = len(frame.surfels.pixels)
    made = rows >= count
    a, b = tree.children[np.where(made, rows - count, 0)].T
    pixels, lab = sums[:, 0], sums[:, 7:10] / sums[:, :1]
    length = tree.accumulate(frame.around[:, :1])[:, 0]  # of all boundaries below: the outline and twice the inside
    length = length - 2 * _sum_joints(tree, closed[:, None])[:, 0]
    ratio = np.log(np.minimum(pixels[a], pixels[b]) / np.maximum(pixels[rows], 1))
    difference = np.linalg.norm(lab[a] - lab[b], axis=1)
    share = closed[rows] / np.maximum(np.minimum(length[a], length[b]), 1)
    return np.column_stack([ratio, difference, share]) * made[:, None]


def _shape(sums: np.ndarray, outline: np.ndarray, box: np.ndarray, frame: _Frame) -> np.ndarray:
    """From "border" to "hue spread" of FEATURES."""
    pixels, known, depth2, plane, support, upright, level = sums[:, :7].T
    lab, square, samples, border = sums[:, 7:10], sums[:, 10:13], sums[:, 13], sums[:, 14]
    perimeter = np.maximum(outline + border, 1)
    wide_tall = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    angle = frame.surfels.pixel_angle
    square_metres = np.where(known > 0, pixels * depth2 / np.maximum(known, 1) * angle, 0.09)
    variance = np.maximum(square / pixels[:, None] - (lab / pixels[:, None]) ** 2, 0)
    return np.column_stack(
        [
            border / perimeter,
            pixels / np.maximum(wide_tall, 1),
            np.minimum(4 * np.pi * pixels / perimeter**2, 1),
            np.log(pixels / (frame.shape[0] * frame.shape[1])),
            0.5 * np.log(np.maximum(square_metres, 1e-5)),
            samples / pixels,
            plane / pixels,
            support / pixels,
            upright / pixels,
            level / pixels,
            np.sqrt(variance.sum(axis=1)),
            np.sqrt(variance[:, 1:].sum(axis=1)),
        ]
    )


def _surface(moments: np.ndarray, frame: _Frame) -> np.ndarray:
    """How flat, against the metre and against the noise, and how level: (C, 3) from sums (C, 10) of surfel moments."""
    count = np.maximum(moments[:, 0], 1)
    known = moments[:, 0] > 0
    plane = fit_planes(moments, frame.noise)
    one, x, y, xx, xy, yy, q, xq, yq, qq = moments.T
    a, b, c = plane.T
    error = qq - 2 * (a * xq + b * yq + c * q) + a * a * xx + b * b * yy + c * c * one
    error = error + 2 * (a * b * xy + a * c * x + b * c * y)
    deviation = np.sqrt(np.maximum(error, 0) / count)
    metres = deviation / np.maximum(q / count, 1e-3) ** 2
    tilt = np.abs(plane @ frame.up) / np.maximum(np.linalg.norm(plane, axis=1), 1e-9)
    return np.column_stack(
        [
            np.log(np.where(known, metres, 0.05) + 1e-3),
            np.log(np.where(known, deviation / frame.noise, 1) + 1e-2),
            np.where(known, tilt, 0),
        ]
    )


def _extent(tree: Tree, rows: np.ndarray, frame: _Frame) -> np.ndarray:
    """Log metres (C, 3) between the outermost superpixels; that of 0.3 m where unknown."""
    both = tree.maximum(frame.extent)[rows]
    size = both[:, :3] + both[:, 3:]
    return np.log(np.maximum(np.where(np.isfinite(size), size, 0.3), 0.003))


def _sum_joints(tree: Tree, values: np.ndarray) -> np.ndarray:
    """Sums over all nodes below and at each node of values that belong to nodes."""
    count = len(tree.parent) - len(tree.children)
    values = values.copy()
    for first, last in zip(tree.rounds[:-1], tree.rounds[1:], strict=True):
        a, b = tree.children[first - count : last - count].T
        values[first:last] += values[a] + values[b]
    return values


def _sum_rows(name: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count, K) sums of the rows (E, K) that carry the same name (E,)."""
    sums = np.zeros((count, values.shape[1]))
    if len(name):
        order = np.argsort(name, kind="stable")
        ordered = name[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        sums[ordered[first]] = np.add.reduceat(values[order], first, axis=0)
    return sums


def _border_contact(surfels: Surfels, shape: tuple[int, int]) -> np.ndarray:
    """Rough length (N,) of each superpixel's contact with the border of the picture."""
    x1, y1, x2, y2 = surfels.box.T
    wide, tall = x2 - x1, y2 - y1
    return wide * ((y1 == 0).astype(int) + (y2 == shape[0])) + tall * ((x1 == 0).astype(int) + (x2 == shape[1]))
