import json

import cv2
import numpy as np
import pytest

from spatial_llava_ros.cli.main import main


@pytest.fixture
def frame_folder(tmp_path):
    """A red card in front of a wall, and what may be asked about it."""
    color = np.full((120, 160, 3), 130, np.uint8)
    depth = np.full((120, 160), 1200, np.uint16)
    color[40:80, 60:110] = (30, 30, 200)  # BGR
    depth[40:80, 60:110] = 900
    cv2.imwrite(str(tmp_path / "color.png"), color)
    cv2.imwrite(str(tmp_path / "depth.png"), depth)
    camera = {"width": 160, "height": 120, "fx": 150, "fy": 150, "cx": 79.5, "cy": 59.5, "depth_scale": 1000}
    (tmp_path / "camera.json").write_text(json.dumps(camera))
    asked = [
        {"text": "the red thing", "box": [60, 40, 110, 80], "kind": "attribute"},
        {"text": "the green thing", "box": None, "kind": "absent"},
    ]
    (tmp_path / "expressions.json").write_text(json.dumps(asked))
    return tmp_path


def test_table_report_and_json_agree(frame_folder, tmp_path, capsys):
    assert main(["evaluate", str(frame_folder), "--misses", "--report", str(tmp_path / "out" / "report.html")]) == 0
    table = capsys.readouterr().out
    assert main(["evaluate", str(frame_folder), "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    right = sum(record["correct"] for record in records)
    assert len(records) == 2
    assert f"absent: {100 * records[1]['correct']:.1f} %" in table
    assert table.count("MISS") == 2 - right
    assert "spatial-llava evaluate" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no such file"),
        (["FOLDER", "--expressions", "questions.json"], "questions.json"),
        (["sim:cellar"], "cellar"),
        (["sim", "--frames", "0"], "--frames"),
    ],
)
def test_bad_input_is_one_clear_line(frame_folder, capsys, arguments, words):
    arguments = [str(frame_folder) if a == "FOLDER" else a for a in arguments]
    assert main(["evaluate", *arguments]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert words in err


def test_bench_times_every_step(frame_folder, capsys):
    assert main(["bench", str(frame_folder), "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    for step in ("new frame", "propose", "lift", "features", "ground", "next expression"):
        assert step in out


def test_bench_refuses_no_rounds(frame_folder, capsys):
    assert main(["bench", str(frame_folder), "--rounds", "0"]) == 2
    assert "--rounds" in capsys.readouterr().err
