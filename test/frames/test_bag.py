from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.geometry import transform_matrix
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

from . import bags

HALF = np.sqrt(0.5)


def same(frame: RgbdFrame, expected: RgbdFrame) -> None:
    np.testing.assert_array_equal(frame.color, expected.color)
    np.testing.assert_array_equal(frame.depth, expected.depth)
    assert frame.intrinsics == expected.intrinsics


@pytest.mark.parametrize("mcap", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_realsense_topics_are_found_among_the_others(tmp_path, small_frame, mcap, compressed):
    path = bags.write_bag(tmp_path / "bag", bags.realsense(small_frame, compressed=compressed), mcap)
    file = next(f for f in path.iterdir() if f.suffix in (".mcap", ".db3"))
    for spec in (path, file):
        source = open_source(spec)
        assert source.color.name.startswith("/camera/camera/color/image_raw")
        assert source.depth.name.startswith("/camera/camera/aligned_depth_to_color/image_raw")
        assert source.info_topic == "/camera/camera/color/camera_info"
        frames = list(source)
        assert [f.stamp for f in frames] == [bags.START + i * bags.PERIOD for i in range(4)]
        for frame in frames:
            same(frame, small_frame)
            assert frame.frame_id == "color_optical" and frame.world_from_camera is None


def test_frames_by_number(tmp_path, small_frame):
    source = open_source(bags.write_bag(tmp_path / "bag", bags.realsense(small_frame, 5)))
    assert len(source) == 5
    assert source[3].stamp == bags.START + 3 * bags.PERIOD
    assert source[-1].stamp == bags.START + 4 * bags.PERIOD
    for index in (0, 1, 3, 3, 2, 4, 0):
        assert source[index].stamp == bags.START + index * bags.PERIOD
    for index in (5, -6):
        with pytest.raises(IndexError):
            source[index]


@pytest.mark.parametrize(
    ("color", "depth", "info"),
    [
        ("/zed/zed_node/rgb/image_rect_color", "/zed/zed_node/depth/depth_registered", "/zed/zed_node/rgb/camera_info"),
        ("/oak/rgb/image_raw", "/oak/stereo/image_raw", "/oak/rgb/camera_info"),
        ("/camera/color/image_raw", "/camera/depth/image_raw", "/camera/color/camera_info"),  # Orbbec
        ("/camera/rgb/image_color", "/camera/depth_registered/image", "/camera/rgb/camera_info"),  # Kinect
        ("/rgb/image", "/depth/image", "/rgb/camera_info"),  # our own
        ("/rgbd/image", "/rgbd/depth_image", "/rgbd/camera_info"),  # Gazebo
    ],
)
def test_names_of_other_drivers(tmp_path, small_frame, color, depth, info):
    messages = [
        bags.color(small_frame, color, bags.START),
        bags.color(small_frame, "/debug/image", bags.START),
        bags.depth(small_frame, depth, bags.START),
        bags.info(small_frame, info, bags.START),
        bags.info(small_frame, "/aux/camera_info", bags.START),
    ]
    source = open_source(bags.write_bag(tmp_path / "bag", messages))
    assert (source.color.name, source.depth.name, source.info_topic) == (color, depth, info)


def test_two_cameras_are_not_mixed_and_topics_can_be_given(tmp_path, small_frame):
    messages = []
    for camera in ("left_arm", "right_arm"):
        messages += [
            bags.color(small_frame, f"/{camera}/rgb/image_raw", bags.START, camera),
            bags.depth(small_frame, f"/{camera}/depth/image_raw", bags.START, camera),
            bags.info(small_frame, f"/{camera}/rgb/camera_info", bags.START, camera),
        ]
    path = bags.write_bag(tmp_path / "bag", messages)
    source = open_source(path)
    assert source.color.name.split("/")[1] == source.depth.name.split("/")[1] == source.info_topic.split("/")[1]
    source = open_source(path, color="/left_arm/rgb/image_raw")
    assert (source.depth.name, source.info_topic) == ("/left_arm/depth/image_raw", "/left_arm/rgb/camera_info")
    with pytest.raises(InvalidInputError, match=r"no image topic '/nose'; image topics: /left_arm/rgb/image_raw \("):
        open_source(path, depth="/nose")
    with pytest.raises(InvalidInputError, match="no camera_info topic '/nose'; there are: /left_arm"):
        open_source(path, camera_info="/nose")


def test_each_picture_goes_with_the_nearest_depth(tmp_path, small_frame):
    messages = bags.realsense(small_frame, 6, depth_lag=4_000_000)
    dropped = {
        ("color/image_raw", bags.START + 2 * bags.PERIOD),
        ("aligned_depth_to_color/image_raw", bags.START + 4 * bags.PERIOD + 4_000_000),
    }
    messages = [m for m in messages if not any(m[1].endswith(f"camera/{t}") and m[0] == stamp for t, stamp in dropped)]
    stamps = [f.stamp for f in open_source(bags.write_bag(tmp_path / "bag", messages))]
    assert stamps == [bags.START + i * bags.PERIOD for i in (0, 1, 3, 5)]


def test_pose_is_interpolated_at_the_stamp_of_the_picture(tmp_path, small_frame):
    optical = transform_matrix(np.array([0.1, 0, 0.5]), np.array([-0.5, 0.5, -0.5, 0.5]))
    messages = bags.realsense(small_frame, 4)
    messages.append(bags.tf(optical, "base_link", "color_optical", bags.START - 10, static=True))
    for i in range(-1, 4):  # odometry at 20 Hz: 1 m/s along x, turning half a right angle per second
        stamp = bags.START + i * 50_000_000
        angle = i * 0.05 * np.pi / 4
        turn = np.array([0, 0, np.sin(angle / 2), np.cos(angle / 2)])
        messages.append(bags.tf(transform_matrix(np.array([i * 0.05, 0, 0]), turn), "odom", "base_link", stamp))
    source = open_source(bags.write_bag(tmp_path / "bag", messages))
    frames = list(source)
    assert source.world_frame_id == "odom" and len(frames) == 4
    for frame in frames:
        seconds = (frame.stamp - bags.START) / 1e9
        angle = seconds * np.pi / 4
        turn = np.array([0, 0, np.sin(angle / 2), np.cos(angle / 2)])
        expected = transform_matrix(np.array([seconds, 0, 0]), turn) @ optical
        np.testing.assert_allclose(frame.world_from_camera, expected, atol=1e-6)
        assert frame.world_frame_id == "odom"
    np.testing.assert_array_equal(source[2].world_from_camera, frames[2].world_from_camera)


def test_frames_without_a_pose_are_still_frames(tmp_path, small_frame):
    messages = bags.realsense(small_frame, 30)
    messages.append(bags.tf(np.eye(4), "map", "color_optical", bags.START))
    frames = list(open_source(bags.write_bag(tmp_path / "bag", messages)))
    assert len(frames) == 30
    assert frames[0].world_frame_id == "map"
    assert frames[-1].world_from_camera is None and frames[-1].world_frame_id == ""


def test_a_distorted_picture_is_straightened(tmp_path):
    # An upright edge as a lens with barrel distortion draws it; straightened, it is where a pinhole has it.
    intrinsics = CameraIntrinsics(160, 120, 120.0, 120.0, 79.5, 59.5)
    matrix = np.array([[120, 0, 79.5], [0, 120, 59.5], [0, 0, 1]])
    d = np.array([-0.3, 0.1, 0, 0, 0])
    v, u = np.mgrid[:120, :160].astype(np.float32)
    straight = cv2.undistortPoints(np.stack([u, v], -1).reshape(-1, 1, 2), matrix, d, P=matrix).reshape(120, 160, 2)
    depth = (np.where(straight[..., 0] < 15, 1.0, 2.0)).astype(np.float32)
    color = np.where(straight[..., :1] < 15, 255, 0).astype(np.uint8).repeat(3, axis=2)
    seen = RgbdFrame(color, depth, intrinsics)
    messages = [
        bags.color(seen, "/rgb/image_raw", bags.START),
        bags.depth(seen, "/depth/image_raw", bags.START),
        bags.info(seen, "/rgb/camera_info", bags.START, d=d),
    ]
    frame = open_source(bags.write_bag(tmp_path / "bag", messages))[0]
    edge = np.argmax(color[..., 0] == 0, axis=1)
    assert np.ptp(edge) >= 3  # as drawn, the edge is bent
    assert (frame.depth[:, :14] == 1).all() and (frame.depth[:, 17:] == 2).all()
    assert (frame.color[:, :13] > 250).all() and (frame.color[:, 18:] < 5).all()


def test_depth_of_another_eye_is_brought_to_the_colour_camera(tmp_path, small_frame):
    # A wall at 1 m, seen by a depth camera of half the resolution, 5 cm left of the colour camera.
    baseline = np.eye(4)
    baseline[0, 3] = -0.05
    low = CameraIntrinsics(32, 24, 30.0, 30.0, 15.5, 11.5)
    depth = np.full((24, 32), 1.0, np.float32)
    depth[8:16, 12:22] = 0.5  # something nearer
    eye = RgbdFrame(np.zeros((24, 32, 3), np.uint8), depth, low)
    messages = [
        bags.color(small_frame, "/camera/color/image_raw", bags.START, "color_optical"),
        bags.info(small_frame, "/camera/color/camera_info", bags.START),
        bags.depth(eye, "/camera/depth/image_rect_raw", bags.START, "depth_optical"),
        bags.info(eye, "/camera/depth/camera_info", bags.START),
        bags.tf(baseline, "color_optical", "depth_optical", bags.START, static=True),
    ]
    frame = open_source(bags.write_bag(tmp_path / "bag", messages))[0]
    near = np.argwhere(frame.depth == 0.5)
    # Its left edge, pixel 11.5 of the depth camera, lies at 0.5 (11.5 - 15.5) / 30 m, less the baseline.
    left = (0.5 * (11.5 - 15.5) / 30 - 0.05) / 0.5 * 60 + 31.5
    right = (0.5 * (21.5 - 15.5) / 30 - 0.05) / 0.5 * 60 + 31.5
    assert abs(near[:, 1].min() - left) <= 1 and abs(near[:, 1].max() - right) <= 1
    solid = frame.depth[near[:, 0].min() : near[:, 0].max() + 1, near[:, 1].min() : near[:, 1].max() + 1]
    assert (solid == 0.5).all()  # finer than the depth, and yet without holes; the wall behind does not shine through
    assert np.isnan(frame.depth[:, -2:]).all()  # what the depth camera did not see


def refusal(path, **topics) -> str:
    with pytest.raises(InvalidInputError) as caught:
        open_source(path, **topics)[0]
    assert "\n" not in str(caught.value) and str(path.name) in str(caught.value)
    return str(caught.value)


def test_what_is_missing_is_said_with_what_is_there(tmp_path, small_frame):
    color = bags.color(small_frame, "/rgb/image", bags.START)
    depth = bags.depth(small_frame, "/depth/image", bags.START)
    low = CameraIntrinsics(64, 24, 60, 60, 32, 12)
    small = RgbdFrame(small_frame.color[:24].copy(), small_frame.depth[:24].copy(), low)
    bent = {"d": np.ones(5), "distortion_model": "odd"}
    cases = {
        "no_depth": ([color], "no depth topic found; image topics: /rgb/image (bgr8, 64x48)"),
        "no_color": ([depth], "no colour topic found; image topics: /depth/image (16UC1, 64x48)"),
        "no_info": ([color, depth], "no camera_info beside /rgb/image; there are: none"),
        "other_size": (
            [color, bags.depth(small, "/depth/image", bags.START), bags.info(small_frame, "/camera_info", bags.START)],
            "depth /depth/image (16UC1, 64x24) in frame 'optical' does not lie on colour /rgb/image (bgr8, 64x48)",
        ),
        "other_eye": (
            [
                color,
                bags.depth(small_frame, "/depth/image", bags.START, "depth_optical"),
                bags.info(small_frame, "/rgb/camera_info", bags.START),
                bags.info(small_frame, "/depth/camera_info", bags.START),
            ],
            "cannot be moved there (frame 'optical' is not known; known frames: none); record aligned depth",
        ),
        "uncalibrated": (
            [color, depth, bags.info(small_frame, "/rgb/camera_info", bags.START, k=np.zeros(9))],
            "/rgb/camera_info: the camera is not calibrated (K is zero)",
        ),
        "info_of_other_size": (
            [color, depth, bags.info(small, "/rgb/camera_info", bags.START)],
            "/rgb/camera_info is for 64x24 pixels, /rgb/image has 64x48",
        ),
        "odd_lens": (
            [color, depth, bags.info(small_frame, "/rgb/camera_info", bags.START, **bent)],
            "distortion model 'odd' is not supported",
        ),
    }
    for name, (messages, expected) in cases.items():
        assert expected in refusal(bags.write_bag(tmp_path / name, messages)), name


def test_files_that_are_no_bags(tmp_path):
    for name in ("notes.mcap", "notes.db3"):
        path = tmp_path / name
        path.write_text("hello " * 100)
        assert "not a readable rosbag2" in refusal(path)
        path.write_bytes(b"")
        assert "not a readable rosbag2" in refusal(path) or "no depth" in refusal(path) or "no colour" in refusal(path)
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "metadata.yaml").write_text("{]")
    assert "not a readable rosbag2" in refusal(tmp_path / "bag")


@pytest.mark.parametrize("mcap", [True, False])
def test_a_bag_cut_anywhere_gives_frames_or_one_line(tmp_path, small_frame, mcap):
    path = bags.write_bag(tmp_path / "bag", bags.realsense(small_frame), mcap)
    file = next(f for f in path.iterdir() if f.suffix in (".mcap", ".db3"))
    whole = file.read_bytes()
    refused = 0
    for keep in np.linspace(0, len(whole) - 1, 25).astype(int):
        cut = tmp_path / f"cut_{keep}{file.suffix}"
        cut.write_bytes(whole[:keep])
        try:
            for frame in open_source(cut):
                same(frame, small_frame)
        except InvalidInputError as error:
            refused += 1
            assert "\n" not in str(error) and cut.name in str(error)
    assert refused >= 20


def test_a_damaged_message_is_said_with_its_time(tmp_path, small_frame):
    messages = bags.realsense(small_frame, 2)
    short = messages[-7][3]
    messages[-7] = (*messages[-7][:3], replace(short, data=short.data[:100]))
    source = open_source(bags.write_bag(tmp_path / "bag", messages))
    same(source[0], small_frame)
    with pytest.raises(InvalidInputError, match=r"frame at 1700000000\.033 s: bgr8 image .* the buffer has 100"):
        source[1]
