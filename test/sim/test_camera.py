from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.geometry import back_project, transform_points
from spatial_llava_ros.sim import LAYOUTS, camera_path, default_view, look_at, make_scene, render

from .conftest import PERFECT


def test_look_at_puts_the_target_in_the_middle() -> None:
    eye, target = np.array([-1.0, 0.5, 1.5]), np.array([0.2, 0.1, 0.7])
    in_camera = np.linalg.inv(look_at(eye, target)) @ [*target, 1.0]
    np.testing.assert_allclose(in_camera[:3], [0, 0, np.linalg.norm(target - eye)], atol=1e-12)


def test_things_stay_where_they_are_in_the_world_while_the_camera_moves() -> None:
    scene = make_scene("tabletop", 3)
    poses = camera_path(scene, 3)
    assert np.linalg.norm(poses[0][:3, 3] - poses[-1][:3, 3]) > 0.3
    for pose in (poses[0], poses[-1]):
        shot = render(scene, pose, PERFECT)
        frame = shot.frame
        points = transform_points(frame.world_from_camera, back_project(frame.depth, frame.intrinsics).astype(float))
        for o in shot.objects:
            placed = scene.objects[o.id - 1]
            local = (points[shot.instance == o.id] - placed.world_from_object[:3, 3]) @ placed.world_from_object[:3, :3]
            assert (np.abs(local) < placed.size / 2 + 0.002).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cameras_are_level_and_see_the_scene(layout: str) -> None:
    scene = make_scene(layout, 1)
    for pose in (default_view(scene), *camera_path(scene, 3)):
        rotation = pose[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert rotation[2, 0] == pytest.approx(0, abs=1e-12), "x of the camera is level"
        assert rotation[2, 1] < 0, "y of the camera points down"
        assert len(render(scene, pose, PERFECT).objects) >= 3


def test_camera_path_is_smooth() -> None:
    poses = np.array(camera_path(make_scene("room", 1), 60))
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    assert steps.max() < 0.2
    assert steps.max() < 4 * np.median(steps)
