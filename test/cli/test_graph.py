from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from spatial_llava_ros.cli.main import main
from spatial_llava_ros.graph import frame_graph
from spatial_llava_ros.output.colors import color_of
from spatial_llava_ros.output.graph_picture import draw_graph
from spatial_llava_ros.types import CameraIntrinsics, RgbdFrame

from .test_locate import OBJECT_KEYS, table_frame


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder, frame = tmp_path_factory.mktemp("table"), table_frame()
    cv2.imwrite(str(folder / "color.png"), frame.color[..., ::-1])
    cv2.imwrite(str(folder / "depth.png"), np.nan_to_num(np.rint(frame.depth * 1000)).astype(np.uint16))
    camera = {"width": 320, "height": 240, "fx": 300, "fy": 300, "cx": 159.5, "cy": 119.5, "depth_scale": 1000}
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def test_json_is_one_object_with_things_and_relations(table, capsys):
    assert main(["graph", str(table), "--json"]) == 0
    out, err = capsys.readouterr()
    graph = json.loads(out)
    assert err == "" and out.count("\n") == 1
    assert {"frame_id", "objects", "relations"} <= set(graph)
    assert all(set(obj) >= OBJECT_KEYS for obj in graph["objects"])
    red, blue = (obj["id"] for obj in sorted(graph["objects"], key=lambda obj: obj["position"][0]))
    assert "red" in next(obj["attributes"] for obj in graph["objects"] if obj["id"] == red)
    keys = {"subject", "predicate", "object", "value", "unit", "reference", "score"}
    assert graph["relations"] and all(keys <= set(relation) for relation in graph["relations"])
    beside = {(r["subject"], r["predicate"], r["object"]): r for r in graph["relations"]}
    left = beside.get((red, "left_of", blue)) or beside[blue, "right_of", red]
    assert left["value"] == pytest.approx(0.24, abs=0.02) and left["reference"] == "viewer" and left["unit"] == "m"


def test_everything_states_both_directions(table, capsys):
    main(["graph", str(table), "--json"])
    said = json.loads(capsys.readouterr().out)["relations"]
    main(["graph", str(table), "--json", "--everything"])
    stated = {r["predicate"] for r in json.loads(capsys.readouterr().out)["relations"]}
    assert {"left_of", "right_of"} <= stated and not {"left_of", "right_of"} <= {r["predicate"] for r in said}


def test_for_a_person_it_lists_things_and_relations(table, capsys):
    assert main(["graph", str(table)]) == 0
    out = capsys.readouterr().out
    for words in ("things, in camera_color_optical_frame", "±", "size", "relations", "red", "of"):
        assert words in out


def test_picture_shows_frame_and_map(table, tmp_path, capsys):
    path = tmp_path / "new" / "graph.png"
    assert main(["graph", str(table), "--picture", str(path)]) == 0
    picture = cv2.imread(str(path))
    assert picture.shape[1] > 2 * 720 and picture.shape[0] > 720
    assert str(path) in capsys.readouterr().err
    # Every thing has its colour in the picture and on the map.
    frame = table_frame()
    graph = frame_graph(frame)
    drawn = draw_graph(frame, graph)
    for node in graph.objects:
        same = (drawn == color_of(node.object.id)).all(axis=-1)
        assert same[:, :960].any() and same[:, 964:].any()


def test_a_page_holds_the_run_and_the_questions(table, tmp_path, capsys):
    path = tmp_path / "new" / "run.html"
    assert main(["graph", str(table), "--html", str(path), "--ask", "what is left of the blue box?"]) == 0
    out, err = capsys.readouterr()
    assert "relations" in out and err == f"page: {path}\n"
    assert "what is left of the blue box?" in path.read_text()


def test_things_without_depth_and_empty_scenes_are_drawn():
    frame = table_frame()
    blind = RgbdFrame(frame.color, np.full_like(frame.depth, np.nan), frame.intrinsics)
    assert draw_graph(blind, frame_graph(blind)).dtype == np.uint8
    nothing, intrinsics = np.full((48, 64), np.nan, np.float32), CameraIntrinsics(64, 48, 60, 60, 32, 24)
    empty = RgbdFrame(np.zeros((48, 64, 3), np.uint8), nothing, intrinsics)
    assert draw_graph(empty, frame_graph(empty)).shape[0] > 720


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no/such/folder"],
        ["sim:nowhere"],
        ["TABLE", "--frame", "7"],
        ["TABLE", "--frame", "x"],
        ["TABLE", "--picture", "graph.tiff"],
        ["TABLE", "--picture", "/proc/nothing/graph.png"],
        ["TABLE", "--html", "run.pdf"],
        ["TABLE", "--html", "/proc/nothing/run.html"],
        ["TABLE", "--ask", "what is left of the box?"],
        ["TABLE", "--wrong"],
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(table, arguments, capsys):
    arguments = [str(table) if a == "TABLE" else a for a in arguments]
    assert main(["graph", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
