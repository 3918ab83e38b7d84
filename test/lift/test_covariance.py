"""The stated uncertainty is a covariance, grows as it must, and holds the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import Solid, look, shoot

from spatial_llava_ros.lift import lift
from spatial_llava_ros.lift.covariance import D435_NOISE, box_covariance, noise_factor

CHI2_95 = 7.815


@given(
    position=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.3, 5)),
    stds=st.lists(st.floats(1e-4, 1), min_size=6, max_size=6),
    yaw=st.floats(0, 3.1),
)
def test_a_box_covariance_is_positive_definite(position, stds, yaw):
    c, s = np.cos(yaw), np.sin(yaw)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    covariance = box_covariance(np.array(position), rotation, np.reshape(stds, (3, 2)), 0.1, 0.01, D435_NOISE)
    assert np.array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_a_box_covariance_turns_with_the_box():
    face_std = np.array([[0.1, 0.1], [0.01, 0.01], [0.01, 0.01]])
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    at = np.array([0.0, 0.0, 1.0])
    straight = box_covariance(at, np.eye(3), face_std, 0.1, 0.01, D435_NOISE)
    turned = box_covariance(at, quarter, face_std, 0.1, 0.01, D435_NOISE)
    assert straight[0, 0] == pytest.approx(turned[1, 1])
    assert straight[1, 1] == pytest.approx(turned[0, 0])


@pytest.mark.parametrize("noise", [0.0015, 0.0025, 0.005])
def test_noise_is_measured_on_the_thing(noise):
    random = np.random.default_rng(0)
    depth = np.full((80, 100), 1.4) + 0.002 * np.arange(100) + 0.001 * np.arange(80)[:, None]
    depth = (depth + noise * depth**2 * random.standard_normal(depth.shape)).astype(np.float32)
    assert noise_factor(depth, np.ones(depth.shape, bool)) == pytest.approx(noise, rel=0.15)


def test_noise_without_neighbours_is_that_of_a_d435():
    assert noise_factor(np.ones((3, 3), np.float32), np.ones((3, 3), bool)) == D435_NOISE


def test_uncertainty_grows_with_distance():
    spreads = []
    for distance in (0.6, 1.2, 2.4):
        eye = (0.2 * distance, -0.8 * distance, 0.5 * distance)
        shot = shoot([Solid("box", (0.0, 0.0, 0.1), (0.3, 0.2, 0.2), 0.5)], look(eye, (0.0, 0.0, 0.1)))
        spreads.append(lift(shot.frame, shot.region(1), shot.proposals()).covariance[:3, :3].trace())
    assert spreads == sorted(spreads)


def test_the_ellipsoid_holds_the_truth():
    random = np.random.default_rng(11)
    inside = []
    for seed in range(60):
        kind = ("box", "cylinder", "ball")[seed % 3]
        side = random.uniform(0.06, 0.25, 3)
        if kind != "box":
            side[1] = side[0]
        if kind == "ball":
            side[2] = side[0]
        solid = Solid(kind, (0.0, 0.0, side[2] / 2), tuple(side), random.uniform(0, 3))
        distance, elevation, azimuth = random.uniform(0.7, 1.9), random.uniform(0.25, 1.1), random.uniform(0, 6.28)
        eye = distance * np.array(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
        )
        shot = shoot([solid], look(tuple(eye), (0.0, 0.0, 0.05)), flying=True, seed=seed)
        obj = lift(shot.frame, shot.region(1), shot.proposals())
        error = obj.position - shot.centre(1)
        inside.append(error @ np.linalg.solve(obj.covariance[:3, :3], error) < CHI2_95)
    assert np.mean(inside) >= 0.9
