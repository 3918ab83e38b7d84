"""The filter against motions that are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spatial_llava_ros.tracking.kalman import FARTHEST, REST_S, Kalman

STEP = 1 / 15
NOISE = np.eye(3) * 0.005**2


def sightings(path: np.ndarray, seed: int = 0) -> np.ndarray:
    return path + np.random.default_rng(seed).normal(0, 0.005, path.shape)


def run(tracked: Kalman, path: np.ndarray, seed: int = 0) -> np.ndarray:
    """Positions (N, 3) that the filter states along a path that it sees with noise."""
    out = []
    for seen in sightings(path, seed):
        tracked.predict(STEP, True)
        tracked.notice(seen, NOISE)
        tracked.correct(seen, NOISE, STEP)
        out.append(tracked.position.copy())
    return np.array(out)


def test_rest_is_averaged():
    errors = [run(Kalman(np.zeros(3), np.eye(3) * 1e-4), np.zeros((60, 3)), seed)[-1] for seed in range(20)]
    assert np.linalg.norm(errors, axis=1).mean() < 0.5 * np.linalg.norm(sightings(np.zeros((60, 3))), axis=1).mean()


def test_a_push_is_followed_and_ends_in_rest():
    tracked = Kalman(np.zeros(3), np.eye(3) * 1e-5)
    run(tracked, np.zeros((15, 3)))
    assert not tracked.moving
    way = np.outer(np.arange(1, 31) * STEP * 0.2, [1.0, 0, 0])
    off = np.linalg.norm(run(tracked, way, 1) - way, axis=1)
    assert tracked.moving and off.max() < 0.04 and off[-10:].mean() < 0.012
    np.testing.assert_allclose(tracked.state[3:], [0.2, 0, 0], atol=0.1)
    still = np.repeat(way[-1:], int(5 * REST_S / STEP), axis=0)
    run(tracked, still, 2)
    assert not tracked.moving
    assert np.linalg.norm(tracked.position - way[-1]) < 0.006


def test_one_outlier_moves_nothing():
    tracked = Kalman(np.zeros(3), np.eye(3) * 1e-6)
    for _ in range(10):
        tracked.predict(STEP, True)
        assert not tracked.notice(np.zeros(3), NOISE)
    assert not tracked.notice(np.array([0.1, 0, 0]), NOISE)
    assert not tracked.notice(np.array([-0.1, 0, 0]), NOISE)  # and the next one from elsewhere neither
    assert not tracked.moving


def test_what_is_not_seen_stays_and_is_known_less_and_less():
    tracked = Kalman(np.array([1.0, 2.0, 3.0]), np.eye(3) * 1e-6)
    spread = []
    for _ in range(2000):
        tracked.predict(STEP, False)
        spread.append(tracked.position_covariance[0, 0])
    np.testing.assert_array_equal(tracked.position, [1, 2, 3])
    assert all(b >= a for a, b in pairwise(spread))
    assert spread[100] > 0.1**2
    assert spread[-1] == pytest.approx(FARTHEST**2, rel=0.02)


def test_a_frame_that_is_redefined_carries_it_along():
    tracked = Kalman(np.array([1.0, 0, 0]), np.diag([4e-4, 1e-4, 1e-4]))
    tracked.state[3:] = [0.1, 0, 0]
    quarter = np.eye(4)
    quarter[:2, :2] = [[0, -1], [1, 0]]
    quarter[:3, 3] = [5, 0, 0]
    tracked.carry(quarter)
    np.testing.assert_allclose(tracked.state, [5, 1, 0, 0, 0.1, 0], atol=1e-12)
    np.testing.assert_allclose(np.diag(tracked.position_covariance), [1e-4, 4e-4, 1e-4], atol=1e-12)
