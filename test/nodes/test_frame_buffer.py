from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from spatial_llava_ros.errors import InvalidInputError, SpatialLlavaError
from spatial_llava_ros.nodes.frame_buffer import FrameBuffer, read_header
from spatial_llava_ros.nodes.messages import time_message

MS = 1_000_000
TOPICS = {"color": "/rgb/image", "depth": "/depth/image", "color_info": "/rgb/camera_info", "depth_info": "/d/info"}


def message(stamp_ms: float, frame_id: str = "cam", kind: type = Image) -> bytes:
    return bytes(serialize_message(kind(header=Header(stamp=time_message(int(stamp_ms * MS)), frame_id=frame_id))))


def feed(buffer: FrameBuffer, colors: list[float], depths: list[float]) -> None:
    buffer.add("color_info", message(0, kind=CameraInfo))
    events = sorted([(t, "color") for t in colors] + [(t, "depth") for t in depths])
    for t, stream in events:
        buffer.add(stream, message(t))


@given(
    sec=st.integers(0, 2**31 - 1),
    nanosec=st.integers(0, 999_999_999),
    frame_id=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
    kind=st.sampled_from([Image, CameraInfo, CompressedImage]),
)
def test_header_is_read_as_the_middleware_wrote_it(sec, nanosec, frame_id, kind):
    header = Header(frame_id=frame_id)
    header.stamp.sec, header.stamp.nanosec = sec, nanosec
    assert read_header(bytes(serialize_message(kind(header=header)))) == (sec * 10**9 + nanosec, frame_id)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_header_or_a_clear_error(data):
    try:
        stamp, frame_id = read_header(data)
    except InvalidInputError:
        return
    assert isinstance(stamp, int) and isinstance(frame_id, str)


@pytest.mark.parametrize("offset", [0.0, 4.0, -4.0, 15.0])
def test_depth_that_belongs_to_the_picture_is_paired(offset):
    buffer = FrameBuffer()
    stamps = [1000 + 33.0 * k for k in range(10)]
    feed(buffer, stamps, [t + offset for t in stamps])
    frame = buffer.latest()
    assert frame.offset_ns == pytest.approx(offset * MS, abs=2)
    assert frame.stamp == stamps[-1] * MS
    assert buffer.pairs == len(stamps)


def test_newest_pair_wins_and_arrival_order_does_not_matter():
    buffer = FrameBuffer()
    buffer.add("color_info", message(0, kind=CameraInfo))
    for t in (100, 133, 166):
        buffer.add("depth", message(t))
    for t in (100, 133, 166):
        buffer.add("color", message(t))
    assert buffer.latest().stamp == 166 * MS
    assert buffer.latest().offset_ns == 0


def test_pictures_without_depth_of_the_same_time_are_not_paired():
    buffer = FrameBuffer(tolerance_s=0.005)
    stamps = [1000 + 33.0 * k for k in range(10)]
    feed(buffer, stamps, [t + 16 for t in stamps])
    assert buffer.latest() is None
    why = buffer.why_not(TOPICS, {})
    assert "stamps are" in why and "5.0 ms" in why


def test_slow_depth_is_paired_with_the_picture_of_its_time():
    buffer = FrameBuffer()
    colors = [1000 + 33.0 * k for k in range(31)]
    feed(buffer, colors, colors[::5])
    assert buffer.latest().offset_ns == 0
    assert buffer.latest().stamp == colors[30] * MS


def test_clock_that_is_set_back_starts_afresh():
    told = []
    buffer = FrameBuffer(on_clock_set_back=lambda: told.append(1))
    feed(buffer, [50_000, 50_033], [50_000, 50_033])
    assert buffer.latest().stamp == 50_033 * MS and not told
    feed(buffer, [1_000, 1_033], [1_000, 1_033])
    assert buffer.latest().stamp == 1_033 * MS and told


def test_pose_that_comes_late_is_waited_for():
    known: dict[int, np.ndarray] = {}

    def pose_at(frame_id, stamp):
        if stamp not in known:
            raise SpatialLlavaError(f"{frame_id} is not known yet")
        return "map", known[stamp]

    buffer = FrameBuffer(pose_at)
    feed(buffer, [1000, 1033], [1000, 1033])
    frame = buffer.latest()
    assert frame.pose is None and "not known yet" in frame.pose_error
    assert buffer.resolve_pose(frame, 0.02).pose is None
    known[1033 * MS] = np.eye(4)
    resolved = buffer.resolve_pose(frame, 0.5)
    assert resolved.pose[0] == "map" and resolved.pose_error == ""


@pytest.mark.parametrize(
    ("sent", "publishers", "expected"),
    [
        ((), {}, ["/rgb/image has no publisher", "/depth/image has no publisher", "/rgb/camera_info has no publisher"]),
        (("color", "color_info"), {"depth": 0}, ["/depth/image has no publisher"]),
        (("color", "depth"), {"color_info": 1}, ["/rgb/camera_info has 1 publisher(s) but no message"]),
    ],
)
def test_what_is_missing_is_named(sent, publishers, expected):
    buffer = FrameBuffer()
    for stream in sent:
        buffer.add(stream, message(1000))
    why = buffer.why_not(TOPICS, publishers)
    assert why.count(";") == len(expected) - 1
    for part in expected:
        assert part in why


def test_rejected_messages_are_told_and_do_no_harm():
    buffer = FrameBuffer()
    buffer.add("color", b"\x00\x01")
    assert "too short" in buffer.why_not(TOPICS, {"color": 1})
    feed(buffer, [1000], [1000])
    assert buffer.latest() is not None


def test_wait_gives_up_in_time_and_wakes_for_a_frame():
    buffer = FrameBuffer()
    assert buffer.wait(0.05, lambda frame: True) is None
    feed(buffer, [1000], [1000])
    assert buffer.wait(0.0, lambda frame: True).stamp == 1000 * MS
    assert buffer.wait(0.05, lambda frame: False) is None
