from __future__ import annotations

import pytest

from spatial_llava_ros.output.wording import KINDS, kind_of_relation, measured, name_of, statement
from spatial_llava_ros.types import Object3D, Relation, SceneObject


@pytest.mark.parametrize(
    ("label", "attributes", "name"),
    [
        ("mug", ("red", "round thing"), "red mug"),
        ("round thing", ("red", "round thing", "tall"), "red round"),
        ("round thing", ("round thing",), "round"),
        ("thing", ("grey",), "grey thing"),
        ("thing", (), "thing"),
        ("red cup", ("red",), "red cup"),
        ("box-shaped thing", ("leaning",), "box-shaped"),
    ],
)
def test_names_are_short_and_never_empty(label, attributes, name):
    assert name_of(SceneObject(Object3D(1, label, 1.0, (0, 0, 1, 1), "map"), attributes=attributes)) == name


def test_relations_read_as_sentences_with_their_number():
    between = Relation(1, "between", 2, -0.001, "m", "world", 1.0, second_object=9)
    assert statement(between, {1: "1 mug", 2: "2 box"}) == "1 mug between 2 box and 9"
    assert measured(between) == "0.00 m"  # not -0.00
    assert measured(Relation(1, "bigger_than", 2, 2.5, "", "world", 1.0)) == "2.50"
    assert measured(Relation(1, "on", 2, float("nan"), "m", "world", 1.0)) == ""
    said = (("on", "world"), ("behind", "viewer"), ("near", "world"))
    kinds = [kind_of_relation(Relation(1, predicate, 2, 0.0, "m", whose, 1.0)) for predicate, whose in said]
    assert tuple(kinds) == KINDS
