"""The scene graph of one frame: its things, what they may be called, and what a person would say of them.

regions --choose--> things --name--> nodes --judge--> statements --prune--> relations
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spatial_llava_ros.geometry import back_project, invert_transform, transform_object
from spatial_llava_ros.graph.layers import depth_layers, depth_range, first_layers
from spatial_llava_ros.graph.naming import attributes_of, label_candidates, label_of
from spatial_llava_ros.graph.pruning import Before, all_relations, decide, said_relations
from spatial_llava_ros.graph.selection import choose_regions
from spatial_llava_ros.graph.statements import LEANING, MOUNTED, judge
from spatial_llava_ros.grounding.features import extract_features
from spatial_llava_ros.lift import lift_all
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.relations import Layout, layout_of
from spatial_llava_ros.types import (
    Object3D,
    Proposals,
    Region,
    Relation,
    RgbdFrame,
    SceneGraph,
    SceneObject,
)

_LEAN = np.radians([6.0, 50.0])  # from upright: less is noise, more lies


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
    nodes = [
        replace(n, object=transform_object(n.object, frame.world_from_camera, frame.world_frame_id)) for n in nodes
    ]
    up = frame.world_from_camera[:3, :3] @ proposals.up
    return SceneGraph(frame.world_frame_id, frame.stamp, tuple(nodes), tuple(relations), frame.world_from_camera, up)


def things_in(frame: RgbdFrame, proposals: Proposals) -> tuple[list[SceneObject], Layout]:
    """The things of a frame as nodes in the camera frame, best first, and their layout."""
    chosen = [proposals.regions[i] for i in choose_regions(proposals, frame.depth.shape)]
    points = back_project(frame.depth, frame.intrinsics)
    lifted = lift_all(frame, proposals, chosen)
    objects = [obj for obj, _ in lifted]
    nodes = describe_things(frame, replace(proposals, regions=tuple(chosen)), objects, [shape for _, shape in lifted])
    for k, region in enumerate(chosen):
        extra = _stance(region, proposals, points)
        if extra:
            nodes[k] = replace(nodes[k], attributes=(*nodes[k].attributes, extra))
    return nodes, layout_of([node.object for node in nodes], proposals.up, frame.intrinsics)


def describe_things(
    frame: RgbdFrame, proposals: Proposals, objects: Sequence[Object3D], shapes: Sequence
) -> list[SceneObject]:
    """Name lifted objects, one per region of `proposals`, and put them into depth layers."""
    features = extract_features(frame, proposals, objects, shapes)
    layers = first_layers(depth_layers(np.array([depth_range(o, np.eye(4)) for o in objects])), len(objects))
    nodes = []
    rows = zip(objects, label_candidates(features), attributes_of(features), features.colours, layers, strict=True)
    for obj, candidates, attributes, colours, layer in rows:
        label = label_of(candidates, attributes)
        nodes.append(
            SceneObject(
                replace(obj, label=label),
                candidates,
                attributes,
                colours,
                layer,
                first_seen=frame.stamp,
                last_seen=frame.stamp,
            )
        )
    return nodes


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
        return all_relations(statements, ids, holds)
    return said_relations(nodes, statements, holds, before)


def _stance(region: Region, proposals: Proposals, points: np.ndarray) -> str:
    """Whether a thing leans (a board-like one off the upright), or is fixed to something upright."""
    if region.plane is not None and not proposals.planes[region.plane].horizontal:
        return MOUNTED
    cloud = points[region.slices][region.mask]
    cloud = cloud[:: max(1, len(cloud) // 400)]
    cloud = cloud[np.isfinite(cloud[:, 2])].astype(np.float64)
    if len(cloud) < 50:
        return ""
    spread, axes = np.linalg.eigh(np.cov(cloud.T))
    if spread[0] > 0.02 * spread[1]:
        return ""  # not a board
    tilt = np.arcsin(min(1.0, abs(float(axes[:, 0] @ proposals.up))))
    return LEANING if _LEAN[0] < tilt < _LEAN[1] else ""
