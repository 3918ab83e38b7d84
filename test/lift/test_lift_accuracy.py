"""The lift against the simulator's truth, and the ruler that measures it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.evaluation.lift import box_iou, measure_lift, summarise


def turned(yaw):
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


SIDES = st.tuples(st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0.05, 1)).map(np.array)


@given(size=SIDES, yaw=st.floats(-3, 3))
def test_a_box_overlaps_itself_wholly(size, yaw):
    at = np.array([0.3, -0.2, 1.0])
    assert box_iou(at, turned(yaw), size, at, turned(yaw), size) == pytest.approx(1, abs=1e-3)
    other_name = size[[1, 0, 2]]
    assert box_iou(at, turned(yaw), size, at, turned(yaw + np.pi / 2), other_name) == pytest.approx(1, abs=1e-3)


def test_overlap_of_shifted_boxes():
    at, size = np.zeros(3), np.array([0.4, 0.2, 0.1])
    for axis in range(3):
        shifted = np.zeros(3)
        shifted[axis] = size[axis] / 2
        assert box_iou(at, np.eye(3), size, shifted, np.eye(3), size) == pytest.approx(1 / 3, abs=1e-3)
        assert box_iou(at, np.eye(3), size, 2.1 * shifted, np.eye(3), size) == 0
    assert box_iou(at, np.eye(3), np.full(3, 0.4), at, np.eye(3), np.full(3, 0.2)) == pytest.approx(1 / 8, abs=1e-3)


@pytest.mark.slow
def test_accuracy_on_simulated_tables():
    pytest.importorskip("open3d")
    from spatial_llava_ros.sim import SimCamera, default_view, make_scene, render

    errors = []
    for seed in range(100, 110):
        scene = make_scene("tabletop", seed)
        errors += measure_lift(render(scene, default_view(scene), SimCamera()))
    figures = summarise(errors)
    assert figures["count"] > 50
    assert figures["lifted"] > 0.95
    assert figures["centre_median_m"] <= 0.008
    assert figures["centre_p95_m"] <= 0.030
    assert figures["size_median"] <= 0.06
    assert figures["yaw_median_deg"] <= 3
    assert figures["iou_mean"] >= 0.7
    assert figures["inside_95"] >= 0.9
