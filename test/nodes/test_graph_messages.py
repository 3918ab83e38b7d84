from __future__ import annotations

import math

import numpy as np
import pytest
from spatial_llava_ros.msg import SceneGraph, SceneRelation
from spatial_llava_ros.msg import SceneObject as SceneObjectMessage
from visualization_msgs.msg import Marker

from spatial_llava_ros import types
from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.nodes import messages
from spatial_llava_ros.nodes.graph_markers import SHOWN, graph_markers, marker_color
from spatial_llava_ros.nodes.graph_messages import graph_message
from spatial_llava_ros.types import Object3D, ObjectState, Relation, SceneObject


def node(number: int, **changes) -> SceneObject:
    turn = np.array([0.0, 0.0, math.sin(0.3), math.cos(0.3)])
    obj = Object3D(
        number, "mug", 0.9, (0, 0, 5, 5), "map", np.array([number * 1.0, 2.0, 3.0]), turn,
        np.array([0.1, 0.2, 0.4]), np.eye(6) * 1e-4, np.full(3, 0.01),
    )  # fmt: skip
    return SceneObject(obj, (("cup", 0.3),), ("red",), **changes)


def graph(nodes, relations=()) -> SceneGraph:
    pose = np.eye(4)
    pose[:3, 3] = (1.0, 2.0, 3.0)
    made = types.SceneGraph("map", 5, tuple(nodes), tuple(relations), pose, np.array([0, 0, 1.0]), (9,), 7)
    return graph_message(made)


def test_what_the_memory_knows_is_in_the_message():
    known = {"layer": 2, "observations": 8, "first_seen": 10, "last_seen": 20, "last_moved": 15, "source": "user"}
    relation = Relation(1, "left_of", 2, 0.4, "m", "viewer", 0.8, second_object=3)
    message = graph([node(1, state=ObjectState.MISSING, **known), node(2)], [relation])
    assert (message.header.frame_id, message.revision, list(message.removed)) == ("map", 7, [9])
    obj = message.objects[0]
    assert (obj.id, obj.layer, obj.observations) == (1, 2, 8)
    assert (obj.state, obj.source) == (SceneObjectMessage.STATE_MISSING, SceneObjectMessage.SOURCE_USER)
    assert [messages.nanoseconds(t) for t in (obj.first_seen, obj.last_moved, obj.last_seen)] == [10, 15, 20]
    assert (obj.label_candidates, list(obj.attributes)) == (["cup"], ["red"])
    said = message.relations[0]
    assert (said.subject, said.predicate, said.object, said.second_object) == (1, "left_of", 2, 3)
    assert (said.reference, said.unit) == (SceneRelation.REFERENCE_VIEWER, "m")
    assert said.value == pytest.approx(0.4)


@pytest.mark.parametrize("state", list(ObjectState))
def test_every_state_has_its_number(state):
    assert graph([node(1, state=state)]).objects[0].state == getattr(SceneObjectMessage, f"STATE_{state.name}")


def test_boxes_lie_where_the_objects_do():
    box = next(m for m in graph_markers(graph([node(1), node(2)])).markers if m.ns == "box")
    points = np.array([(p.x, p.y, p.z) for p in box.points]).reshape(2, 24, 3)
    assert len(box.colors) == 48 and box.colors[0] != box.colors[-1]
    np.testing.assert_allclose(points.mean(axis=1), [(1, 2, 3), (2, 2, 3)], atol=1e-9)
    turn = matrix_from_quaternion(np.array([0.0, 0.0, math.sin(0.3), math.cos(0.3)]))
    own = np.abs((points[0] - (1, 2, 3)) @ turn)
    np.testing.assert_allclose(own, np.broadcast_to([0.05, 0.1, 0.2], own.shape), atol=1e-9)


def test_arrows_lead_from_subject_to_object():
    relations = [Relation(2, "left_of", 1, 0.4, "m", "viewer", 0.8), Relation(2, "on", 77, 0.0, "m", "world", 0.8)]
    made = graph_markers(graph([node(1), node(2)], relations)).markers
    arrows = [m for m in made if m.ns == "relation"]
    assert [(p.x, p.y, p.z) for p in arrows[0].points] == [(2, 2, 3), (1, 2, 3)]
    assert len(arrows) == 1  # the other end of the second one is not in the graph
    assert next(m.text for m in made if m.ns == "predicate") == "left of"


def test_markers_are_bounded_distinct_and_replace_those_before():
    nodes = [node(k) for k in [*range(1, 400), 4_000_000_000]]
    relations = [Relation(k, "near", k + 1, 1.0, "m", "world", 1.0) for k in range(1, 399)]
    made = graph_markers(graph(nodes, relations)).markers
    assert made[0].action == Marker.DELETEALL
    assert len(made) <= 2 + 4 * SHOWN
    assert len({(m.ns, m.id) for m in made[1:]}) == len(made) - 1
    assert graph_markers(graph([node(4_000_000_000)])).markers
    assert len({(c.r, c.g, c.b) for c in map(marker_color, range(100))}) == 100


def test_an_empty_graph_shows_nothing():
    assert not [m for m in graph_markers(graph([])).markers if m.action == Marker.ADD]
