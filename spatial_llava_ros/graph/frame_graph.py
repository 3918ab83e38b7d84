"""The scene graph of one frame: its things, what they may be called, and what a person would say of them.

regions --lift, name--> candidates --choose--> nodes --judge--> statements --prune--> relations
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spatial_llava_ros.geometry import invert_transform
from spatial_llava_ros.graph.candidates import candidates_in, stated_in_world
from spatial_llava_ros.graph.facing import facing_relations
from spatial_llava_ros.graph.layers import depth_layers, depth_range, first_layers
from spatial_llava_ros.graph.pruning import Before, all_relations, decide, said_relations
from spatial_llava_ros.graph.statements import judge
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.relations import Layout, layout_of
from spatial_llava_ros.types import (
    Proposals,
    Relation,
    RgbdFrame,
    SceneGraph,
    SceneObject,
)


def frame_graph(
    frame: RgbdFrame,
    proposals: Proposals | None = None,
    previous: SceneGraph | None = None,
    everything: bool = False,
) -> SceneGraph:
    """What is in a frame and how it stands.

    Args:
        proposals: where the caller has them.
        previous: an earlier graph with the same ids; what it said keeps being said within the dead band.
        everything: state every relation that holds, inverses and all, not only what a person would say.

    Returns:
        Ids are those of the regions. In the frame's world frame where the camera's pose is known, else in the camera's.
    """
    proposals = propose(frame) if proposals is None else proposals
    nodes, layout = things_in(frame, proposals)
    relations = relate(nodes, layout, previous, everything)
    camera_from_world = None if frame.world_from_camera is None else invert_transform(frame.world_from_camera)
    if camera_from_world is None:
        return SceneGraph(frame.frame_id, frame.stamp, tuple(nodes), tuple(relations), np.eye(4), proposals.up)
    nodes = [stated_in_world(node, frame.world_from_camera, frame.world_frame_id) for node in nodes]
    up = frame.world_from_camera[:3, :3] @ proposals.up
    return SceneGraph(frame.world_frame_id, frame.stamp, tuple(nodes), tuple(relations), frame.world_from_camera, up)


def things_in(frame: RgbdFrame, proposals: Proposals) -> tuple[list[SceneObject], Layout]:
    """The things of a frame as nodes in the camera frame, best first, and their layout."""
    candidates = candidates_in(frame, proposals)
    nodes = [node for node, thing in zip(candidates.objects, candidates.thing, strict=True) if thing]
    nodes.sort(key=lambda node: -node.object.score)
    ranges = np.array([depth_range(node.object, np.eye(4)) for node in nodes]).reshape(-1, 2)
    layers = first_layers(depth_layers(ranges), len(nodes))
    nodes = [replace(node, layer=layer) for node, layer in zip(nodes, layers, strict=True)]
    return nodes, layout_of([node.object for node in nodes], proposals.up, frame.intrinsics)


def relate(
    nodes: Sequence[SceneObject], layout: Layout, previous: SceneGraph | None = None, everything: bool = False
) -> list[Relation]:
    """Relations among nodes whose layout is known; see `frame_graph` for the arguments."""
    before = Before()
    if previous is not None:
        before = Before({r.key for r in previous.relations}, {n.object.id for n in previous.objects})
    statements = judge(nodes, layout)
    ids = [node.object.id for node in nodes]
    holds = decide(statements, ids, before)
    if everything:
        return all_relations(statements, ids, holds) + facing_relations(nodes)
    return said_relations(nodes, statements, holds, before) + facing_relations(nodes)
