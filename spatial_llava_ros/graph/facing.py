"""What a thing with a front is turned to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spatial_llava_ros.types import Relation, SceneObject

_AHEAD = np.radians(35)  # off the front, as questions have it
_REACH = 3.0  # metres


def facing_relations(nodes: Sequence[SceneObject]) -> list[Relation]:
    """For each node with a front the nearest thing before it; the value is how far that is off the front, radians.

    The reference is the object: it has its own front, whoever looks.
    """
    relations = []
    placed = [node for node in nodes if node.object.position is not None]
    for node in placed:
        if node.front is None:
            continue
        best: tuple[float, Relation] | None = None
        for other in placed:
            way = other.object.position - node.object.position
            away = float(np.linalg.norm(way))
            if other is node or not 1e-6 < away < _REACH:
                continue
            off = float(np.arccos(np.clip(way @ node.front / away, -1, 1)))
            if off < _AHEAD and (best is None or away < best[0]):
                score = float(1 - 0.5 * off / _AHEAD)
                ids = node.object.id, other.object.id
                best = away, Relation(ids[0], "facing", ids[1], off, "rad", "object", score)
        if best is not None:
            relations.append(best[1])
    return relations
