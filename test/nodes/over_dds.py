"""What the tests over DDS share: a camera in this process, and waiting that ends."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic

from geometry_msgs.msg import TransformStamped
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from spatial_llava_ros.cli.processes import Children
from spatial_llava_ros.nodes import messages, qos
from spatial_llava_ros.nodes.client import Client

PATIENCE = 60.0  # seconds; nothing here takes more than a few, but the machine may be busy


class Camera:
    """A camera in this process that publishes what a test wants, from a thread.

    Attributes:
        frame: what it shows.
        pose: (4, 4) of the camera in `world_frame`, published on /tf; None for none.
        behind_ns: how much its clock is behind.
        paused: shows nothing.
    """

    def __init__(
        self, node, frame, streams=("color", "depth", "rgb", "depth_info"), profile=qos.CAMERA_OUT, pose=None,
        world_frame="map", **fields,
    ):  # fmt: skip
        self.frame, self.pose, self.behind_ns, self.paused = frame, pose, 0, False
        self._world_frame, self._fields = world_frame, fields
        self._stop = Event()
        make = node.create_publisher
        topics = {
            "color": (Image, "rgb/image"),
            "depth": (Image, "depth/image"),
            "rgb": (CameraInfo, "rgb/camera_info"),
        }
        topics["depth_info"] = (CameraInfo, "depth/camera_info")
        self._node = node
        self._publishers = {s: make(*topics[s], profile) for s in streams}
        self._tf = make(TFMessage, "/tf", QoSProfile(depth=100))
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            if not self.paused:
                self._send()

    def _send(self) -> None:
        stamp = messages.time_message(self._node.get_clock().now().nanoseconds - self.behind_ns)
        header = Header(stamp=stamp, frame_id="optical")
        if self.pose is not None:
            place = messages.pose_of(self.pose)
            moved = TransformStamped(header=Header(stamp=stamp, frame_id=self._world_frame), child_frame_id="optical")
            moved.transform.rotation = place.orientation
            t, p = moved.transform.translation, place.position
            t.x, t.y, t.z = p.x, p.y, p.z
            self._tf.publish(TFMessage(transforms=[moved]))
        frame = self.frame
        made = {"color": messages.image_message(frame.color, header)}
        made["depth"] = messages.image_message(frame.depth, header)
        made["rgb"] = made["depth_info"] = messages.camera_info_message(frame.intrinsics, header)
        for field, value in self._fields.items():
            stream, name = field.split("__")
            setattr(made[stream], name, value)
        for stream, publisher in self._publishers.items():
            publisher.publish(made[stream])

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        for publisher in (*self._publishers.values(), self._tf):
            self._node.destroy_publisher(publisher)


def until(client: Client, condition, children: Children | None = None, patience: float = PATIENCE):
    """Spin until a condition holds; its value."""
    end = monotonic() + patience
    while monotonic() < end:
        if value := condition():
            return value
        if children is not None:
            children.check()
        client.spin(0.05)
    raise AssertionError(f"not within {patience:.0f} s; the node says: {client.advice or 'nothing'}")


def until_done(client: Client, future):
    """The result of a future."""
    until(client, future.done)
    return future.result()


def collect(client: Client, kind: type, topic: str, profile=qos.RESULT) -> list:
    """A list that fills with what comes on a topic."""
    received: list = []
    client.node.create_subscription(kind, topic, received.append, profile)
    return received
