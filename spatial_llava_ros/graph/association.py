"""Which sighting is which remembered object: one to one, by place and look, the likeliest pair first.

A pair is possible if the sighting lies within the uncertainty of both (Mahalanobis gate) or their boxes share space.
Its log-likelihood adds up place, size, colour and name. Greedy choice by likelihood is within a factor of two of the
best assignment and, with gates this tight, nearly always equal to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.types import SceneObject

GATE = 16.27  # chi-squared with three degrees of freedom, 99.9 %
_SLACK = 0.015  # metres: what a box centre wanders with the side it is seen from, beyond its stated covariance
_SHARE = 0.06  # and as a share of the size of the thing
SIZE_STD = 0.35  # of the logarithm of a side: half a thing is seen at times
ACCEPT = -9.0  # least log-likelihood of a pair
SAME_LOOK = -2.5  # log-likelihood of size and colour from which two things may be the same one


@dataclass(frozen=True, eq=False)
class Boxes:
    """M boxes as arrays: centre (M, 3), covariance (M, 3, 3), size (M, 3), low and high (M, 3) along the map's axes,
    colours (M, 11) with NaN where there are none."""

    centre: np.ndarray
    covariance: np.ndarray
    size: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colours: np.ndarray


def boxes_of_tracks(tracks: Sequence[Track]) -> Boxes:
    """Boxes of remembered objects."""
    return _boxes(
        [t.position for t in tracks],
        [t.covariance for t in tracks],
        [t.size for t in tracks],
        [t.rotation for t in tracks],
        [t.colours for t in tracks],
    )


def boxes_of_nodes(nodes: Sequence[SceneObject]) -> Boxes:
    """Boxes of sightings; all have a pose in the frame of the memory."""
    return _boxes(
        [n.object.position for n in nodes],
        [np.eye(3) * 0.05**2 if n.object.covariance is None else n.object.covariance[:3, :3] for n in nodes],
        [n.object.size for n in nodes],
        [matrix_from_quaternion(n.object.orientation) for n in nodes],
        [n.colours for n in nodes],
    )


def _boxes(centre: list, covariance: list, size: list, rotation: list, colours: list) -> Boxes:
    m = len(centre)
    centre, size = np.array(centre, np.float64).reshape(m, 3), np.array(size, np.float64).reshape(m, 3)
    half = np.einsum("mij,mj->mi", np.abs(np.array(rotation, np.float64).reshape(m, 3, 3)), size) / 2
    shares = np.array([np.full(11, np.nan) if c is None else c for c in colours]).reshape(m, 11)
    return Boxes(centre, np.array(covariance, np.float64).reshape(m, 3, 3), size, centre - half, centre + half, shares)


def shared_volume(a: Boxes, b: Boxes) -> np.ndarray:
    """(A, B) volume that the upright boxes around a and b share, cubic metres."""
    side = np.minimum(a.high[:, None], b.high[None]) - np.maximum(a.low[:, None], b.low[None])
    return np.prod(np.maximum(side, 0), axis=-1)


def volume(boxes: Boxes) -> np.ndarray:
    """(M,) of the upright boxes around them."""
    return np.prod(np.maximum(boxes.high - boxes.low, 1e-3), axis=-1)


def look_likelihood(a: Boxes, b: Boxes) -> np.ndarray:
    """(A, B) log-likelihood that a and b are the same by size and colour; 0 at best."""
    flat_a, flat_b = _sides(a.size), _sides(b.size)
    ratio = np.log(flat_a[:, None] / flat_b[None]) / SIZE_STD
    look = -0.5 * np.minimum(np.square(ratio), 9).sum(axis=-1)
    return look - np.nan_to_num(12 * np.maximum(0.92 - likeness(a, b), 0))


def likeness(a: Boxes, b: Boxes) -> np.ndarray:
    """(A, B) Bhattacharyya coefficient of the colours, 0..1; NaN where one has none."""
    return np.sqrt(a.colours[:, None] * b.colours[None]).sum(axis=-1)


def _sides(size: np.ndarray) -> np.ndarray:
    """(M, 3) longer, shorter, height; at least a centimetre, below which ratios mean nothing."""
    level = np.sort(size[:, :2], axis=1)[:, ::-1]
    return np.maximum(np.column_stack([level, size[:, 2]]), 0.01)


def pair_likelihood(sightings: Boxes, tracks: Boxes) -> np.ndarray:
    """(M, T) log-likelihood that a sighting is of a track; -inf beyond the gate."""
    step = sightings.centre[:, None] - tracks.centre[None]
    slack = np.square(_SLACK + _SHARE * np.minimum(sightings.size[:, None], tracks.size[None]).max(axis=-1))
    total = sightings.covariance[:, None] + tracks.covariance[None] + slack[..., None, None] * np.eye(3)
    far = np.full(slack.shape, np.inf)
    # No direction is less sure than the trace allows: most pairs are out of reach without solving for them.
    near = np.square(step).sum(axis=-1) < GATE * np.trace(total, axis1=2, axis2=3)
    far[near] = np.einsum("ki,ki->k", step[near], np.linalg.solve(total[near], step[near][..., None])[..., 0])
    overlap = shared_volume(sightings, tracks)
    overlap = overlap / np.maximum(volume(sightings)[:, None] + volume(tracks)[None] - overlap, 1e-9)
    # Of two things that overlap much the place is the same, however sure their centres are.
    likelihood = -0.5 * np.minimum(far, 12) + 6 * overlap + look_likelihood(sightings, tracks)
    return np.where((far < GATE) | (overlap > 0.25), likelihood, -np.inf)


def assign(likelihood: np.ndarray, accept: float = ACCEPT) -> list[tuple[int, int]]:
    """One-to-one pairs (row, column), the likeliest first, none below `accept`; ties go to the lower indices."""
    pairs = []
    if likelihood.size == 0:
        return pairs
    free_rows = np.ones(likelihood.shape[0], bool)
    free_columns = np.ones(likelihood.shape[1], bool)
    rows, columns = np.nonzero(likelihood >= accept)
    for k in np.argsort(-likelihood[rows, columns], kind="stable"):
        i, j = int(rows[k]), int(columns[k])
        if free_rows[i] and free_columns[j]:
            pairs.append((i, j))
            free_rows[i] = free_columns[j] = False
    return pairs


def names_agree(node: SceneObject, track: Track) -> bool:
    """False where a model or a person calls them differently; geometry's guesses at names prove nothing."""
    if node.source == "geometry" or track.named_by == "geometry":
        return True
    return node.object.label == track.label or node.object.label in track.votes
