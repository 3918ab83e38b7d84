from __future__ import annotations

import json
import os

import cv2
import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.frames.expressions import read_expressions

from .folders import write_folder


@pytest.fixture
def folder(tmp_path, small_frame):
    return write_folder(tmp_path / "frame", small_frame)


def refusal(folder) -> str:
    with pytest.raises(InvalidInputError) as caught:
        open_source(folder)[0]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_what_was_written(folder, small_frame):
    source = open_source(folder)
    frame = source[0]
    assert len(source) == 1
    np.testing.assert_array_equal(frame.color, small_frame.color)
    np.testing.assert_array_equal(frame.depth, small_frame.depth)
    assert frame.intrinsics == small_frame.intrinsics
    assert frame.stamp == 0 and frame.world_from_camera is None


def test_depth_scale_is_units_per_metre(tmp_path, small_frame):
    frame = open_source(write_folder(tmp_path, small_frame, depth_scale=5000))[0]
    np.testing.assert_allclose(frame.depth, small_frame.depth / 5)


def test_stamp_frame_and_pose_are_taken_when_given(tmp_path, small_frame):
    pose = [[0, 0, 1, 1.5], [-1, 0, 0, 0], [0, -1, 0, 0.9], [0, 0, 0, 1]]
    extra = {"stamp": 1_700_000_000_123_456_789, "frame_id": "eye", "world_from_camera": pose, "world_frame_id": "odom"}
    frame = open_source(write_folder(tmp_path, small_frame, **extra))[0]
    assert (frame.stamp, frame.frame_id, frame.world_frame_id) == (1_700_000_000_123_456_789, "eye", "odom")
    np.testing.assert_array_equal(frame.world_from_camera, pose)


def test_many_folders_come_in_natural_order(tmp_path, small_frame):
    for name in ("b/frame_10", "b/frame_9", "a/x"):
        write_folder(tmp_path / name, small_frame)
    source = open_source(tmp_path)
    assert [str(f.relative_to(tmp_path)) for f in source.folders] == ["a/x", "b/frame_9", "b/frame_10"]
    assert len(list(source)) == 3
    with pytest.raises(IndexError):
        source[3]


def test_jpeg_colour_will_do(folder, small_frame):
    (folder / "color.png").unlink()
    cv2.imwrite(str(folder / "color.jpg"), small_frame.color[..., ::-1])
    assert np.abs(open_source(folder)[0].color.astype(int) - small_frame.color).mean() < 5


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("fx", -525.0, "fx must be positive, got -525"),
        ("fy", 0, "fy must be positive, got 0"),
        ("fx", 1e308, "fx = 1e+308 is no focal length for a picture of 64 pixels"),
        ("fx", 0.01, "fx = 0.01 is no focal length"),
        ("fx", "525", "fx must be a number, got '525'"),
        ("cx", float("nan"), "cx must be finite, got NaN"),
        ("cy", 10**400, "cy must be finite, got 1000"),
        ("cx", True, "cx must be a number, got true"),
        ("depth_scale", 0, "depth_scale must be depth units per metre (1000 for millimetres), got 0"),
        ("depth_scale", 0.001, "depth_scale must be depth units per metre (1000 for millimetres), got 0.001"),
        ("depth_scale", float("nan"), "depth_scale must be finite, got NaN"),
        ("depth_scale", "1000", "depth_scale must be a number, got '1000'"),
        ("depth_scale", None, "missing depth_scale"),
        ("width", 0, "picture has no pixels: 0x48"),
        ("width", 64.5, "width must be a whole number, got 64.5"),
        ("width", 10**30, "larger than any camera's"),
        ("height", -48, "picture has no pixels: 64x-48"),
        ("width", 80, "color.png: is 64x48 pixels, camera.json says 80x48"),
        ("stamp", "now", "stamp must be a number, got 'now'"),
        ("frame_id", 7, "frame_id must be text, got 7"),
        ("world_from_camera", [[1, 0], [0, 1]], "world_from_camera must be 4 rows of 4 numbers"),
        ("world_from_camera", np.diag([2, 1, 1, 1]).tolist(), "world_from_camera is not a rotation and a translation"),
        ("world_from_camera", np.diag([-1, 1, 1, 1]).tolist(), "world_from_camera is not a rotation and a translation"),
    ],
)
def test_camera_values_that_cannot_be_are_named(tmp_path, small_frame, key, value, message):
    assert message in refusal(write_folder(tmp_path, small_frame, **{key: value}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"width": 64,\n "height" 48}', "camera.json: bad JSON at line 2, column 11"),
        ("", "camera.json: bad JSON at line 1, column 1"),
        ("[1, 2]", "camera.json: must be a JSON object, got [1, 2]"),
        ("[" * 100_000, "camera.json: bad JSON"),
        ('{"width": ' + "9" * 5000 + "}", "camera.json: bad JSON"),
    ],
)
def test_bad_json_says_where(folder, text, message):
    (folder / "camera.json").write_text(text)
    assert message in refusal(folder)


def test_binary_rubbish_as_json(folder):
    (folder / "camera.json").write_bytes(b"\xff\xfe\x00")
    assert "camera.json: not UTF-8 text" in refusal(folder)


@pytest.mark.parametrize("name", ["color.png", "depth.png", "camera.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert f"missing {name}" in refusal(folder)


@pytest.mark.parametrize("name", ["color.png", "depth.png"])
@pytest.mark.parametrize("keep", [0, 8, 40, -13, -5])
def test_a_cut_off_picture_is_named(folder, name, keep):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:keep])
    assert str(folder / name) in refusal(folder)


def test_depth_that_is_no_depth(folder):
    cv2.imwrite(str(folder / "depth.png"), np.zeros((48, 64), np.uint8))
    assert "depth.png: depth must be 16-bit with one channel, got 8-bit with 1" in refusal(folder)
    cv2.imwrite(str(folder / "depth.png"), np.zeros((48, 64, 3), np.uint16))
    assert "depth.png: depth must be 16-bit with one channel, got 16-bit with 3" in refusal(folder)
    cv2.imwrite(str(folder / "depth.png"), np.zeros((24, 32), np.uint16))
    assert "depth.png: is 32x24 pixels, camera.json says 64x48" in refusal(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder):
    (folder / "camera.json").chmod(0)
    assert "camera.json: cannot be read (Permission denied)" in refusal(folder)


def test_a_folder_in_place_of_a_file(folder):
    (folder / "depth.png").unlink()
    (folder / "depth.png").mkdir()
    assert "depth.png: cannot be read (Is a directory)" in refusal(folder)


def test_what_is_no_source_is_said(tmp_path):
    with pytest.raises(InvalidInputError, match="no such file or folder"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="no such file or folder"):
        open_source("")
    with pytest.raises(InvalidInputError, match=r"no frame here; expected color\.png"):
        open_source(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InvalidInputError, match=r"notes\.txt: not a source of frames"):
        open_source(tmp_path / "notes.txt")
    with pytest.raises(InvalidInputError, match=r"no such file|not a usable path"):
        open_source("x" * 5000)


def test_real_frames_have_depth_where_their_sensors_measure(real_frames):
    for folder in real_frames:
        frame = open_source(folder)[0]
        measured = frame.depth[np.isfinite(frame.depth)]
        assert measured.size > 0.1 * frame.depth.size, folder
        assert 0.1 < np.percentile(measured, 5) < np.percentile(measured, 95) < 10, folder


def test_expressions_beside_real_frames_lie_in_the_picture(real_frames):
    for folder in real_frames:
        width, height = (json.loads((folder / "camera.json").read_text())[key] for key in ("width", "height"))
        for expression in read_expressions(folder) + read_expressions(folder / "expressions_plain.json"):
            boxes = [expression.box] if expression.box else []
            assert bool(expression.candidates) <= (expression.kind == "ambiguous")
            for x1, y1, x2, y2 in (*boxes, *expression.candidates):
                assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("the mug", "expression 1 must be an object"),
        ({"text": " ", "box": None, "kind": "absent"}, "text must not be empty"),
        ({"text": "the mug", "box": None, "kind": "odd"}, "kind must be one of attribute, relation, .*, got 'odd'"),
        ({"text": "the mug", "box": [1, 2, 3], "kind": "attribute"}, r"box must be \[x1, y1, x2, y2\]"),
        ({"text": "the mug", "box": [5, 2, 3, 9], "kind": "attribute"}, r"got \[5, 2, 3, 9\]"),
        ({"text": "the mug", "box": None, "kind": "ambiguous", "candidates": 3}, "candidates must be a list"),
    ],
)
def test_bad_expressions_are_named(tmp_path, entry, message):
    path = tmp_path / "expressions.json"
    path.write_text(json.dumps([entry]))
    with pytest.raises(InvalidInputError, match=message):
        read_expressions(tmp_path)
