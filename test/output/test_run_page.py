"""The page of a run: its structure without a browser, and what it does in one."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest

from spatial_llava_ros.frames import open_source
from spatial_llava_ros.output.colors import color_of
from spatial_llava_ros.output.run import Run, Step
from spatial_llava_ros.output.run_page import RunPage
from spatial_llava_ros.questions import answer_question
from spatial_llava_ros.types import Object3D, Region, Relation, RgbdFrame, SceneGraph, SceneObject

from .chromium import BROWSER, Chromium

EVIL = "</script><img src=x onerror=\"document.title='taken'\">&amp;<!--"
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def data_of(page: str) -> dict:
    """The object that the page carries, found as a browser finds it: up to the first end of a script."""
    return json.loads(re.search(r'<script type="application/json" id="run">(.*?)</script', page, re.DOTALL).group(1))


def thing(number: int, label: str, position: tuple[float, float, float], box: tuple) -> SceneObject:
    obj = Object3D(
        number, label, 0.9, box, "camera_color_optical_frame", np.array(position), np.array([0, 0, 0, 1.0]),
        np.array([0.1, 0.08, 0.06]), np.diag([1e-4, 4e-6, 4e-6, 0.1, 0.1, 0.1]),
    )  # fmt: skip
    return SceneObject(obj, attributes=("red",), layer=1)


@pytest.fixture
def step(small_frame) -> Step:
    """Two things before the camera, one with a malicious name, and a relation between them."""
    boxes = ((4, 10, 20, 34), (40, 12, 60, 40))
    nodes = (thing(1, EVIL, (-0.3, 0.0, 1.0), boxes[0]), thing(2, "mug", (0.3, 0.05, 1.2), boxes[1]))
    relations = (
        Relation(1, "left_of", 2, 0.6, "m", "viewer", 0.9),
        Relation(2, "next_to", 1, -0.001, "m", "world", 0.8),
    )
    graph = SceneGraph("camera_color_optical_frame", 5, nodes, relations, np.eye(4), np.array([0.0, -1.0, 0.0]))
    masks = [np.ones((y2 - y1, x2 - x1), bool) for x1, y1, x2, y2 in boxes]
    regions = {k: Region(k, box, mask, 1.0) for k, box, mask in zip((1, 2), boxes, masks, strict=True)}
    return Step(0, small_frame, graph, (), regions, ("told",))


@pytest.fixture
def page(step, tmp_path):
    """A page of three steps, with the malicious name as its title too."""
    made = RunPage(EVIL, 3)
    for k in range(3):
        graph = step.graph if k < 2 else replace(step.graph, objects=step.graph.objects[1:], relations=())
        made.add(replace(step, number=k, frame=replace(step.frame, stamp=10**9 * (k + 1)), graph=graph))
    path = tmp_path / "run.html"
    made.write(path)
    return path


def test_names_cannot_break_out_of_the_page(page):
    text = page.read_text()
    assert len(re.findall(r"<script", text)) == len(re.findall(r"</script", text)) == 2
    assert "<img" not in text and "<!--" not in text
    assert data_of(text)["steps"][0]["things"][0]["name"] == f"red {EVIL}"


def test_the_page_asks_nothing_of_a_network(page):
    text = page.read_text()
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:https?:)?//[\w.]+\.[a-z]{2,}", text.replace("// ", ""))
    assert set(re.findall(r'(?:src|href)="([^"]*)"', text)) == {"data:,"}


def test_what_was_measured_is_in_it(page, step):
    run = data_of(page.read_text())
    first = run["steps"][0]
    assert [t["id"] for t in first["things"]] == [1, 2] and first["time"] == 0 and run["steps"][2]["time"] == 2
    assert first["things"][1]["p"] == [0.3, 0.05, 1.2]
    assert first["things"][1]["outline"] == [[[40, 12], [40, 39], [59, 39], [59, 12]]]
    assert first["relations"][0] == {
        "subject": 1, "predicate": "left of", "kind": "viewer", "object": 2, "second": 0, "value": 0.6, "unit": "m",
        "reference": "viewer", "score": 0.9, "source": "geometry",
    }  # fmt: skip
    assert run["colours"]["2"] == "#{:02x}{:02x}{:02x}".format(*color_of(2))
    image = cv2.imdecode(np.frombuffer(base64.b64decode(first["image"].split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == step.frame.color.shape
    depth = np.frombuffer(base64.b64decode(first["depth"]["data"]), "<u2")
    assert depth.size == first["depth"]["columns"] * first["depth"]["rows"]
    assert set(np.unique(depth)) <= set(np.nan_to_num(np.rint(step.frame.depth * 1000)).astype(int).ravel())
    # Camera z forward is the page's x, up is z.
    np.testing.assert_allclose(np.array(first["level"]) @ [0, 0, 1], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(np.array(first["level"]) @ [0, -1, 0], [0, 0, 1], atol=1e-6)


def test_a_single_frame_with_a_pose_shows_its_whole_graph(small_frame):
    frame = replace(small_frame, world_from_camera=np.eye(4), world_frame_id="map")
    nodes = (thing(99, "mug", (0.0, 0.0, 1.0), (4, 4, 20, 20)),)  # of a model: no region has this id
    seen = SceneGraph("map", 1, nodes, (), np.eye(4), np.array([0, 0, 1.0]))

    class One:
        name = "one"
        __len__ = lambda self: 1  # noqa: E731
        __getitem__ = lambda self, index: frame  # noqa: E731

    run = Run(One(), 100, lambda frame, proposals: seen)
    (step,) = run
    assert run.memory is None and step.graph is seen and step.regions[99].box == (4, 4, 20, 20)


def test_recorded_answers_are_shown_with_the_frame_of_their_time(step):
    page = RunPage("run", 2)
    for k in range(2):
        page.add(replace(step, number=k, frame=replace(step.frame, stamp=10**9 * (k + 1))))
    record = {"query": EVIL, "status": "found", "explanation": "only one", "object": {"id": 2, "position": [1, 2, 3.0]}}
    page.heard([(2 * 10**9 + 5, record), (10**9, {"query": "the mug", "status": "not_found", "object": None})])
    first, second = data_of(page.text())["questions"]
    assert (first["question"], first["step"], first["objects"]) == (EVIL, 1, [2])
    assert "at 1.00, 2.00, 3.00 m" in first["answer"]
    assert (second["step"], second["objects"]) == (0, [])


def test_a_hundred_noisy_pictures_stay_below_ten_megabytes(step):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    k = replace(step.frame.intrinsics, width=640, height=480)
    frame = RgbdFrame(noise, np.full((480, 640), 1.5, np.float32), k)
    page = RunPage("noise", 100)
    page.add(replace(step, frame=frame))
    assert len(page.text()) < 45_000 + 100_000


def test_a_run_without_frames_is_refused():
    with pytest.raises(Exception, match="no frame"):
        RunPage("nothing", 0).text()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A page of the first seconds of a simulated path, asked two questions."""
    pytest.importorskip("open3d")
    path = tmp_path_factory.mktemp("run") / "run.html"
    page = RunPage("sim", 5)
    steps = list(islice(Run(open_source("sim:tabletop:1"), 60), 5))
    for step in steps:
        page.add(step)
    page.ask([answer_question(q, steps[-1].graph) for q in ("how many things are there?", "how far is the unicorn?")])
    page.write(path)
    return path, steps


def test_a_run_with_poses_is_remembered(simulated):
    path, steps = simulated
    run = data_of(path.read_text())
    assert run["posed"] and len(run["steps"]) == 5 and steps[-1].number == 4
    confirmed = [{t["id"] for t in s["things"] if t["state"] == "confirmed"} for s in run["steps"]]
    assert len(confirmed[-1]) >= 4 and len(confirmed[-1] & confirmed[3]) >= 3
    seen = [t for t in run["steps"][-1]["things"] if t["outline"]]
    for t in seen:  # the outline of a thing is the region that it was seen as
        x = [p[0] for o in t["outline"] for p in o]
        assert min(x) >= t["box"][0] - 1 and max(x) <= t["box"][2] + 1
    assert run["questions"][0]["objects"] and run["questions"][1]["answer"].startswith("I don't know")


@pytest.fixture(scope="module")
def browser():
    with Chromium() as chromium:
        yield chromium


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_it_opens_without_an_error_at_any_width(browser, simulated, width, dark):
    path, steps = simulated
    browser.said.clear()
    browser.requests.clear()
    browser.open(path, width, 800, dark)
    browser.drawn()
    assert browser.js("document.documentElement.dataset.ready") == "yes"
    assert browser.said == [] and browser.requests == [path.resolve().as_uri()]
    assert browser.js("document.documentElement.scrollWidth") <= width
    assert browser.js("document.querySelectorAll('#things tbody tr').length") == len(steps[-1].things)
    ground = browser.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == dark
    for canvas in ("picture", "map", "space", "presence"):  # something is drawn on each
        browser.js(f"window.shown = document.getElementById('{canvas}')")
        pixels = "shown.getContext('2d').getImageData(0, 0, shown.width, shown.height).data.buffer"
        colours = browser.js(f"new Set(new Uint32Array({pixels})).size")
        assert colours > 1, canvas


@needs_browser
def test_malicious_names_stay_text_in_the_browser(browser, page):
    browser.said.clear()
    browser.open(page)
    browser.drawn()
    assert browser.js("document.title") == EVIL
    assert browser.js("document.querySelector('h1').textContent") == EVIL
    assert browser.js("document.images.length") == 0 and browser.said == []
    browser.key("Home")
    browser.drawn()
    assert EVIL in browser.js("document.querySelector('#things tbody').textContent")


@needs_browser
def test_time_keys_and_pointers_work(browser, page):
    browser.open(page)
    rows = "document.querySelectorAll('#things tbody tr').length"
    assert browser.js("document.getElementById('now').textContent") == "1/3, 0.00 s" and browser.js(rows) == 2
    browser.key("End")
    browser.drawn()
    assert browser.js("document.getElementById('now').textContent") == "3/3, 2.00 s" and browser.js(rows) == 1
    browser.key("ArrowLeft")
    browser.drawn()
    assert browser.js("document.getElementById('slider').value") == "1" and browser.js(rows) == 2

    # The pointer over a thing in the picture lights its row; a click keeps only its relations.
    box = browser.js("(() => { const b = document.getElementById('picture').getBoundingClientRect();"
                     "return [b.left, b.top, b.width / 64, b.height / 48]; })()")  # fmt: skip
    at = (box[0] + 50 * box[2], box[1] + 25 * box[3])
    browser.mouse(*at)
    browser.drawn()
    lit = "[...document.querySelectorAll('#things tr.hot')].map(r => r.ids[0]).join()"
    assert browser.js(lit) == "2"
    browser.mouse(5, 5)
    browser.drawn()
    assert browser.js(lit) == ""
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        browser.mouse(*at, kind)
    browser.drawn()
    assert "of what is chosen" in browser.js("document.getElementById('relations-count').textContent")
    browser.key("Escape")
    browser.drawn()
    assert browser.js("document.getElementById('relations-count').textContent") == "2"

    # The view in space turns by keys.
    pixels = "document.getElementById('space').toDataURL()"
    before = browser.js(f"document.getElementById('space').focus(); {pixels}")
    browser.key("ArrowLeft")
    browser.drawn()
    assert browser.js(pixels) != before and browser.said == []
