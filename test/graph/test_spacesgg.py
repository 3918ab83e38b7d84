import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.graph.spacesgg import from_grid, read_graph, read_text, to_grid, write_graph
from spatial_llava_ros.types import Object3D, Relation, SceneGraph, SceneObject

A, B, C = (1, 2, 30, 40), (50, 60, 70, 80), (5, 5, 9, 9)


def box(*boxes):
    return f"<box>{[list(b) for b in boxes]}</box>"


def test_ref_gives_its_name_to_every_box_after_it():
    said = read_text(f"<ref>mugs</ref>{box(A, B)} and a <ref>table</ref>{box(C)}")
    assert said.labels == {A: "mugs", B: "mugs", C: "table"}
    assert said.well_formed


def test_predicate_takes_its_boxes_in_pairs_and_repeats_one_against_many():
    said = read_text(f"<pred>on</pred>{box(A)}{box(B)}{box(C)}{box(A)} <pred>near</pred>{box(A)}{box(B, C)}")
    assert said.triplets == ((A, "on", B), (C, "on", A), (A, "near", B), (A, "near", C))
    assert said.well_formed
    assert read_text(f"<pred>near</pred>{box(B, C)}{box(A)}").triplets == ((B, "near", A), (C, "near", A))


@pytest.mark.parametrize(
    "text",
    [
        f"<pred>on</pred>{box(A)}",  # odd
        f"<pred>on</pred>{box(A, B)}{box(A, B, C)}",  # unequal
        "<pred>on</pred>",
        "<ref>mug</ref><box>[[1, 2, 3</box>",  # not JSON
        '<ref>mug</ref><box>[["a", 2, 3, 4]]</box>',
        "<ref>mug</ref><box>[[1, 2, 3]]</box>",
        "<ref>mug</ref><box>[[NaN, 2, 3, 4]]</box>",
        "<ref>mug</ref><box>" + "[" * 5000 + "</box>",
    ],
)
def test_what_cannot_be_paired_or_read_is_skipped_and_said(text):
    said = read_text(f"<ref>table</ref>{box(C)} {text} <pred>on</pred>{box(C)}{box(C)}")
    assert not said.well_formed
    assert said.triplets == ((C, "on", C),)
    assert said.labels == {C: "table"}


def test_box_that_nothing_introduced_is_unknown():
    said = read_text(f"<ref>mug</ref>{box(A)} <pred>on</pred>{box(A)}{box(B)}")
    assert said.labels == {A: "mug", B: "Unknown"}


def test_layers_keep_their_order_and_members():
    said = read_text(f"Layer 2: <ref>b</ref>{box(B)}\nLayer 1: <ref>a</ref>{box(A)}, <ref>c</ref>{box(C)}")
    assert said.layers == ((A, C), (B,))


@pytest.mark.parametrize("text", [None, b"bytes", "x" * 1_000_001])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(InvalidInputError):
        read_text(text)


@given(st.text(alphabet="<>/refboxpd[]0129, .Layer:\n", max_size=200))
def test_reading_never_fails(text):
    said = read_text(text)
    assert all(a in said.labels and b in said.labels for a, _, b in said.triplets)


@given(st.integers(1, 4000), st.integers(1, 4000), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_grid_loses_at_most_half_a_step(width, height, shares):
    pixels = np.array(shares) * [width, height, width, height]
    back = from_grid(to_grid(pixels, (height, width)), (height, width))
    assert np.abs(np.array(back) - pixels).max() <= 0.5 * max(width, height) / 999 + 1e-9


@pytest.mark.parametrize(("bad", "shape"), [([0, 0, np.nan, 1], (9, 9)), ([0, 0, 1], (9, 9)), ([0, 0, 1, 1], (0, 9))])
def test_bad_boxes_are_refused(bad, shape):
    with pytest.raises(InvalidInputError):
        to_grid(bad, shape)


LABELS = st.sampled_from(["mug", "box", "flat thing", "<b> odd\nname", ""])


@st.composite
def graphs(draw):
    n = draw(st.integers(0, 6))
    nodes = []
    for number in range(1, n + 1):
        x, y = draw(st.integers(0, 600)), draw(st.integers(0, 440))
        obj = Object3D(number * 7, draw(LABELS), 1.0, (x, y, x + draw(st.integers(0, 40)), y + 9), "camera")
        nodes.append(SceneObject(obj, layer=draw(st.integers(0, 3))))
    ids = [node.object.id for node in nodes]
    relations = []
    if n >= 3:
        for _ in range(draw(st.integers(0, 5))):
            a, b, c = draw(st.permutations(ids))[:3]
            predicate = draw(st.sampled_from(["left_of", "on", "next_to", "between", "bigger_than"]))
            second = c if predicate == "between" else 0
            relations.append(Relation(a, predicate, b, 0.1, "m", "world", 0.9, second))
    return SceneGraph("camera", 0, tuple(nodes), tuple(relations), np.eye(4), np.array([0.0, -1, 0]))


@given(graphs())
def test_written_graph_reads_back_the_same(graph):
    back = read_graph(write_graph(graph, (480, 640)), (480, 640))
    assert len(back.objects) == len(graph.objects)  # twins with one box stay two nodes
    places = sorted(graph.objects, key=lambda node: node.layer)
    number = {old.object.id: new.object.id for old, new in zip(places, back.objects, strict=True)}
    assert [r.key for r in back.relations] == [
        (number[r.subject], r.predicate, number[r.object], number.get(r.second_object, 0)) for r in graph.relations
    ]
    assert [node.layer for node in back.objects if node.layer] == _renumbered([n.layer for n in places if n.layer])


def _renumbered(layers):
    order = sorted(set(layers))
    return [order.index(layer) + 1 for layer in layers]
