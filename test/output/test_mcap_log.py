from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.output import ros_messages as ros
from spatial_llava_ros.output.mcap_log import McapWriter
from spatial_llava_ros.types import Answer, Object3D, Status, answer_as_dict

POSE = np.array([[0, 0, 1, 1.5], [-1, 0, 0, -0.2], [0, -1, 0, 0.9], [0, 0, 0, 1.0]])


def thing(number: int = 1, **changes: object) -> Object3D:
    obj = Object3D(
        number,
        "mug",
        0.87,
        (24.0, 16.0, 44.0, 32.0),
        "camera_color_optical_frame",
        np.array([0.02, 0.0, 0.55]),
        np.array([0.0, 0.0, 0.0, 1.0]),
        np.array([0.16, 0.13, 0.1]),
        np.diag([1e-5] * 6),
    )
    return replace(obj, **changes)


def answer(**changes: object) -> Answer:
    return replace(Answer("the red mug", Status.FOUND, "only one", thing(), (), {"total": 12.0}), **changes)


def recorded(path) -> list:
    with AnyReader([path]) as reader:
        return [(c.topic, time, reader.deserialize(raw, c.msgtype)) for c, time, raw in reader.messages()]


def test_frames_come_back_bit_for_bit(tmp_path, small_frame):
    finer = replace(small_frame, depth=(small_frame.depth * np.float32(0.77777)), stamp=small_frame.stamp + 33_000_000)
    posed = replace(finer, world_from_camera=POSE, world_frame_id="map", stamp=finer.stamp + 1_000_000_000)
    path = tmp_path / "log.mcap"
    with McapWriter(path) as log:
        for frame in (small_frame, finer, posed):
            log.write_frame(frame)
            log.write_answer(frame, answer())
    with pytest.raises(InvalidInputError, match=r"/rgb/image \(rgb8, 64x48\) is not a depth topic"):
        open_source(path, depth="/rgb/image")
    source = open_source(path)
    frames = list(source)
    assert (source.color.name, source.depth.name) == ("/rgb/image", "/depth/image")
    for frame, expected in zip(frames, (small_frame, finer, posed), strict=True):
        np.testing.assert_array_equal(frame.color, expected.color)
        np.testing.assert_array_equal(frame.depth, expected.depth)
        assert (frame.intrinsics, frame.stamp, frame.frame_id) == (
            expected.intrinsics,
            expected.stamp,
            expected.frame_id,
        )
    assert frames[0].world_from_camera is None
    np.testing.assert_allclose(frames[2].world_from_camera, POSE, atol=1e-12)
    assert frames[2].world_frame_id == "map"


def test_whole_millimetres_take_half_the_room(tmp_path, small_frame):
    with McapWriter(tmp_path / "log.mcap") as log:
        log.write_frame(small_frame)
        log.write_frame(replace(small_frame, depth=small_frame.depth * np.float32(0.7777)))
    encodings = [m.encoding for topic, _, m in recorded(tmp_path / "log.mcap") if topic == "/depth/image"]
    assert encodings == ["16UC1", "32FC1"]


def test_answers_are_recorded_as_json_pose_and_markers(tmp_path, small_frame):
    unsure = answer(status=Status.AMBIGUOUS, object=None, candidates=(thing(1), thing(2, score=0.5)))
    unseen = answer(status=Status.NO_DEPTH, object=thing(position=None, orientation=None, size=None, covariance=None))
    with McapWriter(tmp_path / "log.mcap") as log:
        for given in (answer(), unsure, unseen):
            log.write_answer(small_frame, given)  # the frame comes along by itself, once
    messages = recorded(tmp_path / "log.mcap")
    assert all(time == small_frame.stamp for _, time, _ in messages)
    by_topic = {}
    for topic, _, message in messages:
        by_topic.setdefault(topic, []).append(message)
    assert len(by_topic["/rgb/image"]) == 1
    assert [json.loads(m.data) for m in by_topic["/answer"]] == [answer_as_dict(a) for a in (answer(), unsure, unseen)]
    (pose,) = by_topic["/referred_pose"]
    assert (pose.pose.pose.position.z, pose.pose.covariance[0]) == (0.55, 1e-5)
    markers = [[(m.ns, m.id, m.text) for m in array.markers] for array in by_topic["/markers"]]
    assert markers == [
        [("", 0, ""), ("box", 0, ""), ("label", 0, "mug 0.87")],
        [("", 0, ""), ("box", 0, ""), ("label", 0, "1 mug"), ("box", 1, ""), ("label", 1, "2 mug")],
        [("", 0, "")],
    ]
    assert all(array.markers[0].action == 3 for array in by_topic["/markers"])  # delete what was shown before
    cube = by_topic["/markers"][0].markers[1]
    assert (cube.scale.x, cube.scale.y, cube.scale.z) == (0.16, 0.13, 0.1)


def test_answers_come_back_with_their_times_and_what_is_none_is_left_out(tmp_path, small_frame):
    path = tmp_path / "log.mcap"
    later = replace(small_frame, stamp=small_frame.stamp + 10**9)
    with McapWriter(path) as log:
        log.write_answer(small_frame, answer())
        log._write("/answer", "std_msgs/msg/String", ros.text("not JSON"))
        log._write("/answer", "std_msgs/msg/String", ros.text('["a list"]'))
        log.write_answer(later, answer(query="the blue mug"))
    said = open_source(path).answers()
    assert [(time, record["query"]) for time, record in said] == [
        (small_frame.stamp, "the red mug"),
        (later.stamp, "the blue mug"),
    ]
    assert said[0][1] == answer_as_dict(answer())


def test_the_cloud_is_the_measured_pixels_with_their_colours(tmp_path, small_frame):
    with McapWriter(tmp_path / "log.mcap") as log:
        log.write_frame(small_frame)
    cloud = next(m for topic, _, m in recorded(tmp_path / "log.mcap") if topic == "/points")
    values = cloud.data.view(np.float32).reshape(-1, 4)
    assert cloud.width == len(values) == 64 * 48 - 1  # one pixel is unmeasured
    red = values[:, 2] == 0.5
    assert red.sum() == 16 * 20
    assert (values[red, 3].view(np.uint32) == 200 << 16 | 30 << 8 | 30).all()
    np.testing.assert_allclose(values[red, 0].mean(), 0.5 * (33.5 - 31.5) / 60, atol=1e-6)


def test_frames_without_a_clock_follow_one_another(tmp_path, small_frame):
    still = replace(small_frame, stamp=0)
    with McapWriter(tmp_path / "log.mcap") as log:
        log.write_frame(still)
        log.write_frame(replace(still))
    assert [f.stamp for f in open_source(tmp_path / "log.mcap")] == [100_000_000, 200_000_000]


def test_the_file_says_what_ros_and_foxglove_need(tmp_path, small_frame):
    with McapWriter(tmp_path / "log.mcap") as log:
        log.write_answer(small_frame, answer())
    with (tmp_path / "log.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
        assert {c.message_encoding for c in summary.channels.values()} == {"cdr"}
        assert {s.encoding for s in summary.schemas.values()} == {"ros2msg"}
        assert len(list(reader.iter_messages())) == summary.statistics.message_count


def test_what_was_recorded_before_an_error_can_be_read(tmp_path, small_frame):
    with pytest.raises(RuntimeError), McapWriter(tmp_path / "log.mcap") as log:
        log.write_frame(small_frame)
        raise RuntimeError
    assert len(open_source(tmp_path / "log.mcap")) == 1


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"log\.mcap: cannot be written"):
        McapWriter(tmp_path / "nowhere" / "log.mcap")
