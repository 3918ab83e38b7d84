"""Small rosbag2 recordings for tests, written with `rosbags`."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from spatial_llava_ros.output import ros_messages as ros
from spatial_llava_ros.types import RgbdFrame

START = 1_700_000_000_000_000_000
PERIOD = 33_333_333
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
INFO, TF = "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage"

Message = tuple[int, str, str, Any]  # bag time, topic, type, message


def write_bag(path: Path, messages: list[Message], mcap: bool = True) -> Path:
    """A bag folder with these messages, in order of bag time."""
    plugin = StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        connections: dict[str, Any] = {}
        for time, topic, kind, message in sorted(messages, key=lambda m: m[0]):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ros.STORE)
            writer.write(connections[topic], time, ros.STORE.serialize_cdr(message, kind))
    return path


def color(frame: RgbdFrame, topic: str, stamp: int, frame_id: str = "optical", compressed: bool = False) -> Message:
    """The colour picture as bgr8, or as PNG."""
    head = ros.header(stamp, frame_id)
    bgr = frame.color[..., ::-1]
    if compressed:
        png = cv2.imencode(".png", bgr)[1].tobytes()
        return stamp, topic, COMPRESSED, ros.compressed_image(png, "bgr8; png compressed bgr8", head)
    return stamp, topic, IMAGE, ros.image(bgr, "bgr8", head)


def depth(frame: RgbdFrame, topic: str, stamp: int, frame_id: str = "optical", compressed: bool = False) -> Message:
    """The depth as 16UC1, or as compressedDepth PNG."""
    head = ros.header(stamp, frame_id)
    raw = np.nan_to_num(np.rint(frame.depth * 1000)).astype(np.uint16)
    if compressed:
        data = struct.pack("<iff", 1, 0, 0) + cv2.imencode(".png", raw)[1].tobytes()
        return stamp, topic, COMPRESSED, ros.compressed_image(data, "16UC1; compressedDepth png", head)
    return stamp, topic, IMAGE, ros.image(raw, "16UC1", head)


def info(frame: RgbdFrame, topic: str, stamp: int, frame_id: str = "optical", **changes: Any) -> Message:
    """The calibration; `changes` replaces fields."""
    message = ros.camera_info(frame, ros.header(stamp, frame_id))
    for name, value in changes.items():
        object.__setattr__(message, name, value)
    return stamp, topic, INFO, message


def tf(matrix: np.ndarray, parent: str, child: str, stamp: int, static: bool = False) -> Message:
    """parent_from_child on /tf or /tf_static."""
    return stamp, "/tf_static" if static else "/tf", TF, ros.transforms(matrix, child, ros.header(stamp, parent))


def realsense(frame: RgbdFrame, count: int = 4, compressed: bool = False, depth_lag: int = 0) -> list[Message]:
    """What a RealSense records with align_depth: colour, aligned and unaligned depth, an infrared picture."""
    base = "/camera/camera"
    half = RgbdFrame(
        np.ascontiguousarray(frame.color[::2, ::2]), np.ascontiguousarray(frame.depth[::2, ::2]), _half(frame)
    )
    messages = []
    for stamp in range(START, START + count * PERIOD, PERIOD):
        suffix = ("/compressed", "/compressedDepth") if compressed else ("", "")
        messages += [
            color(frame, f"{base}/color/image_raw{suffix[0]}", stamp, "color_optical", compressed),
            info(frame, f"{base}/color/camera_info", stamp, "color_optical"),
            depth(
                frame,
                f"{base}/aligned_depth_to_color/image_raw{suffix[1]}",
                stamp + depth_lag,
                "color_optical",
                compressed,
            ),
            info(frame, f"{base}/aligned_depth_to_color/camera_info", stamp, "color_optical"),
            depth(half, f"{base}/depth/image_rect_raw", stamp, "depth_optical"),
            info(half, f"{base}/depth/camera_info", stamp, "depth_optical"),
            (
                stamp,
                f"{base}/infra1/image_rect_raw",
                IMAGE,
                ros.image(frame.color[..., 0], "mono8", ros.header(stamp, "depth_optical")),
            ),
        ]
    return messages


def _half(frame: RgbdFrame) -> Any:
    i = frame.intrinsics
    return type(i)(i.width // 2, i.height // 2, i.fx / 2, i.fy / 2, i.cx / 2, i.cy / 2)
