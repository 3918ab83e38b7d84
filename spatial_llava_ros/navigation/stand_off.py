"""Where to stand to face a thing: a circle of poses around it, of which the nearest free one is taken.

What a robot would stand in is known from the objects of the scene graph, as oriented boxes seen from above, and from
an occupancy grid where one is published. A path is the planner's work; but a place that the map parts from the robot
by walls is not proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.geometry import matrix_from_quaternion
from spatial_llava_ros.navigation.footprint import Footprint
from spatial_llava_ros.navigation.grid import OCCUPIED, Grid
from spatial_llava_ros.types import Object3D

_DIRECTIONS = 72
_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2


class GoalStatus(str, Enum):
    """Why there is a goal, or none."""

    PROPOSED = "proposed"
    NO_OBJECT = "no_object"  # nothing is tracked, or its pose is not known
    NO_UPRIGHT_FRAME = "no_upright_frame"  # where up and the floor are is not known
    TOO_NEAR = "too_near"  # at this stand-off the robot would stand in the object
    OBSTRUCTED = "obstructed"  # all around it things or occupied cells are in the way
    UNKNOWN_FLOOR = "unknown_floor"  # the map knows nothing of the floor around it
    UNREACHABLE = "unreachable"  # the free places are parted from the robot by what the map shows


@dataclass(frozen=True, eq=False)
class Obstacle:
    """A thing seen from above: its corners (4, 2) in order around, and from where to where it reaches, metres."""

    corners: np.ndarray
    low: float
    high: float

    @classmethod
    def of(cls, obj: Object3D) -> Obstacle:
        """The box of an object with a pose, in a frame whose z axis points up.

        Raises:
            InvalidInputError: no pose, or one that is not finite.
        """
        if obj.position is None or obj.orientation is None or obj.size is None:
            raise InvalidInputError("an object without a pose has no place on the floor")
        numbers = np.concatenate([obj.position, obj.orientation, obj.size])
        if not np.isfinite(numbers).all():
            raise InvalidInputError(f"an object's pose must be finite, got {numbers.round(3).tolist()}")
        axis = matrix_from_quaternion(obj.orientation)[:2, 0]
        yaw = np.arctan2(axis[1], axis[0])
        c, s = np.cos(yaw), np.sin(yaw)
        corners = _CORNERS * obj.size[:2] @ np.array([[c, s], [-s, c]]) + obj.position[:2]
        half = float(obj.size[2]) / 2
        return cls(corners, float(obj.position[2]) - half, float(obj.position[2]) + half)


@dataclass(frozen=True, eq=False)
class Goal:
    """A pose on the floor: (2,) metres and yaw in radians, facing the object; `clear` when nothing stands between."""

    position: np.ndarray
    yaw: float
    clear: bool


@dataclass(frozen=True)
class NoGoal:
    """Why there is none, for a program and for a person."""

    status: GoalStatus
    explanation: str


def propose_goal(
    target: Object3D, robot: np.ndarray, stand_off: float, footprint: Footprint, others: Sequence[Obstacle] = (),
    grid: Grid | None = None,
) -> Goal | NoGoal:  # fmt: skip
    """The free pose nearest to the robot from which it faces a thing.

    Args:
        target: with a pose, in a frame whose z axis points up.
        robot: (2,) where it is now, same frame.
        stand_off: metres from the robot's origin to the nearest side of the thing.
        others: things that a robot cannot stand in.
        grid: of the floor, in the same frame.

    Returns:
        A pose from which nothing is between robot and thing, where there is one; else a free one; else why not.
    """
    if target.position is None or not np.isfinite(target.position).all():
        return NoGoal(GoalStatus.NO_OBJECT, "the object's place is not known")
    own = Obstacle.of(target)
    centre = target.position[:2]
    angles = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    # The first one lies on the side of the robot: on open floor it is the answer.
    angles = angles + np.arctan2(robot[1] - centre[1], robot[0] - centre[0])
    towards = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    places = centre + (_border(own.corners - centre, towards) + stand_off)[:, None] * towards
    yaws = (angles + np.pi + np.pi) % (2 * np.pi) - np.pi

    if footprint.overlaps(places, yaws, own.corners[None]).all():
        return NoGoal(
            GoalStatus.TOO_NEAR,
            f"at a stand-off of {stand_off:g} m a robot of radius {footprint.radius:.2f} m stands in it",
        )
    boxes = np.array([o.corners for o in (own, *others)])
    free = ~footprint.overlaps(places, yaws, boxes).any(axis=1)
    if not free.any():
        return NoGoal(GoalStatus.OBSTRUCTED, "other things stand all around it")
    if grid is not None:
        refused = _on_grid(grid, footprint, places, yaws, free, robot)
        if refused is not None:
            return refused
    away = np.linalg.norm(places - robot, axis=1)
    clear = free & _in_sight(places, centre, own, others, grid)
    wanted = clear if clear.any() else free
    best = int(np.argmin(np.where(wanted, away, np.inf)))
    return Goal(places[best], float(yaws[best]), bool(clear[best]))


def can_stand(goal: Goal, footprint: Footprint, things: Sequence[Obstacle], grid: Grid | None = None) -> bool:
    """Whether a goal that was proposed is still free.

    Args:
        things: that a robot cannot stand in, with the one that it faces.
    """
    places, yaws = goal.position[None], np.array([goal.yaw])
    if things and footprint.overlaps(places, yaws, np.array([o.corners for o in things])).any():
        return False
    return grid is None or not (grid.values(_covered(footprint, grid, places, yaws)) >= OCCUPIED).any()


def _border(corners: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Distance (M,) from the middle of a rectangle, corners (4, 2), to its side along unit directions (M, 2)."""
    sides = np.stack([corners[1] - corners[0], corners[3] - corners[0]])
    length = np.maximum(np.linalg.norm(sides, axis=1), 1e-6)
    along = np.abs(towards @ (sides / length[:, None]).T)
    return (length / 2 / np.maximum(along, 1e-9)).min(axis=1)


def _on_grid(
    grid: Grid, footprint: Footprint, places: np.ndarray, yaws: np.ndarray, free: np.ndarray, robot: np.ndarray
) -> NoGoal | None:
    """Take out of `free` (M,) what the map forbids; why nothing is left, or None."""
    values = grid.values(_covered(footprint, grid, places, yaws))
    occupied = (values >= OCCUPIED).any(axis=1)
    unknown = (values < 0).any(axis=1)
    if (occupied | ~free).all():
        free[:] = False
        return NoGoal(GoalStatus.OBSTRUCTED, "things or occupied cells of the map are in the way all around it")
    free &= ~occupied
    if (unknown | ~free).all():
        free[:] = False
        return NoGoal(GoalStatus.UNKNOWN_FLOOR, "the map does not know the floor around it")
    free &= ~unknown
    reachable = grid.reachable(robot, footprint.inscribed)
    if reachable is None:
        return None
    row, column, inside = grid.index(places)
    free &= inside & reachable[row, column]
    if not free.any():
        return NoGoal(GoalStatus.UNREACHABLE, "the map shows no way from the robot to the free places around it")
    return None


def _covered(footprint: Footprint, grid: Grid, places: np.ndarray, yaws: np.ndarray) -> np.ndarray:
    """(M, N, 2) points of the floor that the robot covers at M poses, dense enough for the grid."""
    cells = footprint.cells(grid.resolution)
    c, s = np.cos(yaws)[:, None], np.sin(yaws)[:, None]
    turned = np.stack([c * cells[:, 0] - s * cells[:, 1], s * cells[:, 0] + c * cells[:, 1]], axis=-1)
    return turned + places[:, None]


def _in_sight(
    places: np.ndarray, centre: np.ndarray, own: Obstacle, others: Sequence[Obstacle], grid: Grid | None
) -> np.ndarray:
    """(M,) bool, whether nothing as high as the thing stands between it and each place.

    What carries the thing is no obstacle to sight: only what reaches over its middle is, and cells of the map that
    are occupied on the robot's side of the first half of the way (the table below it is on the map as well).
    """
    clear = np.ones(len(places), bool)
    middle = (own.low + own.high) / 2
    tall = [o.corners for o in others if o.high > middle and o.low < middle]
    for corners in tall:
        origin, sides = corners[0], np.stack([corners[1] - corners[0], corners[3] - corners[0]])
        scale = sides / np.maximum((sides**2).sum(axis=1, keepdims=True), 1e-12)
        start, end = (places - origin) @ scale.T, (centre - origin) @ scale.T  # the box is 0..1 along both sides
        way = end - start
        way = np.where(np.abs(way) < 1e-12, 1e-12, way)
        low, high = -start / way, (1 - start) / way
        enter, leave = np.minimum(low, high).max(axis=1), np.maximum(low, high).min(axis=1)
        clear &= ~((enter < leave) & (leave > 0) & (enter < 1))
    if grid is not None:
        steps = np.linspace(0, 0.5, 25)[:, None, None]
        clear &= ~(grid.values(places + steps * (centre - places)) >= OCCUPIED).any(axis=0)
    return clear
