"""ROS messages to the package's own types and back. No algorithm, no node, no time: only meaning and units."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseWithCovarianceStamped
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import decode_color, decode_compressed_color, decode_compressed_depth, decode_depth
from spatial_llava_ros.geometry import quaternion_from_matrix
from spatial_llava_ros.msg import ReferredObject, SceneObject, StageTime
from spatial_llava_ros.nodes.frame_buffer import RawFrame
from spatial_llava_ros.types import Answer, CameraIntrinsics, Object3D, RgbdFrame, Status

STATUS_CODES = {status: getattr(ReferredObject, status.name) for status in Status}
STATUS_NAMES = {code: status for status, code in STATUS_CODES.items()}
METHOD_CODES = {
    "": ReferredObject.METHOD_NONE,
    "geometry": ReferredObject.METHOD_GEOMETRY,
    "marks": ReferredObject.METHOD_MARKS,
    "box": ReferredObject.METHOD_BOX,
}
METHOD_NAMES = {code: method for method, code in METHOD_CODES.items()}

# Beyond this, radial or tangential distortion moves a pixel at the border of a 60 degree picture by about 2 px.
NOTABLE_DISTORTION = 0.01


def nanoseconds(stamp: Time) -> int:
    """Nanoseconds of a builtin_interfaces/Time."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def time_message(stamp: int) -> Time:
    """builtin_interfaces/Time of nanoseconds."""
    return Time(sec=stamp // 1_000_000_000, nanosec=stamp % 1_000_000_000)


def intrinsics_of(info: CameraInfo, width: int, height: int) -> CameraIntrinsics:
    """Pinhole model of a picture of width x height, from K of its camera info.

    A picture that was resized on the way keeps its camera info in the size it was taken in (`binning` or a
    resizing node); K is scaled to it when the two have the same shape.

    Raises:
        InvalidInputError: an uncalibrated camera (K all zero), or a picture of another shape.
    """
    if info.k[0] == 0:
        raise InvalidInputError("camera_info has a zero focal length: the camera is not calibrated")
    known = (info.width, info.height) if info.width and info.height else (width, height)
    scale_x, scale_y = width / known[0], height / known[1]
    if abs(scale_x - scale_y) > 0.01 * scale_x:
        raise InvalidInputError(f"camera_info is for {known[0]}x{known[1]}, the picture is {width}x{height}")
    # Pixel centres are whole numbers: the picture's edge, which scaling keeps in place, lies at -0.5.
    return CameraIntrinsics(
        width=width,
        height=height,
        fx=info.k[0] * scale_x,
        fy=info.k[4] * scale_y,
        cx=(info.k[2] + 0.5) * scale_x - 0.5,
        cy=(info.k[5] + 0.5) * scale_y - 0.5,
    )


def decode_frame(raw: RawFrame, color_compressed: bool = False, depth_compressed: bool = False) -> RgbdFrame:
    """The picture, in metres and RGB, of a pair of serialized messages.

    Raises:
        InvalidInputError: an encoding, size or calibration that cannot be used; says which topic and what to do.
    """
    try:
        color = _color(raw.color.data, color_compressed)
    except InvalidInputError as error:
        raise InvalidInputError(f"colour picture: {error}") from error
    try:
        depth = _depth(raw.depth.data, depth_compressed)
    except InvalidInputError as error:
        raise InvalidInputError(f"depth picture: {error}") from error
    height, width = color.shape[:2]
    if depth.shape != (height, width):
        raise InvalidInputError(
            f"depth is {depth.shape[1]}x{depth.shape[0]} and colour {width}x{height}: publish depth aligned to colour "
            "(RealSense: align_depth.enable:=true; otherwise depth_image_proc register)"
        )
    info = _deserialize(raw.color_info.data, CameraInfo)
    frame_id, pose = raw.pose if raw.pose is not None else ("", None)
    return RgbdFrame(
        color=color,
        depth=depth,
        intrinsics=intrinsics_of(info, width, height),
        stamp=raw.stamp,
        frame_id=raw.color.frame_id,
        world_from_camera=pose,
        world_frame_id=frame_id,
    )


def calibration_warning(raw: RawFrame) -> str:
    """What is odd about the camera infos of a frame, in a line; empty when nothing is."""
    info = _deserialize(raw.color_info.data, CameraInfo)
    if len(info.d) and max(abs(v) for v in info.d[:4]) > NOTABLE_DISTORTION and info.distortion_model != "":
        return "colour has lens distortion, which is not removed here: remap rgb/image to the rectified topic"
    if raw.depth_info is not None:
        depth_info = _deserialize(raw.depth_info.data, CameraInfo)
        if depth_info.k[0] and (depth_info.width, depth_info.height) == (info.width, info.height):
            shift = max(abs(a - b) for a, b in zip(info.k, depth_info.k, strict=True))
            if shift > 2.0:
                return f"depth intrinsics differ from colour's by {shift:.1f} px: is depth aligned to colour?"
    return ""


def object_message(obj: Object3D | None) -> SceneObject:
    """SceneObject of an object; of None, the message that says "no object" (id 0, has_pose false)."""
    message = SceneObject()
    position, covariance = [math.nan] * 3, [math.nan] * 36
    if obj is not None:
        message.id = obj.id
        message.label = obj.label
        message.score = float(obj.score)
        message.box = np.asarray(obj.box, np.float32)
        message.visible = float(obj.visible)
        message.has_pose = obj.position is not None
    if obj is not None and obj.position is not None:
        position = [float(v) for v in obj.position]
        if obj.covariance is not None:
            covariance = obj.covariance.ravel()
        message.yaw_period = float(obj.yaw_period)
        _set_vector(message.size, obj.size)
        _set_vector(message.size_std, obj.size_std)
        if obj.orientation is not None:
            _set_quaternion(message.pose.pose.orientation, obj.orientation)
    _set_vector(message.pose.pose.position, position)
    message.pose.covariance = np.asarray(covariance, np.float64)
    return message


def answer_message(answer: Answer, stamp: int, frame_id: str, camera_frame_id: str) -> ReferredObject:
    """ReferredObject of an answer.

    Args:
        stamp: of the image, nanoseconds; 0 when there was none.
        frame_id: frame of the poses.
        camera_frame_id: optical frame of the image.
    """
    message = ReferredObject()
    message.header = Header(stamp=time_message(stamp), frame_id=frame_id)
    message.camera_frame_id = camera_frame_id
    message.query = answer.query
    message.status = STATUS_CODES[answer.status]
    message.explanation = answer.explanation
    message.object = object_message(answer.object)
    message.candidates = [object_message(c) for c in answer.candidates]
    message.none_score = float(answer.none)
    message.method = METHOD_CODES[answer.method]
    message.model = answer.model
    message.timings = [StageTime(stage=k, milliseconds=float(v)) for k, v in answer.timings_ms.items()]
    return message


def object_of(message: SceneObject, frame_id: str) -> Object3D:
    """The object that `object_message` was made from, in the frame of the message that carried it."""
    box = tuple(float(v) for v in message.box)
    bare = Object3D(message.id, message.label, float(message.score), box, frame_id, visible=float(message.visible))
    if not message.has_pose:
        return bare
    p, q, s, d = message.pose.pose.position, message.pose.pose.orientation, message.size, message.size_std
    return replace(
        bare,
        position=np.array([p.x, p.y, p.z]),
        orientation=np.array([q.x, q.y, q.z, q.w]),
        size=np.array([s.x, s.y, s.z]),
        covariance=np.asarray(message.pose.covariance, np.float64).reshape(6, 6),
        size_std=np.array([d.x, d.y, d.z]),
        yaw_period=float(message.yaw_period),
    )


def answer_of(message: ReferredObject) -> Answer:
    """The answer that `answer_message` was made from."""
    frame_id = message.header.frame_id
    return Answer(
        query=message.query,
        status=STATUS_NAMES[message.status],
        explanation=message.explanation,
        object=object_of(message.object, frame_id) if message.object.id else None,
        candidates=tuple(object_of(c, frame_id) for c in message.candidates),
        timings_ms={t.stage: float(t.milliseconds) for t in message.timings},
        method=METHOD_NAMES[message.method],
        model=message.model,
        none=float(message.none_score),
    )


def pose_message(message: ReferredObject) -> PoseWithCovarianceStamped:
    """The pose of an answer's object alone, in the form that robot software takes."""
    return PoseWithCovarianceStamped(header=message.header, pose=message.object.pose)


def pose_of(a_from_b: np.ndarray) -> Pose:
    """geometry_msgs/Pose of frame b in frame a, from a (4, 4) rigid transform."""
    message = Pose()
    _set_vector(message.position, a_from_b[:3, 3])
    _set_quaternion(message.orientation, quaternion_from_matrix(a_from_b[:3, :3]))
    return message


def detections_message(message: ReferredObject, objects: Iterable[SceneObject]):
    """vision_msgs/Detection3DArray of the objects that have a pose.

    Raises:
        ImportError: vision_msgs is not installed.
    """
    from vision_msgs.msg import Detection3D, Detection3DArray, ObjectHypothesisWithPose

    array = Detection3DArray(header=message.header)
    for obj in objects:
        if not obj.has_pose:
            continue
        hypothesis = ObjectHypothesisWithPose(pose=obj.pose)
        hypothesis.hypothesis.class_id = obj.label
        hypothesis.hypothesis.score = float(obj.score)
        detection = Detection3D(header=message.header, results=[hypothesis], id=str(obj.id))
        detection.bbox.center = obj.pose.pose
        detection.bbox.size = obj.size
        array.detections.append(detection)
    return array


def image_message(picture: np.ndarray, header: Header) -> Image:
    """sensor_msgs/Image of (H, W, 3) uint8 RGB (rgb8), (H, W) float32 metres (32FC1) or (H, W) uint16 (16UC1)."""
    encoding = {np.dtype(np.uint8): "rgb8", np.dtype(np.float32): "32FC1", np.dtype(np.uint16): "16UC1"}[picture.dtype]
    picture = np.ascontiguousarray(picture)
    message = Image(header=header, height=picture.shape[0], width=picture.shape[1], encoding=encoding)
    message.step = picture.strides[0]
    message.is_bigendian = 0
    # The setter checks every element of anything but an array.array; filling the one that is there copies once.
    message.data.frombytes(picture.data.cast("B"))
    return message


def camera_info_message(intrinsics: CameraIntrinsics, header: Header) -> CameraInfo:
    """sensor_msgs/CameraInfo of a rectified pinhole camera."""
    info = CameraInfo(header=header, width=intrinsics.width, height=intrinsics.height, distortion_model="plumb_bob")
    fx, fy, cx, cy = (float(v) for v in (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy))
    info.d = [0.0] * 5
    info.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def _color(data: bytes, compressed: bool) -> np.ndarray:
    if compressed:
        return decode_compressed_color(memoryview(_deserialize(data, CompressedImage).data))
    m = _deserialize(data, Image)
    return decode_color(memoryview(m.data), m.encoding, m.height, m.width, m.step, bool(m.is_bigendian))


def _depth(data: bytes, compressed: bool) -> np.ndarray:
    if compressed:
        m = _deserialize(data, CompressedImage)
        return decode_compressed_depth(memoryview(m.data), m.format)
    m = _deserialize(data, Image)
    return decode_depth(memoryview(m.data), m.encoding, m.height, m.width, m.step, bool(m.is_bigendian))


def _deserialize(data: bytes, kind: type):
    try:
        return deserialize_message(data, kind)
    except Exception as error:  # rclpy raises whatever the middleware reports
        raise InvalidInputError(f"not a {kind.__name__} message: {error}") from error


def _set_vector(message, values) -> None:
    if values is not None:
        message.x, message.y, message.z = (float(v) for v in values)


def _set_quaternion(message, values) -> None:
    message.x, message.y, message.z, message.w = (float(v) for v in values)
