"""Which way a seat faces, from its shape: away from its backrest.

Above the seat of a chair or a sofa there is only the back: points thin along one side of the box and at its edge, while
lower down something reaches to the opposite edge. Seen from behind, where the seat is hidden, nothing is said.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.types import Object3D

_TALL = (0.5, 1.4)  # metres, of things one sits on, with their backs
_WIDE = (0.3, 2.8)
_POINTS = 25
_THIN = 0.45  # of the depth of the box, at most
_EDGE = 0.4  # from the middle, of half the depth, at least
_ROOMY = 0.25  # of the points lower down, on the side where nothing is above: the seat


def front_of_seat(points: np.ndarray, obj: Object3D) -> np.ndarray | None:
    """Unit vector (3,) out of the front of a thing with a backrest, in the frame of its box; None where none is seen.

    Args:
        points: (N, 3) of its surface, in the frame of `obj`; NaN-free.
        obj: with its place in space.
    """
    height, sides = obj.size[2], obj.size[:2]
    if not (_TALL[0] < height < _TALL[1] and _WIDE[0] < sides.min() and sides.max() < _WIDE[1]):
        return None
    rotation = matrix_from_quaternion(obj.orientation)
    local = (points - obj.position) @ rotation
    level = local[:, 2] / height  # -0.5 at the foot, 0.5 at the top
    above, below = local[level > 0.22], local[(level < 0.1) & (level > -0.3)]
    if min(len(above), len(below)) < _POINTS:
        return None
    best: tuple[float, np.ndarray] | None = None  # how clearly, and the front in the box
    for axis in (0, 1):
        low, middle, high = np.percentile(above[:, axis], [5, 50, 95])
        across = 1 - axis
        spread = np.ptp(np.percentile(above[:, across], [5, 95])) / sides[across]
        side = np.sign(middle)
        opposite = float(np.mean(side * below[:, axis] < -0.1 * sides[axis]))
        thin, edge = (high - low) / sides[axis], abs(middle) / (sides[axis] / 2)
        if thin < _THIN and edge > _EDGE and spread > 0.5 and opposite > _ROOMY:
            clear = edge - thin
            if best is None or clear > best[0]:
                best = clear, -side * np.eye(2)[axis]
    return None if best is None else rotation[:, :2] @ _square_to(above[:, :2], best[1])


def _square_to(back: np.ndarray, front: np.ndarray) -> np.ndarray:
    """The way that a backrest's points (N, 2) face, (2,), near a first guess: a box round a chair may be askew."""
    spread, axes = np.linalg.eigh(np.cov(back.T))
    normal = axes[:, 0] * np.sign(axes[:, 0] @ front)
    return normal if spread[0] < 0.1 * spread[1] and normal @ front > 0.8 else front
