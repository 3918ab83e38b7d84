"""Corners and circles through outlines that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_llava_ros.lift.footprint import fit_circle, fit_corner
from spatial_llava_ros.lift.outline import BINS, Outline


def outline_of(points):
    """One outline through points (N, 2) from right to left, seen from the origin."""
    padded, weights = np.zeros((1, BINS, 2)), np.zeros((1, BINS))
    padded[0, : len(points)], weights[0, : len(points)] = points, 1.0
    ends = np.stack([points[0], points[-1]])[None]
    ends = ends / np.linalg.norm(ends, axis=2, keepdims=True)
    return Outline(padded, weights, np.array([0.001]), np.zeros((1, 2)), ends, np.array([np.ptp(points[:, 1])]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(yaw=st.floats(0.1, 1.45), right=st.integers(4, 14), left=st.integers(4, 14), distance=st.floats(0.5, 3))
def test_a_corner_is_found_exactly(yaw, right, left, distance):
    """Face A looks right and towards the camera, face B left."""
    a, b = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
    edge = np.array([distance, 0.0])
    on_a = edge - b * np.linspace(0.15, 0.005, right)[:, None]
    on_b = edge + a * np.linspace(0.005, 0.15, left)[:, None]
    corner = fit_corner(outline_of(np.concatenate([on_a, on_b])))
    assert corner.yaw[0] == pytest.approx(yaw, abs=1e-3)
    assert corner.face_a[0] == pytest.approx(edge @ a, abs=1e-3)
    assert corner.face_b[0] == pytest.approx(edge @ b, abs=1e-3)
    assert (corner.points_a[0], corner.points_b[0]) == (right, left)
    assert corner.rms[0] < 1e-4


@settings(max_examples=40, deadline=None, derandomize=True)
@given(radius=st.floats(0.02, 0.3), distance=st.floats(0.8, 3), bearing=st.floats(-0.4, 0.4))
def test_a_circle_is_found_exactly(radius, distance, bearing):
    centre = distance * np.array([np.cos(bearing), np.sin(bearing)])
    grazing = np.arccos(radius / distance)
    angles = bearing + np.pi + np.linspace(grazing, -grazing, 24)
    points = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    circle = fit_circle(outline_of(points), np.ones((1, 2)))
    assert np.allclose(circle.centre[0], centre, atol=1e-3)
    assert circle.radius[0] == pytest.approx(radius, abs=1e-3)
    assert circle.arc[0] > 1.2


def test_no_circle_through_too_few_points():
    assert np.isinf(fit_circle(outline_of(np.array([[1.0, -0.1], [0.9, 0.0], [1.0, 0.1]])), np.ones((1, 2))).rms[0])
