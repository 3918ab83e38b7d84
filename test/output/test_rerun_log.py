"""What is in an .rrd file, read back by rerun-sdk itself; and what is said without it."""

from __future__ import annotations

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from spatial_llava_ros.errors import InvalidInputError, MissingDependencyError
from spatial_llava_ros.output.colors import color_of
from spatial_llava_ros.output.rerun_log import RerunWriter
from spatial_llava_ros.output.run import Step
from spatial_llava_ros.types import Region, Relation, SceneGraph, SceneObject

from .test_mcap_log import POSE, thing


@pytest.fixture
def step(small_frame) -> Step:
    """Two things in a map, one relation with depth and one without."""
    frame = replace(small_frame, world_from_camera=POSE, world_frame_id="map")
    nodes = tuple(SceneObject(replace(thing(k, frame_id="map"), position=np.array([k, 0.5, 0.7]))) for k in (1, 2))
    unseen = SceneObject(thing(3, position=None, orientation=None, size=None, covariance=None))
    relations = (
        Relation(1, "left_of", 2, 0.6, "m", "viewer", 0.9),
        Relation(3, "on", 1, float("nan"), "m", "world", 0.5),
    )
    graph = SceneGraph("map", frame.stamp, (*nodes, unseen), relations, POSE, np.array([0, 0, 1.0]))
    return Step(0, frame, graph, (), {1: Region(1, (4, 6, 10, 12), np.ones((6, 6), bool), 1.0)}, ("moved 2",))


def recorded(path) -> dict[str, list]:
    """Component name by entity -> values over time, as the library reads them."""
    reader = pytest.importorskip("rerun.chunk").RrdReader(path)
    values: dict[str, list] = {}
    for chunk in reader.stream():
        batch = chunk.to_record_batch()
        for name in batch.schema.names:
            column = batch.column(name)
            column = column.cast("int64") if name == "stamp" else column
            values.setdefault(f"{chunk.entity_path} {name}", []).extend(column.to_pylist())
    return values


def test_the_library_reads_back_what_was_seen(tmp_path, step):
    pytest.importorskip("rerun")
    path = tmp_path / "run.rrd"
    finer = replace(step.frame, depth=step.frame.depth * np.float32(0.7777), stamp=step.frame.stamp + 10**8)
    with RerunWriter(path, "a table") as log:
        log.add(step)
        log.add(replace(step, number=1, frame=finer))
    values = recorded(path)
    assert values["/__properties RecordingInfo:name"] == [["a table"]]
    assert sorted(set(values["/world/things frame"])) == [0, 1]
    assert set(values["/world/things stamp"]) == {step.frame.stamp, finer.stamp}
    assert values["/world/things Boxes3D:labels"][0] == ["1 mug", "2 mug"]
    np.testing.assert_allclose(values["/world/things Boxes3D:centers"][0], [[1, 0.5, 0.7], [2, 0.5, 0.7]], rtol=1e-6)
    np.testing.assert_allclose(values["/world/things Boxes3D:half_sizes"][0][0], [0.08, 0.065, 0.05], rtol=1e-6)
    rgba = values["/world/things Boxes3D:colors"][0][1]
    assert tuple(rgba >> shift & 255 for shift in (24, 16, 8)) == color_of(2)
    half = values["/world/things/uncertainty Ellipsoids3D:half_sizes"][0][0]
    np.testing.assert_allclose(half, 2 * np.sqrt([1e-5] * 3), rtol=1e-5)
    np.testing.assert_allclose(values["/world/relations Arrows3D:vectors"][0], [[1, 0, 0]], atol=1e-6)
    assert values["/world/relations Arrows3D:labels"][0] == ["left of 0.60 m"]
    assert values["/graph GraphNodes:labels"][0] == ["1 mug", "2 mug", "3 mug"]
    assert "3 mug on 1 mug" in values["/graph/words TextDocument:text"][0][0]
    assert values["/told TextLog:text"][0] == ["moved 2"]
    np.testing.assert_allclose(values["/world/camera Transform3D:translation"][0][0], POSE[:3, 3], rtol=1e-6)
    assert np.shape(values["/world/way LineStrips3D:strips"][1][0]) == (2, 3)
    assert values["/world/camera/outlines LineStrips2D:labels"][0] == ["1 mug"]

    # The pinhole maps as ours does, with pixel centres at halves; depth is what was measured, to the last bit.
    k = step.frame.intrinsics
    matrix = np.reshape(values["/world/camera Pinhole:image_from_camera"][0][0], (3, 3)).T
    np.testing.assert_allclose(
        matrix @ [0.2, 0.1, 2], [k.fx * 0.2 + 2 * (k.cx + 0.5), k.fy * 0.1 + 2 * (k.cy + 0.5), 2], rtol=1e-6
    )
    coded = values["/world/camera/color EncodedImage:blob"][0][0]
    picture = cv2.imdecode(np.frombuffer(bytes(coded), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(picture.astype(int) - step.frame.color).mean() < 12
    for number, (kind, frame) in enumerate((("<u2", step.frame), ("<f4", finer))):
        raw = np.frombuffer(bytes(values["/world/camera/depth DepthImage:buffer"][number][0]), kind)
        metres = raw.reshape(frame.depth.shape) / values["/world/camera/depth DepthImage:meter"][number][0]
        np.testing.assert_allclose(metres, np.nan_to_num(frame.depth), atol=1e-6)


def test_a_frame_without_a_pose_or_things_is_recorded(tmp_path, step):
    pytest.importorskip("rerun")
    bare = replace(step.frame, world_from_camera=None, world_frame_id="", stamp=0)
    graph = SceneGraph(bare.frame_id, 0, (), (), np.eye(4), np.array([0.0, -1, 0]))
    with RerunWriter(tmp_path / "run.rrd", "nothing") as log:
        log.add(Step(0, bare, graph, (), {}))
    values = recorded(tmp_path / "run.rrd")
    assert values["/graph/words TextDocument:text"] == [["no relations"]]
    assert "/world/camera Transform3D:translation" not in values and "/world/things stamp" not in values


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    pytest.importorskip("rerun")
    with pytest.raises(InvalidInputError, match=r"run\.rrd: cannot be written"):
        RerunWriter(tmp_path / "nowhere" / "run.rrd", "")


def test_without_the_library_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'spatial_llava_ros\[rerun\]'"):
        RerunWriter(tmp_path / "run.rrd", "")
    assert not (tmp_path / "run.rrd").exists()
