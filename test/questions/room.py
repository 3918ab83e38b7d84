"""A room with known things, as a scene graph: what the questions of these tests are about.

Map frame, z up; the camera stands 1.2 m above the origin and looks along x, so left is +y and far is +x.
"""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.graph.frame_graph import relate
from spatial_llava_ros.graph.statements import layout_in_view
from spatial_llava_ros.types import Object3D, SceneGraph, SceneObject

CAMERA = np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 1.2], [0.0, 0.0, 0.0, 1.0]])

# id, colour, name, centre, sides, yaw in degrees, yaw period
THINGS = (
    (1, "brown", "table", (2.5, 0.0, 0.375), (1.6, 0.8, 0.75), 90, np.pi),
    (2, "red", "mug", (2.3, 0.5, 0.80), (0.12, 0.09, 0.10), 0, np.pi),
    (3, "blue", "mug", (2.3, -0.5, 0.80), (0.12, 0.09, 0.10), 0, np.pi),
    (4, "green", "can", (2.3, 0.0, 0.81), (0.07, 0.07, 0.12), 0, 0),
    (5, "grey", "laptop", (2.6, 0.25, 0.87), (0.34, 0.24, 0.24), 90, np.pi),
    (6, "yellow", "book", (2.7, -0.35, 0.77), (0.24, 0.17, 0.04), 30, np.pi),
    (7, "black", "sofa", (4.6, 0.0, 0.4), (2.0, 0.9, 0.8), 90, np.pi),
    (8, "white", "lamp", (4.6, 1.7, 0.75), (0.4, 0.4, 1.5), 0, 0),
    (9, "green", "plant", (4.6, -1.8, 0.5), (0.6, 0.6, 1.0), 0, 0),
    (10, "red", "chair", (2.5, -1.7, 0.45), (0.5, 0.5, 0.9), 0, np.pi / 2),
    (11, "orange", "box", (2.5, 0.3, 0.15), (0.4, 0.3, 0.3), 0, np.pi),
    (12, "purple", "cushion", (4.5, 0.5, 0.9), (0.45, 0.4, 0.2), 0, np.pi),
    (13, "white", "bowl", (2.6, -0.05, 0.79), (0.18, 0.18, 0.08), 0, 0),
)  # fmt: skip
BALL, VASE = 14, 15
"""The ball has no depth; where the vase is, is known to half a metre only."""


def room(named: str = "model") -> SceneGraph:
    """The graph of the room; `named` is where its labels come from."""
    nodes = [_thing(*row, named=named) for row in THINGS]
    blind = Object3D(BALL, "ball", 0.8, (10.0, 10.0, 30.0, 30.0), "map")
    nodes.append(SceneObject(blind, (("ball", 1.0),), ("blue",), source=named))
    nodes.append(_thing(VASE, "pink", "vase", (2.0, 2.2, 0.2), (0.2, 0.2, 0.4), 0, 0, std=0.5, named=named))
    up = np.array([0.0, 0.0, 1.0])
    layout = layout_in_view([n.object for n in nodes], CAMERA, up)
    return SceneGraph("map", 1, tuple(nodes), tuple(relate(nodes, layout)), CAMERA, up)


def _thing(number, color, name, centre, sides, degrees, period, std=0.005, named="model") -> SceneObject:
    half = np.radians(degrees) / 2
    obj = Object3D(
        number, name, 0.9, (0.0, 0.0, 50.0, 50.0), "map", np.array(centre),
        np.array([0.0, 0.0, np.sin(half), np.cos(half)]), np.array(sides), np.eye(6) * std**2, np.full(3, std), period,
    )  # fmt: skip
    return SceneObject(obj, ((name, 1.0),), (color,), source=named)
