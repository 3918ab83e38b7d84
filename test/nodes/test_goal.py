from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.nodes.goal import stand_off_pose

metres = st.floats(-20, 20)
places = st.tuples(metres, metres, st.floats(0, 2)).map(np.array)


@given(places, places, st.floats(0.1, 3))
def test_the_robot_stands_before_the_thing_and_faces_it(thing, camera, distance):
    assume(np.linalg.norm(thing[:2] - camera[:2]) > 1e-3)
    stand, turn = stand_off_pose(thing, camera, distance)
    assert stand[2] == 0
    towards = (thing - stand)[:2]
    np.testing.assert_allclose(np.linalg.norm(towards), distance, rtol=1e-6)
    np.testing.assert_allclose(matrix_from_quaternion(turn)[:2, 0], towards / distance, atol=1e-6)
    # On the side that it was seen from.
    assert (stand - thing)[:2] @ (camera - thing)[:2] > 0


def test_a_thing_straight_below_the_camera_still_gives_a_goal():
    stand, turn = stand_off_pose(np.array([1.0, 2.0, 0.5]), np.array([1.0, 2.0, 2.0]), 0.8)
    assert np.isfinite(stand).all() and np.linalg.norm(turn) == 1
