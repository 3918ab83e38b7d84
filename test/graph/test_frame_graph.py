import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.evaluation.graph import (
    lifted_things,
    match_map,
    run_memory,
    score_relations,
    shifted,
    shots_along,
    to_map,
    total,
    triplet_recall,
    true_things,
    without,
)
from spatial_llava_ros.graph.frame_graph import frame_graph, relate
from spatial_llava_ros.graph.layers import depth_layers, first_layers
from spatial_llava_ros.graph.spacesgg import read_graph, write_graph
from spatial_llava_ros.graph.statements import INVERSE, judge, layout_in_view
from spatial_llava_ros.sim import SimCamera, camera_path, default_view, look_at, make_scene, render
from spatial_llava_ros.types import CameraIntrinsics, Object3D, RgbdFrame, SceneGraph, SceneObject, graph_as_dict

UP = np.array([0.0, 0.0, 1.0])
VIEWER = look_at(np.array([-2.0, 0.0, 1.2]), np.zeros(3))
SMALL = SimCamera(CameraIntrinsics(320, 240, 307.5, 307.5, 159.5, 119.5))


def box(number, centre, size, label="thing", yaw=0.0, attributes=(), labels=(), source="geometry"):
    turned = np.array([0, 0, np.sin(yaw / 2), np.cos(yaw / 2)])
    obj = Object3D(
        number, label, 1.0, (1, 1, 2, 2), "map", np.array(centre, float), turned, np.array(size, float),
        np.eye(6) * 1e-5, np.full(3, 0.003), np.pi,
    )  # fmt: skip
    return SceneObject(obj, labels, attributes, source=source)


def said(*nodes, previous=None, everything=False):
    layout = layout_in_view([n.object for n in nodes], VIEWER, UP)
    return relate(nodes, layout, previous, everything)


def keys(relations):
    return {(r.subject, r.predicate, r.object) for r in relations}


@pytest.fixture(scope="module")
def shot():
    scene = make_scene("tabletop", 1)
    return render(scene, default_view(scene), SimCamera())


def test_row_is_told_from_neighbour_to_neighbour():
    row = [box(k, (0, 0.3 - 0.3 * k, 0.05), (0.1, 0.1, 0.1 + 0.01 * k)) for k in range(4)]
    sides = {r for r in keys(said(*row)) if r[1] in ("left_of", "right_of")}
    assert {frozenset((a, b)) for a, _, b in sides} == {frozenset((k, k + 1)) for k in range(3)}
    assert len(sides) == 3  # and never both ways round
    assert {(a, p) for a, p, _ in keys(said(*row)) if p == "between"} == {(1, "between"), (2, "between")}


def test_what_lies_on_a_thing_is_told_through_it():
    tray = box(1, (0, 0, 0.02), (0.4, 0.3, 0.04), "tray")
    apple, pear = box(2, (0.05, 0.08, 0.08), (0.08, 0.08, 0.08)), box(3, (0.05, -0.08, 0.08), (0.08, 0.08, 0.08))
    lamp = box(4, (0, 0.6, 0.2), (0.1, 0.1, 0.4))
    spoken = keys(said(tray, apple, pear, lamp))
    assert {(2, "on", 1), (3, "on", 1)} <= spoken
    assert any({a, b} == {2, 3} for a, p, b in spoken if p in ("left_of", "right_of"))
    assert not any({a, b} in ({2, 4}, {3, 4}) for a, _, b in spoken)
    assert not any({a, b} in ({1, 2}, {1, 3}) for a, p, b in spoken if p != "on")


@pytest.mark.parametrize(
    ("label", "centre", "predicate"),
    [
        ("table", (0, 0, 0.1), "under"),  # between its legs
        ("chair", (0, 0, 0.55), "on"),  # on its seat
        ("bin", (0, 0, 0.2), "inside"),
        ("table", (0, 0, 0.9), "on"),
        ("shelf", (0, 0, 1.4), "above"),
    ],
)
def test_what_carries_decides_the_word(label, centre, predicate):
    carrier = box(1, (0, 0, 0.4), (0.6, 0.6, 0.8), label, source="model")
    thing = box(2, centre, (0.2, 0.2, 0.2))
    assert (2, predicate, 1) in keys(said(carrier, thing))


def test_what_shares_the_ground_of_another_thing_is_not_beside_it():
    """Of a bowl on a book both boxes may reach down to the table; nobody says that they stand side by side."""
    book, bowl = box(1, (0, 0.05, 0.02), (0.17, 0.04, 0.04)), box(2, (0.02, 0.05, 0.08), (0.2, 0.2, 0.16))
    mug, jar = box(3, (0, -0.25, 0.05), (0.1, 0.1, 0.1)), box(4, (0, 0.35, 0.05), (0.1, 0.1, 0.1))
    relations = said(book, bowl, mug, jar)
    beside = ("next_to", "near", "far_from", "parallel_to", "aligned_with")
    assert not [r for r in relations if {r.subject, r.object} == {1, 2} and r.predicate in beside]
    assert not [r for r in relations if r.predicate == "between" and {r.subject, r.object, r.second_object} >= {1, 2}]
    assert [r for r in relations if 3 in (r.subject, r.object)] and [r for r in relations if 4 in (r.subject, r.object)]
    askew = box(2, (0.02, 0.12, 0.08), (0.2, 0.1, 0.16), yaw=0.3)  # beside it, though the boxes along the axes overlap
    assert any({r.subject, r.object} == {1, 2} and r.predicate == "next_to" for r in said(book, askew))


def test_round_things_have_no_sides_to_be_aligned():
    carton, mug = box(1, (0, 0, 0.1), (0.2, 0.1, 0.2)), box(2, (0, 0.2, 0.05), (0.12, 0.09, 0.1))
    assert (2, "aligned_with", 1) in keys(said(carton, mug, everything=True))
    mug = replace(mug, attributes=("white", "round thing"))  # its handle gives the box a yaw
    assert not [r for r in said(carton, mug, everything=True) if r.predicate in ("parallel_to", "aligned_with")]


def test_askew_neighbour_is_not_inside():
    """Axis-parallel boxes around two long things at 45 degrees share most of their volume; the things do not touch."""
    long, short = box(1, (0, 0, 0.05), (1.0, 0.05, 0.1), yaw=0.8), box(2, (0.15, -0.15, 0.04), (0.1, 0.1, 0.08))
    assert "inside" not in {p for _, p, _ in keys(said(long, short, everything=True))}


def test_numbers_are_measured_and_positive_as_stated():
    near, far = box(1, (0, 0.3, 0.05), (0.1, 0.1, 0.1)), box(2, (0, 0, 0.15), (0.2, 0.2, 0.3))
    by_key = {(r.subject, r.predicate, r.object): r for r in said(near, far, everything=True)}
    assert by_key[1, "left_of", 2].value == pytest.approx(0.3)
    assert by_key[2, "right_of", 1].value == pytest.approx(0.3)
    assert by_key[2, "taller_than", 1].value == pytest.approx(0.2)
    assert by_key[2, "bigger_than", 1].value == pytest.approx(12)
    assert by_key[1, "smaller_than", 2].value == pytest.approx(12)
    assert by_key[1, "near", 2].value == pytest.approx(0.15)
    assert by_key[1, "left_of", 2].reference == "viewer"
    assert by_key[1, "near", 2].reference == "world"


def test_leaning_and_fixed_things_are_told_by_what_they_touch():
    wall = box(1, (0, 0, 0.5), (0.3, 0.3, 1.0), "cabinet")
    board = box(2, (-0.2, 0, 0.2), (0.1, 0.3, 0.4), attributes=("leaning",))
    picture = box(3, (-0.16, 0, 0.8), (0.02, 0.2, 0.2), attributes=("mounted",))
    assert {(2, "leaning_on", 1), (3, "attached_to", 1)} <= keys(said(wall, board, picture))


def test_dead_band_keeps_what_was_said():
    def pair(y):
        return [box(1, (0.5, y, 0.05), (0.2, 0.2, 0.1)), box(2, (0, 0, 0.1), (0.3, 0.3, 0.2))]

    def graph(nodes, relations):
        return SceneGraph("map", 0, tuple(nodes), tuple(relations), VIEWER, UP)

    # Behind it, moving out to the left and back: the word comes and goes at different places.
    steps = [*np.linspace(0, 1.2, 241), *np.linspace(1.2, 0, 241)]
    before, states = None, []
    for y in steps:
        nodes = pair(y)
        relations = said(*nodes, previous=before)
        before = graph(nodes, relations)
        states.append(any(r.predicate == "left_of" for r in relations))
    comes, goes = steps[states.index(True)], steps[len(states) - 1 - states[::-1].index(True)]
    assert goes < comes - 0.01
    assert sum(a != b for a, b in itertools.pairwise(states)) == 2


@given(st.integers(0, 10_000), st.integers(0, 9))
def test_inverses_agree_and_nothing_relates_to_itself(seed, n):
    rng = np.random.default_rng(seed)
    nodes = [box(k, rng.uniform(-1, 1, 3), rng.uniform(0.02, 0.5, 3), yaw=rng.uniform(0, 6)) for k in range(n)]
    if n:
        nodes[0] = replace(nodes[0], object=replace(nodes[0].object, position=None, orientation=None, size=None))
    layout = layout_in_view([node.object for node in nodes], VIEWER, UP)
    statements = judge(nodes, layout)
    for predicate, scores in statements.scores.items():
        assert scores.shape == (n, n)
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (np.diag(scores) == 0).all()
        if predicate in INVERSE:
            assert np.array_equal(scores, statements.scores[INVERSE[predicate]].T)
    spoken = relate(nodes, layout)
    assert len({r.key for r in spoken}) == len(spoken)
    assert not {(b, INVERSE.get(p), a) for a, p, b in keys(spoken)} & keys(spoken)
    assert keys(spoken) - {k for k in keys(spoken) if k[1] == "between"} <= keys(relate(nodes, layout, None, True))


def test_layers_are_seeds_with_what_covers_them():
    ranges = np.array([[2.0, 2.2], [0.5, 3.0], [1.0, 1.2], [np.nan, np.nan], [2.1, 2.4]])
    assert depth_layers(ranges) == [[2, 1], [0, 1], [4, 1]]
    assert first_layers(depth_layers(ranges), 5) == [2, 1, 1, 0, 3]
    assert depth_layers(np.empty((0, 2))) == []


def test_graph_of_a_frame(shot):
    graph = frame_graph(shot.frame)
    assert graph.frame_id == "map"
    ids = [node.object.id for node in graph.objects]
    assert len(set(ids)) == len(ids)
    content = json.loads(json.dumps(graph_as_dict(graph), allow_nan=False))
    assert {r["subject"] for r in content["relations"]} <= set(ids)
    assert {r["reference"] for r in content["relations"]} <= {"viewer", "object", "world"}
    found = match_map(graph.objects, [o for o in shot.objects if o.pixels > 300 and o.visible_fraction > 0.7])
    assert len(found) >= 0.6 * len([o for o in shot.objects if o.pixels > 300 and o.visible_fraction > 0.7])
    assert len(graph.relations) <= 5 * len(graph.objects)
    back = read_graph(write_graph(graph, shot.frame.depth.shape), shot.frame.depth.shape)
    assert len(back.objects) == len(graph.objects)
    assert len(back.relations) == len(graph.relations)


def test_frame_without_depth_or_things_has_an_empty_graph(small_frame):
    blind = RgbdFrame(
        np.full_like(small_frame.color, 90), np.full_like(small_frame.depth, np.nan), small_frame.intrinsics
    )
    graph = frame_graph(blind)
    assert all(node.object.position is None for node in graph.objects)
    json.dumps(graph_as_dict(graph), allow_nan=False)


def test_relations_of_true_boxes_are_true():
    shots = []
    for layout, seed in (("tabletop", 2), ("shelf", 3), ("room", 4)):
        scene = make_scene(layout, seed)
        shots.append(render(scene, default_view(scene), SMALL))
    assert total(score_relations(shots, "true")).f1 > 0.98
    assert total(score_relations(shots, "lifted")).f1 > 0.93


def test_map_of_a_table_and_what_is_taken_and_moved():
    scene = make_scene("tabletop", 0)
    poses = camera_path(scene, 8)
    shots = list(shots_along(scene, poses, SMALL))
    memory, score = run_memory(shots, "lifted")
    assert score.recall == score.precision == 1
    assert score.switches == 0
    assert np.median(score.errors) < 0.015
    last = shots[-1]
    free = [o for o in last.objects if o.visible_fraction > 0.95 and not _carries(scene, o.id) and o.size[2] > 0.04]
    pairs = {last.objects[j].id: memory.objects()[i].object.id for i, j in match_map(memory.objects(), last.objects)}
    taken, moved, step = next(
        (free[0], item, step)
        for item in free[1:]
        for step in (np.array([x, y, 0.0]) for x in (0, 0.12, -0.12) for y in (0.2, -0.2, 0.1, -0.1))
        if _is_free(item.position + step, item, last.objects)
    )
    after = shifted(without(scene, taken.id), moved.id, step)
    for shot in shots_along(after, poses[-1:-7:-1], SMALL, start_s=1 + 0.2 * len(poses)):
        memory.update(shot.frame, to_map(lifted_things(shot)[0], shot))
    assert pairs[taken.id] not in memory.tracks
    assert np.linalg.norm(memory.tracks[pairs[moved.id]].position - moved.position - step) < 0.05
    assert len(memory.objects()) == len(pairs) - 1


def _is_free(place, item, objects):
    clear = (np.linalg.norm((o.position - place)[:2]) - 0.6 * (o.size[:2].max() + item.size[:2].max()) for o in objects)
    return min(clear) > 0 and abs(place[0]) < 0.3 and abs(place[1]) < 0.45


def _carries(scene, number):
    return any(number in (o.supporter, o.container) for o in scene.objects)


def test_triplet_recall_counts_names_predicates_and_boxes(shot):
    nodes, _, _ = true_things(shot)
    named = {n.object.id: (n.object.label, n.object.box) for n in nodes}
    relations = relate(nodes, layout_in_view([n.object for n in nodes], np.eye(4), np.array([0.0, -1, 0])))
    true = [(*named[r.subject], r.predicate, *named[r.object]) for r in relations]
    assert triplet_recall([(true, true)]).at[100] == 1
    assert triplet_recall([(true[:1], true)]).at[20] == pytest.approx(1 / len(true))
    assert triplet_recall([([], true)]).at[20] == 0
    wrong = [(a, (b[0] + 900, b[1], b[2] + 900, b[3]), p, c, d) for a, b, p, c, d in true]
    assert triplet_recall([(wrong, true)]).at[100] == 0
    assert np.isnan(triplet_recall([]).at[20])
