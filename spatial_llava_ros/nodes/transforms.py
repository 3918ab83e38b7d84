"""Feeds /tf and /tf_static into the package's own transform buffer, so that lookups never block the executor.

tf2_ros is not needed: its Python lookups with a timeout sleep in the caller's thread, and it is not on PyPI.
Only the message is (tf2_msgs); where even that is missing, answers stay in the camera's frame and say so.
"""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames.transforms import TransformBuffer, TransformError
from spatial_llava_ros.nodes.frame_buffer import Pose
from spatial_llava_ros.nodes.messages import nanoseconds

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None


class TransformListener:
    """Subscribes a node to TF and answers where the camera was.

    Args:
        node: gets the two subscriptions.
        world_frame: upright frame (z up) in which the camera's pose is wanted; empty takes the best that the camera
            is connected to (map, odom, world, base_footprint, base_link), or none.
    """

    def __init__(self, node: Node, world_frame: str = "") -> None:
        self.buffer = TransformBuffer()
        self.world_frame = world_frame.lstrip("/")
        self._node = node
        self._subscriptions = []
        if TFMessage is None:
            node.get_logger().warning("tf2_msgs is not installed: answers stay in the camera's frame")
            return
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscriptions = [
            node.create_subscription(TFMessage, "/tf", self._on_moving, QoSProfile(depth=100)),
            node.create_subscription(TFMessage, "/tf_static", self._on_static, latched),
        ]

    def pose(self, frame_id: str, stamp: int) -> Pose | None:
        """(world frame, world_from_camera (4, 4)) at a stamp in nanoseconds; None when no upright frame is known.

        Raises:
            TransformError: the pose is wanted, or was known at another time, and is not known at this one.
        """
        world = self.world_frame
        if not world:
            found = self.buffer.world_from(frame_id)
            if found is None:
                return None
            world = found[0]
        return world, self.buffer.lookup(world, frame_id, stamp)

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _on_moving(self, message) -> None:
        self._add(message, static=False)

    def _on_static(self, message) -> None:
        self._add(message, static=True)

    def _add(self, message, static: bool) -> None:
        for t in message.transforms:
            v, q = t.transform.translation, t.transform.rotation
            try:
                self.buffer.add(
                    t.header.frame_id,
                    t.child_frame_id,
                    nanoseconds(t.header.stamp),
                    (v.x, v.y, v.z),
                    (q.x, q.y, q.z, q.w),
                    static,
                )
            except InvalidInputError as error:
                self._node.get_logger().warning(f"/tf: {error}", throttle_duration_sec=10.0)


__all__ = ["TransformError", "TransformListener"]
