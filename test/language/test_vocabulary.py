"""The tables hold together: canonical words only, plurals, colours, and nouns that stand for one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_llava_ros.language import vocabulary
from spatial_llava_ros.language.lexicon import known_words, tables
from spatial_llava_ros.language.spelling import correct, distance


def test_nouns_lead_to_canonical_nouns():
    canonical = {noun for noun, _ in vocabulary.NOUNS.values()}
    assert canonical - {"thing"} == set(vocabulary.KINDS)
    assert len(canonical) > 400
    for noun in vocabulary.KINDS:
        assert vocabulary.NOUNS[noun][0] == noun
    assert {kind for kinds in vocabulary._HYPERNYMS.values() for kind in kinds} <= set(vocabulary.KINDS.values())
    for nouns in (set(vocabulary._HYPERNYMS), vocabulary.SURFACES, vocabulary.HOLLOW, *vocabulary._SIMILAR_SETS):
        assert nouns <= set(vocabulary.KINDS)


@pytest.mark.parametrize(
    ("one", "many"),
    [("mug", "mugs"), ("box", "boxes"), ("knife", "knives"), ("bookshelf", "bookshelves"), ("battery", "batteries"),
     ("toy", "toys"), ("tomato", "tomatoes"), ("scissors", "scissors"), ("wine glass", "wine glasses"), ("y", "ys")],
)  # fmt: skip
def test_plural(one, many):
    assert vocabulary.plural(one) == many


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [("cup", "mug", True), ("table", "desk", True), ("box", "carton", True), ("thing", "sofa", True),
     ("fruit", "apple", True),
     ("tool", "drill", True), ("toy", "drill", False),
     ("mug", "sofa", False), ("bottle", "box", False), ("gizmo", "gizmo", True), ("gizmo", "mug", False)],
)  # fmt: skip
def test_similar(a, b, answer):
    assert vocabulary.similar(a, b) == vocabulary.similar(b, a) == answer


def test_every_colour_but_the_mixed_has_a_basic_one():
    for kind, value in vocabulary.ATTRIBUTES.values():
        if kind == "color":
            assert vocabulary.basic_color(value) in vocabulary.BASIC_COLORS
            assert vocabulary.basic_color(f"dark {value}") == vocabulary.basic_color(value)
    assert vocabulary.basic_color("mug") == ""


def test_no_phrase_has_two_predicates():
    for words, (terminal, value) in tables()[0].items():
        assert words and all(words) and terminal.isupper(), (words, value)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("botle", "bottle"), ("yelow", "yellow"), ("tabel", "table"), ("cahir", "chair"), ("keybaord", "keyboard"),
     ("behnd", "behind"), ("laptp", "laptop"), ("wite", "white"), ("blak", "black"), ("purpel", "purple"),
     ("screwdrivr", "screwdriver"), ("refridgerator", "refrigerator"), ("scisors", "scissors"), ("rigth", "right"),
     ("gizmo", None), ("boot", None), ("wipes", None), ("stored", None), ("qzxv", None), ("кружка", None)],
)  # fmt: skip
def test_correct(slip, meant):
    assert correct(slip) == meant


def test_no_known_word_is_corrected():
    assert [word for word in known_words() if correct(word)] == []


letters = st.text(alphabet="abcd", max_size=7)


@given(letters, letters)
def test_distance(a, b):
    exact = distance(a, b, 99)
    assert exact == distance(b, a, 99)
    assert (exact == 0) == (a == b)
    assert abs(len(a) - len(b)) <= exact <= max(len(a), len(b))
    assert (distance(a, b, 2) <= 2) == (exact <= 2)
    if len(a) > 1 and a[0] != a[1]:
        assert distance(a, a[1] + a[0] + a[2:], 9) == 1
