"""Where a robot should stand to face a thing. The pose of an object is not a pose to drive to."""

from __future__ import annotations

import math

import numpy as np


def stand_off_pose(position: np.ndarray, viewpoint: np.ndarray, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """A pose on the floor (z = 0), `distance` in front of a thing on the side it was seen from, facing it.

    Collisions are not looked at: the planner that receives the goal owns the costmap.

    Args:
        position: (3,) of the thing, metres, in a frame whose z axis points up.
        viewpoint: (3,) of the camera in the same frame.
        distance: metres from the thing's vertical axis.

    Returns:
        (3,) position and (4,) quaternion x, y, z, w.
    """
    towards = position[:2] - viewpoint[:2]
    # Seen from straight above there is no side; any heading will do.
    yaw = math.atan2(towards[1], towards[0]) if np.linalg.norm(towards) > 1e-6 else 0.0
    stand = position[:2] - distance * np.array([math.cos(yaw), math.sin(yaw)])
    return np.array([stand[0], stand[1], 0.0]), np.array([0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)])
