from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from spatial_llava_ros.cli.main import main
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

OBJECT_KEYS = {"id", "label", "score", "box", "position", "orientation", "size", "covariance", "frame_id"}


def table_frame() -> RgbdFrame:
    """A red and a blue box on a grey table, seen from 40 degrees above, ray by ray; 320x240 pixels."""
    intrinsics = CameraIntrinsics(320, 240, 300.0, 300.0, 159.5, 119.5)
    v, u = np.mgrid[:240, :320]
    rays = np.stack([(u - 159.5) / 300, (v - 119.5) / 300, np.ones((240, 320))], -1)
    tilt = np.radians(40)
    # Camera 0.6 m above the table and looking down: world x right, y away, z up.
    right, away, up = np.eye(3)
    forward = np.cos(tilt) * away - np.sin(tilt) * up
    down = -np.sin(tilt) * away - np.cos(tilt) * up
    directions = rays[..., :1] * right + rays[..., 1:2] * down + rays[..., 2:] * forward
    origin = 0.6 * up
    with np.errstate(divide="ignore"):
        floor = -origin[2] / directions[..., 2]
        depth = np.where((floor > 0) & (floor < 3), floor, np.nan)
        color = np.full((240, 320, 3), 128, np.uint8)
        for center, tint in ((-0.12, (200, 30, 30)), (0.12, (30, 40, 200))):
            low, high = np.array([center - 0.05, 0.65, 0.0]), np.array([center + 0.05, 0.75, 0.12])
            a, b = (low - origin) / directions, (high - origin) / directions
            enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
            hit = (enter < leave) & (enter > 0) & ~(depth < enter)
            depth[hit] = enter[hit]
            shade = 0.95 + 0.05 * (np.minimum(a, b).argmax(-1)[hit] == 2)
            color[hit] = np.array(tint) * shade[:, None]
    return RgbdFrame(color, depth.astype(np.float32), intrinsics)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder, frame = tmp_path_factory.mktemp("table"), table_frame()
    cv2.imwrite(str(folder / "color.png"), frame.color[..., ::-1])
    cv2.imwrite(str(folder / "depth.png"), np.nan_to_num(np.rint(frame.depth * 1000)).astype(np.uint16))
    camera = {"width": 320, "height": 240, "fx": 300, "fy": 300, "cx": 159.5, "cy": 119.5, "depth_scale": 1000}
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def test_json_is_one_object_per_expression_and_nothing_else(table, capsys):
    assert main(["locate", str(table), "the red box", "the yellow box", "--json"]) == 0
    out, err = capsys.readouterr()
    red, yellow = (json.loads(line) for line in out.splitlines())
    assert set(red) == {"query", "status", "explanation", "object", "candidates", "timings_ms", "method", "model"}
    assert set(red["object"]) == OBJECT_KEYS and len(red["object"]["covariance"]) == 36
    assert (red["query"], red["status"]) == ("the red box", "found")
    # 12 cm left of the camera's axis; 0.7 m along the table and 0.54 m below the lens, seen 40 degrees down.
    expected = [-0.12, 0.54 * np.cos(np.radians(40)) - 0.7 * np.sin(np.radians(40))]
    expected += [0.7 * np.cos(np.radians(40)) + 0.54 * np.sin(np.radians(40))]
    np.testing.assert_allclose(red["object"]["position"], expected, atol=0.03)  # 320x240: a pixel is 3 mm there
    assert yellow["status"] == "not_found" and yellow["object"] is None
    assert err == ""


def test_for_a_person_it_says_what_where_and_how_sure(table, capsys):
    assert main(["locate", str(table), "the blue box"]) == 0
    out = capsys.readouterr().out
    for words in ('"the blue box"', "understood", "found", "position", "±", "size", "camera_color_optical_frame", "ms"):
        assert words in out


def test_all_frames_carry_their_number(table, tmp_path, capsys):
    for name in ("1", "2"):
        (tmp_path / name).symlink_to(table)
    assert main(["locate", str(tmp_path), "the red box", "--json", "--all"]) == 0
    assert [json.loads(line)["frame"] for line in capsys.readouterr().out.splitlines()] == [0, 1]
    assert main(["locate", str(tmp_path), "the red box", "--json", "--frame", "-1"]) == 0
    assert main(["locate", str(tmp_path), "the red box", "--frame", "2"]) == 2
    assert "--frame 2" in capsys.readouterr().err


def test_pictures_are_numbered_when_there_are_several(table, tmp_path):
    assert main(["locate", str(table), "the red box", "--picture", str(tmp_path / "new" / "one.png")]) == 0
    picture = cv2.imread(str(tmp_path / "new" / "one.png"))
    assert picture.shape[1] == 640 and picture.shape[0] > 480
    assert main(["locate", str(table), "the red box", "the blue box", "--picture", str(tmp_path / "two.jpg")]) == 0
    assert sorted(p.name for p in tmp_path.glob("two*")) == ["two-1.jpg", "two-2.jpg"]


def test_a_recording_can_be_asked_again(table, tmp_path, capsys):
    log = tmp_path / "log.mcap"
    assert main(["locate", str(table), "the red box", "--json", "--mcap", str(log)]) == 0
    first = json.loads(capsys.readouterr().out)
    np.testing.assert_array_equal(open_source(log)[0].depth, open_source(table)[0].depth)
    assert main(["locate", str(log), "the red box", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["object"] == first["object"]
    assert "colour /rgb/image (rgb8, 320x240), depth /depth/image (16UC1, 320x240), calibration /rgb/camera_info" in err


def test_without_depth_there_is_a_box_and_no_place(table, tmp_path, capsys):
    for name in ("color.png", "camera.json"):
        (tmp_path / name).write_bytes((table / name).read_bytes())
    depth = cv2.imread(str(table / "depth.png"), cv2.IMREAD_UNCHANGED)
    depth[:, :160] = 0
    cv2.imwrite(str(tmp_path / "depth.png"), depth)
    assert main(["locate", str(tmp_path), "the red box", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "no_depth"
    assert len(answer["object"]["box"]) == 4
    assert [answer["object"][key] for key in ("position", "orientation", "size")] == [None] * 3


def camera(folder, **changes):
    path = folder / "camera.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


# Ways to spoil a good frame folder, and words that the one line must contain.
SPOILED = {
    "missing depth": (lambda f: (f / "depth.png").unlink(), "missing depth.png"),
    "missing colour": (lambda f: (f / "color.png").unlink(), "missing color.png"),
    "missing camera": (lambda f: (f / "camera.json").unlink(), "missing camera.json"),
    "empty folder": (lambda f: [p.unlink() for p in f.iterdir()], "no frame here"),
    "truncated colour": (lambda f: cut(f / "color.png", 600), "color.png: PNG is cut off after 600 bytes"),
    "truncated depth": (lambda f: cut(f / "depth.png", 600), "depth.png: PNG is cut off after 600 bytes"),
    "empty colour": (lambda f: cut(f / "color.png", 0), "color.png: empty file"),
    "text as colour": (lambda f: (f / "color.png").write_text("hello"), "color.png: not a readable PNG or JPEG"),
    "8-bit depth": (
        lambda f: cv2.imwrite(str(f / "depth.png"), np.ones((240, 320), np.uint8)),
        "depth.png: depth must be 16-bit with one channel, got 8-bit",
    ),
    "lying size": (lambda f: camera(f, width=640), "color.png: is 320x240 pixels, camera.json says 640x240"),
    "lying depth": (
        lambda f: cv2.imwrite(str(f / "depth.png"), np.ones((120, 160), np.uint16)),
        "depth.png: is 160x120 pixels, camera.json says 320x240",
    ),
    "bad JSON": (lambda f: (f / "camera.json").write_text('{"width": 320,,}'), "bad JSON at line 1, column 15"),
    "missing key": (lambda f: (f / "camera.json").write_text('{"width": 320}'), "camera.json: missing height, fx"),
    "negative focal length": (lambda f: camera(f, fx=-300), "camera.json: fx must be positive, got -300"),
    "absurd focal length": (lambda f: camera(f, fx=1e300), "camera.json: fx = 1e+300 is no focal length"),
    "zero size": (lambda f: camera(f, width=0), "picture has no pixels: 0x240"),
    "huge size": (lambda f: camera(f, width=10**12), "larger than any camera's"),
    "depth_scale NaN": (lambda f: camera(f, depth_scale=float("nan")), "depth_scale must be finite, got NaN"),
    "depth_scale zero": (lambda f: camera(f, depth_scale=0), "depth_scale must be depth units per metre"),
    "depth_scale text": (lambda f: camera(f, depth_scale="1000"), "depth_scale must be a number, got '1000'"),
    "depth_scale inverted": (lambda f: camera(f, depth_scale=0.001), "(1000 for millimetres), got 0.001"),
}


def one_line(argv, capsys) -> str:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
    return err


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_folder_is_one_line_and_exit_2(table, tmp_path, capsys, name):
    for path in table.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spoil, words = SPOILED[name]
    spoil(tmp_path)
    assert words in one_line(["locate", str(tmp_path), "the red box", "--json"], capsys)


def test_what_is_no_source_is_one_line_and_exit_2(tmp_path, capsys):
    assert "no such file or folder" in one_line(["locate", str(tmp_path / "none"), "the mug"], capsys)
    (tmp_path / "text.mcap").write_text("hello")
    assert "text.mcap: not a readable rosbag2" in one_line(["locate", str(tmp_path / "text.mcap"), "the mug"], capsys)
    (tmp_path / "text.db3").write_text("hello")
    assert "text.db3: not a readable rosbag2" in one_line(["locate", str(tmp_path / "text.db3"), "the mug"], capsys)
    (tmp_path / "notes.txt").write_text("hello")
    assert "notes.txt: not a source of frames" in one_line(["locate", str(tmp_path / "notes.txt"), "the mug"], capsys)
    assert "layout must be one of" in one_line(["locate", "sim:moonbase", "the mug"], capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_line(table, tmp_path, capsys):
    for path in table.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "depth.png").chmod(0)
    assert "depth.png: cannot be read (Permission denied)" in one_line(["locate", str(tmp_path), "the mug"], capsys)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "mug " * 5000])
def test_an_expression_that_says_nothing_is_one_line(table, capsys, text):
    assert "expression" in one_line(["locate", str(table), text], capsys)


def test_outputs_that_cannot_be_are_found_before_the_work(table, tmp_path, capsys):
    argv = ["locate", str(table), "the red box"]
    assert "the name must end in .png" in one_line([*argv, "--picture", str(tmp_path / "a.txt")], capsys)
    assert "the name must end in .mcap" in one_line([*argv, "--mcap", str(tmp_path / "a.bag")], capsys)
    (tmp_path / "folder.mcap").mkdir()
    assert "is a folder" in one_line([*argv, "--mcap", str(tmp_path / "folder.mcap")], capsys)
    (tmp_path / "file").write_text("")
    assert "cannot make its folder" in one_line([*argv, "--picture", str(tmp_path / "file" / "a.png")], capsys)


def test_the_real_program_exits_with_2_and_one_line(table, tmp_path):
    (tmp_path / "camera.json").write_text("{")
    command = [sys.executable, "-m", "spatial_llava_ros.cli.main", "locate", str(tmp_path), "the mug"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "Traceback" not in done.stderr
