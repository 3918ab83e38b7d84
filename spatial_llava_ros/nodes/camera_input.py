"""A node's eyes: the four camera topics and TF, subscribed, paired, decoded, and examined when nothing comes."""

from __future__ import annotations

from functools import partial
from time import monotonic

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.diagnostics import Measurements, percentiles
from spatial_llava_ros.nodes.frame_buffer import STREAMS, FrameBuffer, RawFrame
from spatial_llava_ros.nodes.parameters import Setting
from spatial_llava_ros.nodes.transforms import TransformListener
from spatial_llava_ros.types import RgbdFrame

# Rows of every node that looks through a camera; each has its own `world_frame` beside them.
SETTINGS = (
    Setting("color_transport", "raw", "how colour comes", choices=("raw", "compressed"), fixed=True),
    Setting("depth_transport", "raw", "how depth comes", choices=("raw", "compressedDepth"), fixed=True),
    Setting("reliability", "best_effort", "of camera topics", choices=("best_effort", "reliable"), fixed=True),
    Setting("sync_tolerance", 0.0, "largest distance of colour and depth stamps, s; 0: half a frame period", 0.0, 1.0),
)

# Stamps further from this node's clock than this are of another clock (a bag without use_sim_time, an unsynchronised
# camera); the age of such a picture is counted from its arrival.
OTHER_CLOCK_S = 60.0


class CameraInput:
    """Subscribes a node to its camera and to TF, from now until `close`.

    Args:
        node: with SETTINGS and `world_frame` declared.
        measured: the camera callbacks are timed into it.
    """

    def __init__(self, node: Node, measured: Measurements) -> None:
        self._node, self._measured = node, measured
        self.transforms = TransformListener(node, self._value("world_frame"))
        self.buffer = FrameBuffer(self.transforms.pose, self._value("sync_tolerance"), self.transforms.buffer.clear)
        self._decoded: tuple[RawFrame, RgbdFrame] | None = None
        color, depth = self._value("color_transport"), self._value("depth_transport")
        self._compressed = color != "raw", depth != "raw"
        kinds = {
            "color": ("rgb/image", Image) if color == "raw" else (f"rgb/image/{color}", CompressedImage),
            "depth": ("depth/image", Image) if depth == "raw" else (f"depth/image/{depth}", CompressedImage),
            "color_info": ("rgb/camera_info", CameraInfo),
            "depth_info": ("depth/camera_info", CameraInfo),
        }
        profile = qos.camera_in(self._value("reliability"))
        self._subscriptions = {}
        for stream in STREAMS:
            topic, kind = kinds[stream]
            self._subscriptions[stream] = node.create_subscription(
                kind,
                topic,
                partial(self._on_message, stream),
                profile,
                raw=True,
                event_callbacks=qos.on_mismatch(partial(self._on_mismatch, stream)),
            )
        self._topics = {stream: made.topic_name for stream, made in self._subscriptions.items()}

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)
        self._subscriptions, self._decoded = {}, None
        self.transforms.close()

    def decode(self, raw: RawFrame) -> RgbdFrame:
        """Decoded once per frame, so that the second question about it finds the first one's work done.

        Raises:
            InvalidInputError: an encoding, size or calibration that cannot be used.
        """
        if self._decoded is None or self._decoded[0].color is not raw.color:
            self._decoded = raw, messages.decode_frame(raw, *self._compressed)
        return self._decoded[1]

    def age(self, raw: RawFrame) -> tuple[float, float]:
        """Age of a frame in seconds, and how far its stamp lies behind this node's clock."""
        behind = (self._node.get_clock().now().nanoseconds - raw.stamp) * 1e-9
        return (behind if abs(behind) < OTHER_CLOCK_S else monotonic() - raw.arrival), behind

    def why_not(self) -> str:
        """What keeps frames from coming, in a line; empty when they come."""
        publishers = {stream: self._node.count_publishers(topic) for stream, topic in self._topics.items()}
        return self.buffer.why_not(self._topics, publishers)

    def examine(self, max_age: float) -> tuple[dict[str, object], str, str]:
        """Key-value pairs for /diagnostics, what is wrong, and what is odd.

        Args:
            max_age: seconds; an older frame is trouble.
        """
        rates = self.buffer.rates()
        raw = self.buffer.latest()
        trouble, warning = self.why_not(), ""
        offset = percentiles(self.buffer.offsets_ms, 50)[0]
        values: dict[str, object] = {f"{self._topics[s]} (Hz)": f"{rates[s]:.1f}" for s in STREAMS}
        values |= {"pairs": self.buffer.pairs, "depth after colour (ms)": f"{offset:.1f}"}
        if raw is not None:
            age, behind = self.age(raw)
            values["frame age (s)"] = f"{age:.2f}"
            values["pose"] = raw.pose_error or (raw.pose[0] if raw.pose is not None else "not known; camera frame")
            if age > max_age and not trouble:
                trouble = f"the newest frame is {age:.1f} s old"
            elif abs(behind) >= OTHER_CLOCK_S:
                warning = f"stamps are {behind:.0f} s behind this node's clock: use_sim_time, or synchronise the camera"
            elif raw.pose_error:
                warning = raw.pose_error
            else:
                warning = messages.calibration_warning(raw)
        return values, trouble, warning

    def _on_message(self, stream: str, data: bytes) -> None:
        with self._measured.callback():
            self.buffer.add(stream, data)

    def _on_mismatch(self, stream: str, reason: str) -> None:
        self.buffer.reject(stream, reason)
        self._node.get_logger().warning(f"{self._topics[stream]}: {reason}")

    def _value(self, name: str):
        return self._node.get_parameter(name).value
