from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.transforms import TransformBuffer, TransformError, slerp
from spatial_llava_ros.geometry import transform_matrix, transform_points

SECOND = 1_000_000_000
IDENTITY = (0.0, 0.0, 0.0, 1.0)
OPTICAL = (-0.5, 0.5, -0.5, 0.5)  # body axes to optical axes (REP-103)

unit = st.tuples(*[st.floats(-1, 1)] * 4).map(np.array).filter(lambda q: np.linalg.norm(q) > 0.1)
place = st.tuples(*[st.floats(-100, 100)] * 3)


def robot() -> TransformBuffer:
    """map -> odom -> base_link (moves 1 m/s along x, turns 90 degrees in 1 s) -> camera, looking forward."""
    buffer = TransformBuffer()
    buffer.add("map", "odom", 0, (10, 0, 0), IDENTITY, static=True)
    buffer.add("odom", "base_link", 0, (0, 0, 0), IDENTITY)
    buffer.add("odom", "base_link", SECOND, (1, 0, 0), (0, 0, np.sqrt(0.5), np.sqrt(0.5)))
    buffer.add("base_link", "camera", 0, (0, 0, 1), OPTICAL, static=True)
    return buffer


def test_interpolates_position_and_heading_at_the_stamp():
    buffer = robot()
    # Two metres ahead of the camera, half way: base at x=0.5, heading 45 degrees.
    point = transform_points(buffer.lookup("map", "camera", SECOND // 2), np.array([0.0, 0.0, 2.0]))
    np.testing.assert_allclose(point, [10.5 + np.sqrt(2), np.sqrt(2), 1.0], atol=1e-9)


def test_lookup_without_a_stamp_takes_the_newest_shared_time():
    buffer = robot()
    buffer.add("map", "odom", 3 * SECOND, (20, 0, 0), IDENTITY)  # now a moving edge, known at 3 s only
    with pytest.raises(TransformError, match="before the first"):
        buffer.lookup("map", "base_link")
    buffer.add("map", "odom", 0, (10, 0, 0), IDENTITY)
    assert buffer.newest("map", "base_link") == SECOND
    assert buffer.lookup("map", "base_link")[0, 3] == pytest.approx(10 + 10 / 3 + 1)


@given(unit, unit, place, place, st.floats(0, 1))
def test_inverse_lookup_is_the_inverse(q0, q1, t0, t1, fraction):
    buffer = TransformBuffer()
    buffer.add("a", "b", 0, t0, q0)
    buffer.add("a", "b", SECOND, t1, q1)
    buffer.add("a", "c", 0, t1, q0, static=True)
    stamp = int(fraction * SECOND)
    there, back = buffer.lookup("b", "c", stamp), buffer.lookup("c", "b", stamp)
    np.testing.assert_allclose(there @ back, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(there[:3, :3] @ there[:3, :3].T, np.eye(3), atol=1e-9)


@given(unit, place, unit, place)
def test_chain_composes(q0, t0, q1, t1):
    buffer = TransformBuffer()
    buffer.add("a", "b", 0, t0, q0, static=True)
    buffer.add("b", "c", 5, t1, q1)
    expected = transform_matrix(np.array(t0), q0) @ transform_matrix(np.array(t1), q1)
    np.testing.assert_allclose(buffer.lookup("a", "c", 5), expected, atol=1e-9)


@given(unit, unit)
def test_slerp_is_halfway_both_ways_round(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    if abs(a @ b) < 1e-6:
        return  # half a turn apart: both ways are equally short
    middle = slerp(a, b, 0.5)
    assert abs(middle @ a) == pytest.approx(abs(middle @ b), abs=1e-6)
    np.testing.assert_allclose(slerp(a, -b, 0.5), middle, atol=1e-9)


def test_a_time_outside_the_history_is_refused_unless_tolerated():
    buffer = robot()
    with pytest.raises(TransformError, match=r"'base_link' in 'odom' at 1\.200 s is 0\.200 s after the last"):
        buffer.lookup("map", "camera", SECOND * 12 // 10)
    late = buffer.lookup("map", "camera", SECOND * 12 // 10, tolerance_s=0.25)
    np.testing.assert_allclose(late, buffer.lookup("map", "camera", SECOND))
    with pytest.raises(TransformError, match="before the first"):
        buffer.lookup("map", "camera", -1)


def test_history_is_bounded_and_restarts_when_the_clock_goes_back():
    buffer = TransformBuffer(cache_s=10)
    for second in range(30):
        buffer.add("odom", "base_link", second * SECOND, (second, 0, 0), IDENTITY)
    with pytest.raises(TransformError):
        buffer.lookup("odom", "base_link", 5 * SECOND)
    assert buffer.lookup("odom", "base_link", 25 * SECOND)[0, 3] == 25
    buffer.add("odom", "base_link", SECOND, (-1, 0, 0), IDENTITY)  # the bag looped
    assert buffer.lookup("odom", "base_link")[0, 3] == -1


def test_clear_keeps_static_transforms():
    buffer = robot()
    buffer.clear()
    assert buffer.frames == ("base_link", "camera", "map", "odom")
    with pytest.raises(TransformError, match="not connected"):
        buffer.lookup("odom", "base_link")


def test_out_of_order_arrival_is_sorted():
    buffer = TransformBuffer()
    for second in (2, 0, 1):
        buffer.add("odom", "base_link", second * SECOND, (second, 0, 0), IDENTITY)
    assert buffer.lookup("odom", "base_link", 3 * SECOND // 2)[0, 3] == pytest.approx(1.5)


def test_unknown_and_unconnected_frames_are_named():
    buffer = robot()
    with pytest.raises(TransformError, match=r"'gripper' is not known; known frames: base_link, camera, map, odom"):
        buffer.lookup("map", "gripper", 0)
    buffer.add("shelf", "tag", 0, (0, 0, 0), IDENTITY, static=True)
    with pytest.raises(TransformError, match="one hangs from 'shelf', the other from 'map'"):
        buffer.lookup("map", "tag", 0)
    buffer.add("tag", "shelf", 0, (0, 0, 0), IDENTITY, static=True)
    with pytest.raises(TransformError, match="circle"):
        buffer.lookup("map", "tag", 0)


def test_world_from_prefers_the_most_lasting_frame():
    buffer = robot()
    name, pose = buffer.world_from("camera", 0)
    assert name == "map" and pose[2, 3] == 1
    assert TransformBuffer().world_from("camera", 0) is None
    np.testing.assert_array_equal(buffer.lookup("camera", "/camera", 0), np.eye(4))


@pytest.mark.parametrize(
    ("parent", "child", "translation", "quaternion"),
    [
        ("a", "b", (0, 0, np.nan), IDENTITY),
        ("a", "b", (0, 0, 0), (0, 0, 0, 0)),
        ("a", "b", (0, 0), IDENTITY),
        ("a", "a", (0, 0, 0), IDENTITY),
        ("", "a", (0, 0, 0), IDENTITY),
    ],
)
def test_what_is_no_transform_is_refused(parent, child, translation, quaternion):
    with pytest.raises(InvalidInputError, match="transform"):
        TransformBuffer().add(parent, child, 0, translation, quaternion)
