"""The node that remembers: pictures in, the objects of the map and how they stand to each other out.

Topics (relative names; remap them to the camera's)
    in   rgb/image, depth/image             sensor_msgs/Image, or CompressedImage by parameter; best effort or reliable
    in   rgb/camera_info, depth/camera_info sensor_msgs/CameraInfo; the depth one is optional, and only checked
    in   /tf, /tf_static                    tf2_msgs/TFMessage
    out  scene_graph                        spatial_llava_ros/SceneGraph; reliable, transient local: what is near the
                                            camera, after each frame and each edit
    out  scene_graph/markers                visualization_msgs/MarkerArray: boxes, labels, relation arrows, uncertainty;
                                            when someone subscribes
    out  /diagnostics                       diagnostic_msgs/DiagnosticArray, once a second
    srv  ask                                spatial_llava_ros/Ask: a question -> an answer with its evidence
    srv  ~/list, ~/forget, ~/relabel        spatial_llava_ros/ListObjects, Forget, Relabel
    srv  ~/clear                            std_srvs/Trigger
    srv  ~/save, ~/load                     spatial_llava_ros/MemoryFile: paths on this node's machine

Objects are remembered in a frame that stays where it is, with ids for life. A picture whose pose in that frame is not
known adds nothing, and /diagnostics says NO_TRANSFORM. Where no such frame was ever known, the graph is of each picture
alone: in the camera's frame, its objects OBSERVED, their ids those of the picture.

The worker's thread owns the scene: it takes in the newest frame at `rate`, skipping older ones, and does what services
ask in between; the executor only moves messages. Parameters are the rows of SETTINGS.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic

import numpy as np
from visualization_msgs.msg import MarkerArray

from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.graph.settings import MemorySettings
from spatial_llava_ros.msg import SceneGraph
from spatial_llava_ros.nodes import camera_input, qos
from spatial_llava_ros.nodes.camera_input import CameraInput
from spatial_llava_ros.nodes.frame_buffer import RawFrame
from spatial_llava_ros.nodes.frame_worker import FrameWorker
from spatial_llava_ros.nodes.graph_markers import graph_markers
from spatial_llava_ros.nodes.graph_messages import graph_message
from spatial_llava_ros.nodes.lifecycle import Condition, ReportingNode
from spatial_llava_ros.nodes.map_file import MapFile
from spatial_llava_ros.nodes.parameters import Setting
from spatial_llava_ros.nodes.running import run_node
from spatial_llava_ros.nodes.scene import STILL_FRAMES, Scene
from spatial_llava_ros.nodes.scene_services import SceneServices
from spatial_llava_ros.nodes.transforms import TransformError

# TF is discovered after the camera as often as before: this long after the first picture none is shown for want of it.
TRANSFORMS_COME_S = 2.0

SETTINGS = (
    Setting("world_frame", "", "frame to remember in; empty: the first of map, odom, world that comes", fixed=True),
    *camera_input.SETTINGS,
    Setting("rate", 5.0, "frames taken in per second, at most", 0.1, 60.0),
    Setting("reach", 8.0, "objects this far from the camera are in the graph, m", 0.5, 100.0),
    Setting("transform_timeout", 0.3, "how long to wait for TF at the frame's stamp, s", 0.0, 10.0),
    Setting("max_frame_age", 1.0, "an older frame is reported in /diagnostics, s", 0.05, 60.0),
    Setting("forget_after", 1.0, "an object goes when its place was seen empty for so long, s", 0.1, 60.0, fixed=True),
    Setting("max_objects", 10_000, "beyond it the ones not seen for longest go", 10, 100_000, fixed=True),
    Setting("map_file", "", "file to remember in from run to run; empty: none", fixed=True),
    Setting("save_every", 5.0, "minutes between saves to map_file; 0: only when deactivated", 0.0, 1440.0),
    Setting("autostart", True, "configure and activate at the start; false under a lifecycle manager", fixed=True),
)


class SceneGraphNode(ReportingNode):
    """Inactive: remembers, and hears nothing. Active: camera subscriptions and the worker's thread."""

    def __init__(self, **options) -> None:
        super().__init__("scene_graph", SETTINGS, **options)
        self._scene: Scene | None = None
        self._kept = MapFile("", 0.0)
        self._worker: FrameWorker | None = None
        self._camera: CameraInput | None = None
        self._taken: RawFrame | None = None
        self._first_picture: float | None = None
        self._sent = self._drawn = None
        self._lacking = ""
        # Offered in every state, if only to say that the node is not active.
        self._offered = SceneServices(self, lambda: self._scene, self._submit, self.measured, self._lookup)

    # Life cycle

    def _open(self) -> None:
        settings = MemorySettings(forget_after_s=self._value("forget_after"), max_objects=self._value("max_objects"))
        self._scene = Scene(self._value("world_frame").lstrip("/"), settings)
        self._kept = MapFile(self._value("map_file"), 0.0)
        said = self._kept.load(self._scene)
        if said:
            (self.get_logger().error if self._kept.trouble else self.get_logger().info)(said)
        self._graphs = self.create_lifecycle_publisher(SceneGraph, "scene_graph", qos.LATCHED)
        self._markers = self.create_lifecycle_publisher(MarkerArray, "scene_graph/markers", qos.LATCHED)

    def _close(self) -> None:
        self.destroy_publisher(self._graphs)
        self.destroy_publisher(self._markers)
        self._scene = self._sent = self._drawn = None

    def _start(self) -> None:
        self._camera = CameraInput(self, self.measured)
        self._trouble = self._lacking = ""
        self._first_picture = None
        self._worker = FrameWorker(self._step, lambda: 1.0 / self._value("rate"), self._note_failure)
        self.get_logger().info(f"active: the graph is on '{self.resolve_topic_name('scene_graph')}'")

    def _stop(self) -> None:
        if self._worker is None:
            return
        self._worker.close()
        self._worker = self._taken = None
        self._camera.close()
        if failure := self._kept.save(self._scene):
            self.get_logger().error(failure)

    def _examine(self) -> Condition:
        values, trouble, warning = self._camera.examine(self._value("max_frame_age"))
        scene = self._scene
        values |= {"remembered": len(scene.memory), "remembered in": scene.frame_id or "nothing yet"}
        values |= {"revision": scene.graph.revision if scene.graph else 0, "waiting": self._worker.waiting}
        warning = warning or self._kept.trouble
        if self._lacking:
            warning = f"NO_TRANSFORM: {self._lacking}"
        return values, trouble or self._trouble, warning

    # In the executor's thread

    def _submit(self, job: Callable[[bool], None]) -> str:
        """Hand a job to the worker; why not, or nothing."""
        if self._worker is None:
            return f"the node is {self._state}"

        def work_and_show(run: bool) -> None:
            job(run)
            if run:
                self._show()

        return "" if self._worker.submit(work_and_show) else "busy: too many requests are waiting, ask again later"

    # In the worker's thread

    def _step(self) -> bool:
        """Take in the newest frame; False where there is no new one."""
        raw = self._camera.buffer.latest()
        if raw is None or (self._taken is not None and raw.color is self._taken.color):
            self._show()  # for who has subscribed to the markers since
            return False
        self._taken = raw
        start = monotonic()
        scene, transforms = self._scene, self._camera.transforms
        if scene.frame_id:
            transforms.world_frame = scene.frame_id  # from now on no other will do, though a better one may come
        raw = self._camera.buffer.resolve_pose(raw, self._value("transform_timeout"))
        self._first_picture = self._first_picture or start
        placed = scene.can_remember(raw.pose[0] if raw.pose is not None else "")
        if not placed and start - self._first_picture < TRANSFORMS_COME_S:
            return False
        scene.reach = self._value("reach")
        self._kept.every_s = 60 * self._value("save_every")
        if failure := self._kept.save_if_due(scene):
            self.get_logger().error(failure)
        try:
            frame = self._camera.decode(raw)
            graph = scene.integrate(frame)
        except SpatialLlavaError as error:
            self._trouble = str(error)
            return True
        self._trouble = "" if np.isfinite(frame.depth).any() else "the depth picture holds no measurement"
        self._lacking = "" if scene.can_remember(frame.world_frame_id) else self._why_no_pose(raw)
        if graph is not None:
            self._show()
            self.measured.latencies_ms.append((monotonic() - start) * 1e3)
        return True

    def _show(self) -> None:
        """Send what was not sent yet."""
        graph = self._scene.graph
        if graph is None:
            return
        drawn = graph is self._drawn or not self._markers.get_subscription_count()
        if graph is self._sent and drawn:
            return
        message = graph_message(graph)
        if graph is not self._sent:
            self._graphs.publish(message)
            self._sent = graph
        if not drawn:
            self._markers.publish(graph_markers(message))
            self._drawn = graph

    def _why_no_pose(self, raw: RawFrame) -> str:
        if raw.pose_error:
            return raw.pose_error
        camera = raw.color.frame_id
        known = f"only '{raw.pose[0]}', which moves with the robot" if raw.pose is not None else "none"
        wanted = self._scene.frame_id or " or ".join(STILL_FRAMES)
        return f"to remember, the place of '{camera}' in {wanted} must be known; it hangs from {known}"

    def _lookup(self, target: str, source: str, stamp: int):
        """target_from_source (4, 4) at a stamp, or now if what moves was not known then.

        Raises:
            TransformError: not connected.
        """
        transforms = self._camera.transforms.buffer
        try:
            return transforms.lookup(target, source, stamp)
        except TransformError:
            return transforms.lookup(target, source)


def main(args: list[str] | None = None) -> int:
    """Entry point of `ros2 run spatial_llava_ros scene_graph`."""
    return run_node("scene_graph", SceneGraphNode, args)


if __name__ == "__main__":
    sys.exit(main())
