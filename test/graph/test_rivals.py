"""What one place may be taken for: the memory follows every claim and settles on the one that most looks agree on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial_llava_ros.graph.candidates import Candidates
from spatial_llava_ros.graph.memory import SceneMemory

from .world import Thing, eye, see

WHOLE = Thing(0.0, 0.0, (0.3, 0.3, 0.4), hue=1)
OTHER = Thing(0.0, 0.36, (0.3, 0.3, 0.4), hue=2)
PART = ((0.0, 0.0, 0.1), (0.3, 0.3, 0.2))  # centre, size: the lower half
GROUP = ((0.0, 0.18, 0.2), (0.3, 0.66, 0.4))


def claim(node, score, place=None):
    obj = replace(node.object, score=score)
    if place is not None:
        obj = replace(obj, position=np.array(place[0]), size=np.array(place[1]))
    return replace(node, object=obj)


def look(memory, things, k, claims, overlap):
    """The k-th frame; `claims` makes the candidates of the sightings."""
    frame, nodes = see(things, eye(0.06 * k - 0.6), 1 + k / 5, seed=k)
    nodes = claims(nodes)
    memory.update(frame, Candidates(tuple(nodes), np.array(overlap(len(nodes)), float), np.ones(len(nodes), bool)))


def same_pixels(n):
    return np.ones((n, n))


def test_fragment_that_some_views_show_loses_to_the_whole_that_all_show():
    memory = SceneMemory()
    for k in range(20):
        look(
            memory, {1: WHOLE}, k,
            lambda nodes, k=k: [claim(nodes[0], 0.5), *([claim(nodes[0], 0.6, PART)] if k % 3 == 0 else [])],
            same_pixels,
        )  # fmt: skip
    (node,) = memory.objects()
    assert np.allclose(node.object.size, WHOLE.size, atol=0.02)


def test_group_loses_to_its_members():
    apart = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1]])
    memory = SceneMemory()
    for k in range(15):
        look(
            memory, {1: WHOLE, 2: OTHER}, k,
            lambda nodes: [claim(nodes[0], 0.5), claim(nodes[1], 0.5), claim(nodes[0], 0.35, GROUP)],
            lambda n: apart[:n, :n],
        )  # fmt: skip
    assert sorted(round(float(n.object.position[1]), 1) for n in memory.objects()) == [0.0, 0.4]


@pytest.mark.parametrize(("hue", "objects"), [(5, 2), (1, 1)])
def test_what_lies_in_a_bowl_is_no_part_of_it_but_the_foot_of_a_bear_is(hue, objects):
    content = ((0.0, 0.0, 0.25), (0.08, 0.08, 0.08))
    colours = np.full(11, 0.02)
    colours[hue] = 0.8
    memory = SceneMemory()
    for k in range(15):
        look(
            memory, {1: WHOLE}, k,
            lambda n: [claim(n[0], 0.5), replace(claim(n[0], 0.4, content), colours=colours)],
            same_pixels,
        )  # fmt: skip
    assert len(memory.objects()) == objects


def test_whole_goes_on_under_the_id_of_the_part_it_was_taken_for():
    memory = SceneMemory()
    for k in range(8):
        look(memory, {1: WHOLE}, k, lambda n: [claim(n[0], 0.3, PART)], same_pixels)
    (part,) = memory.objects()
    for k in range(8, 30):
        look(memory, {1: WHOLE}, k, lambda n: [claim(n[0], 0.8), claim(n[0], 0.3, PART)], same_pixels)
    (whole,) = memory.objects()
    assert whole.object.id == part.object.id
    assert np.allclose(whole.object.size, WHOLE.size, atol=0.02)


def test_what_a_person_named_is_not_argued_away():
    memory = SceneMemory()
    for k in range(8):
        look(memory, {1: WHOLE}, k, lambda n: [claim(n[0], 0.3, PART)], same_pixels)
    (part,) = memory.objects()
    memory.relabel(part.object.id, "drawer")
    for k in range(8, 30):
        look(memory, {1: WHOLE}, k, lambda n: [claim(n[0], 0.8), claim(n[0], 0.3, PART)], same_pixels)
    assert memory.objects("drawer")[0].object.id == part.object.id


@pytest.mark.parametrize("score", [0.05, 0.12])
def test_what_is_hardly_believed_is_never_relied_on(score):
    memory = SceneMemory()
    for k in range(20):
        look(memory, {1: WHOLE}, k, lambda n: [claim(n[0], score)], same_pixels)
    assert memory.objects() == []
