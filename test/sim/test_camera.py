from __future__ import annotations

import numpy as np
import pytest

from spatial_llava_ros.geometry import back_project, transform_points
from spatial_llava_ros.sim import LAYOUTS, SimCamera, camera_path, default_view, make_scene, stream
from spatial_llava_ros.sim.stream import SimStream

from .conftest import PERFECT, SMALL


def test_stream_is_a_sequence_of_frames_in_order() -> None:
    frames = SimStream("tabletop", 2, 3, SimCamera(SMALL))
    assert len(frames) == len(list(frames)) == 3
    stamps = [f.stamp for f in frames]
    assert stamps == sorted(set(stamps)) and stamps[0] > 0
    np.testing.assert_array_equal(frames[-1].color, frames[2].color)
    with pytest.raises(IndexError):
        frames[3]


def test_one_frame_is_the_default_view() -> None:
    scene = make_scene("shelf", 3)
    np.testing.assert_array_equal(stream("shelf", 3).poses[0], default_view(scene))


def test_things_stay_where_they_are_in_the_world_while_the_camera_moves() -> None:
    moving = SimStream("tabletop", 3, 3, PERFECT)
    poses = moving.poses
    assert np.linalg.norm(poses[0][:3, 3] - poses[-1][:3, 3]) > 0.3
    for shot in (moving.shot(0), moving.shot(2)):
        frame = shot.frame
        points = transform_points(frame.world_from_camera, back_project(frame.depth, frame.intrinsics).astype(float))
        for o in shot.objects:
            placed = moving.scene.objects[o.id - 1]
            local = (points[shot.instance == o.id] - placed.world_from_object[:3, 3]) @ placed.world_from_object[:3, :3]
            assert (np.abs(local) < placed.size / 2 + 0.002).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cameras_are_level_outside_things_and_see_the_scene(layout: str) -> None:
    scene = make_scene(layout, 1)
    for pose in (default_view(scene), *camera_path(scene, 4)):
        rotation = pose[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert rotation[2, 0] == pytest.approx(0, abs=1e-12), "x of the camera is level"
        assert rotation[2, 1] < 0, "y of the camera points down"
    shots = SimStream(layout, 1, 4, PERFECT)
    assert all(len(shots.shot(k).objects) >= 3 for k in range(4))
