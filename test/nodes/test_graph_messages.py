from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import yaml
from spatial_llava_ros.msg import SceneGraph, SceneRelation
from spatial_llava_ros.msg import SceneObject as SceneObjectMessage
from visualization_msgs.msg import Marker

from spatial_llava_ros import types
from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.nodes import messages
from spatial_llava_ros.nodes.environment import config_folder
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


def test_a_pair_has_one_arrow_that_says_all_of_it():
    relations = [
        Relation(1, "next_to", 2, 0.05, "m", "world", 0.8),
        Relation(2, "left_of", 1, 0.4, "m", "viewer", 0.8),
        Relation(1, "bigger_than", 2, float("nan"), "", "world", 0.8),
        Relation(1, "between", 2, 0.1, "m", "world", 0.8, second_object=3),
        Relation(2, "on", 77, 0.0, "m", "world", 0.8),  # which is not in the graph
    ]
    made = graph_markers(graph([node(1), node(2)], relations)).markers
    (arrow,) = [m for m in made if m.ns == "relation"]
    assert [(p.x, p.y, p.z) for p in arrow.points] == [(2, 2, 3), (1, 2, 3)]  # from the subject of the weightiest
    (said,) = [m.text for m in made if m.ns == "predicate"]
    assert said == "left of 0.40 m, < next to 0.05 m, < bigger than, < between this and 3 0.10 m"


def test_layers_go_from_red_to_blue():
    made = graph_markers(graph([node(1, layer=1), node(2, layer=3), node(3, layer=0)])).markers
    layers = next(m for m in made if m.ns == "layer")
    assert len(layers.points) == len(layers.colors) == 12  # two triangles for each that has a layer
    near, far = layers.colors[0], layers.colors[-1]
    assert near.r > 0.9 > 0.3 > near.b and far.b > 0.9 > 0.3 > far.r
    assert {round(p.z, 3) for p in layers.points} == {2.802}  # on the underside of boxes 0.4 m high


def test_a_graph_in_the_cameras_frame_has_its_names_above_the_things():
    upright = np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])  # z of the box is up: -y of the optical frame
    thing = node(1)
    thing = replace(thing, object=replace(thing.object, orientation=upright, position=np.array([0.0, 0.1, 1.0])))
    label = next(m for m in graph_markers(graph([thing])).markers if m.ns == "label")
    assert label.pose.position.y < 0.1 - 0.2 and label.pose.position.z == pytest.approx(1.0)


def test_markers_are_bounded_distinct_and_replace_those_before():
    nodes = [node(k) for k in [*range(1, 400), 4_000_000_000]]
    relations = [Relation(k, "near", k + 1, 1.0, "m", "world", 1.0) for k in range(1, 399)]
    made = graph_markers(graph(nodes, relations)).markers
    assert made[0].action == Marker.DELETEALL
    assert len(made) <= 4 + 4 * SHOWN
    assert len({(m.ns, m.id) for m in made[1:]}) == len(made) - 1
    assert graph_markers(graph([node(4_000_000_000)])).markers
    assert len({(c.r, c.g, c.b) for c in map(marker_color, range(100))}) == 100
    assert [round(255 * v) for v in (marker_color(7).r, marker_color(7).g, marker_color(7).b)] == [62, 199, 56]


def test_an_empty_graph_shows_nothing():
    assert not [m for m in graph_markers(graph([])).markers if m.action == Marker.ADD]


def test_rviz_and_foxglove_can_switch_every_kind_of_marker():
    crowd = [replace(n, layer=1, object=replace(n.object, position=np.array([1.0, 2, 3]))) for n in map(node, range(9))]
    made = {m.ns for m in graph_markers(graph(crowd, [Relation(1, "near", 2, 1.0, "m", "world", 1.0)])).markers} - {""}
    displays = yaml.safe_load((config_folder() / "spatial_llava.rviz").read_text())["Visualization Manager"]["Displays"]
    rviz = next(d["Namespaces"] for d in displays if d["Name"] == "Scene graph")
    foxglove = json.loads((config_folder() / "foxglove.json").read_text())["configById"]["3D!space"]["topics"]
    assert made == set(rviz) == set(foxglove["/scene_graph/markers"]["namespaces"])
