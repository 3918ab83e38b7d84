"""Boxes of ray-cast solids against their truth, from random views."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import Solid, look, region_of, shoot

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.lift import lift
from spatial_llava_ros.types import Proposals

# Near enough to be sharp, far enough to be whole in the picture, high enough to see the top.
VIEWS = st.tuples(st.floats(0.8, 1.5), st.floats(25, 65), st.floats(0, 360))


def eye_of(view):
    distance, elevation, azimuth = view
    e, a = np.deg2rad(elevation), np.deg2rad(azimuth)
    return (distance * np.cos(e) * np.cos(a), distance * np.cos(e) * np.sin(a), distance * np.sin(e))


def lifted(solid, view, roll=0.0, **faults):
    shot = shoot([solid], look(eye_of(view), (0.0, 0.0, 0.03), roll), **faults)
    return shot, lift(shot.frame, shot.region(1), shot.proposals())


def yaw_in_world(shot, obj):
    axis = shot.world_from_camera[:3, :3] @ matrix_from_quaternion(obj.orientation)[:, 0]
    return np.arctan2(axis[1], axis[0])


def folded(angle, period):
    return abs((angle + period / 2) % period - period / 2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    size=st.tuples(st.floats(0.1, 0.3), st.floats(0.06, 0.08), st.floats(0.04, 0.15)), yaw=st.floats(0, 3.1), view=VIEWS
)
def test_a_box_on_the_floor(size, yaw, view):
    solid = Solid("box", (0.0, 0.0, size[2] / 2), size, yaw)
    shot, obj = lifted(solid, view, flying=True)
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.012 + 0.01 * view[0] ** 2
    assert np.allclose(obj.size, size, atol=0.012 + 0.015 * view[0] ** 2)
    assert folded(yaw_in_world(shot, obj) - yaw, np.pi) < np.deg2rad(4)
    assert obj.yaw_period == pytest.approx(np.pi) or size[0] < 1.2 * size[1]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(diameter=st.floats(0.06, 0.2), height=st.floats(0.06, 0.2), view=VIEWS)
def test_a_cylinder_on_the_floor(diameter, height, view):
    solid = Solid("cylinder", (0.0, 0.0, height / 2), (diameter, diameter, height))
    shot, obj = lifted(solid, view, flying=True)
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.01 + 0.01 * view[0] ** 2
    assert np.allclose(obj.size, solid.size, atol=0.012 + 0.015 * view[0] ** 2)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(diameter=st.floats(0.08, 0.25), view=VIEWS)
def test_a_ball_on_the_floor(diameter, view):
    solid = Solid("ball", (0.0, 0.0, diameter / 2), (diameter,) * 3)
    shot, obj = lifted(solid, view, flying=True)
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.015
    assert np.allclose(obj.size, diameter, rtol=0.12)
    assert obj.yaw_period == 0
    assert obj.covariance[3:, 3:].trace() > 0.5  # no yaw is claimed


@settings(max_examples=10, deadline=None, derandomize=True)
@given(roll=st.floats(-3.1, 3.1), yaw=st.floats(0, 3.1))
def test_a_turned_camera_sees_the_same_thing(roll, yaw):
    solid = Solid("box", (0.0, 0.0, 0.05), (0.2, 0.08, 0.1), yaw)
    straight, first = lifted(solid, (0.9, 40, 30), noise=0.0)
    turned, second = lifted(solid, (0.9, 40, 30), roll, noise=0.0)
    world = [s.world_from_camera[:3, :3] @ o.position + s.world_from_camera[:3, 3]
             for s, o in ((straight, first), (turned, second))]  # fmt: skip
    assert np.allclose(world[0], world[1], atol=0.004)
    assert np.allclose(first.size, second.size, atol=0.006)
    assert folded(yaw_in_world(straight, first) - yaw_in_world(turned, second), np.pi) < 0.02


def test_the_box_is_a_pose_and_stands_upright():
    shot, obj = lifted(Solid("box", (0.0, 0.0, 0.05), (0.2, 0.08, 0.1), 0.4), (0.9, 40, 30))
    rotation = matrix_from_quaternion(obj.orientation)
    assert np.allclose(rotation.T @ rotation, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.allclose(rotation[:, 2], shot.plane().normal, atol=1e-9)
    assert obj.size[0] >= obj.size[1]


def test_a_square_box_says_so():
    _, obj = lifted(Solid("box", (0.0, 0.0, 0.05), (0.12, 0.12, 0.1), 0.4), (0.9, 45, 10))
    assert obj.yaw_period == pytest.approx(np.pi / 2)


def test_the_hidden_bottom_is_the_floor():
    tall = Solid("box", (0.0, 0.0, 0.1), (0.1, 0.1, 0.2))
    screen = Solid("box", (0.0, -0.25, 0.05), (0.4, 0.02, 0.1))
    shot = shoot([tall, screen], look((0.0, -0.9, 0.2), (0.0, 0.0, 0.1)))
    obj = lift(shot.frame, shot.region(1), shot.proposals())
    assert obj.size[2] == pytest.approx(0.2, abs=0.01)


def test_a_thing_on_a_thing_ends_where_it_rests():
    low = Solid("box", (0.0, 0.0, 0.05), (0.3, 0.3, 0.1))
    top = Solid("box", (0.0, 0.0, 0.14), (0.1, 0.1, 0.08), 0.3)
    shot = shoot([low, top], look((0.1, -0.9, 0.6), (0.0, 0.0, 0.1)), flying=True)
    obj = lift(shot.frame, shot.region(2), shot.proposals())
    assert obj.size[2] == pytest.approx(0.08, abs=0.012)
    assert np.linalg.norm(obj.position - shot.centre(2)) < 0.012


def test_a_thing_in_the_air_without_a_carrier():
    held = Solid("box", (0.0, 0.0, 0.5), (0.15, 0.1, 0.2), 0.6)
    shot = shoot([held], look((0.2, -0.8, 0.9), (0.0, 0.0, 0.5)), flying=True)
    obj = lift(shot.frame, shot.region(1, None), shot.proposals(planes=()))
    assert np.linalg.norm(obj.position - shot.centre(1)) < 0.012
    assert np.allclose(obj.size, held.size, atol=0.015)


def test_a_wrong_carrier_through_the_thing_is_refused():
    """A plane that is the top of the thing itself does not carry it."""
    shot = shoot([Solid("box", (0.0, 0.0, 0.06), (0.3, 0.2, 0.12), 0.5)], look((0.0, -0.5, 0.8), (0.0, 0.0, 0.06)))
    floor, region = shot.plane(), shot.region(1, 1)
    own_top = type(floor)(floor.normal, floor.offset - 0.12, True, int(region.mask.sum()))
    obj = lift(shot.frame, region, Proposals((region,), (floor, own_top), floor.normal))
    assert obj.size[2] == pytest.approx(0.12, abs=0.01)


def test_one_visible_face_says_that_the_depth_is_unknown():
    solid = Solid("box", (0.0, 0.0, 0.2), (0.3, 0.2, 0.4))
    shot = shoot([solid], look((0.0, -1.2, 0.2), (0.0, 0.0, 0.2)))
    obj = lift(shot.frame, shot.region(1), shot.proposals())
    along = np.abs(matrix_from_quaternion(obj.orientation).T @ [0.0, 0.0, 1.0])
    deep = int(np.argmax(along))
    assert obj.size_std[deep] > 0.3 * obj.size[deep]
    assert obj.size_std[2] < 0.1 * obj.size[2]


def test_a_top_seen_almost_edge_on_gives_the_depth():
    solid = Solid("box", (0.0, 0.0, 0.05), (0.3, 0.06, 0.1))
    _, obj = lifted(solid, (0.6, 20, 180), flying=True)
    assert obj.size[0] == pytest.approx(0.3, abs=0.02)


def test_a_cut_side_is_less_sure():
    solid = Solid("box", (0.0, 0.0, 0.05), (0.3, 0.1, 0.1))
    whole = shoot([solid], look((0.0, -0.9, 0.6), (0.0, 0.0, 0.05)))
    cut = shoot([solid], look((0.42, -0.9, 0.6), (0.42, 0.0, 0.05)))  # leaves the picture on the left
    assert cut.region(1).box[0] == 0
    objects = [lift(s.frame, s.region(1), s.proposals()) for s in (whole, cut)]
    along_x = [int(np.argmax(np.abs((s.world_from_camera[:3, :3] @ matrix_from_quaternion(o.orientation))[0])))
               for s, o in zip((whole, cut), objects, strict=True)]  # fmt: skip
    relative = [o.size_std[axis] / o.size[axis] for o, axis in zip(objects, along_x, strict=True)]
    assert relative[1] > 2 * relative[0]


def test_a_thin_sheet_on_the_floor():
    _, obj = lifted(Solid("box", (0.0, 0.0, 0.001), (0.3, 0.21, 0.002), 0.3), (0.8, 45, 20))
    assert np.allclose(obj.size[:2], (0.3, 0.21), atol=0.015)
    assert 0 < obj.size[2] < 0.015


def test_the_mask_decides_not_the_neighbour():
    pair = [Solid("box", (-0.06, 0.0, 0.05), (0.1, 0.1, 0.1)), Solid("box", (0.05, 0.0, 0.05), (0.1, 0.1, 0.1))]
    shot = shoot(pair, look((0.1, -0.8, 0.6), (0.0, 0.0, 0.05)))
    for number in (1, 2):
        obj = lift(shot.frame, region_of(shot.instance == number), shot.proposals())
        assert np.linalg.norm(obj.position - shot.centre(number)) < 0.012
