"""Which way a screen faces: on made-up laptops and monitors, and on the simulator's against its truth."""

from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.evaluation.graph import lifted_things, shots_along
from spatial_llava_ros.graph.panel import front_of_screen
from spatial_llava_ros.sim.camera import SimCamera, camera_path
from spatial_llava_ros.sim.layouts import make_scene
from spatial_llava_ros.types import Object3D

TURNS = np.linspace(-3, 3, 7)


def sheet(count: int, x, y, z) -> np.ndarray:
    """Random points of a box given by its (low, high) along each axis."""
    low, high = np.array([x, y, z], float).T
    return np.random.default_rng(count).uniform(low, high, (count, 3))


def turned(parts, size, turn: float):
    """Points with the foot's middle at the origin, whose front is +x, turned about z; and their box."""
    points = np.vstack(parts) - [0, 0, size[2] / 2]
    c, s = np.cos(turn), np.sin(turn)
    quaternion = np.array([0, 0, np.sin(turn / 2), np.cos(turn / 2)])
    obj = Object3D(1, "thing", 1.0, (0, 0, 9, 9), "map", np.zeros(3), quaternion, np.array(size))
    return points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]).T, obj


def monitor(turn: float, seen_from: str):
    """A monitor 0.5 m wide; its face is at x = 0, and its neck 2 to 5 cm behind that."""
    face = 0.0 if seen_from == "front" else -0.03
    panel = sheet(500, (face - 0.003, face + 0.003), (-0.25, 0.25), (0.11, 0.4))
    neck = sheet(20, (-0.04, -0.035), (-0.025, 0.025), (0.02, 0.1))
    if seen_from == "behind":
        neck = sheet(30, (-0.06, -0.055), (-0.025, 0.025), (0.02, 0.1))
    foot = sheet(40, (-0.1, 0.08), (-0.1, 0.1), (0, 0.012))
    flush = neck * [0, 1, 1] + [face, 0, 0]
    parts = {"above": [panel], "centre": [panel, foot, flush]}.get(seen_from, [panel, foot, neck])
    return turned(parts, (0.18, 0.5, 0.4), turn)


def laptop(turn: float, closed_off: bool = False):
    """A laptop whose lid leans back by 20 degrees; from behind only the lid is seen."""
    lid = sheet(400, (-0.002, 0.002), (-0.16, 0.16), (0, 0.22))
    lid[:, 0] -= 0.35 * lid[:, 2] + 0.1
    base = sheet(300, (-0.1, 0.12), (-0.16, 0.16), (0.012, 0.016))
    return turned([lid] if closed_off else [lid, base], (0.3, 0.32, 0.22), turn)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("seen_from", ["front", "behind"])
def test_a_monitor_faces_away_from_its_neck(turn, seen_from):
    front = front_of_screen(*monitor(turn, seen_from))
    np.testing.assert_allclose(front, [np.cos(turn), np.sin(turn), 0], atol=0.03)


@pytest.mark.parametrize("turn", TURNS)
def test_a_laptop_faces_where_its_keyboard_is(turn):
    np.testing.assert_allclose(front_of_screen(*laptop(turn)), [np.cos(turn), np.sin(turn), 0], atol=0.03)


def test_where_nothing_tells_nothing_is_said():
    assert front_of_screen(*monitor(0.4, "above")) is None  # no stand in view
    assert front_of_screen(*monitor(0.4, "centre")) is None  # the neck is in the plane of the panel
    assert front_of_screen(*laptop(0.4, closed_off=True)) is None
    rng = np.random.default_rng(1)
    _, obj = monitor(0.0, "front")
    assert front_of_screen(rng.uniform(-0.5, 0.5, (800, 3)) * obj.size, obj) is None
    assert front_of_screen(np.zeros((0, 3)), obj) is None


def test_screens_of_the_simulator_face_where_they_do():
    right = wrong = 0
    for seed in (61, 64, 67):
        scene = make_scene("desk", seed)
        truth = {o.id: -o.world_from_model[:3, 1] for o in scene.objects}
        for shot in shots_along(scene, camera_path(scene, 6)[1:4], SimCamera()):
            nodes, _, owners = lifted_things(shot, 400)
            for node, owner in zip(nodes, owners, strict=True):
                if node.front is not None and node.object.size[2] < 0.5:
                    along = shot.frame.world_from_camera[:3, :3] @ node.front @ truth[owner]
                    so = node.object.label in ("monitor", "laptop") and along > np.cos(np.radians(25))
                    right, wrong = right + so, wrong + (not so)
    assert right >= 5 and wrong == 0
