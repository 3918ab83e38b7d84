"""ROS 2 messages of frames and answers for recordings, made with the `rosbags` type store: no ROS needed.

Each function gives one message object whose fields are those of the ROS definition it names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from spatial_llava_ros.frames.depth import millimetres_if_exact
from spatial_llava_ros.geometry import back_project, quaternion_from_matrix
from spatial_llava_ros.types import Object3D, RgbdFrame

STORE = get_typestore(Stores.ROS2_HUMBLE)  # the oldest distribution supported; newer ones read its messages

_T: dict[str, Any] = STORE.types
_MARKER = "visualization_msgs/msg/Marker"
_MAX_CLOUD_POINTS = 80_000


def _new(kind: str, /, **fields: Any) -> Any:
    return _T[kind](**fields)


def header(stamp: int, frame_id: str) -> Any:
    """std_msgs/Header of a stamp in nanoseconds."""
    return _new("std_msgs/msg/Header", stamp=time(stamp), frame_id=frame_id)


def time(stamp: int) -> Any:
    """builtin_interfaces/Time of nanoseconds."""
    return _new("builtin_interfaces/msg/Time", sec=stamp // 1_000_000_000, nanosec=stamp % 1_000_000_000)


def image(array: np.ndarray, encoding: str, head: Any) -> Any:
    """sensor_msgs/Image of an array (H, W) or (H, W, C)."""
    array = np.ascontiguousarray(array)
    return _new(
        "sensor_msgs/msg/Image",
        header=head,
        height=array.shape[0],
        width=array.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=array.strides[0],
        data=array.view(np.uint8).reshape(-1),
    )


def depth_image(depth: np.ndarray, head: Any) -> Any:
    """sensor_msgs/Image of depth (H, W) float32 metres: 16UC1 where whole millimetres say all of it, else 32FC1.

    Either way what is read back equals what was given, bit for bit.
    """
    millimetres = millimetres_if_exact(depth)
    if millimetres is not None:
        return image(millimetres, "16UC1", head)
    return image(depth, "32FC1", head)


def compressed_image(data: bytes, format: str, head: Any) -> Any:
    """sensor_msgs/CompressedImage."""
    return _new("sensor_msgs/msg/CompressedImage", header=head, format=format, data=np.frombuffer(data, np.uint8))


def camera_info(frame: RgbdFrame, head: Any) -> Any:
    """sensor_msgs/CameraInfo of the frame's pinhole camera, without distortion."""
    i = frame.intrinsics
    roi = _new("sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return _new(
        "sensor_msgs/msg/CameraInfo",
        header=head,
        height=i.height,
        width=i.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array([i.fx, 0, i.cx, 0, i.fy, i.cy, 0, 0, 1]),
        r=np.eye(3).ravel(),
        p=np.array([i.fx, 0, i.cx, 0, 0, i.fy, i.cy, 0, 0, 0, 1, 0]),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def point_cloud(frame: RgbdFrame, head: Any) -> Any:
    """sensor_msgs/PointCloud2 with x, y, z and rgb of the measured pixels, thinned to at most 80,000."""
    step = max(1, int(np.ceil(np.sqrt(frame.depth.size / _MAX_CLOUD_POINTS))))
    points = back_project(frame.depth, frame.intrinsics)[::step, ::step]
    seen = np.isfinite(points[..., 2])
    color = frame.color[::step, ::step][seen].astype(np.uint32)
    cloud = np.empty((int(seen.sum()), 4), np.float32)
    cloud[:, :3] = points[seen]
    cloud[:, 3] = (color[:, 0] << 16 | color[:, 1] << 8 | color[:, 2]).view(np.float32)
    field = "sensor_msgs/msg/PointField"
    fields = [_new(field, name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate(("x", "y", "z", "rgb"))]
    return _new(
        "sensor_msgs/msg/PointCloud2",
        header=head,
        height=1,
        width=len(cloud),
        fields=fields,
        is_bigendian=False,
        point_step=16,
        row_step=16 * len(cloud),
        data=cloud.view(np.uint8).reshape(-1),
        is_dense=True,
    )


def transforms(world_from_camera: np.ndarray, camera_frame: str, head: Any) -> Any:
    """tf2_msgs/TFMessage with the camera's pose in the frame of `head`."""
    q = quaternion_from_matrix(world_from_camera[:3, :3])
    transform = _new(
        "geometry_msgs/msg/Transform",
        translation=_vector(world_from_camera[:3, 3]),
        rotation=_quaternion(q),
    )
    stamped = _new("geometry_msgs/msg/TransformStamped", header=head, child_frame_id=camera_frame, transform=transform)
    return _new("tf2_msgs/msg/TFMessage", transforms=[stamped])


def pose_with_covariance(obj: Object3D, head: Any) -> Any:
    """geometry_msgs/PoseWithCovarianceStamped of an object that has a pose."""
    covariance = np.zeros(36) if obj.covariance is None else np.asarray(obj.covariance, np.float64).ravel()
    pose = _new("geometry_msgs/msg/PoseWithCovariance", pose=_pose(obj), covariance=covariance)
    return _new("geometry_msgs/msg/PoseWithCovarianceStamped", header=head, pose=pose)


def text(data: str) -> Any:
    """std_msgs/String."""
    return _new("std_msgs/msg/String", data=data)


def markers(objects: list[tuple[Object3D, str, tuple[float, float, float]]], stamp: int) -> Any:
    """visualization_msgs/MarkerArray that clears what was shown and shows each object's box and its label.

    Args:
        objects: (object with a pose, what to write over it, red-green-blue 0..1).
    """
    shown = [_marker("", 0, 3, header(stamp, objects[0][0].frame_id if objects else ""), None)]  # 3: delete all
    for number, (obj, label, color) in enumerate(objects):
        head = header(stamp, obj.frame_id)
        shown.append(_marker("box", number, 0, head, obj, 1, (*color, 0.45)))  # 1: cube
        shown.append(_marker("label", number, 0, head, obj, 9, (*color, 1.0), label))  # 9: text facing the viewer
    return _new("visualization_msgs/msg/MarkerArray", markers=shown)


def _marker(
    namespace: str,
    number: int,
    action: int,
    head: Any,
    obj: Object3D | None,
    kind: int = 1,
    color: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
    label: str = "",
) -> Any:
    scale = np.ones(3) if obj is None else obj.size if kind == 1 else np.full(3, 0.04)
    values = {
        "header": head,
        "ns": namespace,
        "id": number,
        "type": kind,
        "action": action,
        "pose": _pose(obj),
        "scale": _vector(scale),
        "color": _new("std_msgs/msg/ColorRGBA", **dict(zip("rgba", color, strict=True))),
        "lifetime": _new("builtin_interfaces/msg/Duration", sec=0, nanosec=0),
        "frame_locked": False,
        "points": [],
        "colors": [],
        "texture_resource": "",
        "texture": compressed_image(b"", "", header(0, "")),
        "uv_coordinates": [],
        "text": label,
        "mesh_resource": "",
        "mesh_file": _new("visualization_msgs/msg/MeshFile", filename="", data=np.zeros(0, np.uint8)),
        "mesh_use_embedded_materials": False,
    }
    return _new(_MARKER, **values)


def _pose(obj: Object3D | None) -> Any:
    position = np.zeros(3) if obj is None else obj.position
    orientation = np.array([0.0, 0, 0, 1]) if obj is None else obj.orientation
    x, y, z = (float(v) for v in position)
    point = _new("geometry_msgs/msg/Point", x=x, y=y, z=z)
    return _new("geometry_msgs/msg/Pose", position=point, orientation=_quaternion(orientation))


def _vector(values: np.ndarray) -> Any:
    x, y, z = (float(v) for v in values)
    return _new("geometry_msgs/msg/Vector3", x=x, y=y, z=z)


def _quaternion(values: np.ndarray) -> Any:
    x, y, z, w = (float(v) for v in values)
    return _new("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)
