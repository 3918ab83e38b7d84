"""The graph of what is remembered, as a viewer in the map has it: layers and relations of what is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spatial_llava_ros.geometry import invert_transform
from spatial_llava_ros.graph.frame_graph import relate
from spatial_llava_ros.graph.layers import depth_layers, depth_range, first_layers
from spatial_llava_ros.graph.statements import layout_in_view
from spatial_llava_ros.types import Relation, SceneGraph, SceneObject


def map_graph(
    nodes: Sequence[SceneObject], frame_from_camera: np.ndarray, reach: float, limit: int,
    previous: SceneGraph | None, everything: bool,
) -> tuple[list[SceneObject], list[Relation]]:  # fmt: skip
    """Objects with their depth layers, and how those near a viewer stand to each other.

    Args:
        nodes: stated in the map, z up.
        frame_from_camera: (4, 4) pose of the viewer's camera: whose left and right it is.
        reach: metres from the viewer within which things are related.
        limit: related at most; the nearest.
        previous, everything: as in `frame_graph`.
    """
    camera = frame_from_camera[:3, 3]
    away = np.array([np.linalg.norm(n.object.position - camera) for n in nodes])
    near = [int(i) for i in np.argsort(away, kind="stable")[:limit] if away[i] <= reach]
    near.sort()
    camera_from_frame = invert_transform(frame_from_camera)
    ranges = np.array([depth_range(nodes[i].object, camera_from_frame) for i in near]).reshape(-1, 2)
    ranges[ranges[:, 0] < 0] = np.nan  # behind the viewer's back there are no layers
    layers = dict(zip(near, first_layers(depth_layers(ranges), len(near)), strict=True))
    nodes = [replace(node, layer=layers.get(i, 0)) for i, node in enumerate(nodes)]
    related = [nodes[i] for i in near]
    layout = layout_in_view([n.object for n in related], frame_from_camera, np.array([0.0, 0.0, 1.0]))
    return nodes, relate(related, layout, previous, everything)
