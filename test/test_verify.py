import numpy as np
import pytest

from spatial_llava_ros.language.expression import NounPhrase, Relation
from spatial_llava_ros.relations import Layout
from spatial_llava_ros.types import Object3D
from spatial_llava_ros.verify import verify


@pytest.fixture
def row():
    """Three 10 cm cubes side by side, 30 cm apart, the first leftmost; layout and objects."""
    centre = np.array([[1.0, 0.3, 0.0], [1.0, 0.0, 0.0], [1.0, -0.3, 0.0]])
    bearing = np.arctan2(centre[:, 1], 1)[:, None] + [0.05, -0.05]
    elevation = np.tile([-0.05, 0.05], (3, 1))
    objects = [Object3D(k, "", 1.0, (0, 0, 1, 1), "camera") for k in (1, 2, 3)]
    return Layout(centre - 0.05, centre + 0.05, bearing, elevation), objects


def relation(predicate, *nouns, negated=False):
    return Relation(predicate, tuple(NounPhrase(noun) for noun in nouns), negated)


def test_says_in_metres_what_holds(row):
    layout, objects = row
    holds, words = verify(0, [(relation("left_of", "laptop"), [1])], objects, layout)
    assert holds > 0.8
    assert words == "left of laptop #2 (by 0.30 m)"


def test_says_what_does_not_hold(row):
    layout, objects = row
    holds, words = verify(0, [(relation("right_of", "laptop"), [1])], objects, layout)
    assert holds < 0.2
    assert words == "right of laptop #2 (by -0.30 m) (doubtful)"
    holds, words = verify(0, [(relation("right_of", "laptop", negated=True), [1])], objects, layout)
    assert holds > 0.8
    assert words.startswith("not right of")


def test_the_worst_relation_counts(row):
    layout, objects = row
    stated = [(relation("between", "mug", "can"), [0, 2]), (relation("behind", "mug"), [0])]
    holds, words = verify(1, stated, objects, layout)
    assert holds < 0.5
    assert "between mug #1 and can #3" in words
    assert "behind mug #1" in words


def test_nothing_stated_is_nothing_to_doubt(row):
    layout, objects = row
    assert verify(0, [], objects, layout) == (1.0, "")
    assert verify(0, [(relation("on", "table"), [])], objects, layout) == (1.0, "")
