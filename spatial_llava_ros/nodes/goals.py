"""Where the follow node says that the robot should stand: topics in and out, and when a goal is replaced.

A goal stays as long as the object stays and the place is free: a planner that is under way must not be sent from side
to side. It is proposed anew when the object has moved, when something stands in the place, or for another object.
"""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError
from spatial_llava_ros.frames.transforms import TransformBuffer, TransformError
from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.msg import SceneGraph, SceneObject
from spatial_llava_ros.navigation import (
    Footprint,
    Goal,
    GoalStatus,
    Grid,
    NoGoal,
    Obstacle,
    can_stand,
    propose_goal,
    read_footprint,
)
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.parameters import Setting
from spatial_llava_ros.types import Object3D

SETTINGS = (
    Setting("goal.enabled", False, "publish goal_pose, which Nav2 drives to; else proposals only"),
    Setting("goal.stand_off", 0.8, "from the robot's origin to the object's nearest side, m", 0.0, 10.0),
    Setting("goal.robot_radius", 0.3, "of a round robot, as Nav2's robot_radius, m", 0.01, 10.0),
    Setting("goal.footprint", "", "polygon as Nav2's footprint, [[x, y], ...], m; empty: round"),
    Setting("goal.robot_frame", "base_link", "whose place the nearest goal is chosen by; unknown: the camera's"),
    Setting("goal.update_distance", 0.15, "a goal is replaced when the object has moved so far, m", 0.01, 10.0),
)
_PLANAR = math.cos(math.radians(3))  # a map's frame must be level with the one that is tracked in


class GoalProposer:
    """Publishes goals and remembers what the last one was for. Its callbacks only keep messages.

    Args:
        node: with SETTINGS declared.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._proposals = node.create_lifecycle_publisher(PoseStamped, "goal_proposal", qos.LATCHED)
        self._goals = node.create_lifecycle_publisher(PoseStamped, "goal_pose", qos.RESULT)
        self._subscriptions: list = []
        self._graph: SceneGraph | None = None
        self._map: OccupancyGrid | None = None
        self._read: tuple[OccupancyGrid, Grid | None] | None = None
        self._warning = ""
        self.forget()

    def start(self) -> None:
        """Subscribe to what tells of obstacles."""
        make = self._node.create_subscription
        mismatch = qos.on_mismatch(lambda why: self._keep_warning(f"map: {why.split(';')[0]}"))
        self._subscriptions = [
            make(SceneGraph, "scene_graph", self._on_graph, qos.LATCHED),
            make(OccupancyGrid, "map", self._on_map, qos.LATCHED, event_callbacks=mismatch),
        ]

    def stop(self) -> None:
        """Unsubscribe; what was heard is forgotten."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions, self._graph, self._map, self._read = [], None, None, None
        self.forget()

    def close(self) -> None:
        """Take the topics away."""
        self._node.destroy_publisher(self._proposals)
        self._node.destroy_publisher(self._goals)

    def forget(self) -> None:
        """Another object: the next goal is new."""
        self._goal: Goal | None = None
        self._made_for: np.ndarray | None = None
        self._sent = False
        self.status, self.explanation = GoalStatus.NO_OBJECT, "nothing is tracked"

    def examine(self) -> tuple[dict[str, str], str]:
        """Key-value pairs for /diagnostics, and what is odd."""
        said = self.status.value + (f": {self.explanation}" if self.explanation else "")
        return {"goal": said, "goal_pose": "on" if self._value("goal.enabled") else "proposals only"}, self._warning

    def update(self, target: Object3D, upright: bool, camera: np.ndarray, buffer: TransformBuffer, stamp: int) -> None:
        """See whether the goal still holds, and publish another if not.

        Args:
            target: the object now, in the frame that it is tracked in.
            upright: whether that frame's z axis points up.
            camera: (3,) where the camera is in it.
            stamp: of the picture, nanoseconds.
        """
        if not upright:
            self._say(GoalStatus.NO_UPRIGHT_FRAME, "the camera's pose in a frame whose z axis points up is not known")
            return
        self._warning = ""
        try:
            footprint = read_footprint(self._value("goal.footprint"), self._value("goal.robot_radius"))
        except InvalidInputError as error:
            self._keep_warning(f"{error}; the radius is used")
            footprint = read_footprint("", self._value("goal.robot_radius"))
        others = self._obstacles(target, buffer)
        grid = self._grid(target.frame_id, buffer)
        if self._holds(target, footprint, others, grid):
            self._send(target.frame_id, stamp)
            return
        robot = self._robot(target.frame_id, camera, buffer)
        goal = propose_goal(target, robot, self._value("goal.stand_off"), footprint, others, grid)
        if isinstance(goal, NoGoal):
            self._goal = None
            self._say(goal.status, goal.explanation)
            return
        self._goal, self._made_for = goal, target.position.copy()
        self._say(GoalStatus.PROPOSED, "" if goal.clear else "something stands between it and the object")
        self._proposals.publish(_pose(goal, target.frame_id, stamp))
        self._sent = False
        self._send(target.frame_id, stamp)

    def _send(self, frame_id: str, stamp: int) -> None:
        """Publish the goal once: now, or when it is enabled and somebody hears it, who may have started later."""
        if not self._sent and self._value("goal.enabled") and self._goals.get_subscription_count():
            self._goals.publish(_pose(self._goal, frame_id, stamp))
            self._sent = True

    def _holds(self, target: Object3D, footprint: Footprint, others: list[Obstacle], grid: Grid | None) -> bool:
        if self._goal is None:
            return False
        moved = float(np.linalg.norm((target.position - self._made_for)[:2]))
        if moved > self._value("goal.update_distance"):
            return False
        return can_stand(self._goal, footprint, [Obstacle.of(target), *others], grid)

    def _robot(self, frame: str, camera: np.ndarray, buffer: TransformBuffer) -> np.ndarray:
        try:
            return buffer.lookup(frame, self._value("goal.robot_frame"))[:2, 3]
        except TransformError:
            return camera[:2]

    def _obstacles(self, target: Object3D, buffer: TransformBuffer) -> list[Obstacle]:
        """What else is in the scene graph; the object itself is there too, under another number."""
        graph = self._graph
        if graph is None:
            return []
        frame = graph.header.frame_id
        try:
            move = np.eye(4) if frame == target.frame_id else buffer.lookup(target.frame_id, frame)
        except TransformError as error:
            self._keep_warning(f"scene_graph is left out: {error}")
            return []
        obstacles = []
        near = 0.5 * float(np.min(target.size)) + 0.02
        for message in graph.objects:
            if message.state == SceneObject.STATE_MISSING or not message.has_pose:
                continue
            try:
                obj = transform_object(messages.object_of(message, frame), move, target.frame_id)
                if float(np.linalg.norm(obj.position - target.position)) > near:
                    obstacles.append(Obstacle.of(obj))
            except SpatialLlavaError:
                continue  # a pose that is no pose stands nowhere
        return obstacles

    def _grid(self, frame: str, buffer: TransformBuffer) -> Grid | None:
        message = self._map
        if message is None:
            return None
        if self._read is None or self._read[0] is not message:
            try:
                self._read = message, _read_map(message)
            except InvalidInputError as error:
                self._read = message, None
                self._node.get_logger().warning(f"map: {error}", throttle_duration_sec=10.0)
        grid = self._read[1]
        if grid is None:
            self._keep_warning("the last map cannot be used and is left out")
            return None
        if grid.frame_id == frame:
            return grid
        try:
            move = buffer.lookup(grid.frame_id, frame)
        except TransformError as error:
            self._keep_warning(f"map is left out: {error}")
            return None
        if move[2, 2] < _PLANAR:
            self._keep_warning(f"map is left out: its frame '{grid.frame_id}' is not level with '{frame}'")
            return None
        planar = np.eye(3)
        planar[:2, :2], planar[:2, 2] = move[:2, :2], move[:2, 3]
        return grid.seen_from(planar, frame)

    def _say(self, status: GoalStatus, explanation: str) -> None:
        if status is not self.status and status is not GoalStatus.PROPOSED:
            self._node.get_logger().warning(f"no goal: {explanation}")
        self.status, self.explanation = status, explanation

    def _keep_warning(self, text: str) -> None:
        self._warning = text

    def _on_graph(self, message: SceneGraph) -> None:
        self._graph = message

    def _on_map(self, message: OccupancyGrid) -> None:
        self._map = message

    def _value(self, name: str):
        return self._node.get_parameter(name).value


def _read_map(message: OccupancyGrid) -> Grid:
    """
    Raises:
        InvalidInputError: a map that cannot be one.
    """
    info, origin = message.info, message.info.origin
    q = origin.orientation
    norm = q.x**2 + q.y**2 + q.z**2 + q.w**2
    # A quaternion left at zero by who builds maps by hand is not turned.
    yaw = math.atan2(2 * (q.w * q.z + q.x * q.y), norm - 2 * (q.y**2 + q.z**2)) if norm > 1e-6 else 0.0
    return Grid.read(
        np.asarray(message.data, np.int8),
        info.width,
        info.height,
        info.resolution,
        np.array([origin.position.x, origin.position.y]),
        yaw,
        message.header.frame_id.lstrip("/"),
    )


def _pose(goal: Goal, frame_id: str, stamp: int) -> PoseStamped:
    message = PoseStamped(header=Header(stamp=messages.time_message(stamp), frame_id=frame_id))
    message.pose.position.x, message.pose.position.y = (float(v) for v in goal.position)
    message.pose.orientation.z, message.pose.orientation.w = math.sin(goal.yaw / 2), math.cos(goal.yaw / 2)
    return message
