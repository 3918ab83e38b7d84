"""Where to stand: never in something, always facing the thing, or with the reason why not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.navigation import (
    Goal,
    GoalStatus,
    Grid,
    NoGoal,
    Obstacle,
    can_stand,
    propose_goal,
    read_footprint,
)
from spatial_llava_ros.types import Object3D

ROUND = read_footprint("", 0.3)
LONG = read_footprint("[[0.5, 0.2], [0.5, -0.2], [-0.3, -0.2], [-0.3, 0.2]]", 1.0)
ROBOT = np.zeros(2)


def thing(x: float, y: float, yaw: float = 0.0, size=(0.2, 0.1, 0.1), z: float = 0.8) -> Object3D:
    turn = np.array([0, 0, np.sin(yaw / 2), np.cos(yaw / 2)])
    return Object3D(1, "", 1.0, (0, 0, 1, 1), "map", np.array([x, y, z]), turn, np.array(size, float))


def grid(cells: np.ndarray, resolution: float = 0.05, yaw: float = 0.0) -> Grid:
    height, width = cells.shape
    origin = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) @ np.array([-5.0, -5.0])
    return Grid.read(cells.ravel(), width, height, resolution, origin, yaw, "map")


def floor() -> np.ndarray:
    return np.zeros((200, 200), np.int8)


def shared(footprint, goal: Goal, corners: np.ndarray) -> float:
    """Area that robot and box share, by another way than the one tested."""
    own = footprint.corners
    if not len(own):
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        own = footprint.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    c, s = np.cos(goal.yaw), np.sin(goal.yaw)
    placed = own @ np.array([[c, s], [-s, c]]) + goal.position
    return float(cv2.intersectConvexConvex(placed.astype(np.float32), corners.astype(np.float32))[0])


numbers = st.floats(-2.0, 2.0)
boxes = st.builds(
    thing, numbers, numbers, st.floats(-3.2, 3.2), st.tuples(*[st.floats(0.02, 1.5)] * 3), st.floats(0, 2)
)


@given(boxes, st.lists(boxes, max_size=6), st.sampled_from([ROUND, LONG]), st.floats(0.3, 1.5), numbers, numbers)
def test_a_goal_is_free_near_and_faces_the_thing(target, others, footprint, stand_off, x, y):
    obstacles = [Obstacle.of(o) for o in others]
    goal = propose_goal(target, np.array([x, y]), stand_off, footprint, obstacles)
    if isinstance(goal, NoGoal):
        assert goal.status in (GoalStatus.OBSTRUCTED, GoalStatus.TOO_NEAR) and goal.explanation
        return
    for obstacle in (Obstacle.of(target), *obstacles):
        assert shared(footprint, goal, obstacle.corners) < 1e-4
    away = target.position[:2] - goal.position
    off = np.arctan2(away[1], away[0]) - goal.yaw
    assert abs((off + np.pi) % (2 * np.pi) - np.pi) < 1e-6
    outline = Obstacle.of(target).corners.astype(np.float32)
    apart = -cv2.pointPolygonTest(outline, (float(goal.position[0]), float(goal.position[1])), True)
    assert 0.5 * stand_off < apart < stand_off + 1e-3
    assert can_stand(goal, footprint, [Obstacle.of(target), *obstacles])


def test_on_open_floor_it_is_on_the_robots_side():
    goal = propose_goal(thing(2, 0), ROBOT, 0.8, ROUND)
    np.testing.assert_allclose([*goal.position, goal.yaw], [1.1, 0, 0], atol=1e-9)
    assert goal.clear


def test_each_reason_has_its_status():
    assert propose_goal(thing(2, 0), ROBOT, 0.1, ROUND).status is GoalStatus.TOO_NEAR
    carpet = Obstacle.of(thing(2, 0, size=(4, 4, 0.1)))
    assert propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, [carpet]).status is GoalStatus.OBSTRUCTED
    assert propose_goal(thing(np.nan, 0), ROBOT, 0.8, ROUND).status is GoalStatus.NO_OBJECT
    walls = floor()
    assert isinstance(propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, (), grid(walls)), Goal)
    walls[:, 118:120] = 100  # from one end to the other, between robot and thing
    assert propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, (), grid(walls)).status is GoalStatus.UNREACHABLE
    walls[40:80, 118:120] = 0  # with a door in it
    assert isinstance(propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, (), grid(walls)), Goal)
    assert propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, (), grid(floor() - 1)).status is GoalStatus.UNKNOWN_FLOOR
    assert propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, (), grid(floor() + 65)).status is GoalStatus.OBSTRUCTED
    assert isinstance(propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, (), grid(floor() + 64)), Goal)


def test_a_place_with_a_view_is_taken_before_a_nearer_one():
    pillar = Obstacle.of(thing(1.75, 0, size=(0.05, 0.3, 2.0), z=1.0))
    low = Obstacle.of(thing(1.75, 0, size=(0.05, 0.3, 0.2), z=0.1))
    seen = propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, [pillar])
    assert seen.clear and abs(seen.yaw) > 0.2
    assert abs(propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, [low]).yaw) < 1e-6  # one looks over it
    ring = [
        Obstacle.of(thing(2 + 0.4 * np.cos(a), 0.4 * np.sin(a), a, (0.02, 0.4, 2.0), 1.0))
        for a in np.arange(8) * np.pi / 4
    ]
    assert not propose_goal(thing(2, 0), ROBOT, 0.8, ROUND, ring).clear


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.5])
def test_a_turned_map_means_the_same_places(yaw):
    cells = floor()
    cells[120:130, 150:160] = 100
    turned = grid(cells, yaw=yaw)
    inside = np.array([[(155 + 0.5) * 0.05 - 5, (125 + 0.5) * 0.05 - 5], [0.0, 0.0], [9.0, 9.0]])
    c, s = np.cos(yaw), np.sin(yaw)
    np.testing.assert_array_equal(turned.values(inside @ np.array([[c, s], [-s, c]])), [100, 0, -1])


def test_maps_that_are_none_are_refused():
    good = np.zeros(100, np.int8)
    for data, width, height, resolution, origin in (
        (good, 0, 0, 0.05, (0, 0)),
        (good[:0], 0, 10, 0.05, (0, 0)),
        (good, 10, 11, 0.05, (0, 0)),
        (good, 10, 10, 0.0, (0, 0)),
        (good, 10, 10, float("nan"), (0, 0)),
        (good, 10, 10, -1.0, (0, 0)),
        (good, 10, 10, 0.05, (float("nan"), 0)),
        (good, 10, 10, 0.05, (float("inf"), 0)),
    ):
        with pytest.raises(InvalidInputError):
            Grid.read(data, width, height, resolution, np.array(origin, float), 0.0, "map")


@pytest.mark.parametrize(
    "text",
    ["[[0, 0], [1, 0]]", "x", "[[0, 0], [1, 0], [2, 0]]", "[[0, 0], [1, null], [0, 1]]", "[[0,0],[99,0],[0,9]]", "7"],
)
def test_footprints_that_are_none_are_refused(text):
    with pytest.raises(InvalidInputError, match="footprint"):
        read_footprint(text, 0.3)


def test_a_radius_must_be_one():
    for radius in (0.0, -1.0, float("nan"), 1000.0):
        with pytest.raises(InvalidInputError, match="radius"):
            read_footprint("", radius)
