"""`spatial-llava demo` as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from spatial_llava_ros.cli.demo import _with_seed
from spatial_llava_ros.cli.processes import Children
from spatial_llava_ros.cli.questions import Question, folder_questions, simulated_questions
from spatial_llava_ros.cli.shared_memory import remove_abandoned, segments_of
from spatial_llava_ros.errors import SpatialLlavaError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.types import Answer, Object3D, Status

DEMO = [sys.executable, "-m", "spatial_llava_ros.cli.main", "demo"]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0


def children_of(pid: int) -> set[int]:
    """Processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(child) for child in tasks.read_text().split()} if tasks.exists() else set()


def found(box, position=None) -> Answer:
    return Answer("q", Status.FOUND, "", Object3D(1, "mug", 1.0, box, "map", position))


def test_a_question_knows_its_answer():
    question = Question("q", "attribute", np.array([1.0, 0.0, 0.0]), (0, 0, 10, 10))
    right, wrong = found((0, 0, 10, 9), np.array([1.0, 0.003, 0.004])), found((20, 0, 30, 10))
    assert question.error_mm(right) == pytest.approx(5)
    assert question.overlap(right) == pytest.approx(0.9)
    assert not question.is_wrong(right)
    assert question.is_wrong(wrong) and question.error_mm(wrong) is None
    assert Question("q", "absent").is_wrong(wrong) and not Question("q", "absent").has_target
    assert not Question("q").is_wrong(wrong)  # nothing is known


def test_simulated_questions_ask_about_different_things(simulated):
    questions = simulated_questions(simulated, 0, 6)
    meant = [q for q in questions if q.has_target]
    assert len(meant) == 6
    assert len({tuple(q.position) for q in meant}) >= 4
    assert all(any(np.allclose(q.position, thing.position) for thing in simulated.objects) for q in meant)
    assert [q.text for q in questions] == [q.text for q in simulated_questions(simulated, 0, 6)]


def test_folder_questions_are_those_beside_the_frame(tmp_path):
    assert all(not q.kind for q in folder_questions(tmp_path, 6))
    entry = {"text": "the mug", "box": [1, 2, 3, 4], "kind": "attribute"}
    (tmp_path / "expressions.json").write_text(json.dumps([entry]))
    assert [(q.text, q.box) for q in folder_questions(tmp_path, 6)] == [("the mug", (1, 2, 3, 4))]


@pytest.mark.parametrize(
    ("source", "spec"),
    [("sim", "sim:tabletop:7"), ("sim:shelf", "sim:shelf:7"), ("sim:room:2", "sim:room:2"), ("a/b", "a/b")],
)
def test_the_seed_completes_the_source(source, spec):
    assert _with_seed(source, 7) == spec


def test_a_node_that_ends_is_quoted(tmp_path):
    with Children(tmp_path) as children:
        children.start("camera", source="/nowhere/at/all")
        end = monotonic() + PATIENCE
        with pytest.raises(SpatialLlavaError, match=r"camera node has ended: .*/nowhere/at/all") as raised:
            while monotonic() < end:
                children.check()
                sleep(0.1)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_demo_answers_draws_and_records(scene_folder, understood, tmp_path):
    out = tmp_path / "out"
    command = [*DEMO, str(scene_folder), "--out", str(out), "--expressions", understood[0], "the purple dinosaur"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    row = next(line for line in rows if understood[0] in line)
    assert "found" in row and row.rstrip().endswith("ms")
    x, y, z = understood[1].object.position
    assert f"{x:+.3f} {y:+.3f} {z:+.3f}" in row
    assert len(list(out.glob("*.png"))) == 2
    recorded = open_source(str(out / "demo.mcap"))[0]
    np.testing.assert_array_equal(recorded.color, open_source(str(scene_folder))[0].color)


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_demo_leaves_nobody_behind(scene_folder, tmp_path, end):
    demo = subprocess.Popen(
        [*DEMO, str(scene_folder), "--out", str(tmp_path)], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests run in the background ignore Ctrl-C
    )  # fmt: skip
    try:
        limit = monotonic() + PATIENCE
        while len(nodes := children_of(demo.pid)) < 2 and monotonic() < limit:
            sleep(0.05)
        assert len(nodes) == 2
        sleep(1.0)
        mapped = segments_of(demo.pid)
        demo.send_signal(end)
        _, said = demo.communicate(timeout=PATIENCE)
    finally:
        demo.kill()
    assert demo.returncode == (130 if end != signal.SIGKILL else -signal.SIGKILL)
    assert "Traceback" not in said
    while (alive := [pid for pid in nodes if Path(f"/proc/{pid}").exists()]) and monotonic() < limit:
        sleep(0.1)
    assert not alive
    left = remove_abandoned(mapped)  # those of other programs in the same domain are theirs
    assert end == signal.SIGKILL or not left  # who is killed outright cannot clean up


@pytest.mark.slow
def test_a_node_that_had_to_be_killed_leaves_no_shared_memory(scene_folder, tmp_path):
    with Children(tmp_path) as kept:
        kept.start("camera", source=str(scene_folder), rate=10.0)
        with Children(tmp_path) as children:
            children.start("locate")
            limit = monotonic() + PATIENCE
            while "active" not in (tmp_path / "locate.log").read_text() and monotonic() < limit:
                sleep(0.1)
            pid = children.pids["locate"]
            shared = segments_of(pid)
            os.kill(pid, signal.SIGSTOP)  # as on a machine that is too busy for it to end in time
        left = {path for path in shared if path.exists()}
        assert shared - left and left <= segments_of(kept.pids["camera"])  # those of others who live are theirs
        assert all(path.with_name(path.name + "_el").exists() for path in left)


@pytest.mark.slow
def test_demo_enters_the_environment_by_itself_or_says_what_to_do(scene_folder, tmp_path):
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    bare["PYTHONPATH"] = str(ROOT)
    command = [*DEMO, str(scene_folder), "--out", str(tmp_path), "--expressions", "the nearest thing"]
    said = subprocess.run(
        command, env=bare | {"SPATIAL_LLAVA_ENVIRONMENT_ENTERED": "1"}, capture_output=True, text=True, timeout=PATIENCE
    )
    if said.returncode != 0:  # with a ROS distribution's packages in the system Python it could even run
        assert said.returncode == 2 and "make build" in said.stderr
        assert len(said.stderr.strip().splitlines()) == 1
    if not (ROOT / "install" / "setup.bash").exists():
        pytest.skip("this checkout is not built")
    done = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "the nearest thing" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/at/all"], "/nowhere/at/all"),
        (["--rate", "0"], "--rate"),
        (["--frame", "-1"], "--frame"),
        (["--expressions", " "], "empty"),
        (["sim:moonbase"], "moonbase"),
        (["--seed", "many"], "--seed"),
    ],
)
def test_bad_usage_is_one_line(arguments, said, tmp_path):
    done = subprocess.run([*DEMO, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""
