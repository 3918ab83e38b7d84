"""A model's scene graph text held against a measured table: what is taken over, what is refused, whose each part is."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_llava_ros.cli.main import main
from spatial_llava_ros.graph import frame_graph
from spatial_llava_ros.graph.said import with_said
from spatial_llava_ros.graph.spacesgg import to_grid, write_graph
from spatial_llava_ros.proposals import propose

from .test_graph import table  # noqa: F401 - a fixture
from .test_locate import table_frame


@pytest.fixture(scope="module")
def seen():
    """(frame, proposals, graph, the red box on the left, the blue one on the right)."""
    frame = table_frame()
    proposals = propose(frame)
    graph = frame_graph(frame, proposals)
    red, blue = sorted((n for n in graph.objects if n.object.position is not None), key=lambda n: n.object.position[0])
    return frame, proposals, graph, red, blue


def box(node_or_box, shape=(240, 320)) -> str:
    pixels = node_or_box if isinstance(node_or_box, tuple) else node_or_box.object.box
    return json.dumps([list(to_grid(pixels, shape))])


def text_of(red, blue, extra: str = "") -> str:
    r, b = box(red), box(blue)
    return (
        f"Layer 1: <ref>tea tin</ref><box>{r}</box>, <ref>carton</ref><box>{b}</box>\n"
        f"The tea tin is <pred>to the left of</pred><box>{r}</box><box>{b}</box> the carton, "
        f"it is <pred>behind</pred><box>{r}</box><box>{b}</box> it and "
        f"<pred>bought with</pred><box>{r}</box><box>{b}</box>.{extra}"
    )


def test_names_and_relations_say_whose_they_are(seen):
    frame, proposals, graph, red, blue = seen
    joined, heard = with_said(graph, text_of(red, blue), frame, proposals)
    named = {n.object.id: n for n in joined.objects}
    assert (named[red.object.id].object.label, named[red.object.id].source) == ("tea tin", "model")
    assert named[red.object.id].object.position is red.object.position  # where it is stays measured
    assert (heard.named, heard.added, heard.well_formed) == (2, 0, True)
    said = {r.predicate: r for r in joined.relations if {r.subject, r.object} == {red.object.id, blue.object.id}}
    left = said.get("left_of") or said["right_of"]
    assert left.source == "both" and abs(left.value) == pytest.approx(0.24, abs=0.02)
    assert said["bought_with"].source == "model" and np.isnan(said["bought_with"].value)
    assert heard.refused == ("tea tin behind carton",) and "behind" not in said
    geometry = [r for r in joined.relations if r.source == "geometry"]
    assert {r.key for r in geometry} <= {r.key for r in graph.relations}


def test_a_name_that_cannot_be_that_small_is_refused_and_an_agreed_one_is_both(seen):
    frame, proposals, graph, red, blue = seen
    text = f"<ref>leather sofa</ref><box>{box(red)}</box> <ref>{blue.object.label}</ref><box>{box(blue)}</box>"
    joined, heard = with_said(graph, text, frame, proposals)
    named = {n.object.id: n for n in joined.objects}
    assert named[red.object.id].source == "geometry" and named[blue.object.id].source == "both"
    assert heard.refused == (f"leather sofa for #{red.object.id}: not of that size",)


def test_a_box_on_no_measured_thing_becomes_one_with_a_place(seen):
    frame, proposals, graph, red, blue = seen
    place = (250.0, 180.0, 300.0, 230.0)  # empty table
    extra = (
        f" <ref>coaster</ref><box>{box(place)}</box> <pred>right of</pred><box>{box(place)}</box><box>{box(blue)}</box>"
    )
    joined, heard = with_said(graph, text_of(red, blue, extra), frame, proposals)
    (new,) = [n for n in joined.objects if n.object.label == "coaster"]
    assert heard.added == 1 and new.source == "model"
    assert new.object.id not in {r.id for r in proposals.regions} and new.object.position is not None
    (said,) = [
        r for r in joined.relations if "coaster" and new.object.id in (r.subject, r.object) and r.source == "both"
    ]
    assert said.predicate in ("left_of", "right_of") and said.value > 0


def test_what_is_written_of_a_graph_is_agreed_with(seen):
    frame, proposals, graph, *_ = seen
    joined, heard = with_said(graph, write_graph(graph, (240, 320)), frame, proposals)
    assert not heard.refused and heard.added == 0
    assert {n.source for n in joined.objects} == {"both"}
    assert {r.key for r in joined.relations} == {r.key for r in graph.relations}
    assert {r.source for r in joined.relations} == {"both"}


_TAGS = ["<ref>", "</ref>", "<box>", "</box>", "<pred>", "</pred>"]
_BOXES = ["[[1, 2, 300, 400]]", "[[0, 0, 999, 999]]", "[[5, 5, 5, 5]]", "[[9e99, 1, 2, 3]]", "[[390, 300, 480, 600]]"]
_piece = st.sampled_from([*_TAGS, *_BOXES, "between", "left of", "mug", "Layer 1:", "\n", "é"])


@settings(max_examples=40, deadline=None)
@given(st.lists(_piece, max_size=40).map("".join))
def test_whatever_a_model_writes_leaves_a_graph(seen, text):
    frame, proposals, graph, *_ = seen
    joined, _ = with_said(graph, text, frame, proposals)
    assert len(joined.objects) >= len(graph.objects)
    ids = {n.object.id for n in joined.objects}
    assert len(ids) == len(joined.objects)
    assert all({r.subject, r.object} <= ids and r.subject != r.object for r in joined.relations)


@pytest.fixture
def server(seen):
    """A chat server whose model writes the graph of the table."""
    _, _, _, red, blue = seen

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            reply = {"choices": [{"message": {"role": "assistant", "content": text_of(red, blue)}}]}
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    asked: list[dict] = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_address[1]}/v1#vlm", asked
    http.shutdown()
    http.server_close()
    thread.join()


def test_the_command_asks_the_model_and_says_what_it_made_of_it(table, server, tmp_path, capsys):  # noqa: F811
    address, asked = server
    page = tmp_path / "run.html"
    arguments = ["graph", str(table), "--model", address, "--family", "asmv2", "--json", "--html", str(page)]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    graph = json.loads(out)
    assert {"tea tin", "carton"} <= {o["label"] for o in graph["objects"]}
    assert {"model"} <= {o["source"] for o in graph["objects"]}
    assert {"both", "model", "geometry"} >= {r["source"] for r in graph["relations"]} >= {"both", "model"}
    assert "2 things named" in err and "refused tea tin behind carton" in err
    assert "scene graph" in asked[0]["messages"][0]["content"][1]["text"]
    assert '"source":"model"' in page.read_text()


def test_a_family_that_writes_no_graphs_is_refused_in_one_line(table, server, capsys):  # noqa: F811
    assert main(["graph", str(table), "--model", server[0], "--family", "llava"]) == 2
    err = capsys.readouterr().err
    assert "writes no scene graphs" in err and "Traceback" not in err
    assert main(["graph", str(table), "--family", "asmv2"]) == 2
    assert "name one with --model" in capsys.readouterr().err
