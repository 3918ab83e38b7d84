from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo
from spatial_llava_ros.msg import ReferredObject
from std_msgs.msg import Header

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.geometry import matrix_from_quaternion, project, quaternion_from_matrix
from spatial_llava_ros.nodes import messages
from spatial_llava_ros.nodes.frame_buffer import RawFrame, RawMessage, read_header
from spatial_llava_ros.types import Answer, CameraIntrinsics, Object3D, Status, answer_as_dict


def raw(message) -> RawMessage:
    data = bytes(serialize_message(message))
    return RawMessage(data, *read_header(data), 0.0)


def raw_frame(frame, **changes) -> RawFrame:
    header = Header(stamp=messages.time_message(frame.stamp), frame_id=frame.frame_id)
    parts = {
        "color": messages.image_message(frame.color, header),
        "depth": messages.image_message(frame.depth, header),
        "info": messages.camera_info_message(frame.intrinsics, header),
    } | changes
    return RawFrame(raw(parts["color"]), raw(parts["depth"]), raw(parts["info"]), None)


def an_object(**changes) -> Object3D:
    rng = np.random.default_rng(5)
    spread = rng.normal(size=(6, 6))
    values = {
        "id": 7, "label": "mug", "score": 0.5, "box": (10.0, 20.0, 30.0, 40.0), "frame_id": "map",
        "position": rng.normal(size=3), "orientation": np.array([0, 0, 0.6, 0.8]), "size": np.array([0.1, 0.2, 0.3]),
        "covariance": spread @ spread.T, "size_std": np.array([0.01, 0.02, 0.03]), "yaw_period": 1.5, "visible": 0.75,
    }  # fmt: skip
    return Object3D(**values | changes)


def test_every_status_has_its_own_code():
    codes = list(messages.STATUS_CODES.values())
    assert len(set(codes)) == len(codes) == len(Status)
    assert ReferredObject.UNKNOWN not in codes


@pytest.mark.parametrize(
    "obj", [an_object(), None, an_object(position=None, orientation=None, size=None, covariance=None)]
)
def test_an_answer_survives_the_message(obj):
    answer = Answer("the mug", Status.FOUND, "why", obj, (an_object(id=9, label="cup"),), {"lift": 1.5})
    message = messages.answer_message(answer, 1_700_000_000_123_456_789, "map", "camera")
    assert messages.nanoseconds(message.header.stamp) == 1_700_000_000_123_456_789
    assert message.object.has_pose == (obj is not None and obj.position is not None)
    assert message.camera_frame_id == "camera"
    assert np.isnan(message.object.pose.covariance).all() != message.object.has_pose
    assert answer_as_dict(messages.answer_of(message)) == answer_as_dict(answer)


@pytest.mark.parametrize("millimetres", [False, True])
def test_a_frame_survives_the_messages(small_frame, millimetres):
    changes = {}
    if millimetres:
        depth = np.nan_to_num(small_frame.depth * 1000, nan=0.0).astype(np.uint16)
        changes["depth"] = messages.image_message(depth, Header())
    frame = messages.decode_frame(raw_frame(small_frame, **changes))
    np.testing.assert_array_equal(frame.color, small_frame.color)
    np.testing.assert_allclose(frame.depth, small_frame.depth, atol=1e-6)
    assert frame.intrinsics == small_frame.intrinsics
    assert (frame.stamp, frame.frame_id) == (small_frame.stamp, small_frame.frame_id)


def test_what_cannot_be_used_is_said(small_frame):
    header = Header()
    small = messages.image_message(small_frame.depth[:24], header)
    with pytest.raises(InvalidInputError, match=r"depth is 64x24 and colour 64x48.*aligned"):
        messages.decode_frame(raw_frame(small_frame, depth=small))
    odd = messages.image_message(small_frame.depth, header)
    odd.encoding = "mono8"
    with pytest.raises(InvalidInputError, match=r"depth picture: .*mono8"):
        messages.decode_frame(raw_frame(small_frame, depth=odd))
    with pytest.raises(InvalidInputError, match="not calibrated"):
        messages.decode_frame(raw_frame(small_frame, info=CameraInfo(width=64, height=48)))
    cut = messages.image_message(small_frame.color, header)
    cut.height = 4800
    with pytest.raises(InvalidInputError, match="colour picture"):
        messages.decode_frame(raw_frame(small_frame, color=cut))


@given(factor=st.sampled_from([0.25, 0.5, 2.0, 3.0]), u=st.floats(-0.5, 639.5), v=st.floats(-0.5, 479.5))
def test_intrinsics_follow_a_picture_that_was_resized(factor, u, v):
    full = CameraIntrinsics(640, 480, 600.0, 610.0, 310.0, 250.0)
    info = messages.camera_info_message(full, Header())
    scaled = messages.intrinsics_of(info, round(640 * factor), round(480 * factor))
    point = np.array([(u - full.cx) / full.fx, (v - full.cy) / full.fy, 1.0])
    # The picture's edge is at -0.5 before and after.
    np.testing.assert_allclose(project(point, scaled), (np.array([u, v]) + 0.5) * factor - 0.5, atol=1e-6)


def test_intrinsics_of_another_shape_are_refused():
    info = messages.camera_info_message(CameraIntrinsics(640, 480, 600.0, 610.0, 310.0, 250.0), Header())
    with pytest.raises(InvalidInputError, match="640x480, the picture is 640x360"):
        messages.intrinsics_of(info, 640, 360)


def test_lens_distortion_is_noticed(small_frame):
    info = messages.camera_info_message(small_frame.intrinsics, Header())
    assert messages.calibration_warning(raw_frame(small_frame)) == ""
    info.d = [0.2, -0.1, 0.0, 0.0, 0.0]
    assert "distortion" in messages.calibration_warning(raw_frame(small_frame, info=info))


def test_quaternion_helpers_agree_with_the_messages():
    rotation = matrix_from_quaternion(np.array([0.1, 0.2, 0.3, 0.9]))
    message = messages.object_message(an_object(orientation=quaternion_from_matrix(rotation)))
    back = messages.object_of(message, "map")
    np.testing.assert_allclose(matrix_from_quaternion(back.orientation), rotation, atol=1e-12)
