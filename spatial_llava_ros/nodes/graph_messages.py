"""Scene graphs as ROS messages. No algorithm, no node, no time: only meaning and units."""

from __future__ import annotations

import math

from std_msgs.msg import Header

from spatial_llava_ros import types
from spatial_llava_ros.msg import SceneGraph, SceneObject, SceneRelation
from spatial_llava_ros.nodes.messages import object_message, pose_of, time_message


def node_message(node: types.SceneObject) -> SceneObject:
    """SceneObject of a graph's node, with what the memory knows of it."""
    message = object_message(node.object)
    message.source = getattr(SceneObject, f"SOURCE_{node.source.upper()}")
    message.state = getattr(SceneObject, f"STATE_{node.state.name}")
    message.label_candidates = [name for name, _ in node.labels]
    message.label_scores = [float(score) for _, score in node.labels]
    message.attributes = list(node.attributes)
    message.layer = node.layer
    message.observations = node.observations
    message.first_seen = time_message(node.first_seen)
    message.last_seen = time_message(node.last_seen)
    message.last_moved = time_message(node.last_moved)
    return message


def relation_message(relation: types.Relation) -> SceneRelation:
    """SceneRelation of a graph's edge."""
    return SceneRelation(
        subject=relation.subject,
        predicate=relation.predicate,
        object=relation.object,
        second_object=relation.second_object,
        reference=reference_code(relation.reference),
        value=float(relation.value),
        value_std=math.nan,
        unit=relation.unit,
        score=float(relation.score),
        source=getattr(SceneObject, f"SOURCE_{relation.source.upper()}"),
    )


def reference_code(reference: str) -> int:
    """The message's number for "world", "viewer" or "object"."""
    return getattr(SceneRelation, f"REFERENCE_{reference.upper()}")


def graph_message(graph: types.SceneGraph) -> SceneGraph:
    """SceneGraph message of a scene graph."""
    message = SceneGraph(header=Header(stamp=time_message(graph.stamp), frame_id=graph.frame_id))
    message.viewer = pose_of(graph.frame_from_camera)
    message.removed = list(graph.removed)
    message.revision = graph.revision
    message.objects = [node_message(node) for node in graph.objects]
    message.relations = [relation_message(relation) for relation in graph.relations]
    return message
