"""The points taken for a thing are its own: not the wall, not the table, not what the camera invents at edges."""

from __future__ import annotations

import numpy as np
import pytest
from solids import Solid, look, region_of, shoot

from spatial_llava_ros.lift import lift
from spatial_llava_ros.lift.foreground import MAX_POINTS, foreground
from spatial_llava_ros.lift.sight import look as look_at
from spatial_llava_ros.lift.view import Views
from spatial_llava_ros.types import Plane, Proposals, RgbdFrame

VIEW = look((0.0, -0.9, 0.6), (0.0, 0.0, 0.05))
BOX = Solid("box", (0.0, 0.0, 0.06), (0.16, 0.1, 0.12), 0.5)


def see(frame, region):
    return look_at(Views(frame, [region]).of(region), region)


def points_of(shot, mask, plane=0):
    region = region_of(mask, plane)
    planes = (shot.plane(),)
    return foreground(see(shot.frame, region), planes[0] if plane is not None else None, planes)


def test_the_cloud_is_on_the_thing():
    shot = shoot([BOX], VIEW, flying=True)
    cloud = points_of(shot, shot.instance == 1)
    world = cloud.points @ shot.world_from_camera[:3, :3].T + shot.world_from_camera[:3, 3]
    assert len(cloud.points) <= MAX_POINTS
    assert world[:, 2].min() > -0.01 and world[:, 2].max() < 0.13
    assert np.abs(world[:, :2]).max() < 0.11


def test_a_wall_in_the_mask_is_left_out():
    shot = shoot([BOX], VIEW, wall=0.5)
    top = np.nonzero(shot.instance == 1)[0].min()
    strip = (np.abs(np.arange(640) - 320) < 20) & (np.abs(np.arange(480) - top)[:, None] < 80)
    mask = (shot.instance == 1) | ((shot.instance == -2) & strip)
    assert np.count_nonzero(mask & (shot.instance == -2)) > 1000
    cloud = points_of(shot, mask)
    world = cloud.points @ shot.world_from_camera[:3, :3].T + shot.world_from_camera[:3, 3]
    assert world[:, 1].max() < 0.2


def test_a_wall_close_behind_is_left_out_when_it_is_known():
    shot = shoot([BOX], VIEW, wall=0.15)
    mask = (shot.instance == 1) | ((shot.instance == -2) & (np.abs(np.arange(640) - 320) < 15))
    normal = shot.camera_from_world[:3, :3] @ [0.0, -1.0, 0.0]
    wall = Plane(normal, float(0.15 - shot.world_from_camera[1, 3]), False, 50000)
    region = region_of(mask)
    cloud = foreground(see(shot.frame, region), shot.plane(), (shot.plane(), wall))
    world = cloud.points @ shot.world_from_camera[:3, :3].T + shot.world_from_camera[:3, 3]
    assert np.percentile(world[:, 1], 99) < 0.13


def test_a_side_of_the_thing_is_no_wall():
    shot = shoot([BOX], look((-0.6, -0.6, 0.5), (0.0, 0.0, 0.05)))
    region = shot.region(1)
    face = np.array([-np.sin(0.5), np.cos(0.5), 0.0])  # the far side of the box, as if it had been found as a plane
    normal = shot.camera_from_world[:3, :3] @ -face
    side = Plane(normal, float(0.02 + face @ shot.world_from_camera[:3, 3] * -1), False, 500)
    with_side = foreground(see(shot.frame, region), shot.plane(), (shot.plane(), side))
    without = foreground(see(shot.frame, region), shot.plane(), (shot.plane(),))
    assert with_side.pixels == without.pixels


def test_the_table_around_a_thing_is_left_out():
    shot = shoot([BOX], VIEW)
    rows, columns = np.nonzero(shot.instance == 1)
    mask = np.zeros(shot.instance.shape, bool)
    mask[rows.min() : rows.max() + 1, columns.min() - 10 : columns.max() + 11] = True  # a detector's box
    obj = lift(shot.frame, region_of(mask), shot.proposals())
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.015
    assert np.allclose(np.sort(obj.size), np.sort(BOX.size), rtol=0.12)


def test_flying_pixels_do_not_stretch_the_box():
    clean = shoot([BOX], VIEW, noise=0.0)
    smeared = shoot([BOX], VIEW, noise=0.0, flying=True)
    sizes = [lift(s.frame, s.region(1), s.proposals()).size for s in (clean, smeared)]
    assert np.allclose(sizes[0], sizes[1], rtol=0.04)


def test_a_plate_keeps_its_middle():
    plate = Solid("cylinder", (0.0, 0.0, 0.004), (0.24, 0.24, 0.008))
    shot = shoot([plate], VIEW)
    obj = lift(shot.frame, shot.region(1), shot.proposals())
    assert np.allclose(obj.size[:2], 0.24, rtol=0.06)
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.01


def holed(shot, number, depth_of_hole):
    depth = shot.frame.depth.copy()
    depth[shot.instance == number] = depth_of_hole
    return RgbdFrame(shot.frame.color, depth, shot.frame.intrinsics, 0, "camera")


def test_a_glass_is_not_given_the_position_of_the_table_behind():
    glass = Solid("cylinder", (0.0, 0.0, 0.07), (0.08, 0.08, 0.14))
    with_glass, without = shoot([glass], VIEW), shoot([], VIEW, seed=5)
    depth = without.frame.depth.copy()
    mask = with_glass.instance == 1
    rim = mask.copy()
    rim[4:-4, 4:-4] &= ~(mask[8:, 4:-4] & mask[:-8, 4:-4] & mask[4:-4, 8:] & mask[4:-4, :-8])
    depth[mask & ~rim] = np.nan  # a hole, but for a rim of table inside the mask
    frame = RgbdFrame(without.frame.color, depth, without.frame.intrinsics, 0, "camera")
    for plane in (0, None):
        assert lift(frame, region_of(mask, plane), with_glass.proposals()).position is None


def test_what_is_seen_through_the_carrier_is_nowhere():
    shot = shoot([BOX], VIEW)
    depth = shot.frame.depth.copy()
    depth[shot.instance == 1] = 2.5  # far below the floor
    frame = RgbdFrame(shot.frame.color, depth, shot.frame.intrinsics, 0, "camera")
    assert lift(frame, shot.region(1), shot.proposals()).position is None


@pytest.mark.parametrize("value", [np.nan, 0.0, np.inf, -1.0])
def test_without_depth_there_is_no_position(value):
    shot = shoot([BOX], VIEW)
    obj = lift(holed(shot, 1, value), shot.region(1), shot.proposals())
    assert obj.position is None and obj.size is None and obj.covariance is None and obj.orientation is None
    assert obj.box == tuple(float(v) for v in shot.region(1).box)


@pytest.mark.parametrize("pixels", [1, 3])
def test_a_mask_of_a_few_pixels(pixels):
    shot = shoot([BOX], VIEW)
    mask = np.zeros(shot.instance.shape, bool)
    mask[240, 320 : 320 + pixels] = True
    assert lift(shot.frame, region_of(mask), shot.proposals()).position is None


@pytest.mark.parametrize("share", [0.13, 0.25])
def test_sparse_depth(share):
    shot = shoot([BOX], VIEW)
    depth = shot.frame.depth.copy()
    depth[np.random.default_rng(0).random(depth.shape) > share] = np.nan
    frame = RgbdFrame(shot.frame.color, depth, shot.frame.intrinsics, 0, "camera")
    obj = lift(frame, shot.region(1), shot.proposals())
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.02
    assert np.allclose(np.sort(obj.size), np.sort(BOX.size), rtol=0.15)


def test_gridded_depth():
    shot = shoot([BOX], VIEW)
    depth = np.full_like(shot.frame.depth, np.nan)
    depth[::2, ::2] = shot.frame.depth[::2, ::2]
    frame = RgbdFrame(shot.frame.color, depth, shot.frame.intrinsics, 0, "camera")
    assert np.linalg.norm(lift(frame, shot.region(1), shot.proposals()).position - shot.centre(1)) < 0.02


def test_a_mask_of_the_whole_picture():
    shot = shoot([BOX], VIEW)
    obj = lift(shot.frame, region_of(np.ones(shot.instance.shape, bool), None), Proposals((), (), shot.plane().normal))
    assert np.isfinite(obj.position).all() and (obj.size > 0).all()


def test_a_frame_of_noise_does_not_fail():
    random = np.random.default_rng(3)
    shot = shoot([BOX], VIEW)
    depth = random.uniform(0.3, 4, shot.frame.depth.shape).astype(np.float32)
    depth[random.random(depth.shape) < 0.5] = np.nan
    frame = RgbdFrame(shot.frame.color, depth, shot.frame.intrinsics, 0, "camera")
    obj = lift(frame, shot.region(1), shot.proposals())
    assert obj.position is None or np.isfinite(obj.covariance).all()
