"""Which way a seat faces: on made-up chairs, and on the simulator's against its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.evaluation.graph import lifted_things, shots_along
from spatial_llava_ros.graph.backrest import front_of_seat
from spatial_llava_ros.graph.candidates import Candidates
from spatial_llava_ros.graph.facing import facing_relations
from spatial_llava_ros.sim.camera import SimCamera, camera_path, default_view
from spatial_llava_ros.sim.layouts import make_scene
from spatial_llava_ros.sim.rendering import render
from spatial_llava_ros.types import Object3D, SceneObject


def chair(turn: float, seat: bool = True):
    """Points of a chair 0.45 x 0.45 x 0.9 m whose front is at an angle, and its box (frame z up)."""
    rng = np.random.default_rng(0)
    back = np.column_stack([np.full(300, -0.2), rng.uniform(-0.22, 0.22, 300), rng.uniform(0.0, 0.45, 300)])
    base = np.column_stack([rng.uniform(-0.2, 0.22, 300), rng.uniform(-0.22, 0.22, 300), np.full(300, 0.0)])
    points = np.vstack([back, base]) if seat else back
    c, s = np.cos(turn), np.sin(turn)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    quaternion = np.array([0, 0, np.sin(turn / 2), np.cos(turn / 2)])
    obj = Object3D(1, "chair", 1.0, (0, 0, 9, 9), "map", np.zeros(3), quaternion, np.array([0.45, 0.45, 0.9]))
    return points @ rotation.T, obj


@pytest.mark.parametrize("turn", np.linspace(-3, 3, 7))
def test_front_is_away_from_the_backrest(turn):
    front = front_of_seat(*chair(turn))
    np.testing.assert_allclose(front, [np.cos(turn), np.sin(turn), 0], atol=1e-9)


def test_from_behind_nothing_is_said():
    assert front_of_seat(*chair(0.0, seat=False)) is None


def test_a_solid_block_has_no_front():
    rng = np.random.default_rng(1)
    _, obj = chair(0.0)
    assert front_of_seat((rng.uniform(-0.5, 0.5, (800, 3))) * obj.size, obj) is None


def test_what_it_faces_is_the_nearest_thing_before_it():
    def at(number, x, y, front=None):
        obj = Object3D(number, "thing", 1.0, (0, 0, 9, 9), "map", np.array([x, y, 0.0]), np.array([0.0, 0, 0, 1]))
        return SceneObject(obj, front=front)

    ahead = np.array([1.0, 0, 0])
    (said,) = facing_relations([at(1, 0, 0, ahead), at(2, 2, 0.3), at(3, 1, 0.1), at(4, -0.5, 0), at(5, 0.2, 1)])
    assert (said.subject, said.predicate, said.object, said.reference) == (1, "facing", 3, "object")
    assert said.value == pytest.approx(np.arctan(0.1))
    assert facing_relations([at(1, 0, 0, ahead), at(2, 5, 0)]) == []


def test_seats_of_the_simulator_face_where_they_do():
    right = wrong = 0
    for seed in (50, 51, 52):
        scene = make_scene("room", seed)
        truth = {o.id: -o.world_from_model[:3, 1] for o in scene.objects}
        for shot in shots_along(scene, camera_path(scene, 2), SimCamera()):
            nodes, _, owners = lifted_things(shot, 400)
            for node, owner in zip(nodes, owners, strict=True):
                if node.front is not None:
                    seat = node.object.label in ("chair", "sofa", "armchair")
                    along = shot.frame.world_from_camera[:3, :3] @ node.front @ truth[owner]
                    so = seat and along > np.cos(np.radians(45))
                    right, wrong = right + so, wrong + (not so)
    assert right >= 5 and wrong <= 0.1 * right


def test_a_front_turns_with_the_frame_it_is_stated_in():
    obj = chair(0.0)[1]
    pose = np.array([[0.0, -1, 0, 3], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    scene = make_scene("room", 50)
    frame = replace(render(scene, default_view(scene), SimCamera()).frame, world_from_camera=pose)
    seen = Candidates((SceneObject(obj, front=np.array([1.0, 0, 0])),), np.eye(1), np.ones(1, bool))
    (stated,) = seen.stated_in(frame).objects
    np.testing.assert_allclose(stated.front, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(stated.object.position, pose[:3, :3] @ obj.position + pose[:3, 3], atol=1e-12)
