from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.sim import SENSORS, SimCamera, default_view, look_at, make_scene, render, usual_camera
from spatial_llava_ros.sim.sensors import XTION

from .conftest import SMALL
from .test_rendering import small_world


def test_layouts_without_sensors_of_their_own_are_seen_by_the_default_camera() -> None:
    assert all(usual_camera(make_scene(name, 3)) == SimCamera() for name in ("tabletop", "shelf", "room", "tote"))


def test_seed_decides_the_camera_and_all_kinds_occur() -> None:
    scene = make_scene("desk", 3)
    cameras = [usual_camera(replace(scene, seed=seed)) for seed in range(40)]
    assert cameras[3] == usual_camera(make_scene("desk", 3))
    assert any(c.noise.kept < 1 for c in cameras) and any(c.noise.fatten for c in cameras)
    moved = [np.hypot(*c.noise.misaligned) for c in cameras if c.noise.misaligned != (0, 0)]
    assert 10 < len(moved) < 30 and min(moved) > 0.9 and max(moved) <= 5.1
    assert any(c.noise.far < 2.1 for c in cameras)
    assert len({round(c.color_noise.exposure, 3) for c in cameras}) > 30


@pytest.mark.parametrize("name", list(SENSORS))
def test_every_sensor_sees_a_table_in_colour_and_depth(name: str) -> None:
    scene, sensor = make_scene("crowd", 1), SENSORS[name]
    small = replace(sensor.intrinsics, width=320, height=240, fx=sensor.intrinsics.fx / 2, fy=sensor.intrinsics.fy / 2,
                    cx=159.5, cy=119.5)  # fmt: skip
    frame = render(scene, default_view(scene), SimCamera(small, sensor.depth, sensor.color)).frame
    share = np.isfinite(frame.depth).mean()
    expected = sensor.depth.kept / sensor.depth.grid**2
    assert 0.35 * expected < share <= 1.1 * expected
    assert frame.color.std() > 15


def test_structured_light_leaves_shadows_on_both_sides_of_a_thing() -> None:
    """The projector cannot reach the left of it, the infrared camera cannot see the right of it."""
    scene = small_world((0, 0, 0, 0.2, 0.2, 0.2, 0), (0.5, 0, 0, 0.1, 3.0, 1.0, 0))
    pose = look_at(np.array([-0.8, 0.0, 0.5]), np.array([0.3, 0, 0.1]))
    noise = replace(XTION, edge_dropout=0, edge_jitter=0, flying=0, holes=0, signal_floor=0, shine=0,
                    border=(0, 0, 0, 0))  # fmt: skip
    shot = render(scene, pose, SimCamera(SMALL, noise))
    columns = np.flatnonzero((shot.instance == 1).any(0))
    row = np.flatnonzero((shot.instance == 1).any(1))[30]
    left = np.isnan(shot.frame.depth[row, : columns[0]]).sum()
    right = np.isnan(shot.frame.depth[row, columns[-1] + 1 :]).sum()
    assert left > right > 0
