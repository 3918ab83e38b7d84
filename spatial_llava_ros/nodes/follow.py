"""The node that keeps its eye on what was found: the object's pose at the camera's rate, and where to stand before it.

Topics (relative names; remap them to the camera's)
    in   rgb/image, depth/image             sensor_msgs/Image, or CompressedImage by parameter; best effort or reliable
    in   rgb/camera_info, depth/camera_info sensor_msgs/CameraInfo; the depth one is optional, and only checked
    in   /tf, /tf_static                    tf2_msgs/TFMessage
    in   referred_object                    spatial_llava_ros/ReferredObject: what to follow, each time it says FOUND
    in   scene_graph                        spatial_llava_ros/SceneGraph: what a robot cannot stand in
    in   map                                nav_msgs/OccupancyGrid, transient local: a map or a costmap
    out  tracked_pose                       geometry_msgs/PoseWithCovarianceStamped, for each picture
    out  tracked_object                     spatial_llava_ros/ReferredObject for each picture: FOUND, its object's state
                                            CONFIRMED (seen) or OCCLUDED (kept where it was); NOT_FOUND with state
                                            MISSING once its place was seen empty; STALE_FRAME, NO_TRANSFORM, ERROR
    out  /tf                                frame `tf_frame` at the object, child of the frame that it is tracked in
    out  goal_proposal                      geometry_msgs/PoseStamped: stand-off pose facing the object; latched
    out  goal_pose                          the same, only with `goal.enabled`: Nav2 drives to it
    out  /diagnostics                       diagnostic_msgs/DiagnosticArray, once a second

An object is tracked in the frame that the camera's pose is known in (`world_frame`, or the best upright one), and in
the camera's own where none is. Pose and TF are published while it is seen or hidden, and stop once it is lost: who
follows them must not follow a memory. All carry the stamp of their picture. One worker thread does it all; the
executor only moves messages. Parameters are the rows of SETTINGS.
"""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import replace
from time import monotonic

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped, TransformStamped
from rclpy.qos import QoSProfile

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.msg import ReferredObject, SceneObject
from spatial_llava_ros.nodes import camera_input, goals, messages, qos
from spatial_llava_ros.nodes.camera_input import CameraInput
from spatial_llava_ros.nodes.frame_buffer import RawFrame
from spatial_llava_ros.nodes.frame_worker import FrameWorker
from spatial_llava_ros.nodes.goals import GoalProposer
from spatial_llava_ros.nodes.lifecycle import Condition, ReportingNode
from spatial_llava_ros.nodes.parameters import Setting
from spatial_llava_ros.nodes.running import run_node
from spatial_llava_ros.nodes.transforms import TFMessage, TransformError
from spatial_llava_ros.tracking import Tracked, Tracker, TrackState
from spatial_llava_ros.types import Answer, Object3D, Status

SETTINGS = (
    Setting("world_frame", "", "upright frame to track in; empty: the best one the camera hangs from, or its own"),
    *camera_input.SETTINGS,
    Setting("transform_timeout", 0.3, "how long to wait for TF at the frame's stamp, s", 0.0, 10.0),
    Setting("max_frame_age", 1.0, "without a frame for so long the object is reported stale, s", 0.05, 60.0),
    Setting("tf_frame", "referred_object", "TF frame at the object; empty publishes none"),
    *goals.SETTINGS,
    Setting("autostart", True, "configure and activate at the start; false under a lifecycle manager", fixed=True),
)

GOAL_EVERY_S = 0.5
STATUSES = {
    TrackState.TRACKED: (Status.FOUND, SceneObject.STATE_CONFIRMED),
    TrackState.OCCLUDED: (Status.FOUND, SceneObject.STATE_OCCLUDED),
    TrackState.LOST: (Status.NOT_FOUND, SceneObject.STATE_MISSING),
    TrackState.STALE: (Status.STALE_FRAME, SceneObject.STATE_OCCLUDED),
}


class FollowNode(ReportingNode):
    """Inactive: publishers only. Active: subscriptions, worker thread, and a tracker once something was found."""

    def __init__(self, **options) -> None:
        super().__init__("follow", SETTINGS, **options)
        self._camera: CameraInput | None = None
        self._worker: FrameWorker | None = None
        self._told: deque[ReferredObject] = deque(maxlen=1)  # to be followed, not yet looked for
        self._forget()

    # Life cycle

    def _open(self) -> None:
        make = self.create_lifecycle_publisher
        self._poses = make(PoseWithCovarianceStamped, "tracked_pose", qos.RESULT)
        self._objects = make(ReferredObject, "tracked_object", qos.LATCHED)
        self._tf = None if TFMessage is None else make(TFMessage, "/tf", QoSProfile(depth=100))
        self._goals = GoalProposer(self)

    def _close(self) -> None:
        for publisher in (self._poses, self._objects, self._tf):
            if publisher is not None:
                self.destroy_publisher(publisher)
        self._goals.close()

    def _start(self) -> None:
        self._camera = CameraInput(self, self.measured)
        self._forget()
        self._trouble = ""
        self._taken: RawFrame | None = None
        self._goals.start()
        self._answers = self.create_subscription(ReferredObject, "referred_object", self._on_answer, qos.ANSWERS)
        self._worker = FrameWorker(self._step, lambda: 0.0, self._note_failure)
        self.get_logger().info(f"active: follows what '{self.resolve_topic_name('referred_object')}' finds")

    def _stop(self) -> None:
        if self._worker is None:
            return
        self._worker.close()
        self._worker = None
        self.destroy_subscription(self._answers)
        self._goals.stop()
        self._camera.close()

    def _examine(self) -> Condition:
        values, trouble, warning = self._camera.examine(self._value("max_frame_age"))
        tracked = self._tracked
        values |= {"following": self._query or "nothing", "state": tracked.state.value if tracked else "idle"}
        more, odd = self._goals.examine()
        if tracked is not None:
            warning = warning or odd
            if tracked.state is not TrackState.TRACKED:
                warning = f"'{self._query}' is {tracked.state.value}: {tracked.explanation}"
        return values | more, trouble or self._trouble, self._warning or warning

    # In the executor's thread

    def _on_answer(self, message: ReferredObject) -> None:
        if message.status == ReferredObject.FOUND:
            self._told.append(message)

    # In the worker's thread

    def _forget(self) -> None:
        self._tracker: Tracker | None = None
        self._tracked: Tracked | None = None
        self._waiting: ReferredObject | None = None  # found, but its place cannot be told yet
        self._query = self._label = ""
        self._number = 0
        self._warning = ""
        self._stale = False
        self._goal_due = 0.0

    def _step(self) -> bool:
        """Take in the newest frame, waiting a little for it."""
        taken = self._taken
        raw = self._camera.buffer.wait(0.05, lambda frame: taken is None or frame.color is not taken.color)
        if raw is None:
            self._say_stale()
            return False
        self._taken = raw
        start = monotonic()
        if self._tracker is None and not self._told and self._waiting is None:
            return True
        raw = self._camera.buffer.resolve_pose(raw, self._value("transform_timeout"))
        try:
            self._begin(raw)
            if self._tracker is not None:
                self._follow(raw)
                self.measured.latencies_ms.append((monotonic() - start) * 1e3)
        except SpatialLlavaError as error:
            self._refuse(raw, error)
        return True

    def _begin(self, raw: RawFrame) -> None:
        """Turn to what was found last, if that is news. Its place may have to wait for TF, which often comes later."""
        message = self._told.popleft() if self._told else self._waiting
        if message is None:
            return
        self._forget()
        self._goals.forget()
        self._camera.transforms.world_frame = self._value("world_frame").lstrip("/")
        frame = raw.pose[0] if raw.pose is not None else raw.color.frame_id
        try:
            found = messages.object_of(message.object, message.header.frame_id.lstrip("/"))
            self._tracker = Tracker(self._in_frame(found, frame, raw, messages.nanoseconds(message.header.stamp)))
        except SpatialLlavaError as error:
            self._waiting = message if isinstance(error, TransformError) else None
            self._warning = f"'{message.query[:80]}' cannot be followed: {error}"
            self.get_logger().warning(self._warning, throttle_duration_sec=10.0)
            return
        self._query, self._label, self._number = message.query, message.object.label, message.object.id
        self._keep_world(raw)
        self.get_logger().info(f"following '{message.query[:80]}' in '{frame}'")

    def _keep_world(self, raw: RawFrame) -> None:
        """No other frame from now on, though a better one may come."""
        if raw.pose is not None:
            self._camera.transforms.world_frame = raw.pose[0]

    def _in_frame(self, found: Object3D, frame: str, raw: RawFrame, stamp: int) -> Object3D:
        """The object as it was found at a stamp, stated in the frame that is tracked in.

        Raises:
            TransformError: that frame and the object's are not connected.
        """
        if found.frame_id in (frame, ""):
            return replace(found, frame_id=frame)
        buffer = self._camera.transforms.buffer
        try:
            return transform_object(found, buffer.lookup(frame, found.frame_id, stamp), frame)
        except TransformError:  # longer ago than TF is remembered: then it counts where it would be now
            if raw.pose is not None and found.frame_id == raw.color.frame_id:
                return transform_object(found, raw.pose[1], frame)
            return transform_object(found, buffer.lookup(frame, found.frame_id), frame)

    def _follow(self, raw: RawFrame) -> None:
        if raw.pose_error:
            raise TransformError(raw.pose_error)
        frame = self._camera.decode(raw)
        before = self._tracked.state if self._tracked else None
        tracked = self._tracker.update(frame)
        if tracked.state is TrackState.TRACKED and raw.pose is not None and self._tracker.frame_id == frame.frame_id:
            # Begun before the camera's place was known: from now on the object has one too.
            self._tracker = Tracker(transform_object(tracked.object, raw.pose[1], raw.pose[0]))
            self._keep_world(raw)
            tracked = self._tracker.update(frame)
        self._tracked = tracked
        self._trouble, self._stale = "", tracked.state is TrackState.STALE
        if tracked.state is not before:
            why = f": {tracked.explanation}" if tracked.explanation else ""
            self.get_logger().info(f"'{self._query[:80]}' is {tracked.state.value}{why}")
            self.measured.statuses[tracked.state.value] += 1
        status, state = STATUSES[tracked.state]
        message = self._publish(raw, status, state, tracked)
        if status is Status.FOUND:
            self._poses.publish(messages.pose_message(message))
            self._publish_transform(message)
        if tracked.state is TrackState.TRACKED and monotonic() >= self._goal_due:
            self._goal_due = monotonic() + GOAL_EVERY_S
            upright = self._tracker.frame_id != frame.frame_id
            camera = raw.pose[1][:3, 3] if upright else np.zeros(3)
            buffer = self._camera.transforms.buffer
            self._goals.update(tracked.object, upright, camera, buffer, raw.stamp)

    def _publish(self, raw: RawFrame, status: Status, state: int, tracked: Tracked, why: str = "") -> ReferredObject:
        obj = replace(tracked.object, id=self._number, label=self._label)
        answer = Answer(self._query, status, why or tracked.explanation, obj)
        message = messages.answer_message(answer, raw.stamp, self._tracker.frame_id, raw.color.frame_id)
        message.object.state = state
        message.object.last_seen = messages.time_message(tracked.seen)
        self._objects.publish(message)
        return message

    def _publish_transform(self, message: ReferredObject) -> None:
        name = self._value("tf_frame").lstrip("/")
        if not name or self._tf is None or name == message.header.frame_id:
            return
        pose = message.object.pose.pose
        moved = TransformStamped(header=message.header, child_frame_id=name)
        moved.transform.rotation = pose.orientation
        t, p = moved.transform.translation, pose.position
        t.x, t.y, t.z = p.x, p.y, p.z
        self._tf.publish(TFMessage(transforms=[moved]))

    def _say_stale(self) -> None:
        """No picture comes: say so once."""
        raw, tracked = self._taken, self._tracked
        if self._stale or raw is None or tracked is None:
            return
        if monotonic() - raw.arrival > self._value("max_frame_age"):
            self._stale = True
            self._tracked = replace(tracked, state=TrackState.STALE, explanation="no picture comes")
            why = self._camera.why_not() or "no picture comes"
            self._publish(raw, Status.STALE_FRAME, SceneObject.STATE_OCCLUDED, self._tracked, why)

    def _refuse(self, raw: RawFrame, error: SpatialLlavaError) -> None:
        """A picture that cannot be used: the object stays where it is, and its readers hear why nothing comes."""
        self._trouble = str(error)
        self.get_logger().warning(str(error), throttle_duration_sec=10.0)
        if self._tracker is None or self._tracked is None:
            return
        status = Status.NO_TRANSFORM if isinstance(error, TransformError) else Status.ERROR
        self._tracked = replace(self._tracked, state=TrackState.STALE, explanation=str(error))
        self._publish(raw, status, SceneObject.STATE_OCCLUDED, self._tracked)


def main(args: list[str] | None = None) -> int:
    """Entry point of `ros2 run spatial_llava_ros follow`."""
    return run_node("follow", FollowNode, args)


if __name__ == "__main__":
    sys.exit(main())
