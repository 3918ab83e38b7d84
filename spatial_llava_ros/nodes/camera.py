"""A camera that is a folder, a bag or the simulator: publishes the topics and TF that a real RGB-D camera does.

Topics (relative names)
    out  rgb/image, depth/image               sensor_msgs/Image: rgb8; 32FC1 metres or 16UC1 millimetres
    out  rgb/camera_info, depth/camera_info   sensor_msgs/CameraInfo
    out  /tf                                  tf2_msgs/TFMessage: the optical frame in the world frame, where known

All messages of a frame carry one stamp, that of the node's clock when they are sent. Parameters: rows of SETTINGS.
"""

from __future__ import annotations

import sys

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.geometry import quaternion_from_matrix
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.parameters import Setting, declare
from spatial_llava_ros.nodes.running import run_node
from spatial_llava_ros.nodes.transforms import TFMessage
from spatial_llava_ros.types import RgbdFrame

SETTINGS = (
    Setting("source", "sim", "frame folder, folder of them, rosbag2, or sim[:layout[:seed]]", fixed=True),
    Setting("rate", 10.0, "frames per second", 0.1, 120.0, fixed=True),
    Setting("loop", True, "start again after the last frame"),
    Setting("hold", -1, "number of the one frame that is repeated, from 0; -1 plays all", -1, 1_000_000),
    Setting("frame_id", "", "optical frame; empty keeps the source's", fixed=True),
    Setting("depth_encoding", "32FC1", "of depth/image", choices=("32FC1", "16UC1"), fixed=True),
)

KEPT_FRAMES = 64  # read or rendered once, then kept; about 2 MB each at 640x480


class CameraNode(Node):
    """Publishes a frame at every tick of a timer."""

    def __init__(self, **options) -> None:
        super().__init__("camera", **options)
        declare(self, SETTINGS)
        self._source = open_source(self.get_parameter("source").value)
        if len(self._source) == 0:
            raise SpatialLlavaError(f"{self._source.name} holds no frames")
        self._kept: dict[int, RgbdFrame] = {}
        self._next = 0
        self._millimetres = self.get_parameter("depth_encoding").value == "16UC1"
        self._color = self.create_publisher(Image, "rgb/image", qos.CAMERA_OUT)
        self._depth = self.create_publisher(Image, "depth/image", qos.CAMERA_OUT)
        self._infos = [
            self.create_publisher(CameraInfo, f"{kind}/camera_info", qos.CAMERA_OUT) for kind in ("rgb", "depth")
        ]
        self._tf = None if TFMessage is None else self.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self._timer = self.create_timer(1.0 / self.get_parameter("rate").value, self._tick)
        self.get_logger().info(f"{len(self._source)} frame(s) of {self._source.name}")

    def _tick(self) -> None:
        held = self.get_parameter("hold").value
        if held >= 0:
            self._next = min(held, len(self._source) - 1)
        if self._next >= len(self._source):
            if not self.get_parameter("loop").value:
                self.get_logger().info("end of the source")
                self._timer.cancel()
                return
            self._next = 0
        try:
            self.send(self._frame(self._next))
        except SpatialLlavaError as error:
            self.get_logger().error(f"frame {self._next}: {error}", throttle_duration_sec=5.0)
        self._next += 1

    def send(self, frame: RgbdFrame) -> None:
        """Publish one frame with its transform, all stamped now."""
        frame_id = self.get_parameter("frame_id").value or frame.frame_id
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=frame_id)
        if self._tf is not None and frame.world_from_camera is not None:
            self._tf.publish(TFMessage(transforms=[_transform(frame, header)]))
        info = messages.camera_info_message(frame.intrinsics, header)
        for publisher in self._infos:
            publisher.publish(info)
        depth = frame.depth
        if self._millimetres:
            depth = np.clip(np.nan_to_num(depth * 1000, nan=0.0), 0, 65535).round().astype(np.uint16)
        self._depth.publish(messages.image_message(depth, header))
        self._color.publish(messages.image_message(frame.color, header))

    def _frame(self, index: int) -> RgbdFrame:
        frame = self._kept.get(index)
        if frame is None:
            frame = self._source[index]
            if len(self._kept) < KEPT_FRAMES:
                self._kept[index] = frame
        return frame


def _transform(frame: RgbdFrame, header: Header) -> TransformStamped:
    message = TransformStamped(child_frame_id=header.frame_id)
    message.header = Header(stamp=header.stamp, frame_id=frame.world_frame_id or "map")
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = (float(v) for v in frame.world_from_camera[:3, 3])
    q.x, q.y, q.z, q.w = (float(v) for v in quaternion_from_matrix(frame.world_from_camera[:3, :3]))
    return message


def main(args: list[str] | None = None) -> int:
    """Entry point of `ros2 run spatial_llava_ros camera`."""
    return run_node("camera", CameraNode, args)


if __name__ == "__main__":
    sys.exit(main())
