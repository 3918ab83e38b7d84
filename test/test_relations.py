import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.geometry import project, quaternion_from_matrix, viewer_from_camera
from spatial_llava_ros.relations import between, evidence, layout_of, pairwise
from spatial_llava_ros.types import CameraIntrinsics, Object3D

INTRINSICS = CameraIntrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
UP = np.array([0.0, -0.8, -0.6])  # looking down on a table
VIEWER = viewer_from_camera(UP)


def thing(number, centre, size=(0.1, 0.1, 0.1), depth=True):
    """A box given in the viewer frame (x forward, y left, z up), as the camera sees it."""
    centre, half = np.array(centre, float), np.array(size) / 2
    corners = centre + half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    pixels = project(corners @ VIEWER, INTRINSICS)
    box = (*pixels.min(axis=0), *pixels.max(axis=0))
    if not depth:
        return Object3D(number, "thing", 1.0, box, "camera")
    return Object3D(
        number, "thing", 1.0, box, "camera", VIEWER.T @ centre, quaternion_from_matrix(VIEWER.T), np.array(size, float)
    )


def scores(predicate, *things):
    return pairwise(predicate, layout_of(things, UP, INTRINSICS))


@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize(
    ("predicate", "place"),
    [
        ("left_of", (1.0, 0.25, -0.5)),
        ("right_of", (1.0, -0.25, -0.5)),
        ("behind", (1.3, 0.0, -0.5)),
        ("in_front_of", (0.75, 0.0, -0.5)),
        ("above", (1.0, 0.0, -0.2)),
        ("below", (1.0, 0.0, -0.8)),
    ],
)
def test_a_clear_relation_holds_and_its_opposite_does_not(predicate, place, depth):
    holds = scores(predicate, thing(1, place, depth=depth), thing(2, (1.0, 0.0, -0.5), depth=depth))
    assert holds[0, 1] > 0.6
    assert holds[1, 0] < 0.2


def test_stacked_is_on_and_not_beside():
    top, bottom = thing(1, (1, 0, -0.4)), thing(2, (1, 0, -0.5))
    assert scores("on", top, bottom)[0, 1] > 0.8
    assert scores("under", bottom, top)[0, 1] > 0.8
    assert scores("on", bottom, top)[0, 1] < 0.1
    assert scores("next_to", top, bottom)[0, 1] < 0.5


def test_hovering_is_above_but_not_on():
    hovering, bottom = thing(1, (1, 0, -0.15)), thing(2, (1, 0, -0.5))
    assert scores("on", hovering, bottom)[0, 1] < 0.1
    assert scores("above", hovering, bottom)[0, 1] > 0.8


def test_small_thing_within_a_large_one_is_inside_it():
    apple, bowl = thing(1, (1, 0, -0.5), (0.06, 0.06, 0.06)), thing(2, (1, 0, -0.5), (0.25, 0.25, 0.1))
    assert scores("inside", apple, bowl)[0, 1] > 0.8
    assert scores("inside", bowl, apple)[0, 1] < 0.1


def test_next_to_fades_with_the_gap():
    target = thing(1, (1, 0, -0.5))
    near, far = thing(2, (1, 0.15, -0.5)), thing(3, (1, 0.8, -0.5))
    holds = scores("next_to", target, near, far)
    assert holds[0, 1] > 0.7 > 0.1 > holds[0, 2]
    assert scores("far_from", target, near, far)[0, 2] > 0.7


def test_between_takes_the_one_in_the_middle():
    row = [thing(i, (1.0, y, -0.5)) for i, y in enumerate([0.4, 0.0, -0.4], 1)]
    holds = between(layout_of(row, UP, INTRINSICS))
    assert holds[1, 0, 2] > 0.8
    assert holds[1, 2, 0] > 0.8
    assert max(holds[0].max(), holds[2].max()) < 0.1


def test_evidence_is_signed_metres():
    layout = layout_of([thing(1, (1.3, 0.2, -0.5)), thing(2, (1.0, 0.0, -0.5))], UP, INTRINSICS)
    assert evidence("left_of", layout, 0, 1) == pytest.approx(0.2, abs=1e-6)
    assert evidence("right_of", layout, 0, 1) == pytest.approx(-0.2, abs=1e-6)
    assert evidence("behind", layout, 0, 1) == pytest.approx(0.3, abs=1e-6)
    assert evidence("next_to", layout, 0, 1) == pytest.approx(np.hypot(0.2, 0.1), abs=1e-6)


places = st.tuples(st.floats(0.5, 2), st.floats(-0.6, 0.6), st.floats(-0.9, 0.2))


@given(places, places, st.sampled_from(["left_of", "behind", "on", "above", "inside"]))
def test_no_two_things_stand_both_ways(first, second, predicate):
    holds = scores(predicate, thing(1, first), thing(2, second))
    assert min(holds[0, 1], holds[1, 0]) <= 0.5


@given(places, places, st.sampled_from([("left_of", "right_of"), ("behind", "in_front_of"), ("under", "above")]))
def test_opposites_are_each_other_turned_round(first, second, pair):
    things = thing(1, first), thing(2, second)
    assert np.allclose(scores(pair[0], *things), scores(pair[1], *things).T)


def test_nothing_is_compared_with_an_empty_list():
    assert pairwise("left_of", layout_of([], UP, INTRINSICS)).shape == (0, 0)
