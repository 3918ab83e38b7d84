"""Recordings of frames and answers: an MCAP file of ROS 2 messages.

Foxglove opens it as it is, `ros2 bag play` plays it, and `spatial_llava_ros.frames.open_source` reads it back
to the same frames.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
from mcap.writer import CompressionType, Writer

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.output import ros_messages as ros
from spatial_llava_ros.output.picture import draw_answer
from spatial_llava_ros.types import Answer, Object3D, RgbdFrame, answer_as_dict

_GREEN, _AMBER = (0.24, 0.86, 0.35), (1.0, 0.69, 0.13)
_UNSTAMPED_PERIOD = 100_000_000  # ns between frames whose source has no clock


class McapWriter:
    """Writes one MCAP file; use it in a `with` statement, or call `close`.

    Topics: /rgb/image, /rgb/camera_info, /depth/image, /depth/camera_info, /points, /tf where the camera's pose is
    known; and per answer /command, /answer (JSON), /referred_pose, /markers, /debug/image/compressed.

    Args:
        path: of the file; replaced if it is there.

    Raises:
        InvalidInputError: the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            self._file = self._path.open("wb")
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be written ({error.strerror or error})") from None
        self._writer = Writer(self._file, compression=CompressionType.ZSTD)
        self._writer.start(profile="ros2", library="spatial_llava_ros")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._frame: RgbdFrame | None = None
        self._time = 0

    def __enter__(self) -> McapWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()  # also after an error: what was recorded until then can be looked at

    def close(self) -> None:
        """Write the index and close the file."""
        if not self._file.closed:
            self._writer.finish()
            self._file.close()

    def write_frame(self, frame: RgbdFrame) -> None:
        """Record colour, depth (lossless), calibration, cloud and pose. Frames without a stamp get one every 0.1 s."""
        self._frame = frame
        self._time = frame.stamp or self._time + _UNSTAMPED_PERIOD
        head = ros.header(self._time, frame.frame_id)
        info = ros.camera_info(frame, head)
        if frame.world_from_camera is not None:
            world = ros.header(self._time, frame.world_frame_id)
            self._write("/tf", "tf2_msgs/msg/TFMessage", ros.transforms(frame.world_from_camera, frame.frame_id, world))
        self._write("/rgb/image", "sensor_msgs/msg/Image", ros.image(frame.color, "rgb8", head))
        self._write("/rgb/camera_info", "sensor_msgs/msg/CameraInfo", info)
        self._write("/depth/image", "sensor_msgs/msg/Image", ros.depth_image(frame.depth, head))
        self._write("/depth/camera_info", "sensor_msgs/msg/CameraInfo", info)
        self._write("/points", "sensor_msgs/msg/PointCloud2", ros.point_cloud(frame, head))

    def write_answer(self, frame: RgbdFrame, answer: Answer) -> None:
        """Record an answer about a frame, at the frame's time; the frame too, unless it was the last one written."""
        if frame is not self._frame:
            self.write_frame(frame)
        self._write("/command", "std_msgs/msg/String", ros.text(answer.query))
        self._write("/answer", "std_msgs/msg/String", ros.text(json.dumps(answer_as_dict(answer), allow_nan=False)))
        placed = [(c, f"{n} {c.label}", _AMBER) for n, c in enumerate(answer.candidates, 1) if _has_pose(c)]
        obj = answer.object
        if obj is not None and _has_pose(obj):
            placed.append((obj, f"{obj.label} {obj.score:.2f}", _GREEN))
            pose = ros.pose_with_covariance(obj, ros.header(self._time, obj.frame_id))
            self._write("/referred_pose", "geometry_msgs/msg/PoseWithCovarianceStamped", pose)
        self._write("/markers", "visualization_msgs/msg/MarkerArray", ros.markers(placed, self._time))
        drawn = cv2.imencode(".jpg", cv2.cvtColor(draw_answer(frame, answer), cv2.COLOR_RGB2BGR))[1].tobytes()
        drawn = ros.compressed_image(drawn, "rgb8; jpeg compressed bgr8", ros.header(self._time, frame.frame_id))
        self._write("/debug/image/compressed", "sensor_msgs/msg/CompressedImage", drawn)

    def _write(self, topic: str, kind: str, message: Any) -> None:
        if topic not in self._channels:
            if kind not in self._schemas:
                definition = ros.STORE.generate_msgdef(kind, ros_version=2)[0]
                self._schemas[kind] = self._writer.register_schema(kind, "ros2msg", definition.encode())
            self._channels[topic] = self._writer.register_channel(
                topic, "cdr", self._schemas[kind], {"offered_qos_profiles": ""}
            )
        data = bytes(ros.STORE.serialize_cdr(message, kind))
        self._writer.add_message(self._channels[topic], self._time, data, self._time)


def _has_pose(obj: Object3D) -> bool:
    return obj.position is not None and obj.orientation is not None and obj.size is not None
