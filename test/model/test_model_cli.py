"""`--model` on the command line, with a small model in box mode."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from spatial_llava_ros.cli.main import main


@pytest.fixture
def model(checkpoints):
    return ["--model", str(checkpoints("llava")), "--quantization", "none", "--mode", "box"]


def test_locate_asks_the_model(model, capsys):
    assert main(["locate", "sim:tabletop:3", "the nearest thing", "the bowl", "--json", *model]) == 0
    out, err = capsys.readouterr()
    answers = [json.loads(line) for line in out.splitlines()]
    assert [(a["method"], a["model"]) for a in answers] == [("box", model[1])] * 2
    assert "model, by box" in answers[0]["explanation"] and "loaded in" in err


def test_evaluate_measures_the_model(model, capsys):
    assert main(["evaluate", "sim:tabletop", "--frames", "1", "--json", *model]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) > 3 and {a["method"] for a in answers} == {"box"}


def test_calibration_is_kept_with_the_checkpoint(checkpoints, tmp_path, capsys):
    folder = tmp_path / "llava"
    shutil.copytree(checkpoints("llava"), folder)
    (folder / "spatial_llava.json").write_text('{"family": "llava", "marks_temperature": 9}')
    options = ["--model", str(folder), "--quantization", "none", "--calibrate"]
    assert main(["evaluate", "sim:tabletop", "--frames", "4", *options]) == 0
    said = re.search(r"temperature (\S+) on (\d+) .* (\S+) before, (\S+) after", capsys.readouterr().out)
    temperature, questions, before, after = map(float, said.groups())
    assert questions >= 20 and after <= before
    kept = json.loads((folder / "spatial_llava.json").read_text())
    assert kept == {"family": "llava", "marks_temperature": pytest.approx(temperature, rel=0.01)}
    assert main(["evaluate", "sim:tabletop", "--frames", "1", *options]) == 2
    assert "20 are the least" in capsys.readouterr().err
    assert main(["evaluate", "sim:tabletop", "--calibrate"]) == 2
    assert "--calibrate needs --model" in capsys.readouterr().err


def test_model_that_is_not_there_is_named(model, capsys):
    assert main(["locate", "sim", "the mug", "--model", "/no/such/model"]) == 2
    assert "/no/such/model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mode", "box"], "--mode is about a model"),
        (["--online"], "--online is about a model"),
        (["--model", "x", "--mode", "guess"], "guess"),
        (["--model", "x", "--quantization", "int3"], "int3"),
        (["--model", "http://"], "http://"),
    ],
)
def test_what_cannot_be_used_is_one_line(options, words, capsys):
    assert main(["locate", "sim", "the mug", *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and words in err
