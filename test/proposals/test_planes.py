from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.proposals import propose
from spatial_llava_ros.proposals.surfels import fit_planes
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

from .conftest import Block, shoot


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Degrees between two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


@pytest.mark.parametrize("pitch", [25, 40, 60, 85])
@pytest.mark.parametrize("roll", [-10, 0])
@pytest.mark.parametrize("noise", [0, 0.0015])
def test_table_and_up(pitch: float, roll: float, noise: float) -> None:
    shot = shoot([Block((0.5, 0.0), (0.1, 0.2, 0.15), (200, 40, 40))], pitch=pitch, roll=roll, noise=noise)
    proposals = propose(shot.frame)
    assert angle(proposals.up, shot.up) < 0.5
    table = proposals.planes[0]
    assert table.horizontal
    assert angle(table.normal, shot.up) < 0.5
    assert table.offset == pytest.approx(shot.height, abs=0.005)
    assert table.pixels == pytest.approx(np.isfinite(shot.frame.depth[shot.block < 0]).sum(), rel=0.1)


def test_two_levels() -> None:
    shelf = Block((1.0, 0.0), (0.5, 0.8, 0.2), (120, 90, 60))
    proposals = propose(shoot([shelf], pitch=40, noise=0.001).frame)
    levels = sorted(plane.offset for plane in proposals.planes if plane.horizontal)
    assert levels[0] == pytest.approx(0.4, abs=0.01)
    assert levels[-1] == pytest.approx(0.6, abs=0.01)
    assert any(not plane.horizontal for plane in proposals.planes), "the front of the shelf"


def test_known_pose_gives_up() -> None:
    shot = shoot([], pitch=30)
    world_from_camera = np.eye(4)
    turn = np.radians(10)  # not what the picture says: the pose is to be believed
    world_from_camera[:3, :3] = [[1, 0, 0], [0, np.sin(turn), np.cos(turn)], [0, -np.cos(turn), np.sin(turn)]]
    proposals = propose(replace(shot.frame, world_from_camera=world_from_camera, world_frame_id="map"))
    assert proposals.up == pytest.approx([0, -np.cos(turn), np.sin(turn)])


def test_far_wall_is_no_floor() -> None:
    color = np.full((240, 320, 3), 180, np.uint8)
    intrinsics = CameraIntrinsics(320, 240, 260.0, 260.0, 160.0, 120.0)
    frame = RgbdFrame(color, np.full((240, 320), 3.0, np.float32), intrinsics)
    proposals = propose(frame)
    assert proposals.up == pytest.approx([0, -1, 0])
    assert not proposals.planes[0].horizontal
    assert proposals.planes[0].normal == pytest.approx([0, 0, -1], abs=1e-3)


def test_fit_recovers_a_plane_exactly() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([0.7, -1.3, 1.1])
    x, y = rng.uniform(-0.3, 0.3, (2, 50))
    q = truth @ np.stack([x, y, np.ones(50)])
    moments = np.stack([np.ones(50), x, y, x * x, x * y, y * y, q, x * q, y * q, q * q]).sum(axis=1)
    assert fit_planes(moments[None], noise=1e-6)[0] == pytest.approx(truth, abs=1e-6)
