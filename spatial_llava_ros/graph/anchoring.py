"""Map jumps: when the pose of the camera leaps and what it sees does not, the map moved, not the things.

A loop closure or a relocalisation shifts the camera in the map by metres between two frames. Taken at its word, every
thing would be found anew beside its old place. So sightings are also compared with the last frame in the camera's own
frame; if they agree there and not in the map, the leap is taken out of the memory instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.geometry import invert_transform, transform_points
from spatial_llava_ros.types import SceneObject

MIN_PAIRS = 3
_AGREE_M = 0.08  # how far a thing may wander in the picture's frame between two frames, plus 3 % of its distance
_SHARE = 0.6
_LEADING, _SURE = 20, 0.29


def leap_between(
    before: np.ndarray, after: np.ndarray, map_from_before: np.ndarray, map_from_after: np.ndarray
) -> np.ndarray | None:
    """The motion of the map between two frames, or None where the camera really moved.

    Args:
        before: (M, 3) things seen in the earlier frame, in its camera frame.
        after: (N, 3) things seen in the later frame, in its camera frame.
        map_from_before, map_from_after: (4, 4) poses that were stated for the two frames.

    Returns:
        (4, 4) new_map_from_old_map, a turn about the vertical and a shift.
    """
    if min(len(before), len(after)) < MIN_PAIRS:
        return None
    pairs = _agreeing(before, after)
    if len(pairs) < max(MIN_PAIRS, _SHARE * min(len(before), len(after))):
        return None
    old = transform_points(map_from_before, before[[i for i, _ in pairs]])
    new = transform_points(map_from_after, after[[j for _, j in pairs]])
    return _level_motion(old, new, map_from_after @ invert_transform(map_from_before))


def _agreeing(before: np.ndarray, after: np.ndarray) -> list[tuple[int, int]]:
    """Mutual nearest neighbours that are near enough."""
    distance = np.linalg.norm(before[:, None] - after[None], axis=-1)
    reach = _AGREE_M + 0.03 * np.linalg.norm(before, axis=1)
    nearest = distance.argmin(axis=1)
    return [
        (i, int(j)) for i, j in enumerate(nearest) if distance[i, j] <= reach[i] and int(distance[:, j].argmin()) == i
    ]


def _level_motion(old: np.ndarray, new: np.ndarray, stated: np.ndarray) -> np.ndarray:
    """Turn about z and shift that bring points old (K, 3) to new, by least squares (Umeyama 1991, in the plane).

    Where the points lie in a heap, which leaves the turn open, it is taken from the stated poses.
    """
    a, b = old.mean(axis=0), new.mean(axis=0)
    p, q = old[:, :2] - a[:2], new[:, :2] - b[:2]
    turn = np.arctan2(stated[1, 0], stated[0, 0])
    if np.linalg.norm(p, axis=1).max() > 0.3:
        turn = np.arctan2((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum(), (p * q).sum())
    c, s = np.cos(turn), np.sin(turn)
    motion = np.eye(4)
    motion[:2, :2] = [[c, -s], [s, c]]
    motion[:3, 3] = b - motion[:3, :3] @ a
    return motion


def leading(nodes: Sequence[SceneObject]) -> np.ndarray:
    """(K,) which sightings are likely to be found again in the next frame: the surest few."""
    scores = np.array([node.object.score for node in nodes])
    order = np.argsort(-scores, kind="stable")[:_LEADING]
    return np.sort(order[scores[order] > _SURE])
