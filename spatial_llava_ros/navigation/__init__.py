"""Navigation: where a robot should stand to face a thing, or why nowhere."""

from __future__ import annotations

from spatial_llava_ros.navigation.footprint import Footprint, read_footprint
from spatial_llava_ros.navigation.grid import Grid
from spatial_llava_ros.navigation.stand_off import Goal, GoalStatus, NoGoal, Obstacle, can_stand, propose_goal

__all__ = [
    "Footprint",
    "Goal",
    "GoalStatus",
    "Grid",
    "NoGoal",
    "Obstacle",
    "can_stand",
    "propose_goal",
    "read_footprint",
]
