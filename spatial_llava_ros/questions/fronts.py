"""Which side of a thing is its front, as far as a box and its surroundings tell.

A seat faces away from its backrest, which its shape shows (`graph.backrest`). Otherwise a box has sides but no front.
A sofa, a screen or a cupboard has one, across its longer side, and it is open to where people are: it is taken to be
the side turned to the camera, if the other things do not lie behind it. Where neither tells, the front is not known.
A "facing" that a model has stated comes before what is only taken for granted.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.language.vocabulary import kind_of
from spatial_llava_ros.questions.answer import Unanswerable
from spatial_llava_ros.questions.names import canonical
from spatial_llava_ros.questions.referents import the
from spatial_llava_ros.questions.view import View

_ACROSS = frozenset(("sofa", "bench", "monitor", "television", "laptop", "keyboard", "shelf", "cabinet", "dresser",
                     "wardrobe", "sideboard", "microwave", "oven"))  # fmt: skip

_CLEAR = float(np.cos(np.radians(65)))  # a side seen more aslant than this is not said to be towards the camera


def front_of(view: View, row: int) -> tuple[np.ndarray, str]:
    """Unit vector (3,) on the ground in the viewer frame out of a thing's front, and what was assumed.

    Raises:
        Unanswerable: it has none, or it cannot be told.
    """
    node = view.nodes[row]
    if node.front is not None:
        return _level(view.viewer_from_frame @ node.front), ""
    for relation in view.graph.relations:
        if relation.predicate == "facing" and relation.subject == node.object.id and relation.object in view.ids:
            return _level(view.offset(view.ids.index(relation.object), row)[0]), ""
    noun = canonical(node.object.label)
    if node.source == "geometry" or noun not in _ACROSS:
        raise Unanswerable(f"which side of {the(view, row)} is its front is not known", (node,))
    heading = view.heading(row)
    if heading is None or not (np.nan_to_num(heading[1]) < 0.3):
        raise Unanswerable(f"how {the(view, row)} is turned could not be seen", (node,))
    sides = [np.array([np.cos(heading[0] + k * np.pi), np.sin(heading[0] + k * np.pi), 0.0]) for k in (0.5, 1.5)]
    # The camera that made the graph, not the one who asks: walking round a sofa does not turn it.
    camera = view.viewer_from_frame @ (view.graph.frame_from_camera[:3, 3] - node.object.position)
    to_camera = _level(camera)
    front = max(sides, key=lambda side: float(side @ to_camera))
    others = [view.offset(i, row)[0] for i in range(len(view.nodes)) if i != row and view.has_depth(i)]
    behind = sum(float(front @ _level(way)) < -0.5 for way in others)
    if front @ to_camera < _CLEAR or behind > 0.5 * len(others):
        raise Unanswerable(
            f"which side of {the(view, row)} is its front cannot be told; say what one faces there", (node,)
        )
    kind = kind_of(noun) or "thing"
    return front, f"takes the side of the {kind} towards the camera for its front"


def _level(way: np.ndarray) -> np.ndarray:
    flat = np.array([way[0], way[1], 0.0])
    return flat / max(float(np.linalg.norm(flat)), 1e-9)
