"""Someone who asks over ROS: sends expressions on `command`, receives answers, keeps the pictures they are about."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from time import monotonic

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String

from spatial_llava_ros.msg import ReferredObject
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.frame_buffer import RawFrame, RawMessage, read_header
from spatial_llava_ros.nodes.transforms import TransformError, TransformListener
from spatial_llava_ros.types import RgbdFrame

KEPT = 64  # messages per stream: at 10 Hz, an answer may take 6 s and its picture is still there


class Client:
    """A node of its own in this process. Spin it with `spin`; close it when done."""

    def __init__(self, name: str = "asker") -> None:
        self.node = Node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._transforms = TransformListener(self.node)
        self._kept = {stream: OrderedDict() for stream in ("color", "depth")}
        self._info: RawMessage | None = None
        self._answers: list[ReferredObject] = []
        self.advice = ""  # what /diagnostics says of the locate node; empty before it has spoken
        self.ready = False
        profile = qos.camera_in("best_effort")
        make = self.node.create_subscription
        make(Image, "rgb/image", partial(self._keep, "color"), profile, raw=True)
        make(Image, "depth/image", partial(self._keep, "depth"), profile, raw=True)
        make(CameraInfo, "rgb/camera_info", self._keep_info, profile, raw=True)
        make(ReferredObject, "referred_object", self._answers.append, qos.COMMANDS)
        make(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._command = self.node.create_publisher(String, "command", qos.COMMANDS)

    def spin(self, seconds: float) -> None:
        """Handle what arrives within a time."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def say(self, text: str) -> None:
        """Send an expression on `command`."""
        self._command.publish(String(data=text))

    def ask(self, text: str, timeout: float, watch=lambda: None) -> ReferredObject | None:
        """Send an expression and wait for its answer; None when none comes in time.

        Args:
            watch: called now and then meanwhile; may raise.
        """
        self._answers.clear()
        self.say(text)
        until = monotonic() + timeout
        while monotonic() < until:
            self._executor.spin_once(timeout_sec=0.1)
            for answer in self._answers:
                if answer.query == text:
                    return answer
            watch()
        return None

    @property
    def heard(self) -> bool:
        """True when a locate node is listening for commands and its answers will reach us."""
        return self._command.get_subscription_count() > 0 and self.node.count_publishers("referred_object") > 0

    @property
    def pictures(self) -> int:
        """Colour pictures kept at this moment."""
        return len(self._kept["color"])

    def frame_at(self, stamp: int) -> RgbdFrame | None:
        """The picture with a stamp in nanoseconds, with the camera's pose if that is known; None if it is gone.

        Raises:
            InvalidInputError: it cannot be decoded.
        """
        color, depths = self._kept["color"].get(stamp), self._kept["depth"]
        if color is None or not depths or self._info is None:
            return None
        depth = depths[min(depths, key=lambda other: abs(other - stamp))]
        try:
            pose = self._transforms.pose(color.frame_id, stamp)
        except TransformError:
            pose = None
        return messages.decode_frame(RawFrame(color, depth, self._info, None, pose))

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()

    def _keep(self, stream: str, data: bytes) -> None:
        stamp, frame_id = read_header(data)
        kept = self._kept[stream]
        kept[stamp] = RawMessage(data, stamp, frame_id, monotonic())
        while len(kept) > KEPT:
            kept.popitem(last=False)

    def _keep_info(self, data: bytes) -> None:
        self._info = RawMessage(data, *read_header(data), monotonic())

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith("locate"):
                self.advice = status.message
                self.ready = status.level == DiagnosticStatus.OK and status.message == "ready"
